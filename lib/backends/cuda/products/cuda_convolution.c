// SPDX-License-Identifier: Apache-2.0
/* Which kernel a convolution gets, and our own. */
#include "backends/cuda/products/cuda_convolution.h"

#include <limits.h>
#include <stdio.h>

#include "backends/cuda/cuda_libraries.h"
#include "backends/cuda/cuda_window.h"
#include "backends/cuda/products/cuda_math.h"
#include "base/error.h"

double cop_cuda_convolution_flops(const struct convolution_sizes *sizes)
{
    const struct window_geometry *window = &sizes->window;
    double flops =
        2.0 * (double)sizes->n * (double)sizes->groups * (double)sizes->ic * (double)sizes->oc;
    for (int i = 0; i < window->rank; i++)
        flops *= (double)window->dst[i] * (double)window->kernel[i];
    return flops;
}

cop_status cop_cuda_convolution_activations(struct cuda_build *build,
                                            const struct convolution_sizes *sizes, bool in_place)
{
    cop_status status = cop_cuda_take_ordered(build, 0, COP_CUDA_NHWC);
    if (status == COP_STATUS_OK && sizes->added >= 0)
        status = cop_cuda_take_ordered(build, sizes->added, COP_CUDA_NHWC);
    if (status == COP_STATUS_OK)
        status = cop_cuda_give_ordered(build, 0, COP_CUDA_NHWC);
    if (in_place && sizes->added >= 0)
        build->kernel->base.in_place_srcs |= UINT32_C(1) << sizes->added;
    return status;
}

static const float *bias_of(const struct convolution_sizes *sizes, const struct kernel_args *args)
{
    return sizes->has_bias ? args->src[2] : NULL;
}

/* --- The implicit product --------------------------------------------------------------------- */

struct implicit_convolution {
    struct cuda_kernel base;
    struct convolution_sizes sizes;
    struct cop_cuda_convolution launch;
    struct cop_cuda_product_choice choice;
};

static cop_status run_implicit(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                               void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct implicit_convolution *self = (const struct implicit_convolution *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_convolution(&self->launch, &self->choice, args->src[0], args->src[1],
                                  bias_of(&self->sizes, args),
                                  cop_cuda_address(args, self->sizes.added), args->dst[0],
                                  args->scratch, stream->stream),
             error);
    return COP_STATUS_OK;
}

/* The last two of up to two dimensions; a missing first one is 1. */
static int dim(const int64_t *dims, int rank, int from_end, int missing)
{
    return from_end < rank ? (int)dims[rank - 1 - from_end] : missing;
}

static bool are_ints(const struct convolution_sizes *sizes)
{
    const struct window_geometry *window = &sizes->window;
    bool fit = sizes->n <= INT_MAX && sizes->groups * sizes->ic <= INT_MAX &&
               sizes->groups * sizes->oc <= INT_MAX;
    for (int i = 0; i < window->rank; i++)
        fit = fit && window->src[i] <= INT_MAX && window->dst[i] <= INT_MAX &&
              window->kernel[i] <= INT_MAX && window->strides[i] <= INT_MAX &&
              window->dilations[i] <= INT_MAX && window->pads_begin[i] <= INT_MAX;
    return fit;
}

static struct cop_cuda_convolution describe_implicit(const struct cuda_build *build,
                                                     const struct convolution_sizes *sizes)
{
    const struct kernel_request *request = build->request;
    const struct window_geometry *window = &sizes->window;
    const int rank = window->rank;
    struct cop_cuda_convolution launch = {
        .math = cop_cuda_math(build),
        .batch = (int)sizes->n,
        .ih = dim(window->src, rank, 1, 1),
        .iw = dim(window->src, rank, 0, 1),
        .oh = dim(window->dst, rank, 1, 1),
        .ow = dim(window->dst, rank, 0, 1),
        .groups = (int)sizes->groups,
        .ic = (int)sizes->ic,
        .oc = (int)sizes->oc,
        .kh = dim(window->kernel, rank, 1, 1),
        .kw = dim(window->kernel, rank, 0, 1),
        .stride_h = dim(window->strides, rank, 1, 1),
        .stride_w = dim(window->strides, rank, 0, 1),
        .dilation_h = dim(window->dilations, rank, 1, 1),
        .dilation_w = dim(window->dilations, rank, 0, 1),
        .pad_top = dim(window->pads_begin, rank, 1, 0),
        .pad_left = dim(window->pads_begin, rank, 0, 0),
    };
    cop_cuda_post_ops(request->post_ops, &launch.post_ops);
    /* what has to be brought into nhwc anyhow can be padded on the way */
    launch.padded_src = launch.groups == 1 && cop_cuda_convolution_channels(&launch) != launch.ic &&
                        cop_cuda_order_of(&request->src[0]) != COP_CUDA_NHWC;
    return launch;
}

