// SPDX-License-Identifier: Apache-2.0
/* What backends are made of, also those that live in a module and have a copy of this. */
#include "backends/backend.h"

#include "base/alloc.h"
#include "base/error.h"

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
