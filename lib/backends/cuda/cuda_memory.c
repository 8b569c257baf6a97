// SPDX-License-Identifier: Apache-2.0
/*
 * Memory of the device and page-locked memory. Whoever frees some has waited for all that used it,
 * so a kept block may go to any stream at once.
 */
#include <string.h>

#include "backends/cuda/cuda_device.h"
#include "base/alloc.h"
#include "base/error.h"

/* Every block of the device that is handed out, since it is freed without its size. */
struct cuda_live {
    struct cuda_block block;
    struct cuda_live *next;
};

/* Blocks differ in size by an eighth at the least, so that kept ones are found again. At least one
 * byte is asked for: for none CUDA gives no address. */
static size_t round_up(size_t bytes)
{
    size_t step = 512;
    if (bytes == 0)
        bytes = 1;
    while (step * 16 < bytes)
        step *= 2;
    return (bytes + step - 1) / step * step;
}

/* The smallest kept block that is large enough and not half as large again; NULL: there is none. */
static void *take_kept(struct cuda_device *device, size_t *bytes)
{
    int best = -1;
    void *memory = NULL;
    pthread_mutex_lock(&device->pool_mutex);
    for (int i = 0; i < device->kept_count; i++) {
        const size_t size = device->kept[i].bytes;
        if (size >= *bytes && size <= *bytes + *bytes / 2 &&
            (best < 0 || size < device->kept[best].bytes))
            best = i;
    }
    if (best >= 0) {
        memory = device->kept[best].memory;
        *bytes = device->kept[best].bytes;
        device->kept_bytes -= *bytes;
        device->kept[best] = device->kept[--device->kept_count];
    }
    pthread_mutex_unlock(&device->pool_mutex);
    return memory;
}

/* False: there is no room for it among those kept. */
static bool keep(struct cuda_device *device, struct cuda_block block)
{
    pthread_mutex_lock(&device->pool_mutex);
    const bool has_room = device->kept_count < CUDA_KEPT_BLOCKS &&
                          block.bytes <= CUDA_KEPT_BYTES - device->kept_bytes;
    if (has_room) {
        device->kept[device->kept_count++] = block;
        device->kept_bytes += block.bytes;
    }
    pthread_mutex_unlock(&device->pool_mutex);
    return has_room;
}

void cop_cuda_memory_forget(struct cuda_device *device)
{
    struct cuda_block old[CUDA_KEPT_BLOCKS];
    pthread_mutex_lock(&device->pool_mutex);
    const int count = device->kept_count;
    memcpy(old, device->kept, sizeof old);
    device->kept_count = 0;
    device->kept_bytes = 0;
    pthread_mutex_unlock(&device->pool_mutex);
    for (int i = 0; i < count && cop_cuda_is_ours(device); i++)
        (void)cudaFree(old[i].memory);
}

/* Other libraries' recordings must not make our allocations fail. */
static cudaError_t allocate(struct cuda_device *device, size_t bytes, void **memory)
{
    enum cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    (void)cudaThreadExchangeStreamCaptureMode(&mode);
    cudaError_t code = cudaMalloc(memory, bytes);
    if (code == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();
        cop_cuda_memory_forget(device);
        code = cudaMalloc(memory, bytes);
    }
    (void)cudaThreadExchangeStreamCaptureMode(&mode);
    return code;
}

static void list_live(struct cuda_device *device, struct cuda_live *entry)
{
    pthread_mutex_lock(&device->pool_mutex);
    entry->next = device->live;
    device->live = entry;
    pthread_mutex_unlock(&device->pool_mutex);
}

static struct cuda_live *unlist_live(struct cuda_device *device, const void *memory)
{
    pthread_mutex_lock(&device->pool_mutex);
    struct cuda_live **at = &device->live;
    while (*at != NULL && (*at)->block.memory != memory)
        at = &(*at)->next;
    struct cuda_live *found = *at;
    if (found != NULL)
        *at = found->next;
    pthread_mutex_unlock(&device->pool_mutex);
    return found;
}

