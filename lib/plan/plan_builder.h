// SPDX-License-Identifier: Apache-2.0
/*
 * A plan in the making. Nodes are taken in graph order; each value gets one tensor per layout and
 * place that it is needed in (its forms), each kernel becomes a step. Where the tensors lie in the
 * arena is decided at the end, when every step is known.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef PLAN_PLAN_BUILDER_H
#define PLAN_PLAN_BUILDER_H

#include "base/text.h"
#include "plan/plan.h"

#define NO_TENSOR (-1)

/* A value in one layout at one place. */
struct build_tensor {
    int value;
    const struct layout *layout; /* borrowed: kernels and weight keys of this builder own them */
    size_t bytes;
    enum operand_place place;
    int index;           /* of the weight, the caller's input or output */
    int alias_of;        /* it lies inside this other tensor; NO_TENSOR: memory of its own */
    size_t alias_offset; /* where in there */
    int next_form;       /* another tensor of the same value, or NO_TENSOR */
    int seen_by;         /* the last node that looked at it while placing a concatenation */
};

struct build_value {
    int forms;     /* the first is as the producer makes it; NO_TENSOR: none yet */
    int parent;    /* towards the representative of all values that share memory with this one */
    int uses_left; /* at the representative: reads by nodes to come, and outputs */
    int output;    /* the operator's output that this value is first; −1: none */
    bool is_needed;
};

struct build_step {
    struct kernel *kernel; /* owned */
    uint64_t needed_by;    /* outputs, as in the plan; known at the end */
    int device_index;
    const char *name, *op_name, *fused; /* the graph's or static */
    int *src, *dst;                     /* tensors, NO_TENSOR where the kernel gets NULL */
};

struct plan_builder {
    const struct plan_request *request;
    struct graph *graph; /* owned: bound, inferred, rewritten */
    struct graph_uses uses;
    struct plan *plan;  /* owned: devices and counts are set */
    struct arena arena; /* of lists that live as long as the builder */
    struct build_value *values;
    struct build_tensor *tensors;
    struct build_step *steps;
    struct weight_key *keys; /* of the weights so far; layouts are retained */
    int *weight_values;
    int *output_tensors; /* per output: what lies in the caller's memory; NO_TENSOR: nothing yet */
    bool *runs;          /* per node: a step may come of it */
    int tensor_count, tensor_capacity, step_count, step_capacity, weight_count, weight_capacity;
    struct text missing; /* what no device supports, so far */
    int missing_count;
    cop_error *error;
};

/* plan_builder.c: tensors and the steps that only move them. */

/* Appends; false: out of memory, `error` is set. */
bool cop_builder_add_tensor(struct plan_builder *builder, const struct build_tensor *tensor,
                            int *index);
/* Takes the kernel over, also on failure. `src` and `dst` are copied. */
cop_status cop_builder_add_step(struct plan_builder *builder, const struct build_step *step);

/* A new tensor of a value: in the caller's memory where an output can lie there, else the arena. */
cop_status cop_builder_new_form(struct plan_builder *builder, int value,
                                const struct layout *layout, int *tensor);

/* The value in a layout, through a reorder step if needed; a weight packed so for the device. */
cop_status cop_builder_get_form(struct plan_builder *builder, int value,
                                const struct layout *layout, struct device *device, int *tensor);

/*
 * The value in a linear layout on the device that knows `on`: with the element type of `like`, or
 * with NULL as plain elements are.
 */
cop_status cop_builder_get_linear(struct plan_builder *builder, int value, const struct layout *on,
                                  const struct layout *like, int *tensor);

/*
 * Between plain memory and a device's only copies are made: what else is to be done with the
 * elements is done on the device, in a step that can be recorded since it touches no memory of a
 * caller. `*tensor`, of a value that is wanted in a layout, becomes the form to start from.
 */
cop_status cop_builder_cross(struct plan_builder *builder, int value, const struct layout *wanted,
                             int *tensor);

/* The value in a layout in memory that may be overwritten; `dies`: nobody reads it afterwards. */
cop_status cop_builder_get_writable(struct plan_builder *builder, int value,
                                    const struct layout *layout, bool dies, int *tensor);

/* A step that copies between tensors of one value in the same or in different layouts. */
cop_status cop_builder_add_copy(struct plan_builder *builder, int src, int dst);

/* The tensor that has the memory in which `tensor` lies, `*offset` bytes from its start. */
int cop_builder_root(struct plan_builder *builder, int tensor, size_t *offset);

/* The representative of the values that share memory with `value`. */
int cop_builder_family(struct plan_builder *builder, int value);

/* The arena in which tensors of a layout lie. */
static inline enum operand_place cop_builder_arena(const struct layout *layout)
{
    return layout != NULL && layout->is_on_device ? OPERAND_DEVICE_ARENA : OPERAND_ARENA;
}

/* An output that can be written where a plain tensor of `value` lies; −1: none. */
int cop_builder_open_output(const struct plan_builder *builder, int value);

/* plan_builder_views.c: nodes that only say how to look at memory. True: no step is needed. */
bool cop_node_is_view(const struct graph *graph, const struct graph_node *node);
cop_status cop_builder_add_view(struct plan_builder *builder, const struct graph_node *node,
                                bool *is_done);
cop_status cop_builder_add_concat(struct plan_builder *builder, int index, bool *is_done);

/* plan_builder_kernels.c: the first device that supports a node makes its kernel. */
cop_status cop_builder_add_kernel(struct plan_builder *builder, int index);

/* plan_builder_finish.c */
cop_status cop_builder_add_outputs(struct plan_builder *builder);
cop_status cop_builder_finish(struct plan_builder *builder);

/* The device of the chain that knows a layout. */
int cop_builder_device_of(const struct plan_builder *builder, const struct layout *layout);

#endif
