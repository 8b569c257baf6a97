// SPDX-License-Identifier: Apache-2.0
/* Cast and Fill. */
#include "backends/cuda/ops/cuda_ops.h"

struct cast {
    struct cuda_kernel base;
    struct cop_cuda_cast launch;
};

static cop_status run_cast(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                           void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct cast *self = (const struct cast *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_cast(&self->launch, args->src[0], args->dst[0], stream->stream), error);
    return COP_STATUS_OK;
}

static enum cop_cuda_dtype stored_as(const struct kernel_request *request, cop_dtype dtype)
{
    _Static_assert((int)COP_CUDA_DTYPE_FLOAT32 == (int)COP_DTYPE_FLOAT32 &&
                       (int)COP_CUDA_DTYPE_BFLOAT16 == (int)COP_DTYPE_BFLOAT16 &&
                       (int)COP_CUDA_DTYPE_BOOL == (int)COP_DTYPE_BOOL,
                   "one list, two names");
    return (enum cop_cuda_dtype)(dtype == COP_DTYPE_FLOAT32 ? cop_cuda_stored(request) : dtype);
}

cop_status cop_cuda_cast_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const cop_dtype from = request->src[0].dtype, to = request->dst[0].dtype;
    const struct shape *shape = &request->dst[0].shape;
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct cast), run_cast, "cast"));
    struct cast *self = (struct cast *)build->kernel;
    const enum cop_cuda_order order =
        to == COP_DTYPE_FLOAT32 ? cop_cuda_follow(&request->src[0]) : COP_CUDA_ROW_MAJOR;
    self->launch.from = stored_as(request, from);
    self->launch.to = stored_as(request, to);
    self->launch.count = cop_shape_product(shape, 0, shape->rank);
    COP_TRY(cop_cuda_take_ordered(build, 0, order));
    COP_TRY(cop_cuda_give_ordered(build, 0, order));
    if (cop_cuda_element_bytes(request, from) == cop_cuda_element_bytes(request, to))
        self->base.base.in_place_srcs = 1u;
    self->base.base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build), 0);
    return COP_STATUS_OK;
}

struct fill {
    struct cuda_kernel base;
    int element_bytes;
    int64_t count;
    unsigned char element[8];
};

static cop_status run_fill(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                           void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct fill *self = (const struct fill *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_fill(self->element_bytes, self->count, self->element, args->dst[0],
                           stream->stream),
             error);
    return COP_STATUS_OK;
}

cop_status cop_cuda_fill_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct fill_attrs *attrs = request->attrs;
    const struct shape *shape = &request->dst[0].shape;
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct fill), run_fill, "fill"));
    struct fill *self = (struct fill *)build->kernel;
    self->element_bytes = cop_cuda_element_bytes(request, request->dst[0].dtype);
    self->count = cop_shape_product(shape, 0, shape->rank);
    cop_cuda_write_constant(request, request->dst[0].dtype, attrs->value, self->element);
    COP_TRY(cop_cuda_give_ordered(build, 0, COP_CUDA_ROW_MAJOR));
    self->base.base.unread_srcs = 1u;
    self->base.base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build), 0);
    return COP_STATUS_OK;
}
