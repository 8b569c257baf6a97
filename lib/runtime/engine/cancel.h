// SPDX-License-Identifier: Apache-2.0
/* What a cancel token is inside: a flag that steps look at, and who must be told when it rises. */
#ifndef RUNTIME_CANCEL_H
#define RUNTIME_CANCEL_H

#include <cachedop/cancel.h>

#include <stdatomic.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/refcount.h"
#include "runtime/engine/engine_state.h"

/* A thread that sleeps on a condition and wants to be woken. On its stack. */
struct cancel_waiter {
    struct condition *condition;
    struct lock *lock; /* of the condition; NULL: the engine's */
    struct cancel_waiter *previous, *next;
};

struct cop_cancel {
    struct refcount refs;
    /* Set once by whoever requests (release), read between steps and before sleeping (acquire). */
    _Atomic bool is_requested;
    /* Guarded by the engine's lock: */
    uint32_t epoch;                /* of the waiters: after a fork they are threads that are gone */
    struct cancel_waiter *waiters; /* asleep now, or about to be */
    struct task *tasks;            /* asynchronous, not yet done */
};

/* Puts a waiter on the token's list and takes it off again; the token may be NULL. The engine's
 * lock is held. */
void cop_cancel_watch_locked(struct cop_cancel *cancel, struct cancel_waiter *waiter)
    COP_REQUIRES(cop_engine.lock);
void cop_cancel_unwatch_locked(struct cop_cancel *cancel, struct cancel_waiter *waiter)
    COP_REQUIRES(cop_engine.lock);

/* The same, for a thread that holds no lock. */
void cop_cancel_watch(struct cop_cancel *cancel, struct cancel_waiter *waiter);
void cop_cancel_unwatch(struct cop_cancel *cancel, struct cancel_waiter *waiter);

#endif