static cop_status take_padded_src(struct cuda_build *build,
                                  const struct cop_cuda_convolution *launch)
{
    struct cuda_arrangement src =
        cop_cuda_nhwc(&build->request->src[0].shape, cop_cuda_stored(build->request));
    src.padded_channels = cop_cuda_convolution_channels(launch);
    cop_layout_release(&build->kernel->base.src_layouts[0]);
    return cop_cuda_take(build, 0, &src);
}

static cop_status take_implicit_weights(struct cuda_build *build,
                                        const struct convolution_sizes *sizes,
                                        const struct cop_cuda_convolution *launch)
{
    const struct cuda_arrangement weights = {
        .stored = cop_cuda_stored(build->request),
        .order = COP_CUDA_NHWC,
        .n = sizes->groups * sizes->oc,
        .channels = sizes->ic,
        .plane =
            cop_shape_product(&build->request->src[1].shape, 2, build->request->src[1].shape.rank),
        .padded_channels = cop_cuda_convolution_channels(launch),
        .is_tf32 = launch->math == COP_CUDA_MATH_TF32,
    };
    const cop_status status = cop_cuda_take(build, 1, &weights);
    return status == COP_STATUS_OK && sizes->has_bias ? cop_cuda_take_as_is(build, 2) : status;
}

cop_status cop_cuda_implicit_convolution(struct cuda_build *build,
                                         const struct convolution_sizes *sizes)
{
    const struct cop_cuda_device device = cop_cuda_product_device(build->device);
    struct cop_cuda_product_choice choice = {0};
    if (sizes->window.rank > 2 || (sizes->groups > 1 && sizes->ic < 4) || !are_ints(sizes))
        return cop_cuda_refuse(build, "no convolution for the implicit product");
    const struct cop_cuda_convolution launch = describe_implicit(build, sizes);
    if (!cop_cuda_convolution_choose(&launch, &device, &choice))
        return cop_cuda_refuse(build, "a convolution too large for the implicit product");
    char name[64];
    snprintf(name, sizeof name, "implicit:%s:%dx%d%s", cop_cuda_math_name(launch.math),
             cop_cuda_tiles[choice.tile].rows, cop_cuda_tiles[choice.tile].columns,
             choice.splits > 1 ? ":split" : "");
    cop_status status =
        cop_cuda_kernel_new(build, sizeof(struct implicit_convolution), run_implicit, name);
    if (status != COP_STATUS_OK)
        return status;
    struct implicit_convolution *self = (struct implicit_convolution *)build->kernel;
    self->sizes = *sizes;
    self->launch = launch;
    self->choice = choice;
    self->base.base.scratch_bytes = choice.workspace_bytes;
    self->base.base.estimated_ns = choice.estimated_ns;
    CUDA_TRY(build->device, cop_cuda_convolution_prepare(&launch, &choice), build->error);
    COP_TRY(cop_cuda_convolution_activations(build, sizes, true));
    if (launch.padded_src)
        COP_TRY(take_padded_src(build, &launch));
    return take_implicit_weights(build, sizes, &launch);
}

/* --- The direct one --------------------------------------------------------------------------- */

struct direct_convolution {
    struct cuda_kernel base;
    struct convolution_sizes sizes;
    struct cop_cuda_direct_convolution launch;
};

