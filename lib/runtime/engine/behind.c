// SPDX-License-Identifier: Apache-2.0
/*
 * Tasks that are behind: they were begun, and a device is busy with them. Nobody is told when it is
 * done, so somebody asks: a worker that has nothing else to do, a busy one between two tasks, and
 * whoever waits for such a task. The last needs no worker, and no worker needs it.
 */
#include <sched.h>

#include "base/clock.h"
#include "runtime/engine/engine_state.h"

/* A thread that waits for a device lets only others run for this long; after that it naps. */
#define SPIN_NS INT64_C(50000)

/* A nap is this part of the time that was waited already, and not longer than a millisecond. */
#define NAP_PART    16
#define LONGEST_NAP INT64_C(1000000)

/* The shortest nap of one who waits while a worker asks. */
#define PATIENT_NAP INT64_C(200000)

/* When a thread asks again that waits for what a task holds; where workers ask, to look whether
 * they still are there. */
#define ASK_SOON_NS  INT64_C(200000)
#define ASK_LATER_NS INT64_C(5000000)

/* How long a busy worker does not ask again. */
#define SWEEP_NS INT64_C(100000)

void cop_engine_push_behind_locked(struct task *task)
{
    struct engine *engine = &cop_engine;
    task->state = TASK_BEHIND;
    cop_task_queue_push(&engine->behind, task, false);
    if (task->behind_since_ns != 0)
        return;
    task->behind_since_ns = cop_now_ns();
    task->asked = engine->asks;
    engine->behind_count++;
    engine->behind_begun++;
    engine->has_been_behind = true;
    if (engine->sleeping_drains > 0)
        cop_condition_broadcast(&engine->drained);
    if (!engine->has_poller && engine->idle_workers == 0)
        cop_engine_wake_helper_locked(task); /* it fell asleep before the task was behind */
}

void cop_engine_end_behind_locked(struct task *task)
{
    if (task->behind_since_ns != 0)
        cop_engine.behind_count--;
    task->behind_since_ns = 0;
}

bool cop_engine_lacks_poller_locked(void)
{
    return cop_engine.behind_count > 0 && !cop_engine.has_poller;
}

/* Asks about a task that was taken, and goes on with it. `poller`: this thread's number, if it
 * polls for all; it does not while it runs on. */
static bool ask(struct task *task, const struct limits *limits, uint64_t poller)
{
    cop_error error;
    cop_status status = COP_STATUS_OK;
    const enum run_result result = task->poll(task, &status, &error);
    if (result == RUN_DONE) {
        cop_engine_conclude(task, status, &error);
        return true;
    }
    cop_lock_acquire(&cop_engine.lock);
    if (result == RUN_BEHIND)
        cop_engine_push_behind_locked(task);
    else
        cop_engine_end_behind_locked(task);
    if (result != RUN_BEHIND && poller != 0 && poller == cop_engine.poller) {
        cop_engine.has_poller = false;
        cop_engine_call_workers_locked();
    }
    cop_engine_release();
    if (result != RUN_BEHIND)
        cop_engine_run(task, limits);
    return result != RUN_BEHIND;
}

bool cop_engine_help_locked(struct task *help, const struct limits *limits)
{
    const bool is_behind = help->state == TASK_BEHIND;
    bool has_moved = true;
    cop_engine_take_locked(help);
    cop_engine_release();
    if (is_behind)
        has_moved = ask(help, limits, 0);
    else
        cop_engine_run(help, limits);
    cop_lock_acquire(&cop_engine.lock);
    return has_moved;
}

/* One that was not asked about since `asks` was counted; NULL: there is none. */
static struct task *find_unasked_locked(uint64_t asks) COP_REQUIRES(cop_engine.lock)
{
    for (int i = 0; i < PRIORITY_COUNT; i++) {
        struct task *first = cop_engine.behind.first[i]; /* those asked about go to the end */
        if (first != NULL && first->asked <= asks)
            return first;
    }
    return NULL;
}

