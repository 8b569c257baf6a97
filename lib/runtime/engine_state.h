// SPDX-License-Identifier: Apache-2.0
/* What the engine's files share: its one lock and what that guards. */
#ifndef RUNTIME_ENGINE_STATE_H
#define RUNTIME_ENGINE_STATE_H

#include "runtime/engine.h"

/*
 * Why an invocation failed, held by every storage it should have written. It stays until the
 * storage is written again or dies; the list of them is what cop_wait_all looks through.
 */
struct failure {
    size_t holders; /* storages */
    uint64_t operator_id, sequence;
    bool is_observed;
    cop_status status;
    struct failure *previous, *next;
    char message[]; /* NUL-terminated */
};

struct engine {
    struct lock lock;
    struct condition work;    /* workers wait: a task is ready, or there are too many of them */
    struct condition drained; /* cop_wait_all waits: an asynchronous task is done or ready */
    int drain_waiters;
    int worker_limit; /* 0: not yet asked how many processors there are */
    int workers, idle_workers;
    struct task *ready_first, *ready_last;
    struct task *pending_first, *pending_last;
    size_t pending_count;
    uint64_t next_sequence;
    uint64_t visits;
    struct failure *failures_first, *failures_last; /* that some storage holds, oldest first */
    uint64_t unobserved_errors;
};

extern struct engine cop_engine;

/* Initialises the conditions once; every entry point calls it before it takes the lock. */
void cop_engine_prepare(void);

/* Hazards (hazards.c). */
void cop_engine_join_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
void cop_engine_part_locked(struct task *task) COP_REQUIRES(cop_engine.lock);
void cop_engine_serve_locked(struct storage *storage) COP_REQUIRES(cop_engine.lock);
void cop_engine_push_ready_locked(struct task *task, bool at_front) COP_REQUIRES(cop_engine.lock);
void cop_engine_pop_ready_locked(struct task *task) COP_REQUIRES(cop_engine.lock);

/* A task in the way of `task` that this thread can run now; NULL: all run already, or none is
 * there. */
struct task *cop_engine_find_runnable_locked(struct task *task) COP_REQUIRES(cop_engine.lock);

/* Failures (failure.c). */
void cop_engine_set_failure_locked(struct storage *storage, struct failure *failure)
    COP_REQUIRES(cop_engine.lock);
struct failure *cop_failure_create(struct task *task, cop_status status, const cop_error *error);
cop_status cop_failure_report(struct failure *failure, cop_error *error)
    COP_REQUIRES(cop_engine.lock);
struct failure *cop_engine_find_inherited_locked(const struct task *task)
    COP_REQUIRES(cop_engine.lock);

/* Runs a task that was popped as ready, until it is done or `until_ns`; the lock is not held. */
void cop_engine_run(struct task *task, int64_t until_ns);

/* Starts workers for the tasks that are ready, up to the limit. */
void cop_engine_call_workers_locked(void) COP_REQUIRES(cop_engine.lock);

#endif
