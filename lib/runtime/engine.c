// SPDX-License-Identifier: Apache-2.0
/* Running tasks and waiting for them. */
#include "runtime/engine.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "runtime/engine_state.h"
#include "runtime/storage.h"

#define LOOK_AGAIN_NS INT64_C(10000000)

struct engine cop_engine = {.lock = COP_LOCK_INIT};

static void init_conditions(void)
{
    cop_condition_init(&cop_engine.work);
    cop_condition_init(&cop_engine.drained);
}

void cop_engine_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_conditions);
}

void cop_engine_submit(struct task *task)
{
    struct engine *engine = &cop_engine;
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    task->sequence = ++engine->next_sequence;
    task->pending_previous = engine->pending_last;
    task->pending_next = NULL;
    *(engine->pending_last != NULL ? &engine->pending_last->pending_next : &engine->pending_first) =
        task;
    engine->pending_last = task;
    engine->pending_count++;
    cop_engine_join_locked(task);
    cop_engine_call_workers_locked();
    cop_lock_release(&cop_engine.lock);
}

static void remove_pending_locked(struct task *task) COP_REQUIRES(cop_engine.lock)
{
    struct engine *engine = &cop_engine;
    *(task->pending_previous != NULL ? &task->pending_previous->pending_next
                                     : &engine->pending_first) = task->pending_next;
    *(task->pending_next != NULL ? &task->pending_next->pending_previous : &engine->pending_last) =
        task->pending_previous;
    engine->pending_count--;
}

/* Records how a task ended on everything it writes, and lets the next ones on. */
static void complete_locked(struct task *task, struct failure *failure)
    COP_REQUIRES(cop_engine.lock)
{
    for (int i = 0; i < task->access_count; i++)
        if (task->accesses[i].is_write)
            cop_engine_set_failure_locked(task->accesses[i].storage, failure);
    cop_engine_part_locked(task);
    remove_pending_locked(task);
    cop_engine_call_workers_locked();
    if (cop_engine.drain_waiters > 0)
        cop_condition_broadcast(&cop_engine.drained);
}

cop_status cop_engine_inherited_failure(struct task *task, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    cop_lock_acquire(&cop_engine.lock);
    struct failure *failure = cop_engine_find_inherited_locked(task);
    if (failure != NULL)
        status = cop_failure_report(failure, error);
    cop_lock_release(&cop_engine.lock);
    return status;
}

/* As above, but nobody has seen the failure by this: it only travels on. */
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

void cop_engine_run(struct task *task, int64_t until_ns)
{
    cop_error error;
    cop_status status = copy_inherited_failure(task, &error);
    if (status == COP_STATUS_OK && !task->run(task, until_ns, &status, &error)) {
        cop_lock_acquire(&cop_engine.lock);
        cop_engine_push_ready_locked(task, true);
        cop_engine_call_workers_locked();
        cop_lock_release(&cop_engine.lock);
        return;
    }
    struct failure *failure = NULL;
    if (status != COP_STATUS_OK)
        failure = cop_failure_create(task, status, &error);
    cop_lock_acquire(&cop_engine.lock);
    complete_locked(task, failure);
    cop_lock_release(&cop_engine.lock);
    task->finish(task);
}

/*
 * Until when a thread may sleep that waits for others. Without a single worker, because none could
 * be started, it looks again soon: nobody but a waiting thread runs what becomes ready meanwhile.
 */
static int64_t sleep_end_locked(int64_t deadline_ns) COP_REQUIRES(cop_engine.lock)
{
    if (cop_engine.workers > 0 || cop_engine.pending_count == 0)
        return deadline_ns;
    const int64_t soon_ns = cop_now_ns() + LOOK_AGAIN_NS;
    return deadline_ns < soon_ns ? deadline_ns : soon_ns;
}

/*
 * Waits until an owned task that has joined its lines is at the front of all; meanwhile runs what
 * stands in its way. False: the deadline passed.
 */
