// SPDX-License-Identifier: Apache-2.0
/*
 * A plan: what one invocation does, as a list of kernels over slots of one arena.
 *
 * Thread-safety: immutable once created, reference-counted; everything that changes while it runs
 * lives in an execution context (runtime/contexts/context.h).
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include <cachedop/cached_op.h>

#include "backends/backend.h"
#include "base/arena.h"
#include "base/refcount.h"
#include "graph/overlay.h"
#include "plan/weight_store.h"

enum operand_place {
    OPERAND_NONE,         /* absent or unread: NULL */
    OPERAND_ARENA,        /* of the context, at `offset` */
    OPERAND_DEVICE_ARENA, /* the same, in the first device's own memory */
    OPERAND_WEIGHT,       /* weight `index` of the weight set */
    OPERAND_SRC,          /* the caller's input `index`; only ever read */
    OPERAND_DST,          /* the caller's output `index` */
};

struct operand {
    enum operand_place place;
    int index;
    size_t offset;
};

/* What the printed plan says about an operand. */
struct plan_tensor {
    const char *name;
    cop_dtype dtype;
    struct shape shape;
    const char *layout; /* such as "plain" or "nhwc" */
    size_t bytes;
};

/*
 * Outputs as a set of bits. From the 64th on they share the last bit: where one of them is wanted,
 * what any of them needs is computed.
 */
#define COP_OUTPUT_BITS 64

static inline uint64_t cop_output_bit(size_t output)
{
    return UINT64_C(1) << (output < COP_OUTPUT_BITS ? output : COP_OUTPUT_BITS - 1);
}

struct plan_step {
    const struct kernel *kernel;     /* owned by the plan */
    uint64_t needed_by;              /* the outputs that cannot be computed without this step */
    int device_index;                /* in plan->devices: whose stream it runs on */
    const struct operand *src, *dst; /* kernel->src_count and kernel->dst_count of them */
    size_t scratch_offset;           /* in the arena; meaningless when the kernel needs none */
    int segment;                     /* in plan->segments; −1: it is in none */
    const char *name;                /* the node's; for reorders and copies that of the value */
    const char *op_name;             /* "Convolution", "Reorder", … */
    const char *fused;               /* other nodes done in this step, " + " between; "" for none */
    const struct plan_tensor *src_tensors, *dst_tensors;
};

/*
 * Consecutive steps of one device that touch nothing of the caller's and are needed by the same
 * outputs, so that a context can record them once and then begin them all at once.
 */
struct plan_segment {
    int first_step, end_step;
};

/* How the weights of a plan are made anew from other elements of the model's constants. */
struct plan_recipes {
    struct graph *graph; /* owned; see cop_graph_extract_recipes */
    int *values;         /* of each weight in there; COP_NO_VALUE: it cannot change */
    int *read;           /* parameters whose elements decided something in this plan, ascending */
    int read_count;      /* those that the importer has read are not among them */
};

struct plan {
    struct refcount refs;
    struct arena arena; /* holds everything below */
    struct device_chain devices;
    int intra_op_threads;

    int step_count;
    struct plan_step *steps;
    int segment_count;
    struct plan_segment *segments;

    int src_count, dst_count; /* the operator's inputs and outputs */
    cop_tensor_desc *srcs, *dsts;
    uint64_t *dst_used_by; /* per output: by whose steps its memory is written or read */
    bool *src_is_host_read, *dst_is_host_used; /* by steps that reach only the process's memory */

    int weight_count;
    struct weight_key *weight_keys; /* what a weight set must hold, in OPERAND_WEIGHT order */
    struct plan_recipes recipes;

    size_t arena_bytes;        /* of one context */
    size_t device_arena_bytes; /* likewise, in the first device's own memory */
    size_t state_bytes;        /* kernel states and streams of one context */
    size_t plan_bytes;         /* of the plan itself, kernels included as far as known */
};

/* What is compiled. Everything is borrowed for the call. */
struct plan_request {
    const struct graph *graph;     /* the model's; copied */
    const struct overlay *overlay; /* what updates have changed in it; NULL: nothing */
    struct weight_store *store;    /* the model's */
    cop_device device;
    struct graph_bindings bindings;
    const cop_constant *constants; /* inputs whose elements are fixed now */
    size_t constant_count;
    const char *const *extra_outputs; /* names of values that become outputs */
    size_t extra_output_count;
    int intra_op_threads; /* >= 1 */
    bool fast_run;        /* kernels that run faster for more time and bytes now (backend.h) */
    cop_precision precision;
    cop_gpu_kernels gpu_kernels;
    bool keep_graph; /* no pass but the necessary ones */
};

/*
 * Compiles: binds and infers shapes, runs the passes, chooses kernels and layouts, plans memory,
 * and packs the weights that are not in the store yet. `weights` receives the set the plan was
 * built with; `added_bytes` (may be NULL) the bytes of weights that were not there before.
 */
cop_status cop_plan_create(const struct plan_request *request, struct plan **plan,
                           struct weight_set **weights, size_t *added_bytes, cop_error *error);

/* plan_weights.c: keeps the recipes of the weights, `values` of `graph`, in a plan being made. */
cop_status cop_plan_keep_recipes(struct plan *plan, const struct graph *model,
                                 const struct graph *graph, const int *values, cop_error *error);

/*
 * Makes a weight set for a plan whose elements of the model's constants are those of `overlay`.
 * Weights that do not change are found in the store, so another set of this plan must be alive.
 */
cop_status cop_plan_remake_weights(const struct plan *plan, const struct graph *model,
                                   const struct overlay *overlay, struct weight_store *store,
                                   struct weight_set **weights, cop_error *error);

/* Whether the elements of a parameter decided something while the plan was made. */
bool cop_plan_has_read(const struct plan *plan, int parameter);

/* plan_segments.c: finds the segments of a plan whose steps are all there. */
bool cop_plan_find_segments(struct plan *plan);

struct plan *cop_plan_retain(struct plan *plan);
void cop_plan_release(struct plan **plan);

/* Text, DOT or JSON (plan_print.c); `text` is freed with cop_free. */
cop_status cop_plan_print(const struct plan *plan, cop_plan_format format, char **text,
                          cop_error *error);

#endif
