// SPDX-License-Identifier: Apache-2.0
/* The threads that run asynchronous invocations: started when there is work, asleep when there is
 * none. */
#define _GNU_SOURCE
#include "runtime/engine/engine_state.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "runtime/engine/completions.h"
#include "runtime/engine/processors.h"

bool cop_start_thread(void *(*run)(void *unused), const char *name)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all); /* signals are for the program's own threads, but for its own faults */
    sigdelset(&all, SIGSEGV), sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE), sigdelset(&all, SIGILL);
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool is_started = pthread_create(&thread, &attributes, run, NULL) == 0;
    if (is_started)
        pthread_setname_np(thread, name);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return is_started;
}

/* Not one too many, and somebody may still make work for it. */
static bool is_wanted_locked(void) COP_REQUIRES(cop_engine.lock)
{
    return cop_engine.workers <= cop_engine.worker_limit &&
           (cop_engine.users > 0 || cop_task_queue_first(&cop_engine.ready) != NULL);
}

static void *run_worker(void *unused)
{
    struct engine *engine = &cop_engine;
    (void)unused;
    cop_lock_acquire(&cop_engine.lock);
    while (is_wanted_locked()) {
        if (cop_task_queue_first(&engine->ready) == NULL && cop_engine_wants_poller_locked()) {
            cop_engine_keep_polling_locked();
            continue;
        }
        cop_engine_sweep_locked();
        struct task *task = cop_task_queue_first(&engine->ready);
        if (task == NULL) {
            if (cop_engine_settle_locked() || cop_engine_wants_poller_locked())
                continue;
            engine->idle_workers++;
            cop_condition_wait(&cop_engine.work, &cop_engine.lock, INT64_MAX);
            engine->idle_workers--;
            continue;
        }
        cop_engine_take_locked(task);
        cop_engine_call_workers_locked(); /* each calls the next, if there is more to do */
        cop_engine_release();
        cop_engine_run(task, &cop_no_limits);
        cop_lock_acquire(&cop_engine.lock);
    }
    if (--engine->workers == 0) /* those who wait relied on it */
        cop_engine_wake_helpers_locked();
    cop_engine_call_workers_locked();
    cop_engine_release();
    return NULL;
}

/* Ready tasks, as far as counting them matters. */
static int count_ready_locked(int most) COP_REQUIRES(cop_engine.lock)
{
    int count = 0;
    for (int i = 0; i < PRIORITY_COUNT; i++)
        for (struct task *task = cop_engine.ready.first[i]; task != NULL && count < most;
             task = task->queue_next)
            count++;
    return count;
}

/*
 * A worker that cannot be started is not missed for ever: the next ready task tries again, and
 * whoever waits runs the work itself.
 */
void cop_engine_call_workers_locked(void)
{
    struct engine *engine = &cop_engine;
    const int wanted =
        count_ready_locked(engine->idle_workers + 1) + (cop_engine_lacks_poller_locked() ? 1 : 0);
    if (wanted == 0)
        return;
    for (int i = 0; i < wanted && i < engine->idle_workers; i++)
        cop_condition_signal(&engine->work);
    if (engine->worker_limit < 0)
        engine->worker_limit = cop_usable_processors();
    if (wanted <= engine->idle_workers || engine->workers >= engine->worker_limit)
        return;
    if (cop_start_thread(run_worker, "cachedop-worker"))
        engine->workers++;
    else
        engine->lacks_thread = true;
}

void cop_engine_set_workers(int count)
{
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    cop_engine.worker_limit = count;
    cop_condition_broadcast(&cop_engine.work);
    cop_engine_call_workers_locked();
    cop_engine_release();
}

void cop_engine_add_user(void)
{
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    cop_engine.users++;
    cop_lock_release(&cop_engine.lock);
}

void cop_engine_remove_user(void)
{
    cop_lock_acquire(&cop_engine.lock);
    const bool was_last = --cop_engine.users == 0;
    if (was_last) {
        cop_condition_broadcast(&cop_engine.work);
        cop_condition_broadcast(&cop_engine.timer_wakes);
    }
    cop_lock_release(&cop_engine.lock);
    if (was_last)
        cop_completions_let_thread_end();
}

bool cop_engine_has_users(void)
{
    return atomic_load_explicit(&cop_engine.users, memory_order_relaxed) > 0;
}

struct engine_counters cop_engine_counters(void)
{
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    const struct engine_counters counters = {
        .workers = (size_t)cop_engine.workers,
        .pending = cop_engine.pending_count,
        .unobserved_errors = cop_engine.unobserved_errors,
    };
    cop_lock_release(&cop_engine.lock);
    return counters;
}
