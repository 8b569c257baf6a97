// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cuda_kernel.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"

/* By operator kind; NULL: `ref` runs it. */
static cuda_describe *const describers[OP_KIND_COUNT] = {
    [OP_CONVOLUTION] = cop_cuda_convolution_kernel,
    [OP_FULLY_CONNECTED] = cop_cuda_fully_connected_kernel,
    [OP_GEMM] = cop_cuda_gemm_kernel,
    [OP_MATMUL] = cop_cuda_matmul_kernel,
    [OP_POOLING] = cop_cuda_pooling_kernel,
    [OP_BATCH_NORMALIZATION] = cop_cuda_batch_normalization_kernel,
    [OP_LRN] = cop_cuda_lrn_kernel,
    [OP_SOFTMAX] = cop_cuda_softmax_kernel,
    [OP_UNARY] = cop_cuda_unary_kernel,
    [OP_BINARY] = cop_cuda_binary_kernel,
    [OP_PRELU] = cop_cuda_prelu_kernel,
    [OP_REDUCE] = cop_cuda_reduce_kernel,
    [OP_CONCAT] = cop_cuda_concat_kernel,
    [OP_SPLIT] = cop_cuda_split_kernel,
    [OP_SLICE] = cop_cuda_slice_kernel,
    [OP_PAD] = cop_cuda_pad_kernel,
    [OP_TRANSPOSE] = cop_cuda_transpose_kernel,
    [OP_GATHER] = cop_cuda_gather_kernel,
    [OP_CAST] = cop_cuda_cast_kernel,
    [OP_FILL] = cop_cuda_fill_kernel,
    [OP_IDENTITY] = cop_cuda_identity_kernel,
};

cop_status cop_cuda_refuse(struct cuda_build *build, const char *reason)
{
    return cop_fail(build->error, COP_STATUS_UNSUPPORTED, "cuda: %s", reason);
}

cop_status cop_cuda_kernel_new(struct cuda_build *build, size_t bytes, cuda_run *run,
                               const char *name)
{
    const struct kernel_request *request = build->request;
    struct cuda_kernel *made = cop_alloc(1, bytes);
    if (made == NULL)
        return cop_fail_memory(build->error, request->name, bytes);
    build->kernel = made;
    made->device = build->device;
    made->run = run;
    snprintf(made->name, sizeof made->name, "cuda:%s", name);
    made->base.implementation = made->name;
    made->base.is_recordable = true;
    made->base.object_bytes = bytes;
    return cop_kernel_init(&made->base, &cop_cuda_backend, request->src_count, request->dst_count,
                           build->error);
}

cop_status cop_cuda_kernel_create(struct device *device, const struct kernel_request *request,
                                  struct kernel **kernel, cop_error *error)
{
    struct cuda_build build = {cop_cuda_device(device), request, NULL, error};
    *kernel = NULL;
    cuda_describe *describe = describers[request->kind];
    if (describe == NULL)
        return cop_cuda_refuse(&build, "the operator is not there");
    for (int i = 0; i < request->dst_count; i++) {
        int64_t elements;
        if (!cop_shape_elements(&request->dst[i].shape, &elements) || elements == 0)
            return cop_cuda_refuse(&build, "results without elements");
    }
    const int before = cop_cuda_enter(build.device);
    const cop_status status = describe(&build);
    if (status != COP_STATUS_OK && build.kernel != NULL)
        cop_cuda_kernel_destroy(&build.kernel->base);
    cop_cuda_leave(before);
    if (status == COP_STATUS_OK)
        *kernel = &build.kernel->base;
    return status;
}

void cop_cuda_kernel_destroy(struct kernel *kernel)
{
    struct cuda_kernel *old = (struct cuda_kernel *)kernel;
    if (old->finish != NULL)
        old->finish(old);
    cop_kernel_finish(&old->base);
    cop_free(old);
}

cop_status cop_cuda_kernel_run(const struct kernel *kernel, struct stream *stream, void *state,
                               const struct kernel_args *args, cop_error *error)
{
    const struct cuda_kernel *self = (const struct cuda_kernel *)kernel;
    const cop_status status = cop_cuda_check(self->device, error);
    return status == COP_STATUS_OK ? self->run(self, cop_cuda_stream(stream), state, args, error)
                                   : status;
}

cop_status cop_cuda_state_create(const struct kernel *kernel, struct stream *stream, void **state,
                                 cop_error *error)
{
    const struct cuda_kernel *self = (const struct cuda_kernel *)kernel;
    *state = NULL;
    if (self->state_create == NULL)
        return COP_STATUS_OK;
    const int before = cop_cuda_enter(self->device);
    const cop_status status = self->state_create(self, cop_cuda_stream(stream), state, error);
    cop_cuda_leave(before);
    return status;
}

void cop_cuda_state_destroy(const struct kernel *kernel, void *state)
{
    const struct cuda_kernel *self = (const struct cuda_kernel *)kernel;
    if (state == NULL)
        return;
    const int before = cop_cuda_enter(self->device);
    self->state_destroy(self, state);
    cop_cuda_leave(before);
}

cop_dtype cop_cuda_stored(const struct kernel_request *request)
{
    switch (request->precision) {
    case COP_PRECISION_BF16:
        return COP_DTYPE_BFLOAT16;
    case COP_PRECISION_FP16:
        return COP_DTYPE_FLOAT16;
    default:
        return COP_DTYPE_FLOAT32;
    }
}

