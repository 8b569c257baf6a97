// SPDX-License-Identifier: Apache-2.0
/*
 * Graphs to try passes and plans on: small helpers to build them, random ones, and an oracle that
 * computes every node on its own with the reference kernels.
 */
#ifndef TEST_SUPPORT_RANDOM_GRAPH_H
#define TEST_SUPPORT_RANDOM_GRAPH_H

#include "graph/graph.h"
#include "plan/plan.h"

struct graph_maker {
    struct graph *graph;
    struct source *weights; /* random floats around zero; constants lie in it one after the other */
    size_t used;            /* bytes of it */
    uint32_t state;         /* of the random numbers */
};

struct graph_maker make_graph(uint32_t seed);
void free_maker(struct graph_maker *maker);

uint32_t draw(struct graph_maker *maker, uint32_t limit);

int add_input(struct graph_maker *maker, const char *name, int rank, const int64_t *dims);
/* Elements in −1/4 … 1/4; all positive. */
int add_weight(struct graph_maker *maker, int rank, const int64_t *dims);
int add_positive_weight(struct graph_maker *maker, int rank, const int64_t *dims);
int add_scalar(struct graph_maker *maker, float value);
int add_op(struct graph_maker *maker, enum op_kind kind, const void *attrs, int count,
           const int *src);
int add_unary(struct graph_maker *maker, enum unary_alg alg, float alpha, float beta, int src);
int add_binary(struct graph_maker *maker, enum binary_alg alg, int a, int b);
/* Square kernel, as many pads as keep the size times `pads`, stride 1. */
int add_conv(struct graph_maker *maker, int src, int64_t ic, int64_t oc, int64_t kernel,
             int64_t pad, bool has_bias);
int add_batch_norm(struct graph_maker *maker, int src, int64_t channels);
void add_output(struct graph_maker *maker, int value, const char *name);

/* A random network of [1,8,6,6] maps, one or two inputs and up to three outputs. */
struct graph_maker make_random_network(uint32_t seed, int nodes);

/* Binds and infers; the graph's values are all known afterwards. */
void infer(struct graph *graph);

/* Random elements for the inputs of an inferred graph, freed by free_elements. */
float **make_inputs(const struct graph *graph, uint32_t seed);
float **make_outputs(const struct graph *graph);
void free_elements(float **elements, int count);

/* Computes the outputs of an inferred graph node by node, post-ops included. */
void run_oracle(const struct graph *graph, float *const *srcs, float *const *dsts);

/* Runs a plan once in an arena full of NaN, checking where operands lie. */
void run_plan(const struct plan *plan, const struct weight_set *weights, float *const *srcs,
              float *const *dsts);

/* True when all elements are equal within `rtol` of the largest one. */
bool outputs_agree(const struct graph *graph, float *const *a, float *const *b, double rtol);

#endif
