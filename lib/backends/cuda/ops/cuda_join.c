// SPDX-License-Identifier: Apache-2.0
/* Concat and Split: rows of parts beside each other in the rows of a whole, one copy for each. */
#include "backends/cuda/ops/cuda_ops.h"

struct part {
    struct cop_cuda_copy copy; /* without elements: nothing is launched */
    size_t offset;             /* in the whole, in bytes */
};

struct joint {
    struct cuda_kernel base;
    int count;
    struct part parts[];
};

static cop_status run_concat(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                             void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct joint *self = (const struct joint *)kernel;
    for (int i = 0; i < self->count; i++) {
        const struct part *part = &self->parts[i];
        unsigned char *dst = (unsigned char *)args->dst[0] + part->offset;
        if (part->copy.dims[1] > 0)
            CUDA_TRY(kernel->device, cop_cuda_copy(&part->copy, args->src[i], dst, stream->stream),
                     error);
    }
    return COP_STATUS_OK;
}

static cop_status run_split(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                            void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct joint *self = (const struct joint *)kernel;
    for (int i = 0; i < self->count; i++) {
        const struct part *part = &self->parts[i];
        const unsigned char *src = (const unsigned char *)args->src[0] + part->offset;
        if (part->copy.dims[1] > 0 && args->dst[i] != NULL)
            CUDA_TRY(kernel->device, cop_cuda_copy(&part->copy, src, args->dst[i], stream->stream),
                     error);
    }
    return COP_STATUS_OK;
}

/* Elements of a part in one row, which holds everything from the axis on in memory. */
static int64_t row_of(const struct shape *part, int64_t row_count)
{
    return cop_shape_product(part, 0, part->rank) / row_count;
}

/* Fills in the copies, from or to the rows of the whole. */
static void place_parts(struct joint *self, const struct shape *whole, enum cop_cuda_order order,
                        int axis, const struct kernel_tensor *parts, int element_bytes,
                        bool is_split)
{
    int64_t dims[COP_MAX_RANK], row_count = 1;
    (void)cop_cuda_memory_dims(whole, order, dims, NULL);
    for (int i = 0; i < cop_cuda_place_of(whole, order, axis); i++)
        row_count *= dims[i];
    const int64_t whole_row = row_of(whole, row_count);
    int64_t position = 0;
    for (int i = 0; i < self->count; i++) {
        const int64_t row = row_of(&parts[i].shape, row_count);
        self->parts[i] = (struct part){
            .copy = {.element_bytes = element_bytes,
                     .rank = 2,
                     .dims = {row_count, row},
                     .src_strides = {is_split ? whole_row : row, 1},
                     .dst_strides = {is_split ? row : whole_row, 1}},
            .offset = (size_t)position * (size_t)element_bytes,
        };
        position += row;
    }
}

static cop_status joint_new(struct cuda_build *build, int count, cuda_run *run, const char *name)
{
    const size_t bytes = sizeof(struct joint) + (size_t)count * sizeof(struct part);
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, bytes, run, name));
    ((struct joint *)build->kernel)->count = count;
    return COP_STATUS_OK;
}

/* Every part is a launch of its own. */
static void estimate(struct cuda_build *build)
{
    const struct joint *self = (const struct joint *)build->kernel;
    build->kernel->base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build), 0) +
        (self->count - 1) * cop_cuda_estimate(build->device, 0, 0);
}

cop_status cop_cuda_concat_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct concat_attrs *attrs = request->attrs;
    const struct shape *whole = &request->dst[0].shape;
    enum cop_cuda_order order = COP_CUDA_ROW_MAJOR;
    int axis;
    if (!cop_axis_normalize(attrs->axis, whole->rank, &axis))
        return cop_cuda_refuse(build, "this axis");
    COP_TRY(joint_new(build, request->src_count, run_concat, "concat"));
    for (int i = 0; i < request->src_count; i++)
        if (cop_cuda_follow(&request->src[i]) == COP_CUDA_NHWC)
            order = COP_CUDA_NHWC;
    place_parts((struct joint *)build->kernel, whole, order, axis, request->src,
                cop_cuda_element_bytes(request, request->dst[0].dtype), false);
    for (int i = 0; i < request->src_count; i++)
        COP_TRY(cop_cuda_take_ordered(build, i, order));
    COP_TRY(cop_cuda_give_ordered(build, 0, order));
    estimate(build);
    return COP_STATUS_OK;
}

/*
 * The parts' order where src is split as it comes; where they lose the axis and lie in no order
 * then, src is taken in a row.
 */
static void choose_orders(const struct kernel_request *request, int axis,
                          enum cop_cuda_order *src_order, enum cop_cuda_order *dst_order)
{
    const struct shape *src = &request->src[0].shape, *dst = &request->dst[0].shape;
    int src_axes[COP_MAX_RANK] = {0};
    for (int i = 0; i < dst->rank; i++)
        src_axes[i] = dst->rank < src->rank && i >= axis ? i + 1 : i;
    *src_order = *dst_order = cop_cuda_follow(&request->src[0]);
    if (dst->rank < src->rank && !cop_cuda_order_after(src, *src_order, dst, src_axes, dst_order))
        *src_order = *dst_order = COP_CUDA_ROW_MAJOR;
}

cop_status cop_cuda_split_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct split_attrs *attrs = request->attrs;
    const struct shape *whole = &request->src[0].shape;
    enum cop_cuda_order src_order, dst_order;
    int axis;
    if (!cop_axis_normalize(attrs->axis, whole->rank, &axis))
        return cop_cuda_refuse(build, "this axis");
    COP_TRY(joint_new(build, request->dst_count, run_split, "split"));
    choose_orders(request, axis, &src_order, &dst_order);
    place_parts((struct joint *)build->kernel, whole, src_order, axis, request->dst,
                cop_cuda_element_bytes(request, request->src[0].dtype), true);
    COP_TRY(cop_cuda_take_ordered(build, 0, src_order));
    for (int i = 0; i < request->dst_count; i++)
        COP_TRY(cop_cuda_give_ordered(build, i, dst_order));
    build->kernel->base.unread_srcs = 1u << 1;
    estimate(build);
    return COP_STATUS_OK;
}
