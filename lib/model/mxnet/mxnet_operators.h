// SPDX-License-Identifier: Apache-2.0
/*
 * MXNet's operators: what their inputs are called, and how each becomes nodes of our graph.
 * One file per family has a table of these and the mappings; mxnet_operators.c looks them up.
 */
#ifndef MODEL_MXNET_MXNET_OPERATORS_H
#define MODEL_MXNET_MXNET_OPERATORS_H

#include "base/shared.h"
#include "graph/graph.h"
#include "model/mxnet/symbol_attributes.h"

/* An upper bound for kernels, strides and pads: whatever is computed from them fits 64 bits. */
#define COP_MAX_EXTENT INT32_MAX

/* Outputs of all splits of a symbol together: a count is a short text, its outputs are not. */
#define COP_MAX_SPLIT_OUTPUTS 65536

/*
 * Nodes that a symbol may become, whatever its size and for each of so many bytes: six bytes more
 * make one more input of an operator that becomes one node for each.
 */
#define COP_FREE_NODES        65536
#define COP_SYMBOL_NODE_BYTES 16

/* One use of an operator while it is mapped. */
struct mxnet_call {
    struct graph *graph;
    struct arena *arena; /* for what lives as long as the import */
    const struct mxnet_node *node;
    const struct mxnet_operator *op;
    struct attribute_reader attributes; /* its status is that of the whole mapping */
    int src_count;
    const int *src; /* values; COP_NO_VALUE for a label */
    int dst_count;
    int *dst;               /* COP_NO_VALUE for outputs that only training needs */
    int64_t *split_outputs; /* of the whole import so far */
    int most_nodes;         /* of the graph */
    bool is_for_inference_of_shapes;
};

/* When the last input is there. */
enum last_slot {
    LAST_ALWAYS = 0,
    LAST_UNLESS_NO_BIAS,
    LAST_IF_PRELU,
    LAST_IF_USE_LENGTH,
};

struct mxnet_operator {
    const char *name;
    const char *slots; /* names of the inputs, separated by spaces; "*": any number */
    void (*map)(struct mxnet_call *call);
    int variant; /* tells operators apart that share a mapping */
    enum last_slot last;
};

struct mxnet_operator_family {
    const struct mxnet_operator *operators; /* sorted by name */
    size_t count;
};

extern const struct mxnet_operator_family cop_mxnet_neural_family;
extern const struct mxnet_operator_family cop_mxnet_normalization_family;
extern const struct mxnet_operator_family cop_mxnet_elementwise_family;
extern const struct mxnet_operator_family cop_mxnet_scalar_family;
extern const struct mxnet_operator_family cop_mxnet_arrangement_family;
extern const struct mxnet_operator_family cop_mxnet_repetition_family;
extern const struct mxnet_operator_family cop_mxnet_reduction_family;

/* All families; NULL-terminated. */
extern const struct mxnet_operator_family *const cop_mxnet_families[];

/* The name that an alias in another namespace stands for; otherwise the name itself. */
const char *cop_mxnet_canonical_name(const char *name);

/* The operator of a canonical name or alias; NULL: we have none. */
COP_SHARED const struct mxnet_operator *cop_mxnet_operator_find(const char *name);

/* What an input of an operator is for. */
enum slot_role {
    SLOT_TENSOR,
    SLOT_PARAMETER, /* must have a value in the parameter file */
    SLOT_AUXILIARY, /* … as one that training updates otherwise than by gradients */
    SLOT_LABEL,     /* not needed at inference */
};

#define COP_SLOT_NAME_BYTES 24

/* The name and role of an input; `name` may be NULL. */
COP_SHARED enum slot_role cop_mxnet_slot(const struct mxnet_operator *op, int slot,
                                         char name[COP_SLOT_NAME_BYTES]);

/* How many inputs the attributes call for; −1: any number. */
COP_SHARED int cop_mxnet_slot_count(const struct mxnet_operator *op, const struct mxnet_node *node);

/*
 * For mappings. After a failure, which the call remembers, emitting does nothing and gives
 * COP_NO_VALUE, so that a mapping reads as a list of steps.
 */

/* Appends a node. `part` is what a node of several is called after the operator's name; "":
 * nothing. */
int cop_mxnet_emit(struct mxnet_call *call, enum op_kind kind, const char *part, const void *attrs,
                   int src_count, const int *src);
int cop_mxnet_emit_1(struct mxnet_call *call, enum op_kind kind, const char *part,
                     const void *attrs, int src);
int cop_mxnet_emit_2(struct mxnet_call *call, enum op_kind kind, const char *part,
                     const void *attrs, int a, int b);
int cop_mxnet_emit_unary(struct mxnet_call *call, const char *part, enum unary_alg alg, float alpha,
                         float beta, int src);
int cop_mxnet_emit_binary(struct mxnet_call *call, const char *part, enum binary_alg alg, int a,
                          int b);
/* A float32 number as a constant of no dimensions. */
int cop_mxnet_emit_scalar(struct mxnet_call *call, const char *part, float value);
/* … of an integer type: what of `number` fits it. */
int cop_mxnet_emit_integer(struct mxnet_call *call, const char *part, cop_dtype dtype,
                           double number);
/* A float32 tensor of ones, of at most 4096 elements. */
int cop_mxnet_emit_ones(struct mxnet_call *call, const char *part, int rank, const int64_t *dims);
int cop_mxnet_emit_int64s(struct mxnet_call *call, const char *part, int count,
                          const int64_t *values);

/* Notes what attributes say of the shape of an input, such as a weight's; COP_UNKNOWN: nothing.
 * What a constant has is not looked at. */
void cop_mxnet_state_shape(struct mxnet_call *call, int input, int rank, const int64_t *dims);

/* Appends the node that makes all outputs of the call, after cop_mxnet_set_outputs. */
void cop_mxnet_emit_many(struct mxnet_call *call, enum op_kind kind, const void *attrs, int src);

/* Makes room for several outputs. False: out of memory. */
bool cop_mxnet_set_outputs(struct mxnet_call *call, int count);

/* Ends the mapping with one output. */
void cop_mxnet_return(struct mxnet_call *call, int value);

/* Notes that the operator is fine but that this build cannot do it. */
void cop_mxnet_unsupported(struct mxnet_call *call, const char *what);
/* Notes that the operator contradicts itself. */
void cop_mxnet_malformed(struct mxnet_call *call, const char *what);

static inline bool cop_mxnet_failed(const struct mxnet_call *call)
{
    return call->attributes.status != COP_STATUS_OK;
}

/* Attributes are hashed as bytes: no byte between the members may be undefined. */
#define COP_ZEROED_ATTRS(type, variable)                                                           \
    struct type variable;                                                                          \
    memset(&variable, 0, sizeof variable)

#endif
