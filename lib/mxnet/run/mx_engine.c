// SPDX-License-Identifier: Apache-2.0
/* How runs are scheduled, as MXNet's environment says it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "mxnet/run/mx_program_parts.h"

enum engine_type { ENGINE_BY_DEVICE, ENGINE_NAIVE, ENGINE_THREADED, ENGINE_UNKNOWN };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum engine_type type;
static char unknown_name[64];

static void read_environment(void)
{
    static const char *const threaded[] = {"ThreadedEngine", "ThreadedEnginePooled",
                                           "ThreadedEnginePerDevice"};
    const char *name = getenv("MXNET_ENGINE_TYPE");
    type = ENGINE_BY_DEVICE;
    if (name == NULL || name[0] == '\0')
        return;
    type = strcmp(name, "NaiveEngine") == 0 ? ENGINE_NAIVE : ENGINE_UNKNOWN;
    for (size_t i = 0; i < sizeof threaded / sizeof threaded[0]; i++)
        if (strcmp(name, threaded[i]) == 0)
            type = ENGINE_THREADED;
    strncpy(unknown_name, name, sizeof unknown_name - 1);
}

cop_status cop_mx_runs_behind(struct mx_context context, bool *behind, cop_error *error)
{
    pthread_once(&once, read_environment);
    *behind =
        type == ENGINE_THREADED || (type == ENGINE_BY_DEVICE && cop_mx_context_is_gpu(context));
    if (type == ENGINE_UNKNOWN)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "MXNET_ENGINE_TYPE: unknown engine %s, expected NaiveEngine, "
                        "ThreadedEngine, ThreadedEnginePooled or ThreadedEnginePerDevice",
                        unknown_name);
    return COP_STATUS_OK;
}

/* More contexts than processors only take memory, but for threads that are put aside while they
 * hold one. */
int cop_mx_worthwhile_contexts(void)
{
    cpu_set_t set;
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) < count)
        count = CPU_COUNT(&set);
    return count < 2 ? 4 : count < 64 ? 2 * (int)count : 128;
}
