// SPDX-License-Identifier: Apache-2.0
/*
 * Convolutions by cuDNN. It fuses a residual sum, a bias and relu, in this order; post-ops that go
 * further are run by one of our kernels behind it, on the result in place.
 */
#include <stdio.h>

#include "backends/cuda/cuda_libraries.h"
#include "backends/cuda/cudnn/cudnn_execution.h"
#include "backends/cuda/products/cuda_convolution.h"
#include "backends/cuda/products/cuda_math.h"
#include "backends/cuda/products/cuda_rest.h"
#include "base/error.h"

struct cudnn_kernel {
    struct cuda_kernel base;
    struct convolution_sizes sizes;
    const struct cudnn_choice *choice; /* one reference */
    void *zero_bias;  /* device memory of the kernel's own, where cuDNN fuses only with a bias */
    bool adds_inside; /* the residual is fused */
    struct cop_cuda_elementwise rest; /* count 0 ops: nothing is left */
};

static cop_status create_execution(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                                   void **state, cop_error *error)
{
    const struct cudnn_kernel *self = (const struct cudnn_kernel *)kernel;
    struct cudnn_session *session = NULL;
    struct cudnn_execution *execution = NULL;
    cop_status status = cop_cuda_stream_cudnn(stream, &session, error);
    if (status == COP_STATUS_OK)
        status = cop_cudnn_execution_create(session, self->choice, &execution, error);
    *state = execution;
    return status;
}

static void destroy_execution(const struct cuda_kernel *kernel, void *state)
{
    if (cop_cuda_is_ours(kernel->device))
        cop_cudnn_execution_destroy(state);
}

static cop_status run_cudnn(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                            void *state, const struct kernel_args *args, cop_error *error)
{
    const struct cudnn_kernel *self = (const struct cudnn_kernel *)kernel;
    const void *added = cop_cuda_address(args, self->sizes.added);
    const struct cudnn_pointers pointers = {
        .src = args->src[0],
        .weights = args->src[1],
        .residual = self->adds_inside ? added : NULL,
        .bias = self->sizes.has_bias ? args->src[2] : self->zero_bias,
        .dst = args->dst[0],
        .workspace = self->choice->workspace_bytes == 0 ? NULL : cop_cuda_workspace(args->scratch),
    };
    COP_TRY(cop_cudnn_execution_run(state, &pointers, error));
    return cop_cuda_run_rest(kernel->device, &self->rest, stream->stream,
                             self->adds_inside ? NULL : added, args->dst[0], error);
}

static void finish(struct cuda_kernel *kernel)
{
    struct cudnn_kernel *self = (struct cudnn_kernel *)kernel;
    if (self->zero_bias != NULL)
        cop_cuda_memory_destroy(&kernel->device->base, MEMORY_DEVICE, self->zero_bias);
    cop_cudnn_choice_release(&self->choice);
}

/* How many of the post-ops the convolution takes over; it learns of them. */
static int fuse(const struct post_ops *post_ops, struct cudnn_convolution *convolution)
{
    int fused = 0;
    if (fused < post_ops->count && post_ops->entries[fused].kind == POST_OP_SUM) {
        convolution->has_residual = true;
        fused++;
    }
    if (fused < post_ops->count && post_ops->entries[fused].kind == POST_OP_UNARY &&
        post_ops->entries[fused].unary.alg == UNARY_RELU) {
        convolution->activation = COP_CUDNN_RELU;
        fused++;
    }
    return fused;
}

static struct cudnn_convolution describe(const struct kernel_request *request,
                                         const struct convolution_sizes *sizes)
{
    static const enum cop_cudnn_type types[] = {
        [COP_CUDA_F32] = COP_CUDNN_F32,
        [COP_CUDA_F16] = COP_CUDNN_F16,
        [COP_CUDA_BF16] = COP_CUDNN_BF16,
    };
    const struct window_geometry *window = &sizes->window;
    struct cudnn_convolution convolution = {
        .type = types[cop_cuda_type(request)],
        .allows_tf32 = request->precision == COP_PRECISION_TF32,
        .src_is_nhwc = true,
        .dst_is_nhwc = true,
        .has_bias = sizes->has_bias,
        .spatial_rank = window->rank,
        .n = sizes->n,
        .ic = sizes->groups * sizes->ic,
        .oc = sizes->groups * sizes->oc,
        .groups = sizes->groups,
    };
    for (int i = 0; i < window->rank; i++) {
        const int64_t extent = (window->kernel[i] - 1) * window->dilations[i] + 1;
        convolution.src[i] = window->src[i];
        convolution.kernel[i] = window->kernel[i];
        convolution.strides[i] = window->strides[i];
        convolution.dilations[i] = window->dilations[i];
        convolution.pads_begin[i] = window->pads_begin[i];
        /* With which the last window ends where the padded source does. */
        convolution.pads_end[i] = (window->dst[i] - 1) * window->strides[i] + extent -
                                  window->src[i] - window->pads_begin[i];
    }
    return convolution;
}

