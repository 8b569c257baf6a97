// SPDX-License-Identifier: Apache-2.0
/*
 * What passes share. A pass walks the nodes once, in order. It removes a node by handing its result
 * to another (cop_rewrite_absorb) or its readers another value (cop_rewrite_replace), and works
 * parameters into weights by adding recipes (cop_rewrite_append). The end sorts new nodes in.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef PASSES_REWRITE_H
#define PASSES_REWRITE_H

#include "graph/graph.h"

struct rewrite {
    struct graph *graph;
    int *uses;        /* per value: reads by live nodes, and outputs; kept up to date */
    int *replacement; /* per value: what its readers get instead, or COP_NO_VALUE */
    int capacity;     /* of both lists */
    bool is_changed;
    cop_error *error;
};

cop_status cop_rewrite_begin(struct rewrite *rewrite, struct graph *graph, cop_error *error);

/* Frees; when `status`, that of the pass, is OK, also brings the graph in order. Returns it or what
 * failed now. */
cop_status cop_rewrite_end(struct rewrite *rewrite, cop_status status);

/* The node that makes a run-time value which exactly one node reads; NULL: there is none. */
struct graph_node *cop_rewrite_sole_producer(const struct rewrite *rewrite, int value);

/* `node`, a reader of the only result of `into`, is now done by `into`: its result and its names go
 * over. False: out of memory, the error is set. */
bool cop_rewrite_absorb(struct rewrite *rewrite, struct graph_node *into, struct graph_node *node);

/* `node`, whose only result `into` alone reads, is now done by `into`, as absorb does for a reader.
 * The caller changes what `into` reads to what `node` read. */
bool cop_rewrite_take_over(struct rewrite *rewrite, struct graph_node *into,
                           struct graph_node *node);

/* Readers of the node's only result get `value`, an input of the node; the node dies. */
void cop_rewrite_replace(struct rewrite *rewrite, struct graph_node *node, int value);

/*
 * A new node and its result, float32 of this shape; over weights it is a recipe. Returns the value,
 * −1 for out of memory (the error is set). Pointers to nodes and values are invalid afterwards.
 */
int cop_rewrite_append(struct rewrite *rewrite, enum op_kind kind, const void *attrs,
                       const struct shape *shape, int src_count, const int *src);

/* Changes source `index` of a node; false: out of memory. A node with fewer sources gets more. */
bool cop_rewrite_set_src(struct rewrite *rewrite, int node, int index, int value);

/* A weight of `count` elements as a vector: itself or a reshaped recipe; −1: out of memory. */
int cop_rewrite_vector(struct rewrite *rewrite, int value, int64_t count);

/* Appends to what is run on a node's result, which has room for it; false: out of memory. */
bool cop_rewrite_add_post_op(struct rewrite *rewrite, struct graph_node *node,
                             const struct post_op *post_op);

/* The value is a float32 weight. */
bool cop_is_float_weight(const struct graph *graph, int value);

/* Another struct for the node's attributes, zeroed by copying `attrs`; false: out of memory. */
bool cop_rewrite_set_attrs(struct rewrite *rewrite, struct graph_node *node, enum op_kind kind,
                           const void *attrs);

#endif
