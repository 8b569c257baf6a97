// SPDX-License-Identifier: Apache-2.0
/*
 * The contexts of one operator: a fixed array of slots, each the home of one context. A slot is
 * taken by exchanging its pointer for NULL and given back by storing the pointer again, so nothing
 * is ever freed under a reader and no pointer can be mistaken for another. A thread looks first
 * where it last took one.
 */
#include "runtime/contexts/context.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/lock.h"
#include "runtime/engine/cancel.h"
#include "runtime/engine/engine.h"
#include "runtime/storage.h"

/* A cache line each, so that threads with a context of their own do not meet. */
struct slot {
    _Alignas(64) _Atomic(struct context *) free; /* the context when it is free, else NULL */
    /* The context while it exists. Written by the thread that makes or frees it, and has it. */
    _Atomic(struct context *) owned;
    bool is_claimed; /* it has, or is about to get, a context; guarded by the lock */
    struct context_counts counts;
};

struct context_pool {
    struct plan *plan;
    struct current_weights *weights; /* the operator's, which has the pool */
    struct memory_budget *budget;
    struct output_pool **outputs;
    int output_count;
    struct slot *slots;
    int max_contexts;
    int capacity; /* how many contexts may exist, by number and by memory */
    /* Written under the lock, read by everybody: */
    _Atomic int used_end; /* behind the last slot that was ever claimed. Grows only. */
    _Atomic int count;    /* of claimed slots */
    _Atomic int paused;   /* contexts that paused invocations keep */
    /* Threads asleep for want of a context. Raised before the last look, read after a put. */
    _Atomic int waiting;
    struct parking parking; /* the same for tasks */
    _Atomic uint32_t epoch; /* of what is in use: after a fork, nothing is */
    struct lock lock;
    struct condition is_put;
};

/* Which slot this thread last used, of whatever pool: a hint. */
static _Thread_local int last_slot;

static bool has_free(struct parking *parking);

static int count_capacity(const struct context_pool_request *request)
{
    const size_t fitting = request->budget->cap / cop_context_bytes(request->plan);
    return fitting < (size_t)request->max_contexts ? (int)fitting : request->max_contexts;
}

cop_status cop_context_pool_create(const struct context_pool_request *request,
                                   struct context_pool **pool, cop_error *error)
{
    *pool = NULL;
    const int capacity = count_capacity(request);
    if (capacity == 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "memory_cap_bytes is %zu, and one context takes %zu", request->budget->cap,
                        cop_context_bytes(request->plan));
    struct context_pool *made = cop_alloc(1, sizeof *made);
    const size_t bytes = sizeof *made->slots * (size_t)capacity;
    if (made != NULL)
        made->slots = cop_alloc_aligned(bytes);
    if (made == NULL || made->slots == NULL) {
        cop_free(made);
        return cop_fail_memory(error, "context pool", bytes);
    }
    memset(made->slots, 0, bytes);
    made->max_contexts = request->max_contexts;
    made->capacity = capacity;
    made->plan = cop_plan_retain(request->plan);
    made->weights = request->weights;
    made->budget = cop_budget_retain(request->budget);
    made->outputs = request->outputs;
    made->output_count = request->output_count;
    made->parking.has_free = has_free;
    made->epoch = cop_fork_epoch();
    cop_lock_init(&made->lock, LOCK_CONTEXTS);
    cop_condition_init(&made->is_put);
    *pool = made;
    return COP_STATUS_OK;
}

/*
 * A place is a claimed slot, counted, and memory. They come and go together under the lock, which
 * fork takes: a child can tell what was being made or freed.
 */
static void give_up_slot_locked(struct context_pool *pool, struct slot *slot)
    COP_REQUIRES(pool->lock)
{
    slot->is_claimed = false;
    cop_budget_give(pool->budget, cop_context_bytes(pool->plan));
    atomic_fetch_sub(&pool->count, 1); /* last: who sees the room finds the rest */
}

/* In a child process: threads that had contexts are gone, and so are those who waited for one. */
static void renew_after_fork(struct context_pool *pool)
{
    cop_lock_acquire(&pool->lock);
    if (atomic_load(&pool->epoch) != cop_fork_epoch()) {
        for (int i = 0; i < pool->capacity; i++) {
            struct slot *slot = &pool->slots[i];
            struct context *context = atomic_load(&slot->owned);
            if (context != NULL)
                context->weight_generation = UINT64_MAX; /* it may be half on other weights */
            if (context == NULL && slot->is_claimed)     /* it was being made or freed */
                give_up_slot_locked(pool, slot);
            atomic_store(&slot->free, context);
        }
        atomic_store(&pool->paused, 0);
        atomic_store(&pool->waiting, 0);
        atomic_store(&pool->parking.count, 0);
        memset(&pool->parking.tasks, 0, sizeof pool->parking.tasks);
        cop_condition_init(&pool->is_put);
        atomic_store(&pool->epoch, cop_fork_epoch());
    }
    cop_lock_release(&pool->lock);
}

