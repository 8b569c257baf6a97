// SPDX-License-Identifier: Apache-2.0
/* Waiting for an array, for an operator, for everything. */
#include "base/error.h"
#include "runtime/cancel.h"
#include "runtime/engine_state.h"

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
    cop_engine_leave(&task, false);
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}

/* The oldest asynchronous task of an operator (0: of any) that was submitted up to `last`. */
static struct task *find_pending_locked(uint64_t operator_id, uint64_t last)
    COP_REQUIRES(cop_engine.lock)
{
    for (struct task *task = cop_engine.pending.first; task != NULL && task->sequence <= last;
         task = task->list_next)
        if (operator_id == 0 || task->operator_id == operator_id)
            return task;
    return NULL;
}

static cop_status report_first_failure_locked(uint64_t operator_id, uint64_t last, cop_error *error)
    COP_REQUIRES(cop_engine.lock)
{
    struct failure *first = NULL;
    for (struct failure *failure = cop_engine.failures_first; failure != NULL;
         failure = failure->next)
        if ((operator_id == 0 || failure->operator_id == operator_id) &&
            failure->sequence <= last && (first == NULL || failure->sequence < first->sequence))
            first = failure;
    return first == NULL ? cop_ok(error) : cop_failure_report_locked(first, error);
}

/* Runs one ready task, the one waited for or one in its way; false: there is none. */
static bool help_locked(struct task *oldest, const struct limits *limits)
    COP_REQUIRES(cop_engine.lock)
{
    struct task *help =
        oldest->queue == &cop_engine.ready ? oldest : cop_engine_find_runnable_locked(oldest);
    if (help == NULL)
        return false;
    cop_engine_take_locked(help);
    cop_engine_release();
    cop_engine_run(help, limits);
    cop_lock_acquire(&cop_engine.lock);
    return true;
}

static cop_status drain_locked(uint64_t operator_id, uint64_t last, const struct limits *limits)
    COP_REQUIRES(cop_engine.lock)
{
    struct task *oldest;
    cop_status status = COP_STATUS_OK;
    while ((oldest = find_pending_locked(operator_id, last)) != NULL &&
           (status = cop_limits_check(limits)) == COP_STATUS_OK) {
        cop_engine_expire_due_locked();
        if (cop_engine_settle_locked() || help_locked(oldest, limits))
            continue;
        cop_engine.drain_waiters++;
        cop_condition_wait(&cop_engine.drained, &cop_engine.lock,
                           cop_engine_sleep_end_locked(limits->until_ns));
        cop_engine.drain_waiters--;
    }
    return status;
}

cop_status cop_engine_wait_all(uint64_t operator_id, const struct limits *limits, cop_error *error)
{
    struct cancel_waiter waiter = {.condition = &cop_engine.drained};
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    const uint64_t last = cop_engine.next_sequence;
    cop_cancel_watch_locked(limits->cancel, &waiter);
    cop_status status = drain_locked(operator_id, last, limits);
    cop_cancel_unwatch_locked(limits->cancel, &waiter);
    status = status != COP_STATUS_OK
                 ? fail_wait(status, "asynchronous invocations are pending", error)
                 : report_first_failure_locked(operator_id, last, error);
    cop_engine_release();
    return status;
}