static cop_status run_direct(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                             void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct direct_convolution *self = (const struct direct_convolution *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_direct_convolution(
                 &self->launch, args->src[0], args->src[1], bias_of(&self->sizes, args),
                 cop_cuda_address(args, self->sizes.added), args->dst[0], stream->stream),
             error);
    return COP_STATUS_OK;
}

cop_status cop_cuda_plain_convolution(struct cuda_build *build,
                                      const struct convolution_sizes *sizes)
{
    cop_status status =
        cop_cuda_kernel_new(build, sizeof(struct direct_convolution), run_direct, "direct");
    if (status != COP_STATUS_OK)
        return status;
    struct direct_convolution *self = (struct direct_convolution *)build->kernel;
    const struct shape *shape = &build->request->src[1].shape;
    self->sizes = *sizes;
    self->launch = (struct cop_cuda_direct_convolution){
        .type = cop_cuda_type(build->request),
        .order = COP_CUDA_NHWC,
        .n = sizes->n,
        .groups = sizes->groups,
        .ic = sizes->ic,
        .oc = sizes->oc,
    };
    cop_cuda_window(&sizes->window, &self->launch.window);
    cop_cuda_post_ops(build->request->post_ops, &self->launch.post_ops);
    const struct cuda_arrangement weights = {
        .stored = cop_cuda_stored(build->request),
        .order = COP_CUDA_NHWC,
        .n = 1,
        .channels = sizes->groups * sizes->oc,
        .plane = cop_shape_product(shape, 1, shape->rank),
    };
    status = cop_cuda_convolution_activations(build, sizes, true);
    if (status == COP_STATUS_OK)
        status = cop_cuda_take(build, 1, &weights);
    if (status == COP_STATUS_OK && sizes->has_bias)
        status = cop_cuda_take_as_is(build, 2);
    self->base.base.estimated_ns = cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build),
                                                     cop_cuda_convolution_flops(sizes));
    return status;
}

/* --- The choice ------------------------------------------------------------------------------- */

static cop_status measure_sizes(struct cuda_build *build, struct convolution_sizes *sizes)
{
    const struct kernel_request *request = build->request;
    const struct convolution_attrs *attrs = request->attrs;
    const struct shape *src = &request->src[0].shape, *weights = &request->src[1].shape;
    sizes->n = src->dims[0];
    sizes->groups = attrs->groups > 1 ? attrs->groups : 1;
    sizes->ic = weights->dims[1];
    sizes->oc = weights->dims[0] / sizes->groups;
    sizes->has_bias =
        request->src_count > 2 && request->src[2].is_present && cop_cuda_added_src(request) != 2;
    sizes->added = cop_cuda_added_src(request);
    return cop_window_convolution(attrs, src, weights, &sizes->window, build->error);
}

/* Own kernels take over where cuDNN has none, or breaks down and nobody insisted on it. */
static cop_status try_cudnn(struct cuda_build *build, const struct convolution_sizes *sizes)
{
    cop_status status = cop_cuda_want_cudnn(build->request, build->error);
    if (status != COP_STATUS_OK)
        return status;
    if (sizes->groups > 1 && sizes->ic < 4 && build->request->gpu_kernels == COP_GPU_KERNELS_AUTO)
        return COP_STATUS_UNSUPPORTED; /* it has only generic engines for so few channels */
    cop_error own;
    status = cop_cuda_cudnn_convolution(build, sizes, &own);
    return status == COP_STATUS_OK ? status
                                   : cop_cuda_fall_back(build->request, status, &own, build->error);
}

cop_status cop_cuda_convolution_kernel(struct cuda_build *build)
{
    struct convolution_sizes sizes;
    if (!cop_cuda_is_all_float(build->request))
        return cop_cuda_refuse(build, "convolutions are of float32");
    cop_status status = measure_sizes(build, &sizes);
    if (status == COP_STATUS_OK)
        status = try_cudnn(build, &sizes);
    if (status == COP_STATUS_UNSUPPORTED)
        status = cop_cuda_implicit_convolution(build, &sizes);
    if (status == COP_STATUS_UNSUPPORTED)
        status = cop_cuda_plain_convolution(build, &sizes);
    return status;
}
