// SPDX-License-Identifier: Apache-2.0
/*
 * Convolution. The library chooses formats unless that would put reorders where none are needed:
 * the producer's format, and weights that are packed already, are taken where the same
 * implementation runs on them.
 *
 * Winograd's algorithm is never oneDNN's own choice. Measured inside networks on one core of a Zen
 * 5 with AVX-512, it is 1.3 (14 pixels) to 2 times (56 pixels) as fast as the direct one for the
 * convolutions that suits_winograd names, reorders around it included. Its weights take 1.8 (2x3)
 * or 4 (4x3) times the bytes and 0.1 to 0.25 µs a kernel to transform.
 * Source: A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, 2015.
 */
#include <string.h>

#include "backends/onednn/onednn_kernel.h"
#include "backends/onednn/onednn_window.h"

struct convolution {
    struct window window;
    struct tensor_desc src_any, src_given;         /* free, and as the producer has it */
    struct tensor_desc weights_any, weights_given; /* free, and as packed already */
    bool has_given_weights;
    bool is_given_private; /* in a format of one implementation, such as transformed weights */
    bool has_bias;
    struct tensor_desc bias, dst;
    dnnl_alg_kind_t alg;
};

/* Grouped weights have a leading dimension of their own: [g, oc/g, ic/g, kernel…]. */
static struct shape split_groups(const struct shape *weights, int64_t groups)
{
    if (groups <= 1 || weights->rank + 1 > COP_MAX_RANK)
        return *weights;
    struct shape split = {.rank = weights->rank + 1, .dims = {groups, weights->dims[0] / groups}};
    for (int i = 1; i < weights->rank; i++)
        split.dims[i + 1] = weights->dims[i];
    return split;
}

/* Before AVX2 some kernels crash where a bias is aligned to its elements only, as callers' may be.
 */
