// SPDX-License-Identifier: Apache-2.0
/* Tasks from the call that makes them to the end. */
#include "runtime/engine/engine.h"

#include <pthread.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/log.h"
#include "runtime/engine/cancel.h"
#include "runtime/engine/engine_state.h"
#include "runtime/storage.h"

struct engine cop_engine = {.worker_limit = -1};

static void init_engine(void)
{
    cop_condition_init(&cop_engine.work);
    cop_condition_init(&cop_engine.drained);
    cop_condition_init(&cop_engine.timer_wakes);
    cop_lock_init(&cop_engine.lock, LOCK_ENGINE);
    cop_fork_set_child_handler(cop_engine_renew_after_fork);
}

void cop_engine_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_engine);
    if (atomic_load_explicit(&cop_engine.has_abandoned, memory_order_relaxed))
        cop_engine_finish_abandoned();
}

void cop_engine_push_ready_locked(struct task *task, bool at_front)
{
    struct engine *engine = &cop_engine;
    task->state = TASK_QUEUED;
    cop_task_queue_push(&engine->ready, task, at_front);
    if (engine->sleeping_drains > 0)
        cop_condition_broadcast(&engine->drained);
    if (engine->workers == 0)
        cop_engine_wake_helper_locked(task);
}

void cop_engine_take_locked(struct task *task)
{
    if (task->queue == &cop_engine.ready)
        task->parking = NULL; /* it looks for itself now */
    else if (task->queue == &cop_engine.behind)
        task->asked = ++cop_engine.asks;
    else
        atomic_fetch_sub(&task->parking->count, 1);
    cop_task_queue_remove(task);
    task->state = TASK_RUNNING;
}

void cop_engine_unblock_locked(struct task *task)
{
    struct engine *engine = &cop_engine;
    if (task->end_status != COP_STATUS_OK) {
        task->state = TASK_ENDED;
        task->queue_next = NULL;
        *(engine->ended.last != NULL ? &engine->ended.last->queue_next : &engine->ended.first) =
            task;
        engine->ended.last = task;
    } else if (task->owner_wakes != NULL) {
        task->state = TASK_QUEUED;
        cop_condition_signal(task->owner_wakes);
    } else {
        cop_engine_push_ready_locked(task, false);
    }
}

static void link_cancel_locked(struct task *task) COP_REQUIRES(cop_engine.lock)
{
    if (task->cancel == NULL)
        return;
    task->cancel_previous = NULL;
    task->cancel_next = task->cancel->tasks;
    if (task->cancel_next != NULL)
        task->cancel_next->cancel_previous = task;
    task->cancel->tasks = task;
}

static void unlink_cancel_locked(struct task *task) COP_REQUIRES(cop_engine.lock)
{
    if (task->cancel == NULL)
        return;
    *(task->cancel_previous != NULL ? &task->cancel_previous->cancel_next : &task->cancel->tasks) =
        task->cancel_next;
    if (task->cancel_next != NULL)
        task->cancel_next->cancel_previous = task->cancel_previous;
}

void cop_engine_submit(struct task *task)
{
    struct engine *engine = &cop_engine;
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    task->sequence = ++engine->next_sequence;
    cop_task_list_add(&engine->pending, task);
    engine->pending_count++;
    engine->pending_by_priority[task->priority]++;
    link_cancel_locked(task);
    cop_engine_join_locked(task);
    cop_engine_lend_priority_locked(task);
    if (!cop_engine_expire_if_due_locked(task))
        cop_engine_watch_deadline_locked(task);
    cop_engine_call_workers_locked();
    cop_engine_release();
}

/* Records how a task ended on everything it writes, and lets the next ones on. */
static void complete_locked(struct task *task, struct failure *failure)
    COP_REQUIRES(cop_engine.lock)
{
    struct engine *engine = &cop_engine;
    if (failure != NULL) {
        cop_failure_publish_locked(failure);
        failure->is_finishing = true;
    }
    for (int i = 0; i < task->access_count; i++)
        if (task->accesses[i].is_write)
            cop_engine_set_failure_locked(task->accesses[i].storage, failure);
    task->state = TASK_ENDED;
    task->failure = failure;
    cop_engine_end_behind_locked(task);
    cop_engine_part_locked(task);
    unlink_cancel_locked(task);
    if (task->deadline.is_listed)
        cop_deadlines_remove(&engine->deadlines, &task->deadline);
    cop_engine_advance_drains_locked(task);
    cop_task_list_remove(&engine->pending, task);
    engine->pending_count--;
    engine->pending_by_priority[task->priority]--;
    cop_task_list_add(&engine->finished, task);
    cop_engine_call_workers_locked();
}

