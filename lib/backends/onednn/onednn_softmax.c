// SPDX-License-Identifier: Apache-2.0
#include "backends/onednn/onednn_kernel.h"

cop_status cop_onednn_softmax(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    const struct softmax_attrs *attrs = request->attrs;
    struct shape shape = request->src[0].shape;
    struct tensor_desc src;
    int axis;
    if (attrs->temperature != 0.0f && attrs->temperature != 1.0f)
        return cop_onednn_lacks(build, "softmax with a temperature");
    if (shape.rank == 0 || !cop_axis_normalize(attrs->axis, shape.rank, &axis))
        return cop_onednn_lacks(build, "softmax of a scalar");
    if (attrs->coerce_2d) {
        const int64_t rows = cop_shape_product(&shape, 0, axis);
        const int64_t columns = cop_shape_product(&shape, axis, shape.rank);
        shape = cop_shape_of(2, (const int64_t[]){rows, columns});
        axis = 1;
        COP_TRY(cop_onednn_plain_desc(build, &shape, &src));
    } else {
        COP_TRY(cop_onednn_src_desc(build, 0, &src));
    }
    ONEDNN_TRY(build,
               cop_onednn_pd_softmax(&build->pd, &build->env, attrs->is_log, &src, &src, axis));
    COP_TRY(cop_onednn_bind_src(build, 0, DNNL_ARG_SRC, &src));
    COP_TRY(cop_onednn_bind_dst(build, 0, DNNL_ARG_DST, &src));
    cop_onednn_allow_in_place(build, 0);
    return COP_STATUS_OK;
}