static cop_status check_bias(const struct onednn_build *build, bool has_bias)
{
    const bool is_aligned = !has_bias || build->request->src[2].is_weight;
    const bool has_avx2 = (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2;
    return is_aligned || has_avx2
               ? COP_STATUS_OK
               : cop_onednn_lacks(build, "a bias of any alignment on this processor");
}

static cop_status describe_tensors(const struct onednn_build *build, struct convolution *conv)
{
    const struct kernel_request *request = build->request;
    const struct convolution_attrs *attrs = request->attrs;
    const struct kernel_tensor *weights = &request->src[1];
    const struct shape split = split_groups(&weights->shape, attrs->groups);
    struct blocking packed = {.is_blocked = false};

    COP_TRY(cop_onednn_any_desc(build, &request->src[0].shape, &conv->src_any));
    COP_TRY(cop_onednn_src_desc(build, 0, &conv->src_given));
    COP_TRY(cop_onednn_any_desc(build, &split, &conv->weights_any));
    COP_TRY(cop_onednn_any_desc(build, &request->dst[0].shape, &conv->dst));
    if (weights->layout != NULL && weights->layout->backend == cop_onednn_backend) {
        conv->weights_given = *cop_onednn_layout_desc(weights->layout);
        cop_onednn_desc_blocking(&conv->weights_given, &packed);
        conv->is_given_private = !packed.is_blocked;
        conv->has_given_weights =
            packed.rank == split.rank &&
            memcmp(packed.dims, split.dims, sizeof *packed.dims * (size_t)packed.rank) == 0;
    }
    conv->has_bias = cop_onednn_has_src(build, 2);
    if (conv->has_bias)
        COP_TRY(cop_onednn_plain_desc(build, &request->src[2].shape, &conv->bias));
    return check_bias(build, conv->has_bias);
}

static dnnl_status_t try_pd(const struct onednn_build *build, const struct convolution *conv,
                            const struct tensor_desc *src, const struct tensor_desc *weights,
                            dnnl_primitive_desc_t *pd)
{
    return cop_onednn_pd_convolution(pd, &build->env, conv->alg, src, weights,
                                     conv->has_bias ? &conv->bias : NULL, &conv->dst,
                                     &conv->window);
}

/* Takes the source as its producer leaves it, if the same implementation does. */
static cop_status prefer_given_src(struct onednn_build *build, const struct convolution *conv,
                                   struct tensor_desc *src)
{
    dnnl_primitive_desc_t pd = NULL;
    cop_onednn_pd_desc(build->pd, dnnl_query_src_md, 0, src);
    if (cop_onednn_desc_equal(src, &conv->src_given))
        return COP_STATUS_OK;
    const dnnl_status_t status = try_pd(build, conv, &conv->src_given, &conv->weights_any, &pd);
    if (status == dnnl_out_of_memory)
        ONEDNN_TRY(build, status);
    if (cop_onednn_take_if_same(build, pd))
        *src = conv->src_given;
    return COP_STATUS_OK;
}

/* The same for weights that are packed already. */
static cop_status prefer_given_weights(struct onednn_build *build, const struct convolution *conv,
                                       const struct tensor_desc *src)
{
    dnnl_primitive_desc_t pd = NULL;
    if (!conv->has_given_weights)
        return COP_STATUS_OK;
    const dnnl_status_t status = try_pd(build, conv, src, &conv->weights_given, &pd);
    if (status == dnnl_out_of_memory)
        ONEDNN_TRY(build, status);
    cop_onednn_take_if_same(build, pd);
    return COP_STATUS_OK;
}

/* Narrow ones gain nothing, and channels that do not fill blocks lose. */
static bool has_wide_blocks(int64_t channels)
{
    return channels >= 32 && channels % 16 == 0;
}

/*
 * What a run gains for each transformed kernel grows with the pixels. From 28 x 28 on, 1 to 8 runs
 * earn what the transformation took; smaller ones wait for those who asked for fast runs, down to
 * where reading the larger weights takes the gain.
 */
static bool suits_winograd(const struct kernel_request *request,
                           const struct window_geometry *geometry)
{
    const struct convolution_attrs *attrs = request->attrs;
    const int64_t oc = request->src[1].shape.dims[0], ic = request->src[1].shape.dims[1];
    const int64_t least = request->fast_run ? 8 : 28;
    if (!request->src[1].is_weight || attrs->groups > 1 || geometry->rank != 2 ||
        !has_wide_blocks(ic) || !has_wide_blocks(oc))
        return false;
    for (int i = 0; i < 2; i++)
        if (geometry->kernel[i] != 3 || geometry->strides[i] != 1 || geometry->dilations[i] != 1 ||
            geometry->dst[i] < least)
            return false;
    return true;
}

/* Some implementations keep the whole transformed image; a context must not become huge for that.
 */
#define MOST_WINOGRAD_SCRATCH ((size_t)64 << 20)

static bool has_small_scratch(const_dnnl_primitive_desc_t pd)
{
    struct tensor_desc scratch;
    cop_onednn_pd_desc(pd, dnnl_query_scratchpad_md, 0, &scratch);
    return cop_onednn_desc_bytes(&scratch) <= MOST_WINOGRAD_SCRATCH;
}

/* UNSUPPORTED without a message: oneDNN has none that fits. */
static cop_status try_winograd(struct onednn_build *build, struct convolution *conv,
                               const struct tensor_desc *weights)
{
    conv->alg = dnnl_convolution_winograd;
    const dnnl_status_t status = try_pd(build, conv, &conv->src_any, weights, &build->pd);
    if (status == dnnl_success && has_small_scratch(build->pd))
        return COP_STATUS_OK;
    dnnl_primitive_desc_destroy(build->pd);
    build->pd = NULL;
    if (status == dnnl_out_of_memory)
        ONEDNN_TRY(build, status);
    return COP_STATUS_UNSUPPORTED;
}

/*
 * Weights that are packed already decide the algorithm, so that shapes share them. Where a
 * transformation does not serve this shape, another one would cost more bytes than the plain
 * weights: only fast runs are worth that.
 */
static cop_status choose_implementation(struct onednn_build *build, struct convolution *conv,
                                        const struct window_geometry *geometry)
{
    const bool is_suited = suits_winograd(build->request, geometry);
    cop_status status = COP_STATUS_UNSUPPORTED;
    if (conv->has_given_weights && conv->is_given_private)
        status = try_winograd(build, conv, &conv->weights_given);
    if (status == COP_STATUS_UNSUPPORTED && is_suited &&
        (!conv->has_given_weights || (conv->is_given_private && build->request->fast_run)))
        status = try_winograd(build, conv, &conv->weights_any);
    if (status != COP_STATUS_UNSUPPORTED)
        return status;
    conv->alg = dnnl_convolution_direct;
    ONEDNN_TRY(build, try_pd(build, conv, &conv->src_any, &conv->weights_any, &build->pd));
    return COP_STATUS_OK;
}

/* Whether some place of the result has only padding under the whole kernel. */
static bool has_empty_windows(const struct window_geometry *geometry)
{
    for (int i = 0; i < geometry->rank; i++) {
        const int64_t span = (geometry->kernel[i] - 1) * geometry->dilations[i] + 1;
        const int64_t last =
            (geometry->dst[i] - 1) * geometry->strides[i] - geometry->pads_begin[i];
        if (geometry->pads_begin[i] >= span || last >= geometry->src[i] ||
            geometry->dilations[i] > geometry->src[i]) /* which fits between two elements */
            return true;
    }
    return false;
}

cop_status cop_onednn_convolution(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    struct convolution conv = {.has_bias = false};
    struct window_geometry geometry;
    struct tensor_desc src;
    COP_TRY(cop_window_convolution(request->attrs, &request->src[0].shape, &request->src[1].shape,
                                   &geometry, build->error));
    /* The AVX-512 kernels of 2.6 read a wrong address for it: garbage, or a crash. */
    if (cop_post_ops_has_sum(request->post_ops) && has_empty_windows(&geometry))
        return cop_onednn_lacks(build, "a sum where a window sees padding only");
    cop_onednn_window(&geometry, &conv.window);
    COP_TRY(describe_tensors(build, &conv));
    COP_TRY(choose_implementation(build, &conv, &geometry));
    COP_TRY(prefer_given_src(build, &conv, &src));
    COP_TRY(prefer_given_weights(build, &conv, &src));

    COP_TRY(cop_onednn_bind_src_as(build, 0, DNNL_ARG_SRC, dnnl_query_src_md));
    COP_TRY(cop_onednn_bind_src_as(build, 1, DNNL_ARG_WEIGHTS, dnnl_query_weights_md));
    if (conv.has_bias)
        COP_TRY(cop_onednn_bind_src(build, 2, DNNL_ARG_BIAS, &conv.bias));
    return cop_onednn_bind_dst_as(build, 0, DNNL_ARG_DST, dnnl_query_dst_md);
}
