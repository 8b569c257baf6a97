// SPDX-License-Identifier: Apache-2.0
/* A task that keeps a worker busy until its gate is open. */
#ifndef TEST_SUPPORT_HOG_H
#define TEST_SUPPORT_HOG_H

#include <stdatomic.h>
#include <unistd.h>

#include "runtime/engine/engine.h"

struct hog {
    struct task task;
    _Atomic int is_running, gate;
};

static inline enum run_result run_hog(struct task *task, const struct limits *limits,
                                      cop_status *status, cop_error *error)
{
    struct hog *hog = (struct hog *)task;
    (void)limits, (void)error;
    atomic_store(&hog->is_running, 1);
    while (!atomic_load(&hog->gate))
        usleep(100);
    *status = COP_STATUS_OK;
    return RUN_DONE;
}

static inline void finish_hog(struct task *task, struct failure *failure, bool was_abandoned)
{
    (void)task, (void)failure, (void)was_abandoned;
}

/* Returns when a worker runs it. `hog` must live until all is waited for. */
static inline void submit_hog(struct hog *hog)
{
    *hog = (struct hog){
        .task = {
            .deadline = {.at_ns = INT64_MAX}, .priority = 1, .run = run_hog, .finish = finish_hog}};
    cop_engine_submit(&hog->task);
    while (!atomic_load(&hog->is_running))
        usleep(100);
}

#endif
