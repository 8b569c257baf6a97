// SPDX-License-Identifier: Apache-2.0
/* Waiting for an array, for an operator, for everything. */
#include "base/error.h"
#include "runtime/engine/cancel.h"
#include "runtime/engine/engine_state.h"

static cop_status fail_wait(cop_status status, const char *what, cop_error *error)
{
    return cop_fail(error, status, "wait: %s, %s",
                    status == COP_STATUS_CANCELLED ? "cancelled" : "the time is over", what);
}

cop_status cop_engine_wait_storage(struct storage *storage, const struct limits *limits,
                                   cop_error *error)
{
    struct access access = {.storage = storage, .is_read = true};
    struct task task = {.accesses = &access, .access_count = 1};
    cop_status status = cop_engine_enter(&task, limits);
    if (status != COP_STATUS_OK)
        return fail_wait(status, "the array is not ready yet", error);
    status = cop_engine_inherited_failure(&task, error);
    cop_engine_leave(&task, false, NULL);
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}

static bool is_drained_by(const struct drain *drain, const struct task *task)
{
    return task->sequence <= drain->last &&
           (drain->operator_id == 0 || task->operator_id == drain->operator_id);
}

/* The first of those waited for, from `task` on. */
static struct task *find_oldest(const struct drain *drain, struct task *task)
{
    while (task != NULL && !is_drained_by(drain, task))
        task = task->sequence > drain->last ? NULL : task->list_next;
    return task;
}

void cop_engine_advance_drains_locked(const struct task *task)
{
    bool has_moved = false;
    for (struct drain *drain = cop_engine.drains; drain != NULL; drain = drain->next)
        if (drain->oldest == task) {
            drain->oldest = find_oldest(drain, task->list_next);
            has_moved = true;
        }
    if (has_moved && cop_engine.sleeping_drains > 0)
        cop_condition_broadcast(&cop_engine.drained);
}

static void add_drain_locked(struct drain *drain) COP_REQUIRES(cop_engine.lock)
{
    drain->oldest = find_oldest(drain, cop_engine.pending.first);
    drain->previous = NULL;
    drain->next = cop_engine.drains;
    if (drain->next != NULL)
        drain->next->previous = drain;
    cop_engine.drains = drain;
}

static void remove_drain_locked(struct drain *drain) COP_REQUIRES(cop_engine.lock)
{
    *(drain->previous != NULL ? &drain->previous->next : &cop_engine.drains) = drain->next;
    if (drain->next != NULL)
        drain->next->previous = drain->previous;
}

/* One that is behind: of those waited for, or else any, that may hold what one of them lacks. */
static struct task *find_behind_locked(const struct drain *drain) COP_REQUIRES(cop_engine.lock)
{
    struct task *found = NULL;
    for (int i = 0; i < PRIORITY_COUNT; i++)
        for (struct task *task = cop_engine.behind.first[i]; task != NULL;
             task = task->queue_next) {
            const bool is_better =
                found != NULL && is_drained_by(drain, task) == is_drained_by(drain, found)
                    ? task->asked < found->asked
                    : is_drained_by(drain, task);
            if (found == NULL || is_better)
                found = task;
        }
    return found;
}

/*
 * A ready task: the oldest waited for, or one in its way, or another that is waited for. Where none
 * is there, one that is behind.
 */
static struct task *find_help_locked(const struct drain *drain) COP_REQUIRES(cop_engine.lock)
{
    struct task *first = cop_task_queue_first(&cop_engine.ready);
    if (cop_engine_can_begin_locked(drain->oldest))
        return drain->oldest;
    if (first == NULL)
        return find_behind_locked(drain);
    const struct help help = cop_engine_find_help_locked(drain->oldest);
    if (help.task != NULL && help.task->state != TASK_BEHIND)
        return help.task;
    return is_drained_by(drain, first) ? first : find_behind_locked(drain);
}