enum cop_cuda_type cop_cuda_type(const struct kernel_request *request)
{
    enum cop_cuda_type type = COP_CUDA_F32;
    (void)cop_cuda_type_of(cop_cuda_stored(request), &type);
    return type;
}

bool cop_cuda_is_all_float(const struct kernel_request *request)
{
    for (int i = 0; i < request->src_count; i++)
        if (request->src[i].is_present && request->src[i].dtype != COP_DTYPE_FLOAT32)
            return false;
    for (int i = 0; i < request->dst_count; i++)
        if (request->dst[i].is_present && request->dst[i].dtype != COP_DTYPE_FLOAT32)
            return false;
    return true;
}

enum cop_cuda_order cop_cuda_order_of(const struct kernel_tensor *src)
{
    return cop_cuda_is_nhwc(src->layout, &src->shape) ? COP_CUDA_NHWC : COP_CUDA_ROW_MAJOR;
}

static int64_t elements_of(const struct kernel_tensor *tensor)
{
    return cop_shape_product(&tensor->shape, 0, tensor->shape.rank);
}

cop_status cop_cuda_take(struct cuda_build *build, int index,
                         const struct cuda_arrangement *arrangement)
{
    return cop_cuda_layout_create(&cop_cuda_backend, arrangement,
                                  elements_of(&build->request->src[index]),
                                  &build->kernel->base.src_layouts[index], build->error);
}

cop_status cop_cuda_give(struct cuda_build *build, int index,
                         const struct cuda_arrangement *arrangement)
{
    return cop_cuda_layout_create(&cop_cuda_backend, arrangement,
                                  elements_of(&build->request->dst[index]),
                                  &build->kernel->base.dst_layouts[index], build->error);
}

static struct cuda_arrangement ordered(const struct kernel_request *request,
                                       const struct kernel_tensor *tensor,
                                       enum cop_cuda_order order)
{
    const cop_dtype stored =
        tensor->dtype == COP_DTYPE_FLOAT32 ? cop_cuda_stored(request) : tensor->dtype;
    if (order == COP_CUDA_NHWC && tensor->shape.rank >= 3)
        return cop_cuda_nhwc(&tensor->shape, stored);
    return (struct cuda_arrangement){.stored = stored, .order = COP_CUDA_ROW_MAJOR};
}

cop_status cop_cuda_take_ordered(struct cuda_build *build, int index, enum cop_cuda_order order)
{
    const struct cuda_arrangement arrangement =
        ordered(build->request, &build->request->src[index], order);
    return cop_cuda_take(build, index, &arrangement);
}

cop_status cop_cuda_give_ordered(struct cuda_build *build, int index, enum cop_cuda_order order)
{
    const struct cuda_arrangement arrangement =
        ordered(build->request, &build->request->dst[index], order);
    return cop_cuda_give(build, index, &arrangement);
}

cop_status cop_cuda_take_as_is(struct cuda_build *build, int index)
{
    const struct cuda_arrangement arrangement = {
        .stored = build->request->src[index].dtype,
        .order = COP_CUDA_ROW_MAJOR,
    };
    return cop_cuda_take(build, index, &arrangement);
}

void cop_cuda_post_ops(const struct post_ops *post_ops, struct cop_cuda_post_ops *translated)
{
    _Static_assert((int)COP_CUDA_UNARY_COUNT == (int)UNARY_ALG_COUNT, "one list, two names");
    translated->count = post_ops->count;
    for (int i = 0; i < post_ops->count; i++) {
        const struct post_op *from = &post_ops->entries[i];
        translated->entries[i] = (struct cop_cuda_post_op){
            .alg = from->kind == POST_OP_SUM ? COP_CUDA_SUM : (int)from->unary.alg,
            .alpha = from->unary.alpha,
            .beta = from->unary.beta,
        };
    }
}

int cop_cuda_added_src(const struct kernel_request *request)
{
    for (int i = 0; i < request->post_ops->count; i++)
        if (request->post_ops->entries[i].kind == POST_OP_SUM)
            return request->src_count - 1;
    return -1;
}

int cop_cuda_memory_dims(const struct shape *shape, enum cop_cuda_order order, int64_t *dims,
                         int *axes)
{
    for (int i = 0; i < shape->rank; i++) {
        int axis = i;
        if (order == COP_CUDA_NHWC && shape->rank >= 3 && i > 0)
            axis = i == shape->rank - 1 ? 1 : i + 1;
        dims[i] = shape->dims[axis];
        if (axes != NULL)
            axes[i] = axis;
    }
    return shape->rank;
}

/* What is left of the peaks where nothing is tuned, and a start. */
int64_t cop_cuda_estimate(const struct cuda_device *device, double bytes, double flops)
{
    const double memory = bytes / (0.5 * device->bytes_per_ns);
    const double arithmetic = flops / (0.3 * device->flops_per_ns);
    return 3000 + (int64_t)(memory > arithmetic ? memory : arithmetic);
}

double cop_cuda_operand_bytes(const struct cuda_build *build)
{
    const struct kernel *kernel = &build->kernel->base;
    double bytes = 0;
    for (int i = 0; i < kernel->src_count; i++)
        bytes += kernel->src_layouts[i] == NULL ? 0 : (double)kernel->src_layouts[i]->bytes;
    for (int i = 0; i < kernel->dst_count; i++)
        bytes += kernel->dst_layouts[i] == NULL ? 0 : (double)kernel->dst_layouts[i]->bytes;
    return bytes;
}
