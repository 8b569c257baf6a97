// SPDX-License-Identifier: Apache-2.0
/*
 * A graph: values (edges) and nodes in topological order; names, attributes and lists in one arena.
 *
 * Importers build one per model; compiling copies it, binds shapes and rewrites the copy.
 * Floating-point weights are never rewritten: a node whose inputs all come from constants is a
 * recipe that is run once per weight set. Integers that decide shapes are read while shapes are
 * inferred.
 *
 * Thread-safety: one thread at a time while built or rewritten; immutable afterwards.
 */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/cached_op.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/shared.h"
#include "base/source.h"
#include "ir/op.h"

#define COP_MAX_NODES  (1000 * 1000)
#define COP_MAX_VALUES (4 * COP_MAX_NODES)
#define COP_NO_VALUE   (-1) /* an absent optional input */

/* A tensor that the model file holds: `dtype` elements, row-major, little-endian, in `source`. */
struct graph_constant {
    struct source *source; /* the graph holds one reference for each of its constants; NULL: a
                              literal, whose elements are the value's `value`, or to be had from
                              the model (cop_graph_extract_recipes) */
    size_t offset, bytes;
    struct hash identity; /* which constant of the model; of a literal: which content */
    int parameter;        /* the value of the model's graph that it is; −1: a literal */
    bool is_read; /* its elements decided something: other ones could not take effect any more */
};

struct graph_value {
    const char *name; /* "" when the file gives none */
    cop_dtype dtype;
    struct shape shape;
    int producer;                    /* node index; −1: an input, a constant, or removed */
    bool is_weight;                  /* see cop_graph_is_weight */
    struct graph_constant *constant; /* NULL: not a constant */
    const void *value;               /* elements known at compile time, in the arena; else NULL */
    struct hash weight_hash;         /* see cop_graph_weight_hash */
};

struct graph_node {
    enum op_kind kind;
    bool is_dead;       /* removed by a pass; skipped by every walk */
    const char *name;   /* as in the file; shared with the first result's where they are equal */
    const char *origin; /* the file's word for the operator, such as "SoftmaxOutput" */
    const void *attrs;  /* the struct of the kind, in the arena */
    int src_count, dst_count;
    int *src, *dst;                  /* value indices; src may hold COP_NO_VALUE */
    const struct post_ops *post_ops; /* never NULL; in the arena, or cop_no_post_ops */
    const char *fused; /* names of the nodes fused into this one, separated by " + "; "" for none */
};

struct graph_input {
    int value;
    const char
        *dim_names[COP_MAX_RANK]; /* names of symbolic dimensions; NULL where fixed or unnamed */
};

struct graph {
    struct arena arena;
    struct graph_node *nodes; /* a value's producer stands before its consumers */
    struct graph_value *values;
    struct graph_input *inputs;
    int *outputs; /* value indices */
    const char **output_names;
    int node_count, value_count, input_count, output_count;
    int node_capacity, value_capacity, input_capacity, output_capacity;
    size_t max_bytes;     /* that building it may take, what was charged included; 0: any number */
    size_t charged_bytes; /* see cop_graph_charge */
    bool is_mxnet_shaped; /* inputs come without shapes: solve them (graph/solve_inputs.c) */
    bool is_shaped_by_caller; /* bound to shapes or dimensions that the model does not state */
};

COP_SHARED struct graph *cop_graph_create(cop_error *error);

/*
 * Counts bytes that an importer holds elsewhere while it builds the graph. Values and nodes count
 * on their own. UNSUPPORTED: together more than max_bytes; adding values and nodes fails likewise.
 */
cop_status cop_graph_charge(struct graph *graph, size_t bytes, cop_error *error);

/* Room for so many values and nodes in all, so that a large graph is never moved; more may follow.
 * False: out of memory (error is set). */
bool cop_graph_reserve(struct graph *graph, size_t value_count, size_t node_count,
                       cop_error *error);
COP_SHARED void cop_graph_destroy(struct graph *graph); /* accepts NULL */

/* A deep copy that later rewrites do not share; sources are retained. */
COP_SHARED cop_status cop_graph_copy(const struct graph *graph, struct graph **copy,
                                     cop_error *error);

/*
 * A graph of nothing but the recipes of `weights`, as far as they depend on constants of the model
 * that nobody has read: what it takes to make the weights anew from other elements. Its constants
 * of the model have no source and no name. `places` receives the value of each weight in there;
 * COP_NO_VALUE: the weight cannot change.
 */
cop_status cop_graph_extract_recipes(const struct graph *graph, const int *weights, int count,
                                     struct graph **recipes, int *places, cop_error *error);

/* Each appends and returns the index, or −1 for out of memory or past COP_MAX_NODES (error is set).
 * Texts are copied. */
COP_SHARED int cop_graph_add_value(struct graph *graph, const char *name, cop_dtype dtype,
                                   const struct shape *shape, cop_error *error);

/* A constant in a source, which is retained. The range must lie inside it and fit dtype and shape.
 */
COP_SHARED int cop_graph_add_constant(struct graph *graph, const char *name, cop_dtype dtype,
                                      const struct shape *shape, struct source *source,
                                      size_t offset, cop_error *error);

/* A constant whose elements are copied from `elements` now: scalars and shapes that an importer
 * makes up. */
COP_SHARED int cop_graph_add_literal(struct graph *graph, const char *name, cop_dtype dtype,
                                     const struct shape *shape, const void *elements,
                                     cop_error *error);

/* `dim_names` may be NULL. Makes the value an input. */
COP_SHARED int cop_graph_add_input(struct graph *graph, int value, const char *const *dim_names,
                                   cop_error *error);
