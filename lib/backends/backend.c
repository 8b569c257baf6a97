// SPDX-License-Identifier: Apache-2.0
#include "backends/backend.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/fork.h"

const struct layout *cop_layout_retain(const struct layout *layout)
{
    if (layout != NULL)
        cop_refcount_retain(&((struct layout *)(uintptr_t)layout)->refs);
    return layout;
}

void cop_layout_release(const struct layout **layout)
{
    struct layout *old = (struct layout *)(uintptr_t)*layout;
    *layout = NULL;
    if (old != NULL && cop_refcount_release(&old->refs))
        old->backend->layout_destroy(old);
}

bool cop_layout_equal(const struct layout *a, const struct layout *b)
{
    if (a == b)
        return true;
    return a != NULL && b != NULL && a->backend == b->backend && a->hash == b->hash &&
           a->bytes == b->bytes && a->backend->layout_equal(a, b);
}

const char *cop_layout_name(const struct layout *layout)
{
    return layout == NULL ? "plain" : layout->name;
}

size_t cop_layout_bytes(const struct layout *layout, cop_dtype dtype, const struct shape *shape)
{
    size_t bytes = 0;
    if (layout != NULL)
        return layout->bytes;
    return cop_shape_bytes(shape, dtype, &bytes) ? bytes : SIZE_MAX;
}

static cop_status accept_kernel(cop_status status, struct kernel *made, const char *name,
                                struct kernel **kernel, cop_error *error)
{
    *kernel = NULL;
    if (status != COP_STATUS_OK)
        return status;
    if (made == NULL || made->backend == NULL || made->implementation == NULL)
        return cop_fail(error, COP_STATUS_INTERNAL, "%s: the backend made half a kernel", name);
    *kernel = made;
    return COP_STATUS_OK;
}

cop_status cop_kernel_create(struct device *device, const struct kernel_request *request,
                             struct kernel **kernel, cop_error *error)
{
    struct kernel *made = NULL;
    cop_fork_hold_off(); /* libraries below have locks of their own */
    const cop_status status = device->backend->kernel_create(device, request, &made, error);
    cop_fork_allow();
    return accept_kernel(status, made, request->name, kernel, error);
}

cop_status cop_reorder_create(struct device *device, cop_dtype dtype, const struct shape *shape,
                              const struct layout *src, const struct layout *dst,
                              int intra_op_threads, struct kernel **kernel, cop_error *error)
{
    struct kernel *made = NULL;
    *kernel = NULL;
    if (device->backend->reorder_create == NULL)
        return cop_fail(error, COP_STATUS_INTERNAL, "%s knows no layout but the plain one",
                        device->backend->name);
    cop_fork_hold_off();
    const cop_status status = device->backend->reorder_create(device, dtype, shape, src, dst,
                                                              intra_op_threads, &made, error);
    cop_fork_allow();
    return accept_kernel(status, made, "reorder", kernel, error);
}

void cop_kernel_destroy(struct kernel **kernel)
{
    struct kernel *old = *kernel;
    *kernel = NULL;
    if (old != NULL)
        old->backend->kernel_destroy(old);
}

cop_status cop_kernel_init(struct kernel *kernel, const struct backend *backend, int src_count,
                           int dst_count, cop_error *error)
{
    kernel->backend = backend;
    kernel->src_count = src_count;
    kernel->dst_count = dst_count;
    kernel->accumulates_src = -1;
    kernel->src_layouts = cop_alloc((size_t)src_count, sizeof *kernel->src_layouts);
    kernel->dst_layouts = cop_alloc((size_t)dst_count, sizeof *kernel->dst_layouts);
    if (kernel->src_layouts == NULL || kernel->dst_layouts == NULL)
        return cop_fail_memory(error, "kernel", sizeof(void *) * (size_t)(src_count + dst_count));
    return COP_STATUS_OK;
}

void cop_kernel_finish(struct kernel *kernel)
{
    for (int i = 0; kernel->src_layouts != NULL && i < kernel->src_count; i++)
        cop_layout_release(&kernel->src_layouts[i]);
    for (int i = 0; kernel->dst_layouts != NULL && i < kernel->dst_count; i++)
        cop_layout_release(&kernel->dst_layouts[i]);
    cop_free(kernel->src_layouts);
    cop_free(kernel->dst_layouts);
}
