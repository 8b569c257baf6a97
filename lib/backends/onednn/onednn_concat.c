// SPDX-License-Identifier: Apache-2.0
#include "backends/onednn/onednn_kernel.h"
#include "base/alloc.h"
#include "base/error.h"

/* The source with most elements whose producer left it in a format of its own; −1: none. */
static int find_pattern(const struct kernel_request *request)
{
    int64_t most = 0;
    int found = -1;
    for (int i = 0; i < request->src_count; i++) {
        const struct kernel_tensor *src = &request->src[i];
        const int64_t elements = cop_shape_product(&src->shape, 0, src->shape.rank);
        if (src->layout != NULL && elements > most) {
            most = elements;
            found = i;
        }
    }
    return found;
}

/* All sources and the result in one order of dimensions. */
static cop_status describe_tensors(struct onednn_build *build, struct tensor_desc *src,
                                   struct tensor_desc *dst)
{
    const struct kernel_request *request = build->request;
    const int pattern_index = find_pattern(request);
    struct tensor_desc pattern;
    if (pattern_index >= 0)
        COP_TRY(cop_onednn_src_desc(build, pattern_index, &pattern));
    else
        COP_TRY(cop_onednn_plain_desc(build, &request->dst[0].shape, &pattern));
    for (int i = 0; i < request->src_count; i++)
        ONEDNN_TRY(build, cop_onednn_desc_like(&src[i], &pattern, request->src[i].shape.dims));
    ONEDNN_TRY(build, cop_onednn_desc_like(dst, &pattern, request->dst[0].shape.dims));
    return COP_STATUS_OK;
}

static cop_status join(struct onednn_build *build, struct tensor_desc *src)
{
    const struct kernel_request *request = build->request;
    const struct concat_attrs *attrs = request->attrs;
    struct tensor_desc dst;
    int axis;
    if (!cop_axis_normalize(attrs->axis, request->dst[0].shape.rank, &axis))
        return cop_onednn_lacks(build, "this axis");
    COP_TRY(describe_tensors(build, src, &dst));
    ONEDNN_TRY(build,
               cop_onednn_pd_concat(&build->pd, &build->env, request->src_count, src, axis, &dst));
    for (int i = 0; i < request->src_count; i++)
        COP_TRY(cop_onednn_bind_src(build, i, DNNL_ARG_MULTIPLE_SRC + i, &src[i]));
    return cop_onednn_bind_dst(build, 0, DNNL_ARG_DST, &dst);
}

cop_status cop_onednn_concat(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    for (int i = 0; i < request->src_count; i++)
        if (!request->src[i].is_present)
            return cop_onednn_lacks(build, "an absent source");
    struct tensor_desc *src = cop_alloc((size_t)request->src_count, sizeof *src);
    if (src == NULL)
        return cop_fail_memory(build->error, request->name,
                               (size_t)request->src_count * sizeof *src);
    const cop_status status = join(build, src);
    cop_free(src);
    return status;
}