/* Ending one task may be what others that have ended were waiting for. */
static void complete_ended_locked(void) COP_REQUIRES(cop_engine.lock)
{
    struct engine *engine = &cop_engine;
    while (engine->ended.first != NULL) {
        struct task *task = engine->ended.first;
        engine->ended.first = task->queue_next;
        if (engine->ended.first == NULL)
            engine->ended.last = NULL;
        complete_locked(task, cop_engine_end_failure_locked(task));
    }
}

static void finish_all(struct task *task, struct failure *dropped)
{
    cop_failure_bury(dropped);
    while (task != NULL) {
        struct task *next = task->list_next;
        struct failure *failure = task->failure;
        task->finish(task, failure, false);
        if (failure != NULL)
            cop_failure_end_finishing(failure);
        task = next;
    }
}

void cop_engine_release(void) COP_NO_LOCK_CHECK
{
    complete_ended_locked();
    struct task *finished = cop_engine.finished.first;
    struct failure *dropped = cop_engine.dropped;
    cop_engine.finished = (struct task_list){NULL, NULL};
    cop_engine.dropped = NULL;
    const bool tells = cop_engine.lacks_thread && !cop_engine.has_told_so;
    cop_engine.has_told_so |= tells;
    cop_lock_release(&cop_engine.lock);
    if (tells)
        cop_log(COP_LOG_LEVEL_WARNING, "a thread could not be started: until one can, asynchronous "
                                       "invocations run, and time out, only where somebody waits");
    finish_all(finished, dropped);
}

bool cop_engine_settle_locked(void) COP_NO_LOCK_CHECK
{
    complete_ended_locked();
    if (cop_engine.finished.first == NULL && cop_engine.dropped == NULL)
        return false;
    cop_engine_release();
    cop_lock_acquire(&cop_engine.lock);
    return true;
}

/* What the sources of a task hold; nobody has seen it by this: it only travels on. */
static cop_status copy_inherited_failure(const struct task *task, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    cop_lock_acquire(&cop_engine.lock);
    const struct failure *failure = cop_engine_find_inherited_locked(task);
    if (failure != NULL)
        status = cop_fail(error, failure->status, "%s", failure->message);
    cop_lock_release(&cop_engine.lock);
    return status;
}

/*
 * A task goes where it waits, before those that came after it. It looks once more for what it lacks
 * after it can be seen there, since nobody tells those who are not there yet.
 */
static void park_locked(struct task *task) COP_REQUIRES(cop_engine.lock)
{
    struct parking *parking = task->parking;
    const struct task *first = parking->tasks.first[task->priority];
    atomic_fetch_add(&parking->count, 1);
    task->state = TASK_QUEUED;
    cop_task_queue_push(&parking->tasks, task, first != NULL && task->sequence < first->sequence);
    if (parking->has_free(parking)) {
        cop_engine_take_locked(task);
        cop_engine_push_ready_locked(task, true);
    }
}

/* It did not come to its end: it waits to be run again, if there is still time. */
static void suspend(struct task *task, enum run_result result)
{
    cop_lock_acquire(&cop_engine.lock);
    if (result == RUN_BEHIND) { /* this thread goes on to ask, or calls somebody when it leaves */
        cop_engine_push_behind_locked(task);
        cop_engine_release();
        return;
    }
    if (result == RUN_PARKED)
        park_locked(task);
    else
        cop_engine_push_ready_locked(task, true);
    if (!cop_engine_expire_if_due_locked(task))
        cop_engine_watch_deadline_locked(task);
    cop_engine_call_workers_locked();
    cop_engine_release();
}

void cop_engine_conclude(struct task *task, cop_status status, const cop_error *error)
{
    struct failure *failure = NULL;
    if (status != COP_STATUS_OK)
        failure = cop_failure_create(task, status, error);
    cop_lock_acquire(&cop_engine.lock);
    complete_locked(task, failure);
    cop_engine_release();
}

void cop_engine_run(struct task *task, const struct limits *limits)
{
    cop_error error;
    cop_status status = copy_inherited_failure(task, &error);
    enum run_result result = RUN_DONE;
    if (status == COP_STATUS_OK)
        result = task->run(task, limits, &status, &error);
    if (result == RUN_DONE)
        cop_engine_conclude(task, status, &error);
    else
        suspend(task, result);
}

