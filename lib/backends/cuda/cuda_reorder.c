// SPDX-License-Identifier: Apache-2.0
/*
 * Everything that moves a tensor to the GPU, back, or into another layout there. What comes from or
 * goes to pageable memory of a caller passes through page-locked staging of the context, so that
 * the copy runs behind; large tensors are left to the runtime, which stages them in pieces.
 */
#include <stdio.h>
#include <string.h>

#include "backends/cuda/cuda_kernel.h"
#include "base/alloc.h"
#include "base/error.h"

#define LARGEST_STAGING_BYTES ((size_t)8 << 20)

struct cuda_reorder {
    struct cuda_kernel base;
    bool comes_from_host, goes_to_host; /* plain on that side */
    bool converts;                      /* more than a copy of bytes */
    struct cop_cuda_reorder kernel;
    size_t src_bytes, dst_bytes;
};

/* Of one context and step: allocated when a pageable address first comes. */
struct staging {
    void *memory;
};

static cop_status staging_of(struct cuda_device *device, void *state, size_t bytes, void **memory,
                             cop_error *error)
{
    struct staging *staging = state;
    *memory = NULL;
    if (staging == NULL || bytes > LARGEST_STAGING_BYTES)
        return COP_STATUS_OK;
    if (staging->memory == NULL)
        CUDA_TRY(device, cudaHostAlloc(&staging->memory, bytes, cudaHostAllocPortable), error);
    *memory = staging->memory;
    return COP_STATUS_OK;
}

static cop_status staging_create(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                                 void **state, cop_error *error)
{
    (void)kernel, (void)stream;
    *state = cop_alloc(1, sizeof(struct staging));
    return *state != NULL ? COP_STATUS_OK
                          : cop_fail_memory(error, "staging", sizeof(struct staging));
}

static void staging_destroy(const struct cuda_kernel *kernel, void *state)
{
    struct staging *staging = state;
    if (staging->memory != NULL && cop_cuda_is_ours(kernel->device))
        (void)cudaFreeHost(staging->memory);
    cop_free(staging);
}

