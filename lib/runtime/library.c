// SPDX-License-Identifier: Apache-2.0
#include <cachedop/library.h>

#include <pthread.h>
#include <stdio.h>

#include "backends/backend.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "runtime/engine/engine.h"

#define TEXT(x)          #x
#define VERSION(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

const char *cop_version(void)
{
    return VERSION(COP_VERSION_MAJOR, COP_VERSION_MINOR, COP_VERSION_PATCH);
}

static cop_feature features[] = {
    {"ref", true, ""}, {"onednn", false, ""}, {"cuda", false, ""}, /* a module */
};

static void find_features(void)
{
    if (cop_onednn_backend != NULL) {
        features[1].enabled = true;
        features[1].version = cop_onednn_backend->version();
    }
    features[2].enabled = cop_has_gpu_module();
}

const cop_feature *cop_features(size_t *count)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_features);
    if (count != NULL)
        *count = sizeof features / sizeof *features;
    return features;
}

/* The devices that are there always; GPUs follow. */
static const cop_device devices[] = {{COP_DEVICE_CPU, 0}, {COP_DEVICE_REF, 0}};
#define FIXED_DEVICES (sizeof devices / sizeof *devices)

size_t cop_device_count(void)
{
    return FIXED_DEVICES + (size_t)cop_device_kind_count(COP_DEVICE_GPU);
}

cop_status cop_device_describe(size_t index, cop_device_desc *desc, cop_error *error)
{
    if (desc == NULL || index >= cop_device_count())
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "device %zu of %zu", index,
                        cop_device_count());
    const cop_device device = index < FIXED_DEVICES
                                  ? devices[index]
                                  : (cop_device){COP_DEVICE_GPU, (int)(index - FIXED_DEVICES)};
    struct device_chain chain;
    const cop_status status = cop_device_chain(device, &chain, error);
    if (status != COP_STATUS_OK)
        return status;
    desc->device = device;
    snprintf(desc->name, sizeof desc->name, "%s", chain.devices[0]->name);
    return cop_ok(error);
}

cop_status cop_library_get_stats(cop_library_stats *stats, cop_error *error)
{
    if (stats == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "statistics: the argument is NULL");
    const struct alloc_counters memory = cop_alloc_counters();
    const struct engine_counters engine = cop_engine_counters();
    const cop_library_stats values = {
        .allocations = memory.allocations,
        .live_bytes = memory.live_bytes,
        .worker_threads = engine.workers,
        .pending_invocations = engine.pending,
        .unobserved_errors = engine.unobserved_errors,
    };
    return cop_answer_write(stats, &values, sizeof values, "cop_library_stats", error);
}
