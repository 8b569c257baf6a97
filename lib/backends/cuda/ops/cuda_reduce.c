// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/cuda_ops.h"
#include "ir/ops/alignment.h"

struct reduction {
    struct cuda_kernel base;
    struct cop_cuda_reduce launch;
};

static cop_status run(const struct cuda_kernel *kernel, struct cuda_stream *stream, void *state,
                      const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct reduction *self = (const struct reduction *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_reduce(&self->launch, args->src[0], args->dst[0], stream->stream), error);
    return COP_STATUS_OK;
}

static enum cop_cuda_reduce_alg translate(enum reduce_alg alg)
{
    switch (alg) {
    case REDUCE_SUM:
        return COP_CUDA_REDUCE_SUM;
    case REDUCE_MAX:
        return COP_CUDA_REDUCE_MAX;
    case REDUCE_MIN:
        return COP_CUDA_REDUCE_MIN;
    case REDUCE_PROD:
        return COP_CUDA_REDUCE_PROD;
    case REDUCE_MEAN:
        break;
    }
    return COP_CUDA_REDUCE_MEAN;
}

/*
 * The result holds the axes that stay in the order in which src lies; src is taken in a row where
 * that is no order of the result's.
 */
static void choose_orders(const struct kernel_request *request, const bool *reduced,
                          enum cop_cuda_order *src_order, enum cop_cuda_order *dst_order)
{
    const struct reduce_attrs *attrs = request->attrs;
    const struct shape *src = &request->src[0].shape, *dst = &request->dst[0].shape;
    int src_axes[COP_MAX_RANK] = {0}, rank = 0;
    for (int i = 0; i < src->rank; i++)
        if (attrs->keep_dims || !reduced[i])
            src_axes[rank++] = i;
    *src_order = cop_cuda_follow(&request->src[0]);
    if (!cop_cuda_order_after(src, *src_order, dst, src_axes, dst_order))
        *src_order = *dst_order = COP_CUDA_ROW_MAJOR;
}

cop_status cop_cuda_reduce_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct reduce_attrs *attrs = request->attrs;
    const struct shape *src = &request->src[0].shape;
    const struct kernel_tensor *axes = cop_cuda_own_src(request, 1);
    const int64_t elements = cop_shape_product(src, 0, src->rank);
    enum cop_cuda_order src_order, dst_order;
    bool reduced[COP_MAX_RANK];
    int places[COP_MAX_RANK];
    if (request->src[0].dtype != COP_DTYPE_FLOAT32)
        return cop_cuda_refuse(build, "reductions of integers and doubles");
    if (axes != NULL && axes->value == NULL)
        return cop_cuda_refuse(build, "axes that are only known at run time");
    if (elements == 0)
        return cop_cuda_refuse(build, "a reduction of nothing");
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_reduce_axes(attrs, axes == NULL ? NULL : axes->value,
                            axes == NULL ? 0 : axes->shape.dims[0], src->rank, reduced,
                            build->error));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct reduction), run, "reduce"));
    struct reduction *self = (struct reduction *)build->kernel;
    choose_orders(request, reduced, &src_order, &dst_order);
    self->launch.type = cop_cuda_type(request);
    self->launch.alg = translate(attrs->alg);
    self->launch.rank = cop_cuda_memory_dims(src, src_order, self->launch.dims, places);
    for (int i = 0; i < src->rank; i++)
        self->launch.is_reduced[i] = reduced[places[i]];
    COP_TRY(cop_cuda_take_ordered(build, 0, src_order));
    COP_TRY(cop_cuda_give_ordered(build, 0, dst_order));
    self->base.base.unread_srcs = axes == NULL ? 0 : 1u << 1;
    self->base.base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build), 4 * (double)elements);
    return COP_STATUS_OK;
}