/* Events around one run, and a wait. */
static cop_status measure(void *user, cop_status (*run)(void *argument, cop_error *error),
                          void *argument, int64_t *ns, cop_error *error)
{
    struct cuda_device *device = user;
    cudaEvent_t begin = NULL, end = NULL;
    float milliseconds = 0;
    cop_status status = COP_STATUS_OK;
    cudaError_t code = cudaEventCreate(&begin);
    if (code == cudaSuccess)
        code = cudaEventCreate(&end);
    if (code == cudaSuccess)
        code = cudaEventRecord(begin, device->planning_stream);
    if (code == cudaSuccess)
        status = run(argument, error);
    if (code == cudaSuccess && status == COP_STATUS_OK)
        code = cudaEventRecord(end, device->planning_stream);
    if (code == cudaSuccess && status == COP_STATUS_OK)
        code = cudaEventSynchronize(end);
    if (code == cudaSuccess && status == COP_STATUS_OK)
        code = cudaEventElapsedTime(&milliseconds, begin, end);
    if (begin != NULL)
        (void)cudaEventDestroy(begin);
    if (end != NULL)
        (void)cudaEventDestroy(end);
    *ns = (int64_t)((double)milliseconds * 1e6);
    return code == cudaSuccess ? status : cop_cuda_fail(device, code, "a measurement", error);
}

enum { TRIAL_SRC, TRIAL_WEIGHTS, TRIAL_RESIDUAL, TRIAL_BIAS, TRIAL_DST, TRIAL_WORKSPACE, TRIALS };

static void free_trial(struct cuda_device *device, void **memory)
{
    for (int i = 0; i < TRIALS; i++)
        if (memory[i] != NULL)
            cop_cuda_memory_destroy(&device->base, MEMORY_DEVICE, memory[i]);
}

static cop_status allocate_trial(struct cuda_build *build, const struct convolution_sizes *sizes,
                                 void **memory)
{
    const struct kernel_request *request = build->request;
    const size_t each = cop_dtype_bytes(cop_cuda_stored(request));
    const size_t dst_bytes =
        (size_t)cop_shape_product(&request->dst[0].shape, 0, request->dst[0].shape.rank) * each;
    const size_t bytes[TRIALS] = {
        [TRIAL_SRC] =
            (size_t)cop_shape_product(&request->src[0].shape, 0, request->src[0].shape.rank) * each,
        [TRIAL_WEIGHTS] =
            (size_t)cop_shape_product(&request->src[1].shape, 0, request->src[1].shape.rank) * each,
        [TRIAL_RESIDUAL] = dst_bytes,
        [TRIAL_BIAS] = (size_t)(sizes->groups * sizes->oc) * each,
        [TRIAL_DST] = dst_bytes,
        [TRIAL_WORKSPACE] = COP_CUDNN_WORKSPACE_BYTES,
    };
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < TRIALS && status == COP_STATUS_OK; i++) {
        status = cop_cuda_memory_create(&build->device->base, MEMORY_DEVICE, bytes[i], &memory[i],
                                        build->error);
        if (status == COP_STATUS_OK)
            status = cop_cuda_memory_clear(&build->device->base, memory[i], bytes[i], build->error);
    }
    return status;
}

static cop_status choose_by_measurement(struct cuda_build *build, struct cudnn_session *session,
                                        const struct convolution_sizes *sizes,
                                        const struct cudnn_convolution *convolution,
                                        const struct cudnn_choice **choice, cop_error *error)
{
    void *memory[TRIALS] = {NULL};
    cop_status status = allocate_trial(build, sizes, memory);
    const struct cudnn_trial trial = {
        .pointers = {memory[TRIAL_SRC], memory[TRIAL_WEIGHTS],
                     convolution->has_residual ? memory[TRIAL_RESIDUAL] : NULL,
                     convolution->has_bias ? memory[TRIAL_BIAS] : NULL, memory[TRIAL_DST],
                     memory[TRIAL_WORKSPACE]},
        .measure = measure,
        .user = build->device,
    };
    if (status == COP_STATUS_OK)
        status = cop_cudnn_choose(session, convolution, &(struct cudnn_limits){0}, &trial, choice,
                                  error);
    free_trial(build->device, memory);
    return status;
}

