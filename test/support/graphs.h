// SPDX-License-Identifier: Apache-2.0
/* Building graphs in tests: every step must succeed. */
#ifndef TEST_SUPPORT_GRAPHS_H
#define TEST_SUPPORT_GRAPHS_H

#include <check.h>

#include "graph/graph.h"

/* A shape from its dimensions: SHAPE(1, 3, 224, 224). */
#define SHAPE(...)                                                                                 \
    cop_shape_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                        \
                 (int64_t[]){__VA_ARGS__})

static inline struct graph *make_graph(void)
{
    cop_error error;
    struct graph *graph = cop_graph_create(&error);
    ck_assert_ptr_nonnull(graph);
    return graph;
}

static inline int add_input(struct graph *graph, const char *name, cop_dtype dtype,
                            struct shape shape)
{
    cop_error error;
    const int value = cop_graph_add_value(graph, name, dtype, &shape, &error);
    ck_assert_int_ge(value, 0);
    ck_assert_int_ge(cop_graph_add_input(graph, value, NULL, &error), 0);
    return value;
}

static inline int add_literal(struct graph *graph, const char *name, cop_dtype dtype,
                              struct shape shape, const void *elements)
{
    cop_error error;
    const int value = cop_graph_add_literal(graph, name, dtype, &shape, elements, &error);
    ck_assert_msg(value >= 0, "%s", error.message);
    return value;
}

/* A rank-1 int64 literal: add_int64s(graph, "shape", 1, -1). */
#define add_int64s(graph, name, ...)                                                               \
    add_literal(graph, name, COP_DTYPE_INT64,                                                      \
                SHAPE((int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))),              \
                (int64_t[]){__VA_ARGS__})

static inline int append_node(struct graph *graph, enum op_kind kind, const char *name,
                              const void *attrs, int src_count, const int *src)
{
    cop_error error;
    const int value = cop_graph_append(graph, kind, name, NULL, attrs, src_count, src, &error);
    ck_assert_msg(value >= 0, "%s", error.message);
    return value;
}

/* append(graph, OP_UNARY, "relu", &attrs, src) */
#define append(graph, kind, name, attrs, ...)                                                      \
    append_node(graph, kind, name, attrs, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)),       \
                (int[]){__VA_ARGS__})

static inline void add_output(struct graph *graph, int value, const char *name)
{
    cop_error error;
    ck_assert_int_ge(cop_graph_add_output(graph, value, name, &error), 0);
}

#endif
