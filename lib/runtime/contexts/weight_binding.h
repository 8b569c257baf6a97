// SPDX-License-Identifier: Apache-2.0
/*
 * Which weights an operator runs on now, and contexts that follow when these change. All operators
 * of a model change in one step: they share one generation number, and a context whose number is
 * another one takes the operator's set anew before it runs.
 */
#ifndef RUNTIME_WEIGHT_BINDING_H
#define RUNTIME_WEIGHT_BINDING_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/lock.h"
#include "plan/weight_store.h"

struct context;

/* Shared by the operators of a model. Thread-safety: synchronized. */
struct weight_generation {
    struct lock lock; /* held for moments, with nothing but this and reference counts inside */
    /* How many updates there were. Written with the lock held, in one step with the sets of all
     * operators; read by whoever takes or puts back a context. */
    _Atomic uint64_t number;
};

/* Of one operator. Thread-safety: synchronized. */
struct current_weights {
    struct weight_generation *generation;                    /* the model's */
    struct weight_set *set COP_GUARDED_BY(generation->lock); /* one reference */
};

/* The current set, with a reference. */
struct weight_set *cop_current_weights_take(const struct current_weights *current,
                                            uint64_t *generation);

/* Sequentially consistent, for cop_context_pool_put. */
static inline uint64_t cop_current_weights_generation(const struct current_weights *current)
{
    return atomic_load(&current->generation->number);
}

/* Puts a context that the caller has onto the current set. */
void cop_context_rebind(struct context *context, const struct current_weights *current);

/* The same for every idle context of the pool that is on an old one. */
struct context_pool;
void cop_context_pool_rebind_idle(struct context_pool *pool, struct current_weights *current);

#endif
