// SPDX-License-Identifier: Apache-2.0
/*
 * The reference backend: plain C for every operator, plain layouts, no library underneath, no
 * state. The last resort of every device and the oracle of the others.
 */
#include <stdio.h>

#include "backends/ref/ref_kernel.h"
#include "base/alloc.h"
#include "base/error.h"

typedef cop_status ref_prepare(struct ref_kernel *kernel, cop_error *error);

static ref_prepare *const prepare_table[OP_KIND_COUNT] = {
#define X(kind, lower, name, min_src, max_src, min_dst, max_dst, attributes)                       \
    [OP_##kind] = cop_ref_##lower,
#include "ir/op_list.inc"
#undef X
};

static const char *no_version(void)
{
    return "";
}

static int count_devices(void)
{
    return 1;
}

static cop_status open_device(int index, struct device **device, cop_error *error)
{
    *device = NULL;
    if (index != 0)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "reference device %d: there is only 0", index);
    struct device *opened = cop_alloc(1, sizeof *opened);
    if (opened == NULL)
        return cop_fail_memory(error, "reference device", sizeof *opened);
    opened->backend = &cop_ref_backend;
    opened->id = (cop_device){COP_DEVICE_REF, 0};
    snprintf(opened->name, sizeof opened->name, "reference kernels in plain C");
    *device = opened;
    return COP_STATUS_OK;
}

static void close_device(struct device *device)
{
    cop_free(device);
}

void *cop_ref_alloc(struct ref_kernel *kernel, size_t count, size_t size, cop_error *error)
{
    void *memory = cop_arena_alloc(&kernel->arena, count, size);
    if (memory == NULL)
        (void)cop_fail_memory(error, "reference kernel", count * size);
    return memory;
}

cop_status cop_ref_refuse_dtype(cop_dtype dtype, cop_error *error)
{
    return cop_fail(error, COP_STATUS_UNSUPPORTED, "the reference backend cannot do it in %s",
                    cop_dtype_name(dtype));
}

cop_status cop_ref_need_float32(const struct ref_kernel *kernel, cop_error *error)
{
    for (int i = 0; i < kernel->src_count; i++)
        if (kernel->src[i].is_present && kernel->src[i].dtype != COP_DTYPE_FLOAT32)
            return cop_ref_refuse_dtype(kernel->src[i].dtype, error);
    for (int i = 0; i < kernel->dst_count; i++)
        if (kernel->dst[i].is_present && kernel->dst[i].dtype != COP_DTYPE_FLOAT32)
            return cop_ref_refuse_dtype(kernel->dst[i].dtype, error);
    return COP_STATUS_OK;
}

int64_t cop_ref_elements(const struct kernel_tensor *tensor)
{
    return cop_shape_product(&tensor->shape, 0, tensor->shape.rank);
}

/* Copies what the request lends, so that the kernel can outlive it. */
static cop_status copy_request(struct ref_kernel *kernel, const struct kernel_request *request,
                               cop_error *error)
{
    struct arena *arena = &kernel->arena;
    const size_t attrs_bytes = cop_op_def(request->kind)->attrs_bytes;
    kernel->src_count = request->src_count - (cop_post_ops_has_sum(request->post_ops) ? 1 : 0);
    kernel->dst_count = request->dst_count;
    kernel->post_ops = *request->post_ops;
    kernel->name = cop_arena_text(arena, request->name);
    kernel->attrs = cop_arena_copy(arena, request->attrs, 1, attrs_bytes);
    kernel->src =
        cop_arena_copy(arena, request->src, (size_t)request->src_count, sizeof *kernel->src);
    kernel->dst =
        cop_arena_copy(arena, request->dst, (size_t)request->dst_count, sizeof *kernel->dst);
    if (kernel->name == NULL || kernel->attrs == NULL || kernel->src == NULL || kernel->dst == NULL)
        return cop_fail_memory(error, "reference kernel", attrs_bytes);
    return COP_STATUS_OK;
}

/* With nothing to compute, loops over the other dimensions could still be endless. */
static bool computes_nothing(const struct ref_kernel *kernel)
{
    for (int i = 0; i < kernel->dst_count; i++)
        if (cop_ref_elements(&kernel->dst[i]) > 0)
            return false;
    return true;
}

/* Post-ops are float32 and meet a result of the same shape. */
static cop_status check_post_ops(const struct ref_kernel *kernel, cop_error *error)
{
    if (kernel->post_ops.count > 0 && kernel->dst[0].dtype != COP_DTYPE_FLOAT32)
        return cop_ref_refuse_dtype(kernel->dst[0].dtype, error);
    if (kernel->base.src_count > kernel->src_count &&
        (kernel->src[kernel->src_count].dtype != COP_DTYPE_FLOAT32 ||
         !cop_shape_equal(&kernel->src[kernel->src_count].shape, &kernel->dst[0].shape)))
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "the reference backend adds only float32 of the result's shape");
    return COP_STATUS_OK;
}

static void destroy_kernel(struct kernel *base)
{
    struct ref_kernel *kernel = (struct ref_kernel *)base;
    cop_kernel_finish(base);
    cop_arena_release(&kernel->arena);
    cop_free(kernel);
}

static cop_status create_kernel(struct device *device, const struct kernel_request *request,
                                struct kernel **kernel, cop_error *error)
{
    (void)device;
    *kernel = NULL;
    struct ref_kernel *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "reference kernel", sizeof *made);
    cop_status status = cop_kernel_init(&made->base, &cop_ref_backend, request->src_count,
                                        request->dst_count, error);
    if (status == COP_STATUS_OK)
        status = copy_request(made, request, error);
    if (status == COP_STATUS_OK)
        status = check_post_ops(made, error);
    if (status == COP_STATUS_OK)
        status = prepare_table[request->kind](made, error);
    if (status != COP_STATUS_OK) {
        destroy_kernel(&made->base);
        return status;
    }
    for (int i = 0; i < request->src_count; i++)
        made->src[i].value = NULL;
    made->base.implementation = "ref";
    made->base.object_bytes = sizeof *made + made->arena.bytes;
    *kernel = &made->base;
    return COP_STATUS_OK;
}

static cop_status run_kernel(const struct kernel *base, struct stream *stream, void *state,
                             const struct kernel_args *args, cop_error *error)
{
    (void)stream, (void)state;
    const struct ref_kernel *kernel = (const struct ref_kernel *)base;
    if (computes_nothing(kernel))
        return COP_STATUS_OK;
    const cop_status status = kernel->run(kernel, args, error);
    if (status == COP_STATUS_OK && kernel->post_ops.count > 0)
        cop_ref_run_post_ops(kernel, args);
    return status;
}

const struct backend cop_ref_backend = {
    .name = "ref",
    .device_kind = COP_DEVICE_REF,
    .version = no_version,
    .device_count = count_devices,
    .device_open = open_device,
    .device_close = close_device,
    .kernel_create = create_kernel,
    .kernel_destroy = destroy_kernel,
    .kernel_run = run_kernel,
};
