// SPDX-License-Identifier: Apache-2.0
/* The threads that run asynchronous invocations: started when there is work, asleep when there is
 * none. */
#define _GNU_SOURCE
#include "runtime/engine_state.h"

#include <pthread.h>
#include <signal.h>

#include "runtime/processors.h"

static void *run_worker(void *unused)
{
    struct engine *engine = &cop_engine;
    (void)unused;
    cop_lock_acquire(&cop_engine.lock);
    while (engine->workers <= engine->worker_limit) {
        struct task *task = engine->ready_first;
        if (task == NULL) {
            engine->idle_workers++;
            cop_condition_wait(&cop_engine.work, &cop_engine.lock, INT64_MAX);
            engine->idle_workers--;
            continue;
        }
        cop_engine_pop_ready_locked(task);
        cop_lock_release(&cop_engine.lock);
        cop_engine_run(task, INT64_MAX);
        cop_lock_acquire(&cop_engine.lock);
    }
    engine->workers--;
    cop_lock_release(&cop_engine.lock);
    return NULL;
}

/* Signals are for the program's own threads: workers take none. */
static bool start_worker(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool is_started = pthread_create(&thread, &attributes, run_worker, NULL) == 0;
    if (is_started)
        pthread_setname_np(thread, "cachedop");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return is_started;
}

/*
 * A worker that cannot be started is not missed for ever: the next ready task tries again, and
 * whoever waits runs the work itself.
 */
void cop_engine_call_workers_locked(void)
{
    struct engine *engine = &cop_engine;
    int wanted = 0;
    for (struct task *task = engine->ready_first; task != NULL && wanted < engine->idle_workers + 1;
         task = task->ready_next)
        wanted++;
    if (wanted == 0)
        return;
    for (int i = 0; i < wanted && i < engine->idle_workers; i++)
        cop_condition_signal(&engine->work);
    if (engine->worker_limit == 0)
        engine->worker_limit = cop_usable_processors();
    if (wanted > engine->idle_workers && engine->workers < engine->worker_limit && start_worker())
        engine->workers++;
}

void cop_engine_set_workers(int count)
{
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    cop_engine.worker_limit = count;
    cop_condition_broadcast(&cop_engine.work);
    cop_engine_call_workers_locked();
    cop_lock_release(&cop_engine.lock);
}

struct engine_counters cop_engine_counters(void)
{
    cop_lock_acquire(&cop_engine.lock);
    const struct engine_counters counters = {
        .workers = (size_t)cop_engine.workers,
        .pending = cop_engine.pending_count,
        .unobserved_errors = cop_engine.unobserved_errors,
    };
    cop_lock_release(&cop_engine.lock);
    return counters;
}
