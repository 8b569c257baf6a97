// SPDX-License-Identifier: Apache-2.0
/*
 * What a cached operator is inside: a plan, the weights it runs on, its contexts and the arrays it
 * made.
 *
 * Thread-safety: immutable once created, except for the pools and the current weights, which are
 * synchronized.
 */
#ifndef RUNTIME_CACHED_OP_H
#define RUNTIME_CACHED_OP_H

#include <cachedop/cached_op.h>

#include "base/refcount.h"
#include "model/model.h"
#include "plan/plan.h"
#include "runtime/contexts/context.h"
#include "runtime/contexts/live_weights.h"
#include "runtime/storage.h"

struct cop_cached_op {
    struct refcount refs;
    uint64_t id; /* unique in the process, never 0 */
    struct cop_model *model;
    struct plan *plan;
    struct live_weights *live; /* the model's */
    struct current_weights weights;
    struct cop_cached_op *next, *previous; /* see live_weights.operators */
    bool is_live;                          /* it is among them; set by its creator */
    struct memory_budget *budget;
    struct context_pool *contexts;
    struct output_pool **outputs; /* one for each output */
    /* What it was created with, as far as cop_cached_op_reshape needs it again. */
    int max_contexts;
    size_t memory_cap_bytes;
    cop_tuning tuning;
    bool keep_graph;
    cop_precision precision;
    cop_gpu_kernels gpu_kernels;
    cop_memory output_memory;
    cop_constant *constants; /* names and arrays are copies of our own */
    size_t constant_count;
    char **extra_outputs; /* copies */
    size_t extra_output_count;
};

#endif
