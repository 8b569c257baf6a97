// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cuda_window.h"
#include "backends/cuda/ops/cuda_ops.h"

struct pooling {
    struct cuda_kernel base;
    struct cop_cuda_pooling launch;
};

static cop_status run(const struct cuda_kernel *kernel, struct cuda_stream *stream, void *state,
                      const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct pooling *self = (const struct pooling *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_pooling(&self->launch, args->src[0], args->dst[0], stream->stream), error);
    return COP_STATUS_OK;
}

static enum cop_cuda_pooling_alg translate(enum pooling_alg alg)
{
    switch (alg) {
    case POOLING_AVERAGE:
        return COP_CUDA_POOLING_AVERAGE;
    case POOLING_SUM:
        return COP_CUDA_POOLING_SUM;
    case POOLING_LP:
        return COP_CUDA_POOLING_LP;
    case POOLING_MAX:
        break;
    }
    return COP_CUDA_POOLING_MAX;
}

/* Operations in all: LP raises every element to a power. */
static double work(const struct cop_cuda_pooling *pooling)
{
    double work = (double)pooling->n * (double)pooling->channels *
                  (pooling->alg == COP_CUDA_POOLING_LP ? 40 : 2);
    for (int i = 0; i < COP_CUDA_MAX_SPATIAL; i++)
        work *= (double)pooling->window.dst[i] * (double)pooling->window.kernel[i];
    return work;
}

cop_status cop_cuda_pooling_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct pooling_attrs *attrs = request->attrs;
    const struct shape *src = &request->src[0].shape;
    const enum cop_cuda_order order = cop_cuda_follow(&request->src[0]);
    struct window_geometry window;
    if (request->dst_count > 1 && request->dst[1].is_present)
        return cop_cuda_refuse(build, "indices of the maxima");
    if (request->src[0].dtype != COP_DTYPE_FLOAT32)
        return cop_cuda_refuse(build, "pooling of integers");
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_window_pooling(attrs, src, &window, build->error));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct pooling), run, "pooling"));
    struct pooling *self = (struct pooling *)build->kernel;
    self->launch = (struct cop_cuda_pooling){
        .type = cop_cuda_type(request),
        .order = order,
        .alg = translate(attrs->alg),
        .count_include_pad = attrs->count_include_pad,
        .signed_lp = attrs->signed_lp,
        .p = attrs->p,
        .n = src->dims[0],
        .channels = src->dims[1],
    };
    cop_cuda_window(&window, &self->launch.window);
    COP_TRY(cop_cuda_take_ordered(build, 0, order));
    COP_TRY(cop_cuda_give_ordered(build, 0, order));
    self->base.base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build), work(&self->launch));
    return COP_STATUS_OK;
}