static void look_for_fork(struct context_pool *pool)
{
    if (atomic_load_explicit(&pool->epoch, memory_order_acquire) != cop_fork_epoch())
        renew_after_fork(pool);
}

void cop_context_pool_destroy(struct context_pool **pool)
{
    struct context_pool *old = *pool;
    *pool = NULL;
    if (old == NULL)
        return;
    look_for_fork(old); /* or the end of the condition would be waited for by those who are gone */
    for (int i = 0; i < old->capacity; i++) {
        struct context *context = atomic_load_explicit(&old->slots[i].owned, memory_order_acquire);
        cop_context_destroy(&context);
    }
    cop_plan_release(&old->plan);
    cop_budget_release(&old->budget);
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
    const int end = atomic_load_explicit(&pool->used_end, memory_order_acquire);
    struct context *context = last_slot < end ? take_slot(pool, last_slot) : NULL;
    for (int i = 0; i < end && context == NULL; i++)
        context = take_slot(pool, i);
    return context;
}

static bool has_free(struct parking *parking)
{
    struct context_pool *pool =
        (struct context_pool *)((unsigned char *)parking - offsetof(struct context_pool, parking));
    const int end = atomic_load(&pool->used_end);
    for (int i = 0; i < end; i++)
        if (atomic_load(&pool->slots[i].free) != NULL)
            return true;
    return atomic_load(&pool->count) < pool->capacity;
}

/* The home of a new context; there are fewer contexts than slots. */
static struct slot *claim_slot_locked(struct context_pool *pool) COP_REQUIRES(pool->lock)
{
    struct slot *slot = pool->slots;
    while (slot->is_claimed)
        slot++;
    slot->is_claimed = true;
    atomic_fetch_add(&pool->count, 1);
    const int end = (int)(slot - pool->slots) + 1;
    if (atomic_load(&pool->used_end) < end)
        atomic_store(&pool->used_end, end);
    return slot;
}

/* Memory for one more context, if need be that of outputs kept for reuse. */
static bool take_memory(struct context_pool *pool)
{
    const size_t bytes = cop_context_bytes(pool->plan);
    if (cop_budget_take(pool->budget, bytes))
        return true;
    for (int i = 0; i < pool->output_count; i++)
        (void)cop_output_pool_trim(pool->outputs[i]);
    return cop_budget_take(pool->budget, bytes);
}

/* NULL: there are as many as there may be, or kept outputs came in between. */
static struct slot *take_place(struct context_pool *pool)
{
    struct slot *slot = NULL;
    if (atomic_load(&pool->count) == pool->capacity)
        return NULL;
    cop_lock_acquire(&pool->lock);
    if (atomic_load(&pool->count) < pool->capacity && take_memory(pool))
        slot = claim_slot_locked(pool);
    cop_lock_release(&pool->lock);
    return slot;
}

/* One more context can be had: tells one thread and one task that want it. */
static void announce(struct context_pool *pool)
{
    if (atomic_load(&pool->waiting) > 0) {
        cop_lock_acquire(&pool->lock);
        cop_condition_signal(&pool->is_put);
        cop_lock_release(&pool->lock);
    }
    if (atomic_load(&pool->parking.count) > 0)
        cop_engine_unpark(&pool->parking);
}

static void give_up_place(struct context_pool *pool, struct slot *slot)
{
    cop_lock_acquire(&pool->lock);
    give_up_slot_locked(pool, slot);
    cop_lock_release(&pool->lock);
    announce(pool);
}

/* Makes a context and a home for it; NULL: there are as many as there may be. */
static cop_status make_context(struct context_pool *pool, struct context **context,
                               cop_error *error)
{
    struct slot *slot = take_place(pool);
    *context = NULL;
    if (slot == NULL)
        return COP_STATUS_OK;
    const cop_status status = cop_context_create(pool->plan, pool->weights, context, error);
    if (status != COP_STATUS_OK) {
        give_up_place(pool, slot);
        return status;
    }
    (*context)->slot = last_slot = (int)(slot - pool->slots);
    (*context)->counts = &slot->counts;
    atomic_store_explicit(&slot->owned, *context, memory_order_release);
    return COP_STATUS_OK;
}

cop_status cop_context_pool_try_take(struct context_pool *pool, struct context **context,
                                     cop_error *error)
{
    look_for_fork(pool);
    *context = take_free(pool);
    const cop_status status = *context != NULL ? COP_STATUS_OK : make_context(pool, context, error);
    if (*context != NULL &&
        (*context)->weight_generation != cop_current_weights_generation(pool->weights))
        cop_context_rebind(*context, pool->weights);
    return status;
}

static cop_status fail_busy(const struct context_pool *pool, cop_status reason, cop_error *error)
{
    if (reason == COP_STATUS_CANCELLED)
        return cop_fail(error, reason, "cancelled while all %d contexts were in use",
                        pool->capacity);
    return cop_fail(error, COP_STATUS_BUSY, "all %d contexts are in use%s", pool->capacity,
                    pool->capacity < pool->max_contexts ? ", more do not fit into memory_cap_bytes"
                                                        : "");
}

