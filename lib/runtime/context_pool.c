// SPDX-License-Identifier: Apache-2.0
/*
 * The contexts of one operator: a fixed array of slots, each the home of one context. A slot is
 * taken by exchanging its pointer for NULL and given back by storing the pointer again, so nothing
 * is ever freed under a reader and no pointer can be mistaken for another. A thread looks first
 * where it last took one.
 */
#include "runtime/context.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"

/* A cache line each, so that threads with a context of their own do not meet. */
struct slot {
    _Alignas(64) _Atomic(struct context *) free; /* the context when it is free, else NULL */
    _Atomic(struct context *) owned;             /* the context once it exists; set once */
};

struct context_pool {
    struct plan *plan;
    struct current_weights *weights; /* the operator's, which has the pool */
    struct slot *slots;
    int max_contexts;
    /* Slots that have, or are about to get, a context. Grows only. */
    _Atomic int claimed;
    /* Threads asleep for want of a context. Raised before the last look, read after a put. */
    _Atomic int waiting;
    struct lock lock;
    struct condition is_put;
};

/* Which slot this thread last used, of whatever pool: a hint. */
static _Thread_local int last_slot;

cop_status cop_context_pool_create(struct plan *plan, struct current_weights *weights,
                                   int max_contexts, struct context_pool **pool, cop_error *error)
{
    struct context_pool *made = cop_alloc(1, sizeof *made);
    const size_t bytes = sizeof *made->slots * (size_t)max_contexts;
    *pool = NULL;
    if (made != NULL)
        made->slots = cop_alloc_aligned(bytes);
    if (made == NULL || made->slots == NULL) {
        cop_free(made);
        return cop_fail_memory(error, "context pool", bytes);
    }
    memset(made->slots, 0, bytes);
    made->max_contexts = max_contexts;
    made->plan = cop_plan_retain(plan);
    made->weights = weights;
    cop_lock_init(&made->lock);
    cop_condition_init(&made->is_put);
    *pool = made;
    return COP_STATUS_OK;
}

void cop_context_pool_destroy(struct context_pool **pool)
{
    struct context_pool *old = *pool;
    *pool = NULL;
    if (old == NULL)
        return;
    for (int i = 0; i < old->max_contexts; i++) {
        struct context *context = atomic_load_explicit(&old->slots[i].owned, memory_order_acquire);
        cop_context_destroy(&context);
    }
    cop_plan_release(&old->plan);
    cop_condition_destroy(&old->is_put);
    cop_lock_destroy(&old->lock);
    cop_free(old->slots);
    cop_free(old);
}

static struct context *take_slot(struct context_pool *pool, int index)
{
    struct slot *slot = &pool->slots[index];
    /* Sequentially consistent for the look before sleeping, see cop_context_pool_put. */
    if (atomic_load(&slot->free) == NULL)
        return NULL;
    struct context *context = atomic_exchange_explicit(&slot->free, NULL, memory_order_acquire);
    if (context != NULL)
        last_slot = index;
    return context;
}

static struct context *take_free(struct context_pool *pool)
{
    const int claimed = atomic_load_explicit(&pool->claimed, memory_order_acquire);
    struct context *context = last_slot < claimed ? take_slot(pool, last_slot) : NULL;
    for (int i = 0; i < claimed && context == NULL; i++)
        context = take_slot(pool, i);
    return context;
}