void cop_engine_unpark_locked(struct parking *parking)
{
    struct task *task = cop_task_queue_first(&parking->tasks);
    if (task == NULL)
        return;
    cop_engine_take_locked(task);
    cop_engine_push_ready_locked(task, true);
    if (cop_engine.workers == 0) /* who waits for another parked task may begin that instead */
        cop_engine_wake_helpers_locked();
    else if (cop_engine.idle_workers == 0) /* whoever waits for it is as good as a worker */
        cop_engine_wake_helper_locked(task);
    cop_engine_call_workers_locked();
}

void cop_engine_unpark(struct parking *parking)
{
    cop_lock_acquire(&cop_engine.lock);
    cop_engine_unpark_locked(parking);
    cop_engine_release();
}

/* Also who has no time is told what a device has done by now. */
static void ask_once_locked(struct task *task, const struct limits *limits)
    COP_REQUIRES(cop_engine.lock)
{
    if (cop_engine.behind_count == 0 || task->blocker_count == 0)
        return;
    const struct help help = cop_engine_find_help_locked(task);
    if (help.task != NULL && help.task->state == TASK_BEHIND)
        (void)cop_engine_help_locked(help.task, limits);
}

static void sleep_as_owner_locked(struct task *task, bool is_urgent, struct backoff *backoff,
                                  int64_t until_ns) COP_REQUIRES(cop_engine.lock)
{
    const int64_t end_ns = cop_engine_sleep_end_locked(until_ns);
    task->is_owner_asleep = true;
    cop_engine.sleeping_owners++;
    if (is_urgent)
        cop_engine_back_off_locked(backoff, task->owner_wakes, end_ns);
    else
        cop_condition_wait(task->owner_wakes, &cop_engine.lock, end_ns);
    cop_engine.sleeping_owners--;
    task->is_owner_asleep = false;
}

/*
 * Waits until an owned task that has joined its lines is at the front of all; meanwhile runs what
 * stands in its way.
 */
static cop_status await_front_locked(struct task *task, const struct limits *limits)
    COP_REQUIRES(cop_engine.lock)
{
    struct backoff backoff = {0};
    cop_status status = COP_STATUS_OK;
    ask_once_locked(task, limits);
    while (task->blocker_count > 0 && (status = cop_limits_check(limits)) == COP_STATUS_OK) {
        cop_engine_expire_due_locked();
        const struct help help = cop_engine_find_help_locked(task);
        if (help.task != NULL && cop_engine_help_locked(help.task, limits))
            backoff.since_ns = 0;
        else if (!cop_engine_settle_locked() && task->blocker_count > 0)
            sleep_as_owner_locked(task, help.is_urgent, &backoff, limits->until_ns);
    }
    return status;
}

cop_status cop_engine_enter(struct task *task, const struct limits *limits)
{
    struct condition wakes;
    struct cancel_waiter waiter = {.condition = &wakes};
    cop_engine_prepare();
    cop_condition_init(&wakes);
    task->owner_wakes = &wakes;
    cop_lock_acquire(&cop_engine.lock);
    task->sequence = ++cop_engine.next_sequence;
    cop_task_list_add(&cop_engine.entered, task);
    cop_cancel_watch_locked(limits->cancel, &waiter);
    cop_engine_join_locked(task);
    const cop_status status = await_front_locked(task, limits);
    cop_cancel_unwatch_locked(limits->cancel, &waiter);
    if (status != COP_STATUS_OK) {
        cop_engine_part_locked(task);
        cop_task_list_remove(&cop_engine.entered, task);
    }
    if (cop_engine.workers == 0 || (status != COP_STATUS_OK && cop_engine_lacks_poller_locked()))
        cop_engine_wake_helpers_locked(); /* it may have been woken for what others wait for, too */
    cop_engine_call_workers_locked();
    cop_engine_release();
    cop_condition_destroy(&wakes);
    return status;
}

void cop_engine_leave(struct task *task, bool has_written, struct failure *failure)
{
    cop_lock_acquire(&cop_engine.lock);
    for (int i = 0; i < task->access_count && has_written; i++)
        if (task->accesses[i].is_write)
            cop_engine_set_failure_locked(task->accesses[i].storage, failure);
    cop_engine_part_locked(task);
    cop_task_list_remove(&cop_engine.entered, task);
    cop_engine_call_workers_locked();
    cop_engine_release();
}

cop_status cop_engine_inherited_failure(struct task *task, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    cop_lock_acquire(&cop_engine.lock);
    struct failure *failure = cop_engine_find_inherited_locked(task);
    if (failure != NULL)
        status = cop_failure_report_locked(failure, error);
    cop_lock_release(&cop_engine.lock);
    return status;
}
