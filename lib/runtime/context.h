// SPDX-License-Identifier: Apache-2.0
/*
 * Execution contexts: everything one invocation changes. A context is used by one thread at a time;
 * the pool of its operator hands it out and takes it back.
 */
#ifndef RUNTIME_CONTEXT_H
#define RUNTIME_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "plan/plan.h"
#include "runtime/weight_binding.h"

/* An address that each invocation fills in: a caller's input or output. */
struct binding {
    void **slot; /* in context.addresses */
    int index;   /* of the input or output */
};

struct context {
    struct plan *plan;           /* one reference */
    struct weight_set *weights;  /* one reference */
    uint64_t weight_generation;  /* whose weights these are */
    unsigned char *arena;        /* plan->arena_bytes */
    struct stream **streams;     /* one for each device of the plan; NULL where it needs none */
    void **states;               /* one for each step; NULL where the kernel needs none */
    void **addresses;            /* of all operands, step after step */
    struct kernel_args *args;    /* one for each step, pointing into addresses */
    struct binding *srcs, *dsts; /* operands at callers' arrays */
    int src_binding_count, dst_binding_count;
    size_t bytes; /* all of the above */
    int slot;     /* of the pool; where it is put back */
    /* Counted by the thread that has the context, read by whoever asks for statistics. */
    _Atomic uint64_t invocations, failures;
};

cop_status cop_context_create(struct plan *plan, struct current_weights *weights,
                              struct context **context, cop_error *error);
void cop_context_destroy(struct context **context); /* accepts a pointer to NULL */

/* Counts one invocation that ended with `status`; by the thread that has the context. */
static inline void cop_context_count(struct context *context, cop_status status)
{
    const uint64_t invocations = atomic_load_explicit(&context->invocations, memory_order_relaxed);
    atomic_store_explicit(&context->invocations, invocations + 1, memory_order_relaxed);
    if (status != COP_STATUS_OK)
        atomic_fetch_add_explicit(&context->failures, 1, memory_order_relaxed);
}

/* What one context of a plan will take, before there is one. */
size_t cop_context_bytes(const struct plan *plan);

struct context_pool; /* Thread-safety: synchronized; without a lock while a context is free. */

/* `weights` is borrowed, and may get another set at any time. */
cop_status cop_context_pool_create(struct plan *plan, struct current_weights *weights,
                                   int max_contexts, struct context_pool **pool, cop_error *error);
void cop_context_pool_destroy(struct context_pool **pool); /* none may be in use */

/*
 * Takes a context on the current weights, making one where none is free. At max_contexts it waits
 * for one to be put back; BUSY: not within the deadline.
 */
cop_status cop_context_pool_take(struct context_pool *pool, int64_t deadline_ns,
                                 struct context **context, cop_error *error);
void cop_context_pool_put(struct context_pool *pool, struct context *context);

/* Takes one idle context after the other, calls `visit` and puts it back. */
void cop_context_pool_for_each_idle(struct context_pool *pool,
                                    void (*visit)(struct context *context, void *user), void *user);

/* Whether this is the context that was made last, of as many as there may be. */
bool cop_context_pool_is_last(const struct context_pool *pool, const struct context *context);

struct context_counters {
    size_t contexts, in_flight, bytes;
    uint64_t invocations, failures;
};
struct context_counters cop_context_pool_counters(struct context_pool *pool);

#endif