/* A slot for a new context; −1: there are as many as there may be. */
static int claim_slot(struct context_pool *pool)
{
    int claimed = atomic_load_explicit(&pool->claimed, memory_order_relaxed);
    do {
        if (claimed == pool->max_contexts)
            return -1;
    } while (!atomic_compare_exchange_weak_explicit(&pool->claimed, &claimed, claimed + 1,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return claimed;
}

/* Makes a context and a home for it; NULL: others were faster, there are as many as there may be.
 */
static cop_status make_context(struct context_pool *pool, struct context **context,
                               cop_error *error)
{
    const cop_status status = cop_context_create(pool->plan, pool->weights, context, error);
    if (status != COP_STATUS_OK)
        return status;
    const int index = claim_slot(pool);
    if (index < 0) {
        cop_context_destroy(context);
        return COP_STATUS_OK;
    }
    (*context)->slot = last_slot = index;
    atomic_store_explicit(&pool->slots[index].owned, *context, memory_order_release);
    return COP_STATUS_OK;
}

static cop_status wait_for_put(struct context_pool *pool, int64_t deadline_ns,
                               struct context **context, cop_error *error)
{
    bool is_in_time = true;
    cop_lock_acquire(&pool->lock);
    atomic_fetch_add(&pool->waiting, 1); /* before the look below, for everybody */
    while ((*context = take_free(pool)) == NULL && is_in_time)
        is_in_time = cop_condition_wait(&pool->is_put, &pool->lock, deadline_ns);
    atomic_fetch_sub(&pool->waiting, 1);
    cop_lock_release(&pool->lock);
    if (*context == NULL)
        return cop_fail(error, COP_STATUS_BUSY, "all %d contexts are in use", pool->max_contexts);
    return COP_STATUS_OK;
}

static cop_status take(struct context_pool *pool, int64_t deadline_ns, struct context **context,
                       cop_error *error)
{
    *context = take_free(pool);
    if (*context != NULL)
        return COP_STATUS_OK;
    if (atomic_load_explicit(&pool->claimed, memory_order_relaxed) < pool->max_contexts) {
        const cop_status status = make_context(pool, context, error);
        if (status != COP_STATUS_OK || *context != NULL)
            return status;
    }
    return wait_for_put(pool, deadline_ns, context, error);
}

cop_status cop_context_pool_take(struct context_pool *pool, int64_t deadline_ns,
                                 struct context **context, cop_error *error)
{
    const cop_status status = take(pool, deadline_ns, context, error);
    if (status == COP_STATUS_OK &&
        (*context)->weight_generation != cop_current_weights_generation(pool->weights))
        cop_context_rebind(*context, pool->weights);
    return status;
}

static void put(struct context_pool *pool, struct context *context)
{
    /*
     * Both here, and both of the sleeper, are sequentially consistent: either it sees the context,
     * or we see it.
     */
    atomic_store(&pool->slots[context->slot].free, context);
    if (atomic_load(&pool->waiting) == 0)
        return;
    cop_lock_acquire(&pool->lock);
    cop_condition_signal(&pool->is_put);
    cop_lock_release(&pool->lock);
}

void cop_context_pool_put(struct context_pool *pool, struct context *context)
{
    /*
     * Storing the context and looking at the generation, here, publishing a generation and looking
     * through the slots, there, are sequentially consistent: whichever is later finds a context
     * that was left behind, so that no old weights stay with one that nobody takes.
     */
    for (bool is_left_behind = true; is_left_behind;) {
        const int index = context->slot;
        const uint64_t generation = context->weight_generation;
        put(pool, context);
        is_left_behind = generation != cop_current_weights_generation(pool->weights) &&
                         (context = take_slot(pool, index)) != NULL;
        if (is_left_behind)
            cop_context_rebind(context, pool->weights);
    }
}

void cop_context_pool_for_each_idle(struct context_pool *pool,
                                    void (*visit)(struct context *context, void *user), void *user)
{
    const int claimed = atomic_load_explicit(&pool->claimed, memory_order_acquire);
    for (int i = 0; i < claimed; i++) {
        struct context *context = take_slot(pool, i);
        if (context == NULL)
            continue;
        visit(context, user);
        cop_context_pool_put(pool, context);
    }
}

bool cop_context_pool_is_last(const struct context_pool *pool, const struct context *context)
{
    return context->slot == pool->max_contexts - 1;
}

struct context_counters cop_context_pool_counters(struct context_pool *pool)
{
    struct context_counters counters = {0};
    for (int i = 0; i < pool->max_contexts; i++) {
        struct slot *slot = &pool->slots[i];
        struct context *context = atomic_load_explicit(&slot->owned, memory_order_acquire);
        if (context == NULL)
            continue;
        counters.contexts++;
        counters.bytes += context->bytes;
        counters.in_flight += atomic_load_explicit(&slot->free, memory_order_relaxed) == NULL;
        counters.invocations += atomic_load_explicit(&context->invocations, memory_order_relaxed);
        counters.failures += atomic_load_explicit(&context->failures, memory_order_relaxed);
    }
    return counters;
}
