// SPDX-License-Identifier: Apache-2.0
#include "backends/onednn/onednn_kernel.h"

/* The slope's shape with the rank of src. */
static struct shape align_slope(const struct shape *src, const struct shape *slope,
                                bool channel_slope)
{
    struct shape aligned = {.rank = src->rank};
    for (int i = 0; i < src->rank; i++)
        aligned.dims[i] = 1;
    if (channel_slope && slope->rank == 1) {
        aligned.dims[src->rank > 1 ? 1 : 0] = slope->dims[0];
        return aligned;
    }
    for (int i = 0; i < slope->rank; i++)
        aligned.dims[src->rank - slope->rank + i] = slope->dims[i];
    return aligned;
}

cop_status cop_onednn_prelu(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    const struct prelu_attrs *attrs = request->attrs;
    const struct shape *shape = &request->src[0].shape;
    struct tensor_desc src, slope;
    if (shape->rank == 0)
        return cop_onednn_lacks(build, "PRelu of a scalar");
    const struct shape aligned = align_slope(shape, &request->src[1].shape, attrs->channel_slope);
    COP_TRY(cop_onednn_src_desc(build, 0, &src));
    COP_TRY(cop_onednn_plain_desc(build, &aligned, &slope));
    ONEDNN_TRY(build, cop_onednn_pd_prelu(&build->pd, &build->env, &src, &slope));
    COP_TRY(cop_onednn_bind_src(build, 0, DNNL_ARG_SRC, &src));
    COP_TRY(cop_onednn_bind_src(build, 1, DNNL_ARG_WEIGHTS, &slope));
    return cop_onednn_bind_dst(build, 0, DNNL_ARG_DST, &src);
}
