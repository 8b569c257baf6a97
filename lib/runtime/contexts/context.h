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
#include "runtime/contexts/memory_budget.h"
#include "runtime/contexts/weight_binding.h"

struct limits;
struct output_pool;
struct parking;

/* An address that each invocation fills in: a caller's input or output. */
struct binding {
    void **slot; /* in context.addresses */
    int index;   /* of the input or output */
};

/*
 * What a context has of a segment of its plan. The first run is step by step, so that libraries
 * set up what may not be set up while a recording is open; the second records.
 */
struct segment_run {
    struct recording *recording; /* NULL: there is none yet */
    bool has_run;                /* step by step, on the weights it is on */
};

struct context {
    struct plan *plan;           /* one reference */
    struct weight_set *weights;  /* one reference */
    uint64_t weight_generation;  /* whose weights these are */
    unsigned char *arena;        /* plan->arena_bytes; page-locked for a first device with memory */
    unsigned char *device_arena; /* plan->device_arena_bytes, in memory of the first device */
    struct stream **streams;     /* one for each device of the plan; NULL where it needs none */
    struct segment_run *segments; /* one for each of the plan's */
    void **states;                /* one for each step; NULL where the kernel needs none */
    void **addresses;             /* of all operands, step after step */
    struct kernel_args *args;     /* one for each step, pointing into addresses */
    unsigned char *memory;        /* the kind of each address; NULL: they are all the process's */
    struct binding *srcs, *dsts;  /* operands at callers' arrays */
    int src_binding_count, dst_binding_count;
    size_t bytes; /* all of the above */
    int slot;     /* of the pool; where it is put back */
    /* Where what it does is counted. It outlives the context. */
    struct context_counts *counts;
};

/* Counted by the thread that has the context, read by whoever asks for statistics. */
struct context_counts {
    _Atomic uint64_t invocations, failures;
};

cop_status cop_context_create(struct plan *plan, struct current_weights *weights,
                              struct context **context, cop_error *error);
void cop_context_destroy(struct context **context); /* accepts a pointer to NULL */

/* Forgets recordings, since addresses in them have changed. Nothing may be running. */
void cop_context_drop_recordings(struct context *context);

/* Counts one invocation that ended with `status`; by the thread that has the context. */
static inline void cop_context_count(struct context *context, cop_status status)
{
    struct context_counts *counts = context->counts;
    const uint64_t invocations = atomic_load_explicit(&counts->invocations, memory_order_relaxed);
    atomic_store_explicit(&counts->invocations, invocations + 1, memory_order_relaxed);
    if (status != COP_STATUS_OK)
        atomic_fetch_add_explicit(&counts->failures, 1, memory_order_relaxed);
}

/* What one context of a plan will take, before there is one. */
size_t cop_context_bytes(const struct plan *plan);

struct context_pool; /* Thread-safety: synchronized; without a lock while a context is free. */

/* What a pool is made of. The plan is retained, all else lives as long as the pool. */
struct context_pool_request {
    struct plan *plan;
    struct current_weights *weights; /* may get another set at any time */
    int max_contexts;
    struct memory_budget *budget; /* its cap lets one context exist */
    struct output_pool **outputs; /* borrowed while the pool lives: emptied before the cap hurts */
    int output_count;
};

cop_status cop_context_pool_create(const struct context_pool_request *request,
                                   struct context_pool **pool, cop_error *error);
void cop_context_pool_destroy(struct context_pool **pool); /* none may be in use */

/* Takes a context on the current weights, making one where none is free. NULL, and OK: there are as
 * many as there may be.
 */
cop_status cop_context_pool_try_take(struct context_pool *pool, struct context **context,
                                     cop_error *error);

/* As try_take, but waits for one to be put back. BUSY or CANCELLED: not within the limits. */
cop_status cop_context_pool_take(struct context_pool *pool, const struct limits *limits,
                                 struct context **context, cop_error *error);
void cop_context_pool_put(struct context_pool *pool, struct context *context);

/* Where tasks wait for a context. */
struct parking *cop_context_pool_parking(struct context_pool *pool);

/*
 * An invocation that pauses wants to keep its context. False: it must put it back, for those who
 * could go on with paused ones may all be waiting for just this. The other ends the pause.
 */
bool cop_context_pool_pause(struct context_pool *pool);
void cop_context_pool_resume(struct context_pool *pool);

/* Frees contexts that nobody uses while more than `kept` exist; returns their bytes. */
size_t cop_context_pool_trim(struct context_pool *pool, size_t kept);
/* Takes one idle context after the other, calls `visit` and puts it back. */
void cop_context_pool_for_each_idle(struct context_pool *pool,
                                    void (*visit)(struct context *context, void *user), void *user);

struct context_counters {
    size_t contexts, in_flight;
    uint64_t invocations, failures;
};
struct context_counters cop_context_pool_counters(struct context_pool *pool);

#endif
