// SPDX-License-Identifier: Apache-2.0
/*
 * Which backends serve which device, in order of preference. Devices are opened once and stay open
 * as long as the process lives, and so does the module that serves GPUs.
 */
#include "backends/backend.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <cachedop/library.h>

#include "backends/module.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"

#define GPU_MODULE "libcachedop-cuda.so"
#define MAX_GPUS   32

/* The lock is held for moments; making it is left to whoever comes first. */
static struct lock registry_lock;
/* By device kind; guarded by registry_lock, as is what becomes of them. */
static struct device *opened_cpu, *opened_ref, *opened_gpus[MAX_GPUS];
/* Guarded likewise. NULL: no module is open. A search that found none is not repeated. */
static const struct backend *gpu_backend;
static char gpu_module_path[PATH_MAX];
static cop_error gpu_search; /* how the search for a module ended */
static bool is_gpu_searched;

static void init_registry_lock(void)
{
    cop_lock_init(&registry_lock, LOCK_REGISTRY);
}

static void acquire_registry(void) COP_ACQUIRE(registry_lock)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_registry_lock);
    cop_lock_acquire(&registry_lock);
}

static cop_status open_locked(const struct backend *backend, int index, struct device **opened,
                              cop_error *error) COP_REQUIRES(registry_lock)
{
    return *opened != NULL ? COP_STATUS_OK : backend->device_open(index, opened, error);
}

static cop_status open_module_locked(const char *path, cop_error *error) COP_REQUIRES(registry_lock)
{
    const cop_status status = cop_module_open(path, &gpu_backend, error);
    if (status == COP_STATUS_OK && gpu_backend->device_kind != COP_DEVICE_GPU) {
        gpu_backend = NULL;
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "module %s: it serves no GPU", path);
    }
    if (status == COP_STATUS_OK) /* the caller has checked the length */
        memcpy(gpu_module_path, path, strlen(path) + 1);
    return status;
}

/* The module beside the library, looked for once. */
static cop_status find_gpu_backend_locked(cop_error *error) COP_REQUIRES(registry_lock)
{
    char path[PATH_MAX];
    if (gpu_backend != NULL)
        return COP_STATUS_OK;
    if (!is_gpu_searched) {
        is_gpu_searched = true;
        gpu_search.status = cop_module_beside(GPU_MODULE, path, sizeof path, &gpu_search);
        if (gpu_search.status == COP_STATUS_OK)
            gpu_search.status = open_module_locked(path, &gpu_search);
    }
    return gpu_backend != NULL
               ? COP_STATUS_OK
               : cop_fail(error, gpu_search.status, "no GPU backend: %s", gpu_search.message);
}

cop_status cop_load_module(const char *path, cop_error *error)
{
    if (path == NULL || path[0] != '/' || strlen(path) >= PATH_MAX)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "module: the path %s is %s",
                        path == NULL ? "" : path,
                        path == NULL     ? "NULL"
                        : path[0] != '/' ? "not absolute"
                                         : "too long");
    acquire_registry();
    cop_status status = COP_STATUS_OK;
    if (gpu_backend == NULL)
        status = open_module_locked(path, error);
    else if (strcmp(path, gpu_module_path) != 0)
        status = cop_fail(error, COP_STATUS_BUSY, "module %s: GPUs are served by %s already", path,
                          gpu_module_path);
    cop_lock_release(&registry_lock);
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}

/* OK with nothing opened: the processor is not supported, and the next of the chain serves it. */
static cop_status open_cpu_locked(cop_error *error) COP_REQUIRES(registry_lock)
{
    if (cop_onednn_backend == NULL)
        return COP_STATUS_OK;
    const cop_status status = open_locked(cop_onednn_backend, 0, &opened_cpu, error);
    return status == COP_STATUS_UNSUPPORTED ? cop_ok(error) : status;
}

static cop_status open_gpu_locked(int index, cop_error *error) COP_REQUIRES(registry_lock)
{
    const cop_status status = find_gpu_backend_locked(error);
    if (status != COP_STATUS_OK)
        return status;
    if (index < 0 || index >= MAX_GPUS)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "the index is not 0 to %d", MAX_GPUS - 1);
    return open_locked(gpu_backend, index, &opened_gpus[index], error);
}

static cop_status build_chain_locked(cop_device id, struct device_chain *chain, cop_error *error)
    COP_REQUIRES(registry_lock)
{
    struct device *first = NULL;
    cop_status status = COP_STATUS_OK;
    if (id.kind == COP_DEVICE_CPU) {
        status = open_cpu_locked(error);
        first = opened_cpu;
    } else if (id.kind == COP_DEVICE_GPU) {
        status = open_gpu_locked(id.index, error);
        if (status != COP_STATUS_OK)
            return cop_error_prefix(error, status, "device gpu:%d: ", id.index);
        first = opened_gpus[id.index];
    }
    if (status == COP_STATUS_OK && first != NULL)
        chain->devices[chain->count++] = first;
    if (status == COP_STATUS_OK)
        status = open_locked(&cop_ref_backend, 0, &opened_ref, error);
    if (status == COP_STATUS_OK)
        chain->devices[chain->count++] = opened_ref;
    return status;
}

/* Once in the life of the process, to the first log there is. */
static void warn_of_slow_cpu(void)
{
    static atomic_flag is_said = ATOMIC_FLAG_INIT; /* nothing is ordered by it */
    if (cop_log_is_on(COP_LOG_LEVEL_WARNING) && !atomic_flag_test_and_set(&is_said))
        cop_log(COP_LOG_LEVEL_WARNING,
                "device cpu: oneDNN does not support this processor, so the reference kernels run, "
                "which are slow");
}

cop_status cop_device_chain(cop_device id, struct device_chain *chain, cop_error *error)
{
    *chain = (struct device_chain){.count = 0};
    if (id.kind != COP_DEVICE_CPU && id.kind != COP_DEVICE_REF && id.kind != COP_DEVICE_GPU)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "device kind %d does not exist", (int)id.kind);
    if (id.index != 0 && id.kind != COP_DEVICE_GPU)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "device %s:%d: there is only index 0",
                        id.kind == COP_DEVICE_CPU ? "cpu" : "ref", id.index);
    acquire_registry();
    const cop_status status = build_chain_locked(id, chain, error);
    cop_lock_release(&registry_lock);
    if (status != COP_STATUS_OK)
        chain->count = 0;
    else if (id.kind == COP_DEVICE_CPU && cop_onednn_backend != NULL && chain->count == 1)
        warn_of_slow_cpu();
    return status;
}

int cop_device_kind_count(cop_device_kind kind)
{
    if (kind != COP_DEVICE_GPU)
        return 1;
    acquire_registry();
    const int count =
        find_gpu_backend_locked(NULL) == COP_STATUS_OK ? gpu_backend->device_count() : 0;
    cop_lock_release(&registry_lock);
    return count > MAX_GPUS ? MAX_GPUS : count;
}

bool cop_has_gpu_module(void)
{
    char path[PATH_MAX];
    acquire_registry();
    const bool is_open = gpu_backend != NULL;
    cop_lock_release(&registry_lock);
    return is_open || (cop_module_beside(GPU_MODULE, path, sizeof path, NULL) == COP_STATUS_OK &&
                       access(path, R_OK) == 0);
}
