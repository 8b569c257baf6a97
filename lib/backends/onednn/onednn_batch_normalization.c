// SPDX-License-Identifier: Apache-2.0
/* Batch normalization with stored statistics, where no pass could fold it. */
#include "backends/onednn/onednn_kernel.h"

enum { SRC, SCALE, SHIFT, MEAN, VARIANCE };

static cop_status bind_vector(struct onednn_build *build, int index, int role)
{
    struct tensor_desc desc;
    COP_TRY(cop_onednn_plain_desc(build, &build->request->src[index].shape, &desc));
    return cop_onednn_bind_src(build, index, role, &desc);
}

cop_status cop_onednn_batch_normalization(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    const struct batch_normalization_attrs *attrs = request->attrs;
    const struct shape *shape = &request->src[SRC].shape;
    struct tensor_desc src;
    int axis;
    if (shape->rank < 2 || !cop_axis_normalize(attrs->axis, shape->rank, &axis) || axis != 1)
        return cop_onednn_lacks(build, "normalization along an axis other than 1");
    COP_TRY(cop_onednn_src_desc(build, SRC, &src));
    const unsigned flags = dnnl_use_global_stats | dnnl_use_shift |
                           (attrs->unit_scale ? 0U : (unsigned)dnnl_use_scale);
    ONEDNN_TRY(build, cop_onednn_pd_batch_normalization(&build->pd, &build->env, &src,
                                                        (float)attrs->epsilon, flags));
    COP_TRY(cop_onednn_bind_src(build, SRC, DNNL_ARG_SRC, &src));
    if (attrs->unit_scale)
        build->kernel->base.unread_srcs |= UINT32_C(1) << SCALE;
    else
        COP_TRY(bind_vector(build, SCALE, DNNL_ARG_SCALE));
    COP_TRY(bind_vector(build, SHIFT, DNNL_ARG_SHIFT));
    COP_TRY(bind_vector(build, MEAN, DNNL_ARG_MEAN));
    COP_TRY(bind_vector(build, VARIANCE, DNNL_ARG_VARIANCE));
    COP_TRY(cop_onednn_bind_dst(build, 0, DNNL_ARG_DST, &src));
    cop_onednn_allow_in_place(build, SRC);
    return COP_STATUS_OK;
}
