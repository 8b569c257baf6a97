// SPDX-License-Identifier: Apache-2.0
/*
 * Mutexes and conditions, with the annotations that let clang check who holds what
 * (-Wthread-safety).
 *
 * Lock order, outermost first: a lock may be taken only while holding ones above it.
 *   1. weight updates    (runtime/live_weights.c) `updates`: one update, or an operator that joins
 *   2. engine            (runtime/engine.c)       queues, hazards, waits
 *   3. weight store      (plan/weight_store.c)    `packing`: who makes weights; then `table`: which
 * exist
 *   4. source bytes      (base/source.c)          dropping and reading again
 *   5. cached op         (runtime/context_pool.c) making a context
 *   6. weight generation (runtime/weight_binding.c) which weights operators are on
 *   7. trace             (runtime/trace.c)
 *   8. registry          (backends/registry.c)    opening devices
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__clang__)
#define COP_CAPABILITY(name) __attribute__((capability(name)))
#define COP_REQUIRES(lock)   __attribute__((requires_capability(lock)))
#define COP_ACQUIRE(...)     __attribute__((acquire_capability(__VA_ARGS__)))
#define COP_RELEASE(...)     __attribute__((release_capability(__VA_ARGS__)))
#define COP_NO_LOCK_CHECK    __attribute__((no_thread_safety_analysis))
#else
#define COP_CAPABILITY(name)
#define COP_REQUIRES(lock)
#define COP_ACQUIRE(...)
#define COP_RELEASE(...)
#define COP_NO_LOCK_CHECK
#endif

/* Says which lock of its struct guards a member; in C clang cannot check it. */
#define COP_GUARDED_BY(lock)

struct COP_CAPABILITY("mutex") lock {
    pthread_mutex_t mutex;
};

#define COP_LOCK_INIT                                                                              \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER                                                                  \
    }

static inline void cop_lock_init(struct lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL); /* never fails for a default mutex on Linux */
}

static inline void cop_lock_destroy(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static inline void cop_lock_acquire(struct lock *lock) COP_ACQUIRE(lock) COP_NO_LOCK_CHECK
{
    pthread_mutex_lock(&lock->mutex);
}

static inline void cop_lock_release(struct lock *lock) COP_RELEASE(lock) COP_NO_LOCK_CHECK
{
    pthread_mutex_unlock(&lock->mutex);
}

/* A condition on the monotonic clock. */
struct condition {
    pthread_cond_t cond;
};

static inline void cop_condition_init(struct condition *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition->cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

static inline void cop_condition_destroy(struct condition *condition)
{
    pthread_cond_destroy(&condition->cond);
}

static inline void cop_condition_signal(struct condition *condition)
{
    pthread_cond_signal(&condition->cond);
}

static inline void cop_condition_broadcast(struct condition *condition)
{
    pthread_cond_broadcast(&condition->cond);
}

/* False: `deadline_ns` (monotonic; INT64_MAX = never) has passed. */
static inline bool cop_condition_wait(struct condition *condition, struct lock *lock,
                                      int64_t deadline_ns) COP_REQUIRES(lock) COP_NO_LOCK_CHECK
{
    if (deadline_ns == INT64_MAX) {
        pthread_cond_wait(&condition->cond, &lock->mutex);
        return true;
    }
    const struct timespec until = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    return pthread_cond_timedwait(&condition->cond, &lock->mutex, &until) != ETIMEDOUT;
}

#endif
