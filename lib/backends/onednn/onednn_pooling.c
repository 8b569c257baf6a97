// SPDX-License-Identifier: Apache-2.0
#include "backends/onednn/onednn_kernel.h"
#include "backends/onednn/onednn_window.h"

/* Whether windows reach beyond src and its pads, where averages count only what lies inside. */
static bool hangs_over(const struct window_geometry *geometry, const struct window *window)
{
    for (int i = 0; i < geometry->rank; i++)
        if (window->pads_end[i] > geometry->pads_end[i])
            return true;
    return false;
}

/* Whether some window, the first or the last of a dimension, lies in padding altogether. */
static bool has_empty_window(const struct window_geometry *geometry, const struct window *window)
{
    for (int i = 0; i < geometry->rank; i++) {
        const int64_t extent = (geometry->kernel[i] - 1) * geometry->dilations[i] + 1;
        if (window->pads_begin[i] >= extent || window->pads_end[i] >= extent)
            return true;
    }
    return false;
}

static cop_status choose_algorithm(const struct onednn_build *build,
                                   const struct window_geometry *geometry,
                                   const struct window *window, dnnl_alg_kind_t *alg)
{
    const struct pooling_attrs *attrs = build->request->attrs;
    if (has_empty_window(geometry, window))
        return cop_onednn_lacks(build, "windows that hold padding alone");
    if (attrs->alg == POOLING_MAX) {
        *alg = dnnl_pooling_max;
        return COP_STATUS_OK;
    }
    if (attrs->alg != POOLING_AVERAGE)
        return cop_onednn_lacks(build, "sum and Lp pooling");
    *alg = attrs->count_include_pad ? dnnl_pooling_avg_include_padding
                                    : dnnl_pooling_avg_exclude_padding;
    return attrs->count_include_pad && hangs_over(geometry, window)
               ? cop_onednn_lacks(build, "averages over windows that hang over the padded end")
               : COP_STATUS_OK;
}

cop_status cop_onednn_pooling(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    struct window_geometry geometry;
    struct window window;
    struct tensor_desc src, dst;
    dnnl_alg_kind_t alg;
    if (request->dst_count > 1 && request->dst[1].is_present)
        return cop_onednn_lacks(build, "indices of the maxima");
    COP_TRY(cop_window_pooling(request->attrs, &request->src[0].shape, &geometry, build->error));
    cop_onednn_window(&geometry, &window);
    for (int i = 0; i < geometry.rank; i++)
        if (window.dilations[i] != 0)
            return cop_onednn_lacks(build, "dilated windows, at speed");
    COP_TRY(choose_algorithm(build, &geometry, &window, &alg));
    COP_TRY(cop_onednn_src_desc(build, 0, &src));
    COP_TRY(cop_onednn_any_desc(build, &request->dst[0].shape, &dst));
    ONEDNN_TRY(build, cop_onednn_pd_pooling(&build->pd, &build->env, alg, &src, &dst, &window));
    COP_TRY(cop_onednn_bind_src(build, 0, DNNL_ARG_SRC, &src));
    return cop_onednn_bind_dst_as(build, 0, DNNL_ARG_DST, dnnl_query_dst_md);
}