static bool await_front_locked(struct task *task, int64_t deadline_ns) COP_REQUIRES(cop_engine.lock)
{
    while (task->blocker_count > 0) {
        if (deadline_ns != INT64_MAX && cop_now_ns() >= deadline_ns)
            return false;
        struct task *help = cop_engine_find_runnable_locked(task);
        if (help == NULL) {
            cop_condition_wait(task->owner_wakes, &cop_engine.lock, sleep_end_locked(deadline_ns));
            continue;
        }
        cop_engine_pop_ready_locked(help);
        cop_lock_release(&cop_engine.lock);
        cop_engine_run(help, deadline_ns);
        cop_lock_acquire(&cop_engine.lock);
    }
    return true;
}

bool cop_engine_enter(struct task *task, int64_t deadline_ns)
{
    struct condition wakes;
    cop_engine_prepare();
    cop_condition_init(&wakes);
    task->owner_wakes = &wakes;
    cop_lock_acquire(&cop_engine.lock);
    task->sequence = ++cop_engine.next_sequence;
    cop_engine_join_locked(task);
    const bool is_at_front = await_front_locked(task, deadline_ns);
    if (!is_at_front)
        cop_engine_part_locked(task);
    cop_engine_call_workers_locked();
    cop_lock_release(&cop_engine.lock);
    cop_condition_destroy(&wakes);
    return is_at_front;
}

void cop_engine_leave(struct task *task, bool has_written)
{
    cop_lock_acquire(&cop_engine.lock);
    for (int i = 0; i < task->access_count && has_written; i++)
        if (task->accesses[i].is_write)
            cop_engine_set_failure_locked(task->accesses[i].storage, NULL);
    cop_engine_part_locked(task);
    cop_engine_call_workers_locked();
    cop_lock_release(&cop_engine.lock);
}

cop_status cop_engine_wait_storage(struct storage *storage, int64_t deadline_ns, cop_error *error)
{
    struct access access = {.storage = storage, .is_read = true};
    struct task task = {.accesses = &access, .access_count = 1};
    if (!cop_engine_enter(&task, deadline_ns))
        return cop_fail(error, COP_STATUS_TIMEOUT, "wait: the array is not ready yet");
    const cop_status status = cop_engine_inherited_failure(&task, error);
    cop_engine_leave(&task, false);
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}

/* The oldest asynchronous task of an operator (0: of any) that was submitted up to `last`. */
static struct task *find_pending_locked(uint64_t operator_id, uint64_t last)
    COP_REQUIRES(cop_engine.lock)
{
    for (struct task *task = cop_engine.pending_first; task != NULL && task->sequence <= last;
         task = task->pending_next)
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
    return first == NULL ? cop_ok(error) : cop_failure_report(first, error);
}

/* Runs one ready task, the one waited for or one in its way; false: there is none. */
static bool help_locked(struct task *oldest, int64_t deadline_ns) COP_REQUIRES(cop_engine.lock)
{
    struct task *help =
        oldest->state == TASK_READY ? oldest : cop_engine_find_runnable_locked(oldest);
    if (help == NULL)
        return false;
    cop_engine_pop_ready_locked(help);
    cop_lock_release(&cop_engine.lock);
    cop_engine_run(help, deadline_ns);
    cop_lock_acquire(&cop_engine.lock);
    return true;
}

cop_status cop_engine_wait_all(uint64_t operator_id, int64_t deadline_ns, cop_error *error)
{
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    const uint64_t last = cop_engine.next_sequence;
    struct task *oldest;
    while ((oldest = find_pending_locked(operator_id, last)) != NULL) {
        if (deadline_ns != INT64_MAX && cop_now_ns() >= deadline_ns)
            break;
        if (help_locked(oldest, deadline_ns))
            continue;
        cop_engine.drain_waiters++;
        cop_condition_wait(&cop_engine.drained, &cop_engine.lock, deadline_ns);
        cop_engine.drain_waiters--;
    }
    const cop_status status =
        oldest != NULL ? cop_fail(error, COP_STATUS_TIMEOUT, "wait: %zu invocations are pending",
                                  cop_engine.pending_count)
                       : report_first_failure_locked(operator_id, last, error);
    cop_lock_release(&cop_engine.lock);
    return status;
}
