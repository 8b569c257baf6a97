// SPDX-License-Identifier: Apache-2.0
/* Tasks of tests, which the engine runs as it does those of invocations. */
#ifndef TEST_SUPPORT_TASKS_H
#define TEST_SUPPORT_TASKS_H

#include "runtime/engine/engine.h"
#include "runtime/storage.h"

/* What every one is: without a limit, of one operator. `finish` must free `reserve`. */
static inline struct task task_of(struct access *accesses,
                                  enum run_result (*run)(struct task *, const struct limits *,
                                                         cop_status *, cop_error *),
                                  void (*finish)(struct task *, struct failure *, bool))
{
    return (struct task){
        .accesses = accesses,
        .operator_id = 7,
        .priority = 1,
        .deadline = {.at_ns = INT64_MAX},
        .run = run,
        .finish = finish,
        .reserve = cop_failure_reserve(),
    };
}

static inline struct access access_of(const cop_ndarray *array, bool is_write)
{
    return (struct access){.storage = array->storage, .is_read = !is_write, .is_write = is_write};
}

#endif
