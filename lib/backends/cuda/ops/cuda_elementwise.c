// SPDX-License-Identifier: Apache-2.0
/* Unary, Binary, PRelu, Identity. */
#include <string.h>

#include "backends/cuda/ops/cuda_ops.h"
#include "ir/ops/alignment.h"

struct elementwise {
    struct cuda_kernel base;
    struct cop_cuda_elementwise launch;
    int added;
};

static cop_status run_elementwise(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                                  void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct elementwise *self = (const struct elementwise *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_elementwise(&self->launch, args->src[0], cop_cuda_address(args, self->added),
                                  args->dst[0], stream->stream),
             error);
    return COP_STATUS_OK;
}

/* A chain of functions over source 0, whose first is `unary`, NULL for none. */
static cop_status describe_chain(struct cuda_build *build, const struct unary_attrs *unary,
                                 const char *name)
{
    const struct kernel_request *request = build->request;
    struct post_ops chain = {0};
    if (unary != NULL)
        chain.entries[chain.count++] = (struct post_op){.kind = POST_OP_UNARY, .unary = *unary};
    if (chain.count + request->post_ops->count > COP_MAX_POST_OPS)
        return cop_cuda_refuse(build, "so many functions in a row");
    for (int i = 0; i < request->post_ops->count; i++)
        chain.entries[chain.count++] = request->post_ops->entries[i];
    COP_TRY(cop_cuda_check_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct elementwise), run_elementwise, name));
    struct elementwise *self = (struct elementwise *)build->kernel;
    const enum cop_cuda_order order = cop_cuda_follow(&request->src[0]);
    const struct shape *shape = &request->dst[0].shape;
    self->added = cop_cuda_added_src(request);
    self->launch.type = cop_cuda_type(request);
    self->launch.count = cop_shape_product(shape, 0, shape->rank);
    cop_cuda_post_ops(&chain, &self->launch.ops);
    COP_TRY(cop_cuda_take_ordered(build, 0, order));
    COP_TRY(cop_cuda_take_added(build, order));
    COP_TRY(cop_cuda_give_ordered(build, 0, order));
    self->base.base.in_place_srcs |= 1u;
    self->base.base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build),
                          10.0 * chain.count * (double)self->launch.count);
    return COP_STATUS_OK;
}

cop_status cop_cuda_unary_kernel(struct cuda_build *build)
{
    if (!cop_cuda_is_all_float(build->request))
        return cop_cuda_refuse(build, "functions of integers and doubles");
    return describe_chain(build, build->request->attrs, "elementwise");
}

struct binary {
    struct cuda_kernel base;
    struct cop_cuda_binary launch;
    int added;
};

static cop_status run_binary(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                             void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct binary *self = (const struct binary *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_binary(&self->launch, args->src[0], args->src[1],
                             cop_cuda_address(args, self->added), args->dst[0], stream->stream),
             error);
    return COP_STATUS_OK;
}

/*
 * How one operand is walked along the dimensions of dst in memory. `aligned` is its shape with
 * dimensions of 1 where broadcasting needs them, right-aligned with dst.
 */
static void walk(const struct shape *aligned, enum cop_cuda_order order, const struct shape *dst,
                 const int *dst_axes, int64_t *strides)
{
    int64_t own[COP_MAX_RANK];
    cop_cuda_strides(aligned, order, own);
    for (int i = 0; i < dst->rank; i++) {
        const int axis = dst_axes[i] - (dst->rank - aligned->rank);
        strides[i] = axis < 0 || aligned->dims[axis] == 1 ? 0 : own[axis];
    }
}

/* One operand beside a result. */
struct side {
    struct shape aligned;
    enum cop_cuda_order order;
    enum cop_cuda_type type;
};

/*
 * Activations lie as the result does where they have all its dimensions. Weights that are broadcast
 * are small, and lose nothing in float32.
 */
static cop_status take_side(struct cuda_build *build, int index, enum cop_cuda_order order,
                            struct side *side)
{
    const struct kernel_tensor *src = &build->request->src[index];
    const struct shape *dst = &build->request->dst[0].shape;
    side->order = COP_CUDA_ROW_MAJOR;
    side->type = COP_CUDA_F32;
    if (src->is_weight && !cop_shape_equal(&src->shape, dst))
        return cop_cuda_take_as_is(build, index);
    if (src->shape.rank == dst->rank)
        side->order = order;
    side->type = cop_cuda_type(build->request);
    return cop_cuda_take_ordered(build, index, side->order);
}

/* That of the operands that lie like the result. */
static enum cop_cuda_order common_order(const struct kernel_request *request)
{
    for (int i = 0; i < 2; i++)
        if (cop_shape_equal(&request->src[i].shape, &request->dst[0].shape) &&
            cop_cuda_follow(&request->src[i]) == COP_CUDA_NHWC)
            return COP_CUDA_NHWC;
    return COP_CUDA_ROW_MAJOR;
}