/* Begins the copy of plain elements to the device. */
static cop_status upload(const struct cuda_reorder *self, struct cuda_stream *stream, void *state,
                         const struct kernel_args *args, void *dst, cop_error *error)
{
    struct cuda_device *device = self->base.device;
    const void *src = args->src[0];
    const enum memory_kind kind = (enum memory_kind)args->src_memory[0];
    void *staging = NULL;
    if (kind == MEMORY_HOST) {
        const cop_status status = staging_of(device, state, self->src_bytes, &staging, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    if (staging != NULL) {
        memcpy(staging, src, self->src_bytes);
        src = staging;
    }
    CUDA_TRY(
        device,
        cudaMemcpyAsync(dst, src, self->src_bytes,
                        kind == MEMORY_DEVICE ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice,
                        stream->stream),
        error);
    return COP_STATUS_OK;
}

/* Begins the copy of plain elements to where the caller wants them. */
static cop_status download(const struct cuda_reorder *self, struct cuda_stream *stream, void *state,
                           const struct kernel_args *args, const void *src, cop_error *error)
{
    struct cuda_device *device = self->base.device;
    void *dst = args->dst[0], *staging = NULL;
    const enum memory_kind kind = (enum memory_kind)args->dst_memory[0];
    cop_status status = COP_STATUS_OK;
    if (kind == MEMORY_HOST)
        status = staging_of(device, state, self->dst_bytes, &staging, error);
    if (status == COP_STATUS_OK && staging != NULL) {
        const struct pending_copy copy = {staging, dst, self->dst_bytes};
        status = cop_cuda_stream_copy_later(stream, &copy, error);
        dst = staging;
    }
    if (status != COP_STATUS_OK)
        return status;
    CUDA_TRY(
        device,
        cudaMemcpyAsync(dst, src, self->dst_bytes,
                        kind == MEMORY_DEVICE ? cudaMemcpyDeviceToDevice : cudaMemcpyDeviceToHost,
                        stream->stream),
        error);
    return COP_STATUS_OK;
}

static cop_status convert(const struct cuda_reorder *self, struct cuda_stream *stream,
                          const void *src, void *dst, cop_error *error)
{
    CUDA_TRY(self->base.device, cop_cuda_reorder(&self->kernel, src, dst, stream->stream), error);
    return COP_STATUS_OK;
}

static cop_status run_to_device(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                                void *state, const struct kernel_args *args, cop_error *error)
{
    const struct cuda_reorder *self = (const struct cuda_reorder *)kernel;
    if (!self->converts)
        return upload(self, stream, state, args, args->dst[0], error);
    if (args->src_memory[0] == MEMORY_DEVICE)
        return convert(self, stream, args->src[0], args->dst[0], error);
    const cop_status status = upload(self, stream, state, args, args->scratch, error);
    return status == COP_STATUS_OK ? convert(self, stream, args->scratch, args->dst[0], error)
                                   : status;
}

static cop_status run_from_device(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                                  void *state, const struct kernel_args *args, cop_error *error)
{
    const struct cuda_reorder *self = (const struct cuda_reorder *)kernel;
    if (!self->converts)
        return download(self, stream, state, args, args->src[0], error);
    if (args->dst_memory[0] == MEMORY_DEVICE)
        return convert(self, stream, args->src[0], args->dst[0], error);
    const cop_status status = convert(self, stream, args->src[0], args->scratch, error);
    return status == COP_STATUS_OK ? download(self, stream, state, args, args->scratch, error)
                                   : status;
}

static cop_status run_on_device(const struct cuda_kernel *kernel, struct cuda_stream *stream,
                                void *state, const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct cuda_reorder *self = (const struct cuda_reorder *)kernel;
    if (self->converts)
        return convert(self, stream, args->src[0], args->dst[0], error);
    CUDA_TRY(kernel->device,
             cudaMemcpyAsync(args->dst[0], args->src[0], self->src_bytes, cudaMemcpyDeviceToDevice,
                             stream->stream),
             error);
    return COP_STATUS_OK;
}

/* The kernel between two arrangements of one tensor; false: there is none. */
static bool describe(const struct cuda_arrangement *src, const struct cuda_arrangement *dst,
                     int64_t elements, struct cop_cuda_reorder *kernel)
{
    const struct cuda_arrangement *sizes = dst->order == COP_CUDA_NHWC ? dst : src;
    const bool is_linear = sizes->order != COP_CUDA_NHWC;
    if (src->order == COP_CUDA_NHWC && dst->order == COP_CUDA_NHWC &&
        (src->n != dst->n || src->channels != dst->channels || src->plane != dst->plane))
        return false;
    *kernel = (struct cop_cuda_reorder){
        .src_order = src->order,
        .dst_order = dst->order,
        .n = is_linear ? 1 : sizes->n,
        .channels = is_linear ? 1 : sizes->channels,
        .plane = is_linear ? elements : sizes->plane,
        .src_channels = src->order == COP_CUDA_NHWC ? src->padded_channels : 0,
        .dst_channels = dst->order == COP_CUDA_NHWC ? dst->padded_channels : 0,
        .round_tf32 = dst->is_tf32,
    };
    return cop_cuda_type_of(src->stored, &kernel->src_type) &&
           cop_cuda_type_of(dst->stored, &kernel->dst_type);
}

/* Elements that were rounded, or whose order only one kernel knows, are no source for another. */
static bool loses(const struct cuda_arrangement *src, const struct cuda_arrangement *dst)
{
    return src->is_tf32 || (src->stored != dst->stored && src->stored != COP_DTYPE_FLOAT32 &&
                            dst->stored != COP_DTYPE_FLOAT32);
}

static const struct cuda_arrangement *arrangement_of(const struct layout *layout,
                                                     const struct cuda_arrangement *plain)
{
    return layout == NULL ? plain : cop_cuda_arrangement(layout);
}

static cop_status fill_in(struct cuda_reorder *self, cop_dtype dtype, int64_t elements,
                          const struct layout *src, const struct layout *dst, cop_error *error)
{
    const struct cuda_arrangement plain = {.stored = dtype, .order = COP_CUDA_ROW_MAJOR};
    const struct cuda_arrangement *from = arrangement_of(src, &plain);
    const struct cuda_arrangement *to = arrangement_of(dst, &plain);
    const size_t plain_bytes = (size_t)elements * cop_dtype_bytes(dtype);
    self->comes_from_host = src == NULL;
    self->goes_to_host = dst == NULL;
    self->converts = from->stored != to->stored || from->order != to->order || to->is_tf32 ||
                     from->padded_channels != to->padded_channels;
    if (loses(from, to) || (self->converts && !describe(from, to, elements, &self->kernel)))
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "cuda: no way from %s to %s",
                        cop_layout_name(src), cop_layout_name(dst));
    self->src_bytes = src == NULL ? plain_bytes : src->bytes;
    self->dst_bytes = dst == NULL ? plain_bytes : dst->bytes;
    self->base.run = src == NULL ? run_to_device : dst == NULL ? run_from_device : run_on_device;
    self->base.base.is_recordable = src != NULL && dst != NULL;
    if (src != NULL && dst != NULL)
        return COP_STATUS_OK;
    self->base.base.scratch_bytes = self->converts ? plain_bytes : 0;
    self->base.base.state_is_optional = true;
    self->base.state_create = staging_create;
    self->base.state_destroy = staging_destroy;
    self->base.base.state_bytes =
        sizeof(struct staging) + (plain_bytes <= LARGEST_STAGING_BYTES ? plain_bytes : 0);
    return COP_STATUS_OK;
}

static cop_status make(struct cuda_reorder *self, cop_dtype dtype, int64_t elements,
                       const struct layout *src, const struct layout *dst, cop_error *error)
{
    cop_status status = cop_kernel_init(&self->base.base, &cop_cuda_backend, 1, 1, error);
    if (status != COP_STATUS_OK)
        return status;
    status = fill_in(self, dtype, elements, src, dst, error);
    if (status != COP_STATUS_OK)
        return status;
    self->base.base.src_layouts[0] = cop_layout_retain(src);
    self->base.base.dst_layouts[0] = cop_layout_retain(dst);
    snprintf(self->base.name, sizeof self->base.name, "cuda:%s",
             self->converts ? "reorder" : "copy");
    self->base.base.implementation = self->base.name;
    self->base.base.object_bytes = sizeof *self;
    self->base.base.estimated_ns =
        cop_cuda_estimate(self->base.device, (double)self->src_bytes + (double)self->dst_bytes, 0);
    return COP_STATUS_OK;
}

cop_status cop_cuda_reorder_create(struct device *device, cop_dtype dtype,
                                   const struct shape *shape, const struct layout *src,
                                   const struct layout *dst, int intra_op_threads,
                                   struct kernel **kernel, cop_error *error)
{
    (void)intra_op_threads;
    struct cuda_reorder *made = cop_alloc(1, sizeof *made);
    *kernel = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "reorder", sizeof *made);
    made->base.device = cop_cuda_device(device);
    const cop_status status =
        make(made, dtype, cop_shape_product(shape, 0, shape->rank), src, dst, error);
    if (status != COP_STATUS_OK) {
        cop_cuda_kernel_destroy(&made->base.base);
        return status;
    }
    *kernel = &made->base.base;
    return COP_STATUS_OK;
}