COP_SHARED int cop_graph_add_output(struct graph *graph, int value, const char *name,
                                    cop_error *error);

/*
 * Makes values found by name outputs, after those there are. NOT_FOUND: no such value;
 * INVALID_ARGUMENT: it is an output already, or a name is NULL.
 */
cop_status cop_graph_add_extra_outputs(struct graph *graph, const char *const *names, size_t count,
                                       cop_error *error);

/*
 * A node with its attributes (copied; NULL: zeroed), consuming `src` and producing `dst`, values
 * that exist and have no producer yet. Arity is checked against the operator's definition.
 */
COP_SHARED int cop_graph_add_node(struct graph *graph, enum op_kind kind, const char *name,
                                  const char *origin, const void *attrs, int src_count,
                                  const int *src, int dst_count, const int *dst, cop_error *error);

/* Shorthand: adds a value of unknown shape called `name` and the node that makes it; returns the
 * value. */
COP_SHARED int cop_graph_append(struct graph *graph, enum op_kind kind, const char *name,
                                const char *origin, const void *attrs, int src_count,
                                const int *src, cop_error *error);

/* Evaluates one node on known elements; supplied by the layer that has kernels. */
struct graph_evaluator {
    cop_status (*evaluate)(void *user, enum op_kind kind, const void *attrs, int src_count,
                           const struct op_tensor *src, int dst_count, const struct op_tensor *dst,
                           void *const *dst_elements, cop_error *error);
    void *user;
};

/* What the creator of an operator fixes. */
struct graph_bindings {
    const cop_input_shape *shapes;
    size_t shape_count;
    const cop_dim *dims;
    size_t dim_count;
};

/*
 * Binds input shapes: from `bindings`, else as declared, unnamed or unbound leading dimensions = 1.
 * Shapes that the file declares of results are forgotten.
 * Unknown names, contradictions and dimensions left open are INVALID_ARGUMENT.
 */
cop_status cop_graph_bind_inputs(struct graph *graph, const struct graph_bindings *bindings,
                                 cop_error *error);

/*
 * Infers dtype and shape of every value and the elements of those that integers decide, to a fixed
 * point; every value of a live node is known afterwards. Elements are computed only for nodes whose
 * inputs are all known and small, in all at most COP_MAX_FOLDED_BYTES.
 * MALFORMED_MODEL: a contradiction (INVALID_ARGUMENT if the caller chose input shapes);
 * UNSUPPORTED: a shape that depends on what is only known at run time.
 */
#define COP_MAX_FOLDED_BYTES ((size_t)16 << 20)
cop_status cop_graph_infer_shapes(struct graph *graph, const struct graph_evaluator *evaluator,
                                  cop_error *error);

/*
 * Infers as far as it goes and leaves open what does not follow, which is no error. Elements are
 * not computed but for shapes. MALFORMED_MODEL: a contradiction; UNSUPPORTED: a limit of ours.
 */
COP_SHARED cop_status cop_graph_infer_partially(struct graph *graph, cop_error *error);

/*
 * Finds what inputs without a declared shape must be (MXNet): rank and channels from the weights
 * behind them, spatial size such that everything fits, 224 preferred for 3 channels.
 */
cop_status cop_graph_solve_inputs(struct graph *graph, const struct graph_evaluator *evaluator,
                                  cop_error *error);

/* Checks single assignment, order, indices, and that outputs exist. For importers and after passes.
 */
COP_SHARED cop_status cop_graph_validate(const struct graph *graph, cop_error *error);

/*
 * Brings nodes that a pass appended into topological order and drops dead ones. Values keep their
 * indices, nodes do not. MALFORMED_MODEL: a value depends on itself.
 */
cop_status cop_graph_sort(struct graph *graph, cop_error *error);

/*
 * Says again which values are weights and what they are called. Adding nodes and inferring shapes
 * do it on their own; passes that change nodes in place call it when they are through.
 */
void cop_graph_find_weights(struct graph *graph);

/* True when the value is a constant or follows from constants only: a recipe, not a run-time
 * tensor. Also when its elements are known for another reason, such as a shape. */
static inline bool cop_graph_is_weight(const struct graph *graph, int value)
{
    return graph->values[value].is_weight;
}

/*
 * Names the content of a weight value: the constants it comes from and every operator with its
 * attributes on the way. Equal hashes mean equal elements, in any copy of the same model's graph.
 */
static inline struct hash cop_graph_weight_hash(const struct graph *graph, int value)
{
    return graph->values[value].weight_hash;
}

/*
 * Who reads which value, listed once: what a pass over a large graph looks up. A node that reads a
 * value twice is listed twice. Does not follow later changes of the graph.
 */
struct graph_uses {
    int *first;               /* value_count + 1 positions in `nodes` */
    int *nodes;               /* live nodes in graph order */
    unsigned char *is_output; /* one a value */
};
cop_status cop_graph_uses_create(const struct graph *graph, struct graph_uses *uses,
                                 cop_error *error);
void cop_graph_uses_free(struct graph_uses *uses);

static inline int cop_graph_uses_count(const struct graph_uses *uses, int value)
{
    return uses->first[value + 1] - uses->first[value];
}

/*
 * Makes every consumer and output of a value use replacement[value] instead, which may itself be
 * replaced, or leaves it where that is COP_NO_VALUE. `replacement` has value_count entries and no
 * cycles; it is used as working memory.
 */
void cop_graph_replace_values(struct graph *graph, int *replacement);

#endif