static cop_status describe_binary(struct cuda_build *build, struct side sides[2])
{
    const struct kernel_request *request = build->request;
    const struct shape *dst = &request->dst[0].shape;
    const enum cop_cuda_order order = common_order(request);
    struct binary *self = (struct binary *)build->kernel;
    int axes[COP_MAX_RANK];
    for (int i = 0; i < 2; i++) {
        COP_TRY(take_side(build, i, order, &sides[i]));
        if (cop_shape_equal(&request->src[i].shape, dst))
            self->base.base.in_place_srcs |= 1u << i;
    }
    COP_TRY(cop_cuda_take_added(build, order));
    COP_TRY(cop_cuda_give_ordered(build, 0, order));
    self->launch.a_type = sides[0].type;
    self->launch.b_type = sides[1].type;
    self->launch.dst_type = cop_cuda_type(request);
    self->launch.rank = cop_cuda_memory_dims(dst, order, self->launch.dims, axes);
    walk(&sides[0].aligned, sides[0].order, dst, axes, self->launch.a_strides);
    walk(&sides[1].aligned, sides[1].order, dst, axes, self->launch.b_strides);
    cop_cuda_post_ops(request->post_ops, &self->launch.post_ops);
    self->base.base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build),
                          10.0 * (double)cop_shape_product(dst, 0, dst->rank));
    return COP_STATUS_OK;
}

cop_status cop_cuda_binary_kernel(struct cuda_build *build)
{
    _Static_assert((int)COP_CUDA_POW == (int)BINARY_POW && (int)COP_CUDA_MIN == (int)BINARY_MIN &&
                       (int)COP_CUDA_EQUAL == (int)BINARY_EQUAL &&
                       (int)COP_CUDA_BINARY_COUNT == (int)BINARY_ALG_COUNT,
                   "one list, two names");
    const struct kernel_request *request = build->request;
    const struct binary_attrs *attrs = request->attrs;
    struct side sides[2] = {{.aligned = request->src[0].shape}, {.order = COP_CUDA_ROW_MAJOR}};
    if (!cop_cuda_is_all_float(request))
        return cop_cuda_refuse(build, "arithmetic of integers and doubles");
    if (!cop_binary_align(attrs, &sides[0].aligned, &request->src[1].shape, &sides[1].aligned))
        return cop_cuda_refuse(build, "these shapes");
    COP_TRY(cop_cuda_check_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct binary), run_binary, "binary"));
    struct binary *self = (struct binary *)build->kernel;
    self->launch.alg = (enum cop_cuda_binary_alg)attrs->alg;
    self->added = cop_cuda_added_src(request);
    return describe_binary(build, sides);
}

struct prelu {
    struct cuda_kernel base;
    struct cop_cuda_prelu launch;
};

static cop_status run_prelu(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                            void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct prelu *self = (const struct prelu *)kernel;
    CUDA_TRY(
        kernel->device,
        cop_cuda_prelu(&self->launch, args->src[0], args->src[1], args->dst[0], stream->stream),
        error);
    return COP_STATUS_OK;
}

/* The slope with dimensions of 1 up to those of src. */
static struct shape align_slope(const struct kernel_request *request)
{
    const struct prelu_attrs *attrs = request->attrs;
    const struct shape *src = &request->src[0].shape, *slope = &request->src[1].shape;
    if (!attrs->channel_slope || slope->rank != 1)
        return *slope;
    struct shape aligned = {.rank = src->rank};
    for (int i = 0; i < src->rank; i++)
        aligned.dims[i] = i == (src->rank > 1 ? 1 : 0) ? slope->dims[0] : 1;
    return aligned;
}

cop_status cop_cuda_prelu_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct shape *src = &request->src[0].shape;
    const enum cop_cuda_order order = cop_cuda_follow(&request->src[0]);
    const struct shape slope = align_slope(request);
    struct side side;
    int axes[COP_MAX_RANK];
    if (!cop_cuda_is_all_float(request))
        return cop_cuda_refuse(build, "slopes of integers and doubles");
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct prelu), run_prelu, "prelu"));
    struct prelu *self = (struct prelu *)build->kernel;
    COP_TRY(cop_cuda_take_ordered(build, 0, order));
    COP_TRY(take_side(build, 1, order, &side));
    COP_TRY(cop_cuda_give_ordered(build, 0, order));
    self->launch.type = cop_cuda_type(request);
    self->launch.slope_type = side.type;
    self->launch.rank = cop_cuda_memory_dims(src, order, self->launch.dims, axes);
    walk(&slope, side.order, src, axes, self->launch.slope_strides);
    self->base.base.in_place_srcs = 1u;
    self->base.base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build), 0);
    return COP_STATUS_OK;
}

struct identity {
    struct cuda_kernel base;
    struct cop_cuda_copy launch;
};

static cop_status run_identity(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                               void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct identity *self = (const struct identity *)kernel;
    if (args->dst[0] != args->src[0])
        CUDA_TRY(kernel->device,
                 cop_cuda_copy(&self->launch, args->src[0], args->dst[0], stream->stream), error);
    return COP_STATUS_OK;
}

cop_status cop_cuda_identity_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct shape *shape = &request->dst[0].shape;
    if (request->post_ops->count > 0 && cop_cuda_is_all_float(request))
        return describe_chain(build, NULL, "elementwise");
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct identity), run_identity, "copy"));
    struct identity *self = (struct identity *)build->kernel;
    const enum cop_cuda_order order = cop_cuda_follow(&request->src[0]);
    self->launch = (struct cop_cuda_copy){
        .element_bytes = cop_cuda_element_bytes(request, request->dst[0].dtype),
        .rank = 1,
        .dims = {cop_shape_product(shape, 0, shape->rank)},
        .src_strides = {1},
        .dst_strides = {1},
    };
    COP_TRY(cop_cuda_take_ordered(build, 0, order));
    COP_TRY(cop_cuda_give_ordered(build, 0, order));
    self->base.base.in_place_srcs = 1u;
    self->base.base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build), 0);
    return COP_STATUS_OK;
}
