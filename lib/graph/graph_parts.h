// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share and nobody else needs. */
#ifndef GRAPH_GRAPH_PARTS_H
#define GRAPH_GRAPH_PARTS_H

#include "graph/graph.h"

/* Says which weight a value is, from its constant or its elements. */
void cop_graph_find_weight(struct graph *graph, int value);

/* Says which weights a node's results are, from their elements or the sources of the node. */
void cop_graph_find_results(struct graph *graph, int node);

/*
 * Makes a value of another graph, copied as it is, this graph's own. False: out of memory; where
 * `value->constant` is not NULL, it holds a reference nevertheless.
 */
bool cop_graph_copy_value(struct graph *graph, struct graph_value *value);

/* Puts "node 'conv3' (Convolution): " in front of the message. */
cop_status cop_graph_name_node(const struct graph *graph, int node, cop_status status,
                               cop_error *error);

/*
 * A contradiction in a graph whose input shapes the caller chose is the caller's: says so, and
 * which shapes. Other statuses stay.
 */
cop_status cop_graph_blame_shapes(const struct graph *graph, cop_status status, cop_error *error);

/*
 * Running the rules of a graph until nothing new follows: forward and backward in turns, each time
 * only the nodes around which something was learned.
 */
struct shape_walk {
    struct graph *graph;
    const struct graph_evaluator *evaluator; /* NULL: only shapes become elements */
    struct graph_uses uses;
    unsigned char *is_dirty; /* one a node: its rule is to be run (again) */
    int dirty_count;
    unsigned char *is_wanted;  /* one a value: its elements decide shapes */
    unsigned char *is_changed; /* one a value: it is in `changed` */
    int *changed;              /* values that learned something since the list was emptied */
    int changed_count;
    struct op_tensor *tensors; /* of the node at hand; room for the widest */
    size_t folded_bytes;       /* of elements kept so far */
    size_t read_bytes;         /* by the evaluator so far */
    int64_t steps_left;        /* edges the rules may still look at */
};

/* Zero-initialises and allocates; every live node is dirty. Close it in any case. */
cop_status cop_shape_walk_open(struct shape_walk *walk, struct graph *graph,
                               const struct graph_evaluator *evaluator, cop_error *error);
void cop_shape_walk_close(struct shape_walk *walk);

/* Makes the nodes around a value dirty, and notes it as changed. */
void cop_shape_walk_touch(struct shape_walk *walk, int value);

/* Runs the rules until nothing is dirty. */
cop_status cop_shape_walk_settle(struct shape_walk *walk, cop_error *error);

/* Computes the elements of a node's results if they are wanted and can be known (fold_values.c). */
cop_status cop_shape_walk_fold(struct shape_walk *walk, int node, cop_error *error);

/* Finds the values whose elements decide shapes. */
void cop_shape_walk_find_wanted(struct shape_walk *walk);

/* The elements of source `index` of a node if they are known, or become so by reading a constant.
 */
cop_status cop_shape_walk_elements(struct shape_walk *walk, const struct graph_node *node,
                                   int index, cop_error *error);

#endif