/* Runs one ready task, or asks about one that is behind; false: there is none, or it still is. */
static bool help_locked(const struct drain *drain, const struct limits *limits)
    COP_REQUIRES(cop_engine.lock)
{
    struct task *help = find_help_locked(drain);
    if (help != NULL && help->state == TASK_BEHIND && cop_engine.has_poller)
        return false; /* a worker asks already */
    return help != NULL && cop_engine_help_locked(help, limits);
}

/* Also who has no time is told what devices have done by now. */
static void ask_once_locked(const struct drain *drain, const struct limits *limits)
    COP_REQUIRES(cop_engine.lock)
{
    struct task *help = drain->oldest == NULL ? NULL : find_behind_locked(drain);
    if (help != NULL)
        (void)cop_engine_help_locked(help, limits);
}

static void sleep_locked(const struct limits *limits, struct backoff *backoff)
    COP_REQUIRES(cop_engine.lock)
{
    const int64_t end_ns = cop_engine_sleep_end_locked(limits->until_ns);
    cop_engine.sleeping_drains++;
    if (cop_engine.has_been_behind)
        cop_engine_back_off_locked(backoff, &cop_engine.drained, end_ns);
    else
        cop_condition_wait(&cop_engine.drained, &cop_engine.lock, end_ns);
    cop_engine.sleeping_drains--;
}

static cop_status drain_locked(const struct drain *drain, const struct limits *limits)
    COP_REQUIRES(cop_engine.lock)
{
    struct backoff backoff = {0};
    cop_status status = COP_STATUS_OK;
    ask_once_locked(drain, limits);
    while (drain->oldest != NULL && (status = cop_limits_check(limits)) == COP_STATUS_OK) {
        cop_engine_expire_due_locked();
        if (cop_engine_settle_locked())
            continue;
        if (help_locked(drain, limits))
            backoff.since_ns = 0;
        else if (drain->oldest != NULL)
            sleep_locked(limits, &backoff);
    }
    return status;
}

/* The first that is recorded of those waited for, by the order of the calls. */
static struct failure *find_failure_locked(const struct drain *drain) COP_REQUIRES(cop_engine.lock)
{
    struct failure *first = NULL;
    for (struct failure *failure = cop_engine.failures_first; failure != NULL;
         failure = failure->next)
        if ((drain->operator_id == 0 || failure->operator_id == drain->operator_id) &&
            failure->sequence <= drain->last &&
            (first == NULL || failure->sequence < first->sequence))
            first = failure;
    return first;
}

/*
 * A failure that only the engine still holds, for a moment after its caller let go of the arrays,
 * is not reported again.
 */
static cop_status report_failure_locked(const struct drain *drain, const struct limits *limits,
                                        cop_error *error) COP_REQUIRES(cop_engine.lock)
{
    struct backoff backoff = {0};
    struct failure *first;
    while ((first = find_failure_locked(drain)) != NULL && first->is_finishing &&
           cop_limits_check(limits) == COP_STATUS_OK)
        if (!cop_engine_settle_locked())
            sleep_locked(limits, &backoff);
    return first == NULL ? cop_ok(error) : cop_failure_report_locked(first, error);
}

cop_status cop_engine_wait_all(uint64_t operator_id, const struct limits *limits, cop_error *error)
{
    struct cancel_waiter waiter = {.condition = &cop_engine.drained};
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    struct drain drain = {.operator_id = operator_id, .last = cop_engine.next_sequence};
    add_drain_locked(&drain);
    cop_cancel_watch_locked(limits->cancel, &waiter);
    cop_status status = drain_locked(&drain, limits);
    status = status != COP_STATUS_OK
                 ? fail_wait(status, "asynchronous invocations are pending", error)
                 : report_failure_locked(&drain, limits, error);
    cop_cancel_unwatch_locked(limits->cancel, &waiter);
    remove_drain_locked(&drain);
    if (cop_engine.workers == 0) /* it may leave what it asked about, or was woken to run */
        cop_engine_wake_helpers_locked();
    cop_engine_call_workers_locked();
    cop_engine_release();
    return status;
}
