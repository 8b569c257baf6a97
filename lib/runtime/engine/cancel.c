// SPDX-License-Identifier: Apache-2.0
#include "runtime/engine/cancel.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/fork.h"
#include "runtime/engine/engine_state.h"

cop_status cop_cancel_create(cop_cancel **cancel, cop_error *error)
{
    if (cancel == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "cancel: the result pointer is NULL");
    *cancel = cop_alloc(1, sizeof **cancel);
    if (*cancel == NULL)
        return cop_fail_memory(error, "cancel", sizeof **cancel);
    cop_refcount_init(&(*cancel)->refs);
    return cop_ok(error);
}

cop_cancel *cop_cancel_retain(cop_cancel *cancel)
{
    if (cancel != NULL)
        cop_refcount_retain(&cancel->refs);
    return cancel;
}

void cop_cancel_release(cop_cancel **cancel)
{
    if (cancel == NULL)
        return;
    cop_cancel *old = *cancel;
    *cancel = NULL;
    if (old != NULL && cop_refcount_release(&old->refs))
        cop_free(old);
}

bool cop_cancel_is_requested(const cop_cancel *cancel)
{
    return cancel != NULL && atomic_load_explicit(&cancel->is_requested, memory_order_acquire);
}

static void forget_the_gone_locked(struct cop_cancel *cancel) COP_REQUIRES(cop_engine.lock)
{
    if (cancel->epoch == cop_fork_epoch())
        return;
    cancel->waiters = NULL;
    cancel->epoch = cop_fork_epoch();
}

void cop_cancel_watch_locked(struct cop_cancel *cancel, struct cancel_waiter *waiter)
{
    if (cancel == NULL)
        return;
    forget_the_gone_locked(cancel);
    waiter->previous = NULL;
    waiter->next = cancel->waiters;
    if (waiter->next != NULL)
        waiter->next->previous = waiter;
    cancel->waiters = waiter;
}

void cop_cancel_unwatch_locked(struct cop_cancel *cancel, struct cancel_waiter *waiter)
{
    if (cancel == NULL)
        return;
    *(waiter->previous != NULL ? &waiter->previous->next : &cancel->waiters) = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
}

void cop_cancel_watch(struct cop_cancel *cancel, struct cancel_waiter *waiter)
{
    if (cancel == NULL)
        return;
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    cop_cancel_watch_locked(cancel, waiter);
    cop_lock_release(&cop_engine.lock);
}

void cop_cancel_unwatch(struct cop_cancel *cancel, struct cancel_waiter *waiter)
{
    if (cancel == NULL)
        return;
    cop_lock_acquire(&cop_engine.lock);
    cop_cancel_unwatch_locked(cancel, waiter);
    cop_lock_release(&cop_engine.lock);
}

/* Whoever looks at the flag under its lock before it sleeps has seen it, or gets this. */
static void wake_locked(struct cancel_waiter *waiter) COP_REQUIRES(cop_engine.lock)
{
    if (waiter->lock == NULL) {
        cop_condition_broadcast(waiter->condition);
        return;
    }
    cop_lock_acquire(waiter->lock);
    cop_condition_broadcast(waiter->condition);
    cop_lock_release(waiter->lock);
}

void cop_cancel_request(cop_cancel *cancel)
{
    if (cancel == NULL)
        return;
    cop_engine_prepare();
    cop_lock_acquire(&cop_engine.lock);
    forget_the_gone_locked(cancel);
    atomic_store_explicit(&cancel->is_requested, true, memory_order_release);
    for (struct cancel_waiter *waiter = cancel->waiters; waiter != NULL; waiter = waiter->next)
        wake_locked(waiter);
    for (struct task *task = cancel->tasks; task != NULL; task = task->cancel_next)
        cop_engine_expire_locked(task, COP_STATUS_CANCELLED);
    cop_engine_release();
}
