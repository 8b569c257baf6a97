// SPDX-License-Identifier: Apache-2.0
/* BatchNormalization, LRN, Softmax: results of the shape of src. */
#include "backends/cuda/ops/cuda_ops.h"

/* A tensor seen as [outer, length, inner] in memory. */
struct middle {
    int64_t outer, length, inner;
};

static int64_t product(const int64_t *dims, int begin, int end)
{
    int64_t elements = 1;
    for (int i = begin; i < end; i++)
        elements *= dims[i];
    return elements;
}

/* Dimensions `first` … `last` of a tensor in the middle; in both orders they lie beside each other
 * where they are one, all from the first, or spatial. */
static struct middle around(const struct shape *shape, enum cop_cuda_order order, int first,
                            int last)
{
    int64_t dims[COP_MAX_RANK];
    const int rank = cop_cuda_memory_dims(shape, order, dims, NULL);
    int begin = rank, end = 0;
    for (int axis = first; axis <= last; axis++) {
        const int place = cop_cuda_place_of(shape, order, axis);
        begin = place < begin ? place : begin;
        end = place >= end ? place + 1 : end;
    }
    return (struct middle){product(dims, 0, begin), product(dims, begin, end),
                           product(dims, end, rank)};
}

/* What is left to say of an operator with one activation and a result that lie alike. */
static cop_status finish_alike(struct cuda_build *build, enum cop_cuda_order order, double flops)
{
    const struct shape *shape = &build->request->dst[0].shape;
    const double elements = (double)cop_shape_product(shape, 0, shape->rank);
    COP_TRY(cop_cuda_take_ordered(build, 0, order));
    COP_TRY(cop_cuda_give_ordered(build, 0, order));
    build->kernel->base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build), flops * elements);
    return COP_STATUS_OK;
}

struct batch_normalization {
    struct cuda_kernel base;
    struct cop_cuda_batch_normalization launch;
    int added;
};

static cop_status run_batch_normalization(const struct cuda_kernel *kernel,
                                          struct cuda_stream *stream, void *state,
                                          const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct batch_normalization *self = (const struct batch_normalization *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_batch_normalization(
                 &self->launch, args->src[0], args->src[1], args->src[2], args->src[3],
                 args->src[4], cop_cuda_address(args, self->added), args->dst[0], stream->stream),
             error);
    return COP_STATUS_OK;
}

cop_status cop_cuda_batch_normalization_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct batch_normalization_attrs *attrs = request->attrs;
    const struct shape *shape = &request->src[0].shape;
    const enum cop_cuda_order order = cop_cuda_follow(&request->src[0]);
    int axis = 0;
    if (!cop_cuda_is_all_float(request))
        return cop_cuda_refuse(build, "normalization of other types than float32");
    if (!cop_axis_normalize(attrs->axis, shape->rank, &axis))
        return cop_cuda_refuse(build, "this axis");
    COP_TRY(cop_cuda_check_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct batch_normalization), run_batch_normalization,
                                "batch_normalization"));
    struct batch_normalization *self = (struct batch_normalization *)build->kernel;
    const struct middle middle = around(shape, order, axis, axis);
    self->added = cop_cuda_added_src(request);
    self->launch = (struct cop_cuda_batch_normalization){
        .type = cop_cuda_type(request),
        .outer = middle.outer,
        .channels = middle.length,
        .inner = middle.inner,
        .epsilon = attrs->epsilon,
        .unit_scale = attrs->unit_scale,
    };
    cop_cuda_post_ops(request->post_ops, &self->launch.post_ops);
    for (int i = attrs->unit_scale ? 2 : 1; i < 5; i++)
        COP_TRY(cop_cuda_take_as_is(build, i));
    COP_TRY(cop_cuda_take_added(build, order));
    self->base.base.in_place_srcs |= 1u;
    self->base.base.unread_srcs = attrs->unit_scale ? 1u << 1 : 0;
    return finish_alike(build, order, 4);
}

struct lrn {
    struct cuda_kernel base;
    struct cop_cuda_lrn launch;
};

static cop_status run_lrn(const struct cuda_kernel *kernel, struct cuda_stream *stream, void *state,
                          const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct lrn *self = (const struct lrn *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_lrn(&self->launch, args->src[0], args->dst[0], stream->stream), error);
    return COP_STATUS_OK;
}

cop_status cop_cuda_lrn_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct lrn_attrs *attrs = request->attrs;
    const enum cop_cuda_order order = cop_cuda_follow(&request->src[0]);
    if (!cop_cuda_is_all_float(request))
        return cop_cuda_refuse(build, "normalization of other types than float32");
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct lrn), run_lrn, "lrn"));
    struct lrn *self = (struct lrn *)build->kernel;
    const struct middle middle = around(&request->src[0].shape, order, 1, 1);
    self->launch = (struct cop_cuda_lrn){
        .type = cop_cuda_type(request),
        .outer = middle.outer,
        .channels = middle.length,
        .inner = middle.inner,
        .size = attrs->size,
        .alpha = attrs->alpha,
        .beta = attrs->beta,
        .bias = attrs->bias,
    };
    const int64_t reach = attrs->size < middle.length ? attrs->size : middle.length;
    return finish_alike(build, order, 2 * (double)reach + 40);
}

struct softmax {
    struct cuda_kernel base;
    struct cop_cuda_softmax launch;
};

static cop_status run_softmax(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                              void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct softmax *self = (const struct softmax *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_softmax(&self->launch, args->src[0], args->dst[0], stream->stream), error);
    return COP_STATUS_OK;
}

cop_status cop_cuda_softmax_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct softmax_attrs *attrs = request->attrs;
    const struct shape *shape = &request->src[0].shape;
    const enum cop_cuda_order order = cop_cuda_follow(&request->src[0]);
    int axis = 0;
    if (!cop_cuda_is_all_float(request))
        return cop_cuda_refuse(build, "softmax of other types than float32");
    if (!cop_axis_normalize(attrs->axis, shape->rank, &axis))
        return cop_cuda_refuse(build, "this axis");
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct softmax), run_softmax, "softmax"));
    struct softmax *self = (struct softmax *)build->kernel;
    const struct middle middle =
        around(shape, order, axis, attrs->coerce_2d ? shape->rank - 1 : axis);
    self->launch = (struct cop_cuda_softmax){
        .type = cop_cuda_type(request),
        .outer = middle.outer,
        .length = middle.length,
        .inner = middle.inner,
        .is_log = attrs->is_log,
        .temperature = attrs->temperature,
    };
    self->base.base.in_place_srcs = 1u;
    return finish_alike(build, order, 40);
}