static cop_status choose(struct cuda_build *build, const struct convolution_sizes *sizes,
                         const struct cudnn_convolution *convolution,
                         const struct cudnn_choice **choice, cop_error *error)
{
    struct cudnn_session *session = NULL;
    cop_status status = cop_cuda_planning_begin(build->device, &session, NULL, error);
    if (status != COP_STATUS_OK)
        return status;
    status = build->request->fast_run
                 ? choose_by_measurement(build, session, sizes, convolution, choice, error)
                 : cop_cudnn_choose(session, convolution, &(struct cudnn_limits){0}, NULL, choice,
                                    error);
    cop_cuda_planning_end(build->device);
    return status;
}

/* The bias that fused engines insist on, where the model has none. */
static cop_status make_zero_bias(struct cudnn_kernel *self, size_t bytes, cop_error *error)
{
    struct device *device = &self->base.device->base;
    const cop_status status =
        cop_cuda_memory_create(device, MEMORY_DEVICE, bytes, &self->zero_bias, error);
    return status == COP_STATUS_OK ? cop_cuda_memory_clear(device, self->zero_bias, bytes, error)
                                   : status;
}

static cop_status describe_operands(struct cuda_build *build, const struct convolution_sizes *sizes,
                                    bool in_place)
{
    const struct kernel_request *request = build->request;
    const cop_dtype stored = cop_cuda_stored(request);
    const struct cuda_arrangement weights = {
        .stored = stored,
        .order = COP_CUDA_NHWC,
        .n = sizes->groups * sizes->oc,
        .channels = sizes->ic,
        .plane = cop_shape_product(&request->src[1].shape, 2, request->src[1].shape.rank),
    };
    const struct cuda_arrangement bias = {.stored = stored, .order = COP_CUDA_ROW_MAJOR};
    cop_status status = cop_cuda_convolution_activations(build, sizes, in_place);
    if (status == COP_STATUS_OK)
        status = cop_cuda_take(build, 1, &weights);
    if (status == COP_STATUS_OK && sizes->has_bias)
        status = cop_cuda_take(build, 2, &bias);
    return status;
}

static cop_status make(struct cuda_build *build, const struct convolution_sizes *sizes,
                       const struct cudnn_convolution *convolution, int fused,
                       const struct cudnn_choice **choice)
{
    char name[128];
    const struct post_ops *post_ops = build->request->post_ops;
    snprintf(name, sizeof name, "%s%s", (*choice)->name, fused < post_ops->count ? "+own" : "");
    cop_status status = cop_cuda_kernel_new(build, sizeof(struct cudnn_kernel), run_cudnn, name);
    if (status != COP_STATUS_OK)
        return status;
    struct cudnn_kernel *self = (struct cudnn_kernel *)build->kernel;
    self->base.finish = finish;
    self->base.state_create = create_execution;
    self->base.state_destroy = destroy_execution;
    self->base.base.state_bytes = COP_CUDNN_EXECUTION_BYTES;
    self->choice = *choice;
    *choice = NULL;
    self->sizes = *sizes;
    self->adds_inside = convolution->has_residual;
    self->base.base.scratch_bytes = cop_cuda_workspace_bytes(self->choice->workspace_bytes);
    self->rest = cop_cuda_rest(build->request, fused);
    status = describe_operands(build, sizes, convolution->has_residual);
    if (status == COP_STATUS_OK && convolution->has_bias && !sizes->has_bias)
        status = make_zero_bias(
            self, (size_t)convolution->oc * cop_dtype_bytes(cop_cuda_stored(build->request)),
            build->error);
    self->base.base.estimated_ns = cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build),
                                                     cop_cuda_convolution_flops(sizes));
    return status;
}

cop_status cop_cuda_cudnn_convolution(struct cuda_build *build,
                                      const struct convolution_sizes *sizes, cop_error *error)
{
    struct cudnn_convolution convolution = describe(build->request, sizes);
    const struct cudnn_choice *choice = NULL;
    const int fused = fuse(build->request->post_ops, &convolution);
    if (convolution.has_residual || convolution.activation != COP_CUDNN_NONE)
        convolution.has_bias = true;
    cop_status status = choose(build, sizes, &convolution, &choice, error);
    if (status != COP_STATUS_OK)
        return status;
    cop_error *outer = build->error;
    build->error = error;
    status = make(build, sizes, &convolution, fused, &choice);
    build->error = outer;
    cop_cudnn_choice_release(&choice);
    if (status != COP_STATUS_OK && build->kernel != NULL) {
        cop_cuda_kernel_destroy(&build->kernel->base);
        build->kernel = NULL;
    }
    return status;
}