/* Asks about each once. `poller`: as above, and stops where there is other work. True: one went on.
 */
static bool sweep_locked(const struct limits *limits, uint64_t poller) COP_REQUIRES(cop_engine.lock)
{
    const uint64_t asks = cop_engine.asks;
    bool has_moved = false;
    struct task *task;
    while ((task = find_unasked_locked(asks)) != NULL &&
           (poller == 0 || cop_task_queue_first(&cop_engine.ready) == NULL)) {
        cop_engine_take_locked(task);
        cop_engine_release();
        has_moved |= ask(task, limits, poller);
        cop_lock_acquire(&cop_engine.lock);
    }
    return has_moved;
}

void cop_engine_sweep_locked(void)
{
    if (!cop_engine_lacks_poller_locked() || cop_now_ns() < cop_engine.next_sweep_ns)
        return;
    (void)sweep_locked(&cop_no_limits, 0);
    cop_engine.next_sweep_ns = cop_now_ns() + SWEEP_NS;
}

int64_t cop_engine_poll_behind(const struct limits *limits)
{
    cop_lock_acquire(&cop_engine.lock);
    int64_t again_ns = cop_engine.workers == 0 ? ASK_SOON_NS : ASK_LATER_NS;
    if (cop_engine.workers == 0 && sweep_locked(limits, 0))
        again_ns = 0;
    cop_engine_release();
    return again_ns;
}

bool cop_engine_wants_poller_locked(void)
{
    return cop_engine.behind_count > 0 &&
           (!cop_engine.has_poller || cop_engine.behind_begun != cop_engine.behind_seen);
}

/* Nobody took over from this poller, and there is still nothing else for it to do. */
static bool keeps_polling_locked(uint64_t poller) COP_REQUIRES(cop_engine.lock)
{
    return cop_engine.has_poller && cop_engine.poller == poller && cop_engine.behind_count > 0 &&
           cop_engine.workers <= cop_engine.worker_limit &&
           cop_task_queue_first(&cop_engine.ready) == NULL;
}

void cop_engine_keep_polling_locked(void)
{
    struct engine *engine = &cop_engine;
    const uint64_t poller = ++engine->poller;
    struct backoff backoff = {0};
    engine->has_poller = true;
    while (keeps_polling_locked(poller)) {
        if (engine->behind_seen != engine->behind_begun)
            backoff.since_ns = 0;
        engine->behind_seen = engine->behind_begun;
        if (sweep_locked(&cop_no_limits, poller)) {
            backoff.since_ns = 0;
        } else if (!cop_engine_settle_locked() && keeps_polling_locked(poller)) {
            engine->idle_workers++;
            cop_engine_back_off_locked(&backoff, &cop_engine.work, INT64_MAX);
            engine->idle_workers--;
        }
    }
    if (engine->poller == poller)
        engine->has_poller = false;
}

void cop_engine_back_off_locked(struct backoff *backoff, struct condition *wakes, int64_t until_ns)
{
    const int64_t now_ns = cop_now_ns();
    const bool is_patient = cop_engine.has_poller && wakes != &cop_engine.work;
    if (backoff->since_ns == 0)
        backoff->since_ns = now_ns;
    const int64_t waited_ns = now_ns - backoff->since_ns;
    if (waited_ns < SPIN_NS && !is_patient) {
        cop_lock_release(&cop_engine.lock);
        sched_yield();
        cop_lock_acquire(&cop_engine.lock);
        return;
    }
    int64_t nap_ns = waited_ns / NAP_PART < LONGEST_NAP ? waited_ns / NAP_PART : LONGEST_NAP;
    if (is_patient && nap_ns < PATIENT_NAP)
        nap_ns = PATIENT_NAP;
    const int64_t end_ns = now_ns + nap_ns;
    (void)cop_condition_wait(wakes, &cop_engine.lock, end_ns < until_ns ? end_ns : until_ns);
}
