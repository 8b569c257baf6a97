// SPDX-License-Identifier: Apache-2.0
/*
 * The engine in a child process: only the thread that forked is there. What was pending is
 * cancelled; lines are empty; workers are started anew when there is work.
 */
#include "base/alloc.h"
#include "runtime/engine/cancel.h"
#include "runtime/engine/engine_state.h"
#include "runtime/storage.h"

/* The storages keep their marks of users who are gone, which the next one to join a line takes off.
 */
static void empty_lines(const struct task_list *list)
{
    for (const struct task *task = list->first; task != NULL; task = task->list_next) {
        for (int i = 0; i < task->access_count; i++)
            if (!task->accesses[i].has_left)
                task->accesses[i].storage->first = task->accesses[i].storage->last = NULL;
        if (task->cancel != NULL)
            task->cancel->tasks = NULL;
    }
}

static void poison_outputs(const struct task *task, struct failure *failure)
    COP_REQUIRES(cop_engine.lock)
{
    for (int i = 0; i < task->access_count; i++)
        if (task->accesses[i].is_write)
            cop_engine_set_failure_locked(task->accesses[i].storage, failure);
}

static void abandon(struct task *task) COP_REQUIRES(cop_engine.lock)
{
    if (task->reserve == NULL) {
        poison_outputs(task, &cop_failure_by_fork);
        return;
    }
    task->failure =
        cop_failure_of_reserve(task, cop_failure_by_fork.status, cop_failure_by_fork.message);
    cop_failure_publish_locked(task->failure);
    poison_outputs(task, task->failure);
}

/* Holds the lock, without having taken it as others do. */
void cop_engine_renew_after_fork(void) COP_NO_LOCK_CHECK
{
    struct engine *engine = &cop_engine;
    empty_lines(&engine->pending);
    empty_lines(&engine->entered);
    for (struct task *task = engine->pending.first; task != NULL; task = task->list_next)
        abandon(task);
    for (struct task *task = engine->entered.first; task != NULL; task = task->list_next)
        if (task->state == TASK_QUEUED) /* its thread was running it */
            poison_outputs(task, &cop_failure_by_fork);
    if (engine->pending.first != NULL) {
        *(engine->abandoned.last != NULL ? &engine->abandoned.last->list_next
                                         : &engine->abandoned.first) = engine->pending.first;
        engine->abandoned.last = engine->pending.last;
        atomic_store_explicit(&engine->has_abandoned, true, memory_order_relaxed);
    }
    for (struct failure *failure = engine->failures_first; failure != NULL; failure = failure->next)
        failure->is_finishing = false; /* who was about to finish it is gone */
    engine->pending = engine->entered = (struct task_list){NULL, NULL};
    engine->ready = engine->behind = (struct task_queue){{NULL}, {NULL}};
    engine->behind_count = 0; /* the devices' work is the parent's */
    engine->has_poller = false;
    engine->pending_count = 0;
    for (int i = 0; i < PRIORITY_COUNT; i++)
        engine->pending_by_priority[i] = 0;
    engine->deadlines = NULL;
    engine->drains = NULL;
    engine->workers = engine->idle_workers = engine->sleeping_drains = engine->sleeping_owners = 0;
    engine->has_timer = false;
    cop_condition_init(&engine->work);
    cop_condition_init(&engine->drained);
    cop_condition_init(&engine->timer_wakes);
}

void cop_engine_finish_abandoned(void)
{
    cop_lock_acquire(&cop_engine.lock);
    struct task *task = cop_engine.abandoned.first;
    cop_engine.abandoned = (struct task_list){NULL, NULL};
    atomic_store_explicit(&cop_engine.has_abandoned, false, memory_order_relaxed);
    cop_lock_release(&cop_engine.lock);
    while (task != NULL) {
        struct task *next = task->list_next;
        struct failure *failure = task->failure;
        task->finish(task, failure, true);
        if (failure != NULL)
            cop_failure_release(failure);
        task = next;
    }
}
