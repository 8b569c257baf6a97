// SPDX-License-Identifier: Apache-2.0
/* Reductions. Means and maxima over all spatial dimensions are poolings, which run much faster. */
#include "backends/onednn/onednn_kernel.h"
#include "ir/ops/alignment.h"

static cop_status find_axes(const struct onednn_build *build, bool reduced[COP_MAX_RANK])
{
    const struct kernel_request *request = build->request;
    const struct kernel_tensor *axes = &request->src[1];
    const int rank = request->src[0].shape.rank;
    if (!cop_onednn_has_src(build, 1))
        return cop_reduce_axes(request->attrs, NULL, 0, rank, reduced, build->error);
    if (axes->value == NULL || axes->dtype != COP_DTYPE_INT64)
        return cop_onednn_lacks(build, "axes that are not known");
    return cop_reduce_axes(request->attrs, axes->value,
                           cop_shape_product(&axes->shape, 0, axes->shape.rank), rank, reduced,
                           build->error);
}

/* Whether all spatial dimensions, and only they, are reduced. */
static bool is_plane(const struct shape *shape, const bool *reduced)
{
    bool is_spatial = shape->rank >= 3 && shape->rank <= 2 + COP_MAX_SPATIAL;
    for (int i = 0; i < shape->rank; i++)
        is_spatial &= reduced[i] == (i >= 2);
    return is_spatial;
}

static bool find_algorithm(enum reduce_alg alg, dnnl_alg_kind_t *found)
{
    switch (alg) {
    case REDUCE_MEAN:
        *found = dnnl_reduction_mean;
        return true;
    case REDUCE_SUM:
        *found = dnnl_reduction_sum;
        return true;
    case REDUCE_MAX:
        *found = dnnl_reduction_max;
        return true;
    case REDUCE_MIN:
        *found = dnnl_reduction_min;
        return true;
    case REDUCE_PROD:
        *found = dnnl_reduction_mul;
        return true;
    }
    return false;
}

/* One window over the plane. */
static cop_status describe_pooling(struct onednn_build *build, enum reduce_alg alg,
                                   const struct tensor_desc *src, const struct tensor_desc *dst)
{
    const struct shape *shape = &build->request->src[0].shape;
    struct window window = {.pads_begin = {0}};
    for (int i = 0; i + 2 < shape->rank; i++) {
        window.kernel[i] = shape->dims[i + 2];
        window.strides[i] = 1;
    }
    ONEDNN_TRY(build, cop_onednn_pd_pooling(&build->pd, &build->env,
                                            alg == REDUCE_MAX ? dnnl_pooling_max
                                                              : dnnl_pooling_avg_exclude_padding,
                                            src, dst, &window));
    return COP_STATUS_OK;
}

static cop_status describe_reduction(struct onednn_build *build, enum reduce_alg alg,
                                     const struct tensor_desc *src, const struct tensor_desc *dst)
{
    dnnl_alg_kind_t found;
    if (!find_algorithm(alg, &found))
        return cop_onednn_lacks(build, "this reduction");
    ONEDNN_TRY(build, cop_onednn_pd_reduction(&build->pd, &build->env, found, src, dst));
    return COP_STATUS_OK;
}

cop_status cop_onednn_reduce(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    const struct reduce_attrs *attrs = request->attrs;
    const struct shape *shape = &request->src[0].shape;
    struct tensor_desc src, dst;
    bool reduced[COP_MAX_RANK];
    if (request->src[0].dtype != COP_DTYPE_FLOAT32)
        return cop_onednn_lacks(build, "an element type other than float32");
    if (shape->rank == 0)
        return cop_onednn_lacks(build, "reduction of a scalar");
    COP_TRY(find_axes(build, reduced));
    struct shape kept = *shape;
    for (int i = 0; i < shape->rank; i++)
        if (reduced[i])
            kept.dims[i] = 1;
    if (cop_shape_equal(&kept, shape))
        return cop_onednn_lacks(build, "a reduction over nothing");
    COP_TRY(cop_onednn_src_desc(build, 0, &src));
    const bool is_pooling =
        is_plane(shape, reduced) && (attrs->alg == REDUCE_MEAN || attrs->alg == REDUCE_MAX);
    if (is_pooling) {
        /* Free, as fast poolings want dst formatted like src: mostly plain, with planes of 1x1. */
        COP_TRY(cop_onednn_any_desc(build, &kept, &dst));
        COP_TRY(describe_pooling(build, attrs->alg, &src, &dst));
        cop_onednn_pd_desc(build->pd, dnnl_query_dst_md, 0, &dst);
    } else {
        COP_TRY(cop_onednn_plain_desc(build, &kept, &dst));
        COP_TRY(describe_reduction(build, attrs->alg, &src, &dst));
    }
    if (cop_onednn_has_src(build, 1))
        build->kernel->base.unread_srcs |= UINT32_C(1) << 1;
    COP_TRY(cop_onednn_bind_src(build, 0, DNNL_ARG_SRC, &src));
    return cop_onednn_bind_dst(build, 0, DNNL_ARG_DST, &dst);
}