/* Contexts may be with invocations that a device is busy with, and that nobody else asks about. */
static bool can_be_behind(const struct context_pool *pool)
{
    return pool->plan->devices.devices[0]->backend->stream_wait != NULL;
}

/* Asks devices, without the lock, and sleeps for a moment if that gave nothing. */
static void wait_for_device_locked(struct context_pool *pool, const struct limits *limits)
    COP_REQUIRES(pool->lock)
{
    cop_lock_release(&pool->lock);
    const int64_t again_ns = cop_now_ns() + cop_engine_poll_behind(limits);
    cop_lock_acquire(&pool->lock);
    if (!has_free(&pool->parking))
        (void)cop_condition_wait(&pool->is_put, &pool->lock,
                                 again_ns < limits->until_ns ? again_ns : limits->until_ns);
}

/* Sleeps until it is worth trying again. */
static cop_status wait_for_put(struct context_pool *pool, const struct limits *limits,
                               cop_error *error)
{
    struct cancel_waiter waiter = {.condition = &pool->is_put, .lock = &pool->lock};
    cop_status end = COP_STATUS_OK;
    cop_cancel_watch(limits->cancel, &waiter);
    cop_lock_acquire(&pool->lock);
    atomic_fetch_add(&pool->waiting, 1); /* before the looks below, for everybody */
    while (!has_free(&pool->parking) && (end = cop_limits_check(limits)) == COP_STATUS_OK)
        if (can_be_behind(pool))
            wait_for_device_locked(pool, limits);
        else
            (void)cop_condition_wait(&pool->is_put, &pool->lock, limits->until_ns);
    atomic_fetch_sub(&pool->waiting, 1);
    cop_lock_release(&pool->lock);
    cop_cancel_unwatch(limits->cancel, &waiter);
    return end == COP_STATUS_OK ? COP_STATUS_OK : fail_busy(pool, end, error);
}

cop_status cop_context_pool_take(struct context_pool *pool, const struct limits *limits,
                                 struct context **context, cop_error *error)
{
    cop_status status = cop_context_pool_try_take(pool, context, error);
    while (status == COP_STATUS_OK && *context == NULL) {
        status = wait_for_put(pool, limits, error);
        if (status == COP_STATUS_OK)
            status = cop_context_pool_try_take(pool, context, error);
    }
    return status;
}

static void put(struct context_pool *pool, struct context *context)
{
    /*
     * Both here, and both of the sleeper, are sequentially consistent: either it sees the context,
     * or we see it.
     */
    atomic_store(&pool->slots[context->slot].free, context);
    announce(pool);
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
    look_for_fork(pool);
    const int end = atomic_load_explicit(&pool->used_end, memory_order_acquire);
    for (int i = 0; i < end; i++) {
        struct context *context = take_slot(pool, i);
        if (context == NULL)
            continue;
        visit(context, user);
        cop_context_pool_put(pool, context);
    }
}

struct parking *cop_context_pool_parking(struct context_pool *pool)
{
    return &pool->parking;
}

bool cop_context_pool_pause(struct context_pool *pool)
{
    if (atomic_fetch_add(&pool->paused, 1) + 1 < pool->capacity)
        return true;
    atomic_fetch_sub(&pool->paused, 1);
    return false;
}

void cop_context_pool_resume(struct context_pool *pool)
{
    atomic_fetch_sub(&pool->paused, 1);
}

/* Frees a context that the caller has taken. */
static void free_context(struct context_pool *pool, struct context *context)
{
    struct slot *slot = &pool->slots[context->slot];
    atomic_store_explicit(&slot->owned, NULL, memory_order_relaxed);
    cop_context_destroy(&context);
    give_up_place(pool, slot);
}

size_t cop_context_pool_trim(struct context_pool *pool, size_t kept)
{
    size_t freed = 0;
    look_for_fork(pool);
    for (int i = atomic_load(&pool->used_end); i-- > 0;) {
        if ((size_t)atomic_load(&pool->count) <= kept)
            break;
        struct context *context = take_slot(pool, i);
        if (context == NULL)
            continue;
        freed += context->bytes;
        free_context(pool, context);
    }
    return freed;
}

struct context_counters cop_context_pool_counters(struct context_pool *pool)
{
    struct context_counters counters = {0};
    look_for_fork(pool);
    for (int i = 0; i < pool->capacity; i++) {
        struct slot *slot = &pool->slots[i];
        const bool exists = atomic_load_explicit(&slot->owned, memory_order_relaxed) != NULL;
        counters.contexts += exists;
        counters.in_flight +=
            exists && atomic_load_explicit(&slot->free, memory_order_relaxed) == NULL;
        counters.invocations +=
            atomic_load_explicit(&slot->counts.invocations, memory_order_relaxed);
        counters.failures += atomic_load_explicit(&slot->counts.failures, memory_order_relaxed);
    }
    return counters;
}