static cop_status create_on_device(struct cuda_device *device, size_t bytes, void **memory,
                                   cop_error *error)
{
    struct cuda_live *entry = cop_alloc(1, sizeof *entry);
    if (entry == NULL)
        return cop_fail_memory(error, "device memory", sizeof *entry);
    entry->block.bytes = round_up(bytes);
    entry->block.memory = take_kept(device, &entry->block.bytes);
    if (entry->block.memory == NULL) {
        const cudaError_t code = allocate(device, entry->block.bytes, &entry->block.memory);
        if (code != cudaSuccess) {
            const size_t wanted = entry->block.bytes;
            cop_free(entry);
            const cop_status status = cop_cuda_fail(device, code, "cudaMalloc", error);
            return status == COP_STATUS_OUT_OF_DEVICE_MEMORY
                       ? cop_fail(error, status, "%s has no %zu bytes left", device->base.name,
                                  wanted)
                       : status;
        }
    }
    list_live(device, entry);
    *memory = entry->block.memory;
    return COP_STATUS_OK;
}

static cop_status create_pinned(struct cuda_device *device, size_t bytes, void **memory,
                                cop_error *error)
{
    const cudaError_t code = cudaHostAlloc(memory, bytes == 0 ? 1 : bytes, cudaHostAllocPortable);
    if (code == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();
        return cop_fail(error, COP_STATUS_OUT_OF_MEMORY, "%zu bytes of page-locked memory", bytes);
    }
    return code == cudaSuccess ? COP_STATUS_OK
                               : cop_cuda_fail(device, code, "cudaHostAlloc", error);
}

cop_status cop_cuda_memory_create(struct device *device, enum memory_kind kind, size_t bytes,
                                  void **memory, cop_error *error)
{
    struct cuda_device *self = cop_cuda_device(device);
    *memory = NULL;
    const int before = cop_cuda_enter(self);
    cop_status status = cop_cuda_check(self, error);
    if (status == COP_STATUS_OK)
        status = kind == MEMORY_DEVICE ? create_on_device(self, bytes, memory, error)
                                       : create_pinned(self, bytes, memory, error);
    cop_cuda_leave(before);
    return status;
}

void cop_cuda_memory_destroy(struct device *device, enum memory_kind kind, void *memory)
{
    struct cuda_device *self = cop_cuda_device(device);
    struct cuda_live *entry = kind == MEMORY_DEVICE ? unlist_live(self, memory) : NULL;
    if (cop_cuda_is_ours(self) && (entry == NULL || !keep(self, entry->block))) {
        const int before = cop_cuda_enter(self);
        (void)(kind == MEMORY_DEVICE ? cudaFree(memory) : cudaFreeHost(memory));
        (void)cudaGetLastError(); /* nobody could do anything about it */
        cop_cuda_leave(before);
    }
    cop_free(entry);
}

/* On a stream of its own: the default one would wait for all others. */
static cop_status run_on_stream(struct cuda_device *device, const void *src, void *dst,
                                size_t bytes, cop_error *error)
{
    cudaStream_t stream;
    CUDA_TRY(device, cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), error);
    cudaError_t code = src == NULL ? cudaMemsetAsync(dst, 0, bytes, stream)
                                   : cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDefault, stream);
    if (code == cudaSuccess)
        code = cop_cuda_settle(device, stream);
    (void)cudaStreamDestroy(stream);
    return code == cudaSuccess ? COP_STATUS_OK : cop_cuda_fail(device, code, "a copy", error);
}

static cop_status copy_or_clear(struct device *device, const void *src, void *dst, size_t bytes,
                                cop_error *error)
{
    struct cuda_device *self = cop_cuda_device(device);
    const int before = cop_cuda_enter(self);
    cop_status status = cop_cuda_check(self, error);
    if (status == COP_STATUS_OK && bytes > 0)
        status = run_on_stream(self, src, dst, bytes, error);
    cop_cuda_leave(before);
    return status;
}

cop_status cop_cuda_memory_copy(struct device *device, const void *src, void *dst, size_t bytes,
                                cop_error *error)
{
    return copy_or_clear(device, src, dst, bytes, error);
}

cop_status cop_cuda_memory_clear(struct device *device, void *memory, size_t bytes,
                                 cop_error *error)
{
    return copy_or_clear(device, NULL, memory, bytes, error);
}

size_t cop_cuda_memory_bytes(struct device *device)
{
    return cop_cuda_device(device)->memory_bytes;
}
