// SPDX-License-Identifier: Apache-2.0
#include "backends/backend.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/fork.h"

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

cop_status cop_memory_create(struct device *device, enum memory_kind kind, size_t bytes,
                             const char *what, void **memory, cop_error *error)
{
    *memory = NULL;
    if (kind == MEMORY_HOST || !cop_device_has_memory(device)) {
        *memory = cop_alloc_aligned(bytes);
        return *memory != NULL ? COP_STATUS_OK : cop_fail_memory(error, what, bytes);
    }
    cop_fork_hold_off();
    const cop_status status = device->backend->memory_create(device, kind, bytes, memory, error);
    cop_fork_allow();
    return status == COP_STATUS_OK ? status : cop_error_prefix(error, status, "%s: ", what);
}

void cop_memory_destroy(struct device *device, enum memory_kind kind, void **memory)
{
    void *old = *memory;
    *memory = NULL;
    if (old == NULL)
        return;
    if (kind == MEMORY_HOST || !cop_device_has_memory(device))
        cop_free(old);
    else
        device->backend->memory_destroy(device, kind, old);
}

cop_status cop_memory_copy(struct device *device, const void *src, void *dst, size_t bytes,
                           cop_error *error)
{
    if (device != NULL && cop_device_has_memory(device))
        return device->backend->memory_copy(device, src, dst, bytes, error);
    memcpy(dst, src, bytes);
    return COP_STATUS_OK;
}

cop_status cop_memory_clear(struct device *device, enum memory_kind kind, void *memory,
                            size_t bytes, cop_error *error)
{
    if (kind == MEMORY_DEVICE && cop_device_has_memory(device))
        return device->backend->memory_clear(device, memory, bytes, error);
    memset(memory, 0, bytes);
    return COP_STATUS_OK;
}
