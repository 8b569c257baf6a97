// SPDX-License-Identifier: Apache-2.0
/*
 * Mutexes and conditions, with the annotations that let clang check who holds what
 * (-Wthread-safety).
 *
 * Lock order, outermost first: a lock may be taken only while holding ones above it. It is the
 * order of enum lock_rank, and of how fork takes them all (base/fork.h).
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/shared.h"

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

/* What a lock is for. Two of one rank are never held by one thread. */
enum lock_rank {
    LOCK_ABOVE,   /* of libraries above this one: making what they run. Held long */
    LOCK_UPDATES, /* contexts/live_weights.c: one update, or an operator that joins. Held long */
    LOCK_PACKING, /* plan/weight_store.c: who makes weights. Held long: fork leaves it alone */
    LOCK_ENGINE,  /* engine/engine.c: lines at storages, ready tasks, waits */
    LOCK_WEIGHT_TABLE, /* plan/weight_store.c: which weights exist */
    LOCK_SOURCE,       /* base/source.c: dropping bytes of a file and reading them again */
    LOCK_CONTEXTS,     /* contexts/context_pool.c: waiting for a context */
    LOCK_GENERATION,   /* contexts/weight_binding.c: which weights operators are on */
    LOCK_COMPLETIONS,  /* engine/completions.c: what is to be reported */
    LOCK_TRACE,        /* runtime/trace.c */
    LOCK_REGISTRY,     /* backends/registry.c: opening devices */
    LOCK_RECORDS,      /* of libraries above this one: lists of theirs; nothing is taken inside */
    LOCK_RANK_COUNT,
};

/* While one of these is held, others may be made and much time may pass; fork leaves it alone, a
 * child process finds it free and what it guards as it was. */
#define COP_LOCK_IS_LEFT_ALONE(rank) ((rank) <= LOCK_PACKING)

struct COP_CAPABILITY("mutex") lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
    struct lock *previous, *next; /* all locks of the process; see base/fork.c */
};

/* Not while a lock is held that fork takes. The first one makes the library ready for fork. */
COP_SHARED void cop_lock_init(struct lock *lock, enum lock_rank rank);
COP_SHARED void cop_lock_destroy(struct lock *lock);

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
