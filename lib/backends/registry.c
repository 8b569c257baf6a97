// SPDX-License-Identifier: Apache-2.0
/*
 * Which backends serve which device, in order of preference. Devices are opened once and stay open
 * as long as the process lives.
 */
#include "backends/backend.h"

#include <stdatomic.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"

static struct lock registry_lock;
/* By device kind; guarded by registry_lock, as is what becomes of them. */
static struct device *opened_cpu, *opened_ref;

static void init_registry_lock(void)
{
    cop_lock_init(&registry_lock, LOCK_REGISTRY);
}

static cop_status open_locked(const struct backend *backend, struct device **opened,
                              cop_error *error) COP_REQUIRES(registry_lock)
{
    return *opened != NULL ? COP_STATUS_OK : backend->device_open(0, opened, error);
}

static cop_status build_chain_locked(bool with_onednn, struct device_chain *chain, cop_error *error)
    COP_REQUIRES(registry_lock)
{
    cop_status status = COP_STATUS_OK;
    if (with_onednn) {
        status = open_locked(cop_onednn_backend, &opened_cpu, error);
        if (status == COP_STATUS_OK)
            chain->devices[chain->count++] = opened_cpu;
        else if (status == COP_STATUS_UNSUPPORTED) /* by this processor */
            status = cop_ok(error);
    }
    if (status == COP_STATUS_OK)
        status = open_locked(&cop_ref_backend, &opened_ref, error);
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
    if (id.kind == COP_DEVICE_GPU)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "device gpu:%d: this build has no GPU backend",
                        id.index);
    if (id.kind != COP_DEVICE_CPU && id.kind != COP_DEVICE_REF)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "device kind %d does not exist", (int)id.kind);
    if (id.index != 0)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "device %s:%d: there is only index 0",
                        id.kind == COP_DEVICE_CPU ? "cpu" : "ref", id.index);
    const bool with_onednn = id.kind == COP_DEVICE_CPU && cop_onednn_backend != NULL;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_registry_lock);
    cop_lock_acquire(&registry_lock);
    const cop_status status = build_chain_locked(with_onednn, chain, error);
    cop_lock_release(&registry_lock);
    if (status == COP_STATUS_OK && with_onednn && chain->devices[0]->backend == &cop_ref_backend)
        warn_of_slow_cpu();
    if (status != COP_STATUS_OK)
        chain->count = 0;
    return status;
}
