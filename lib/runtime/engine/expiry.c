// SPDX-License-Identifier: Apache-2.0
/*
 * Deadlines and cancelling of tasks that do not run. Such a task never runs any more; it stays only
 * in the lines of what it should have written, until those before it there are through, and ends
 * then: its outputs hold the error in the order of the calls.
 */
#include "base/clock.h"
#include "base/error.h"
#include "runtime/engine/cancel.h"
#include "runtime/engine/engine_state.h"

/* Without a timer thread, how often those who wait look at the clock. */
#define LOOK_AGAIN_NS INT64_C(5000000)

const struct limits cop_no_limits = {INT64_MAX, NULL};

cop_status cop_limits_check(const struct limits *limits)
{
    if (cop_cancel_is_requested(limits->cancel))
        return COP_STATUS_CANCELLED;
    return limits->until_ns != INT64_MAX && cop_now_ns() >= limits->until_ns ? COP_STATUS_TIMEOUT
                                                                             : COP_STATUS_OK;
}

void cop_engine_expire_locked(struct task *task, cop_status status)
{
    if (task->state == TASK_RUNNING || task->state == TASK_BEHIND || task->state == TASK_ENDED ||
        task->end_status != COP_STATUS_OK)
        return;
    const bool is_parked = task->queue != NULL && task->queue != &cop_engine.ready;
    task->end_status = status == COP_STATUS_TIMEOUT && is_parked ? COP_STATUS_BUSY : status;
    if (task->state == TASK_QUEUED) {
        struct parking *told = is_parked ? NULL : task->parking;
        cop_engine_take_locked(task);
        cop_engine_unblock_locked(task);
        if (told != NULL) /* of what it does not need any more */
            cop_engine_unpark_locked(told);
    } else {
        cop_engine_stop_reading_locked(task);
    }
}

bool cop_engine_expire_if_due_locked(struct task *task)
{
    const struct limits limits = {task->deadline.at_ns, task->cancel};
    const cop_status status = cop_limits_check(&limits);
    if (status != COP_STATUS_OK)
        cop_engine_expire_locked(task, status);
    return status != COP_STATUS_OK;
}

static struct task *task_of(struct deadline *deadline)
{
    return (struct task *)((unsigned char *)deadline - offsetof(struct task, deadline));
}

void cop_engine_expire_due_locked(void)
{
    const int64_t now_ns = cop_engine.deadlines == NULL ? 0 : cop_now_ns();
    while (cop_engine.deadlines != NULL && cop_engine.deadlines->at_ns <= now_ns) {
        struct task *task = task_of(cop_engine.deadlines);
        cop_deadlines_remove(&cop_engine.deadlines, &task->deadline);
        cop_engine_expire_locked(task, COP_STATUS_TIMEOUT);
    }
}

static void *run_timer(void *unused)
{
    struct engine *engine = &cop_engine;
    (void)unused;
    cop_lock_acquire(&cop_engine.lock);
    while (engine->users > 0 || engine->deadlines != NULL) {
        cop_engine_expire_due_locked();
        if (cop_engine_settle_locked())
            continue;
        const int64_t next_ns = engine->deadlines == NULL ? INT64_MAX : engine->deadlines->at_ns;
        (void)cop_condition_wait(&cop_engine.timer_wakes, &cop_engine.lock, next_ns);
    }
    engine->has_timer = false;
    cop_lock_release(&cop_engine.lock);
    return NULL;
}

/* Should no thread be had, those who wait look at the clock. */
void cop_engine_watch_deadline_locked(struct task *task)
{
    struct engine *engine = &cop_engine;
    if (task->deadline.at_ns == INT64_MAX || task->deadline.is_listed)
        return;
    cop_deadlines_add(&engine->deadlines, &task->deadline);
    if (!engine->has_timer)
        engine->has_timer = cop_start_thread(run_timer, "cachedop-timer");
    engine->lacks_thread |= !engine->has_timer;
    if (engine->deadlines == &task->deadline)
        cop_condition_signal(&engine->timer_wakes);
}

struct failure *cop_engine_end_failure_locked(struct task *task)
{
    cop_error error;
    switch (task->end_status) {
    case COP_STATUS_CANCELLED:
        (void)cop_fail(&error, task->end_status, "cancelled before it was done");
        break;
    case COP_STATUS_BUSY:
        (void)cop_fail(&error, task->end_status,
                       "all contexts were in use until the deadline passed");
        break;
    default:
        (void)cop_fail(&error, task->end_status, "the deadline passed before its turn came");
    }
    return cop_failure_create(task, task->end_status, &error);
}

int64_t cop_engine_sleep_end_locked(int64_t deadline_ns)
{
    if (cop_engine.has_timer || cop_engine.deadlines == NULL)
        return deadline_ns;
    const int64_t soon_ns = cop_now_ns() + LOOK_AGAIN_NS;
    return deadline_ns < soon_ns ? deadline_ns : soon_ns;
}
