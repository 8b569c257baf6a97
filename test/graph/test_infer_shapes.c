// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "plan/run_once.h"
#include "support/graphs.h"
#include "support/unit.h"

static struct device *device;
static struct graph_evaluator evaluator;

static void open_device(void)
{
    cop_error error;
    ck_assert_int_eq(cop_ref_backend.device_open(0, &device, &error), COP_STATUS_OK);
    evaluator = cop_device_evaluator(device);
}

static void close_device(void)
{
    cop_ref_backend.device_close(device);
}

static void infer(struct graph *graph)
{
    cop_error error;
    const cop_status status = cop_graph_infer_shapes(graph, &evaluator, &error);
    ck_assert_msg(status == COP_STATUS_OK, "%s", error.message);
}

static void expect_failure(struct graph *graph, cop_status status, const char *message)
{
    cop_error error;
    ck_assert_int_eq(cop_graph_infer_shapes(graph, &evaluator, &error), status);
    ck_assert_str_eq(error.message, message);
    cop_graph_destroy(graph);
}

static void expect_shape(const struct graph *graph, int value, const char *shape)
{
    ck_assert_str_eq(cop_shape_text(&graph->values[value].shape).text, shape);
}

/* src reshaped to [dim 0 of src, −1], as exporters write it: Shape, Gather, Unsqueeze, Concat. */
static int flatten_as_exported(struct graph *graph, int src)
{
    const struct shape_attrs all = {0, INT64_MAX};
    const struct gather_attrs first = {.axis = 0};
    const struct axes_attrs front = {.count = 1, .axes = {0}};
    const struct concat_attrs beside = {0};
    const struct reshape_attrs reshape = {0};
    const int64_t zero = 0;
    const int index = add_literal(graph, "zero", COP_DTYPE_INT64, (struct shape){.rank = 0}, &zero);
    const int shape = append(graph, OP_SHAPE, "shape", &all, src);
    const int batch = append(graph, OP_GATHER, "batch", &first, shape, index);
    const int row = append(graph, OP_UNSQUEEZE, "row", &front, batch);
    const int rest = add_int64s(graph, "rest", -1);
    const int target = append(graph, OP_CONCAT, "target", &beside, row, rest);
    return append(graph, OP_RESHAPE, "flat", &reshape, src, target);
}

START_TEST(shape_arithmetic_decides_shapes)
{
    struct graph *graph = make_graph();
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(2, 3, 4));
    const int flat = flatten_as_exported(graph, src);
    infer(graph);
    expect_shape(graph, flat, "[2,12]");
    ck_assert(!cop_graph_is_weight(graph, flat));
    const int target = graph->nodes[graph->node_count - 1].src[1];
    ck_assert_ptr_nonnull(graph->values[target].value);
    ck_assert_int_eq(((const int64_t *)graph->values[target].value)[0], 2);
    ck_assert(cop_graph_is_weight(graph, target));
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(floating_point_on_the_way_to_a_shape_is_computed)
{
    struct graph *graph = make_graph();
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(6, 10));
    const struct cast_attrs to_float = {COP_DTYPE_FLOAT32}, to_int = {COP_DTYPE_INT64};
    const struct shape_attrs all = {0, INT64_MAX};
    const struct binary_attrs mul = {.alg = BINARY_MUL};
    const struct slice_attrs slice = {0};
    const float half[] = {0.5f, 0.25f};
    const int factor = add_literal(graph, "half", COP_DTYPE_FLOAT32, SHAPE(2), half);
    const int shape = append(graph, OP_SHAPE, "shape", &all, src);
    const int sizes = append(graph, OP_CAST, "sizes", &to_float, shape);
    const int scaled = append(graph, OP_BINARY, "scaled", &mul, sizes, factor);
    const int ends = append(graph, OP_CAST, "ends", &to_int, scaled);
    const int starts = add_int64s(graph, "starts", 0, 0);
    const int corner = append(graph, OP_SLICE, "corner", &slice, src, starts, ends);
    infer(graph);
    expect_shape(graph, corner, "[3,2]");
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(constants_that_decide_no_shape_are_not_read)
{
    struct graph *graph = make_graph();
    cop_error error;
    const float elements[] = {1, 2};
    struct source *source = NULL;
    ck_assert_int_eq(cop_source_from_bytes(&(cop_bytes){elements, sizeof elements, NULL, NULL}, "w",
                                           &source, &error),
                     COP_STATUS_OK);
    const struct shape pair = SHAPE(2);
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, pair);
    const int weights =
        cop_graph_add_constant(graph, "w", COP_DTYPE_FLOAT32, &pair, source, 0, &error);
    cop_source_release(&source);
    const struct unary_attrs neg = {.alg = UNARY_NEG};
    const struct binary_attrs add = {.alg = BINARY_ADD};
    const int negated = append(graph, OP_UNARY, "n", &neg, weights);
    const int sum = append(graph, OP_BINARY, "s", &add, src, negated);
    infer(graph);
    ck_assert_ptr_null(graph->values[weights].value);
    ck_assert_ptr_null(graph->values[negated].value);
    ck_assert(cop_graph_is_weight(graph, negated) && !cop_graph_is_weight(graph, sum));
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_shape_that_depends_on_data_is_refused_and_named)
{
    struct graph *graph = make_graph();
    const struct reshape_attrs reshape = {0};
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(4));
    const int target = add_input(graph, "t", COP_DTYPE_INT64, SHAPE(2));
    append(graph, OP_RESHAPE, "r", &reshape, src, target);
    expect_failure(
        graph, COP_STATUS_UNSUPPORTED,
        "node 'r' (Reshape): result 'r' is float32 [?,?]: it depends on what is only known "
        "when it runs, or is too large to be computed beforehand");
}
END_TEST

START_TEST(a_contradiction_names_the_node)
{
    struct graph *graph = make_graph();
    const struct concat_attrs beside = {0};
    const int a = add_input(graph, "a", COP_DTYPE_FLOAT32, SHAPE(2, 3));
    const int b = add_input(graph, "b", COP_DTYPE_FLOAT32, SHAPE(2, 4));
    append(graph, OP_CONCAT, "", &beside, a, b);
    expect_failure(graph, COP_STATUS_MALFORMED_MODEL,
                   "node #0 (Concat): an input [2,4] must be 3 along axis 1");
}
END_TEST

START_TEST(an_evaluation_that_fails_names_the_node)
{
    struct graph *graph = make_graph();
    cop_error error;
    const struct gather_attrs first = {.axis = 0};
    const struct reshape_attrs reshape = {0};
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(4));
    const int table = add_int64s(graph, "table", 2, 2);
    const int index = add_int64s(graph, "index", 0, 5);
    const int target = append(graph, OP_GATHER, "pick", &first, table, index);
    append(graph, OP_RESHAPE, "r", &reshape, src, target);
    ck_assert_int_eq(cop_graph_infer_shapes(graph, &evaluator, &error),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "node 'pick' (Gather): "));
    ck_assert_ptr_nonnull(strstr(error.message, "index 5 at position 1"));
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(knowledge_flows_backward_through_a_million_nodes)
{
    struct graph *graph = make_graph();
    const struct reshape_attrs flat = {.count = 1, .target = {12}};
    const struct unary_attrs relu = {.alg = UNARY_RELU};
    const int first = add_input(graph, "x", COP_DTYPE_FLOAT32, cop_shape_unknown());
    int value = first;
    for (int i = 1; i < COP_MAX_NODES; i++)
        value = append(graph, OP_UNARY, "", &relu, value);
    graph->values[value].shape = SHAPE(3, 4);
    const int last = append(graph, OP_RESHAPE, "flat", &flat, value);
    const int64_t start = cop_now_ns();
    infer(graph);
    ck_assert_msg(cop_now_ns() - start < INT64_C(60000000000), "a linear walk takes seconds");
    expect_shape(graph, first, "[3,4]");
    expect_shape(graph, last, "[12]");
    cop_graph_destroy(graph);
}
END_TEST

/* Every node reads one value, which learns its shape from the last of them. */
START_TEST(a_value_with_a_million_readers_is_no_problem)
{
    struct graph *graph = make_graph();
    const struct unary_attrs relu = {.alg = UNARY_RELU};
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, cop_shape_unknown());
    int value = src;
    for (int i = 0; i < COP_MAX_NODES; i++)
        value = append(graph, OP_UNARY, "", &relu, src);
    graph->values[value].shape = SHAPE(7);
    infer(graph);
    expect_shape(graph, src, "[7]");
    expect_shape(graph, src + 1, "[7]");
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_node_with_a_million_inputs_is_no_problem)
{
    enum { COUNT = 1000000 };
    struct graph *graph = make_graph();
    cop_error error;
    const struct concat_attrs beside = {0};
    int *src = cop_alloc(COUNT, sizeof *src);
    ck_assert_ptr_nonnull(src);
    for (int i = 0; i < COUNT; i++)
        src[i] = add_input(graph, "", COP_DTYPE_FLOAT32, SHAPE(2));
    const int joined = cop_graph_append(graph, OP_CONCAT, "c", NULL, &beside, COUNT, src, &error);
    infer(graph);
    expect_shape(graph, joined, "[2000000]");
    cop_free(src);
    cop_graph_destroy(graph);
}
END_TEST

/* Each node doubles what the one before gave: 2^60 elements after 60 nodes. */
START_TEST(growth_is_stopped_by_the_size_of_tensors)
{
    struct graph *graph = make_graph();
    cop_error error;
    const struct concat_attrs beside = {0};
    int value = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(2));
    for (int i = 0; i < 60; i++)
        value = append(graph, OP_CONCAT, "double", &beside, value, value);
    ck_assert_int_ne(cop_graph_infer_shapes(graph, &evaluator, &error), COP_STATUS_OK);
    ck_assert_ptr_nonnull(strstr(error.message, "node 'double' (Concat): "));
    cop_graph_destroy(graph);
}
END_TEST

/* 512 MB of elements, all on the way to one shape: time and memory stay bounded. */
START_TEST(a_constant_folding_bomb_does_not_go_off)
{
    enum { PARTS = 2000 };
    static int64_t ones[1024];
    struct graph *graph = make_graph();
    cop_error error;
    const struct concat_attrs beside = {0};
    const struct slice_attrs first = {.count = 1, .ends = {1}};
    const struct reshape_attrs reshape = {0};
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(1));
    const int table = add_literal(graph, "table", COP_DTYPE_INT64, SHAPE(1024), ones);
    int many[32], *parts = cop_alloc(PARTS, sizeof *parts);
    ck_assert_ptr_nonnull(parts);
    for (int i = 0; i < 32; i++)
        many[i] = table;
    for (int i = 0; i < PARTS; i++)
        parts[i] = append(graph, OP_SLICE, "one", &first,
                          append_node(graph, OP_CONCAT, "many", &beside, 32, many));
    const int all = append_node(graph, OP_CONCAT, "all", &beside, PARTS, parts);
    append(graph, OP_RESHAPE, "r", &reshape, src, append(graph, OP_SLICE, "one", &first, all));
    cop_free(parts);
    const size_t before = cop_alloc_counters().live_bytes;
    ck_assert_int_eq(cop_graph_infer_shapes(graph, &evaluator, &error), COP_STATUS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "node 'r' (Reshape): result 'r' is "));
    ck_assert_uint_lt(cop_alloc_counters().live_bytes - before, 2 * COP_MAX_FOLDED_BYTES);
    cop_graph_destroy(graph);
}
END_TEST

/* A gigabyte of reading for one shape, from a table of half a megabyte. */
START_TEST(a_table_that_is_read_over_and_over_is_given_up)
{
    enum { READS = 2000, ELEMENTS = 65536 };
    static int64_t zeros[ELEMENTS];
    struct graph *graph = make_graph();
    cop_error error;
    const struct reduce_attrs sum = {.alg = REDUCE_SUM, .keep_dims = true};
    const struct concat_attrs beside = {0};
    const struct slice_attrs first = {.count = 1, .ends = {1}};
    const struct reshape_attrs reshape = {0};
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(1));
    const int table = add_literal(graph, "table", COP_DTYPE_INT64, SHAPE(ELEMENTS), zeros);
    int *sums = cop_alloc(READS, sizeof *sums);
    ck_assert_ptr_nonnull(sums);
    for (int i = 0; i < READS; i++)
        sums[i] = append(graph, OP_REDUCE, "sum", &sum, table);
    const int all = append_node(graph, OP_CONCAT, "all", &beside, READS, sums);
    append(graph, OP_RESHAPE, "r", &reshape, src, append(graph, OP_SLICE, "one", &first, all));
    cop_free(sums);
    ck_assert_int_eq(cop_graph_infer_shapes(graph, &evaluator, &error), COP_STATUS_UNSUPPORTED);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_fused_addition_joins_its_source)
{
    struct graph *graph = make_graph();
    cop_error error;
    const struct unary_attrs relu = {.alg = UNARY_RELU};
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(2, 3));
    const int added = add_input(graph, "added", COP_DTYPE_FLOAT32, SHAPE(2, 3));
    const int sum = append(graph, OP_UNARY, "relu", &relu, src);
    add_output(graph, sum, "y");
    int edges[] = {src, added};
    graph->nodes[0].src = edges;
    graph->nodes[0].src_count = 2;
    static const struct post_ops addition = {1, {{POST_OP_SUM, {0}}}};
    graph->nodes[0].post_ops = &addition;
    ck_assert_int_eq(cop_graph_validate(graph, &error), COP_STATUS_OK);
    infer(graph);
    graph->values[added].shape = SHAPE(2, 4);
    expect_failure(graph, COP_STATUS_MALFORMED_MODEL,
                   "node 'relu' (Unary): float32 [2,4] is added to float32 [2,3]");
}
END_TEST

static struct graph *exported_graph(void)
{
    struct graph *graph = make_graph();
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(2, 3, 4));
    add_output(graph, flatten_as_exported(graph, src), "y");
    return graph;
}

START_TEST(every_failed_allocation_while_inferring_is_a_status)
{
    cop_error error;
    cop_status status = COP_STATUS_OUT_OF_MEMORY;
    const size_t before = cop_alloc_counters().live_bytes;
    for (int k = 0; status != COP_STATUS_OK; k++) {
        ck_assert_int_lt(k, 1000);
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            struct graph *graph = exported_graph();
            const struct graph_bindings bindings = {0};
            cop_alloc_fail_after(k, for_ever);
            status = cop_graph_bind_inputs(graph, &bindings, &error);
            if (status == COP_STATUS_OK)
                status = cop_graph_infer_shapes(graph, &evaluator, &error);
            cop_alloc_fail_after(-1, 0);
            ck_assert(status == COP_STATUS_OK || status == COP_STATUS_OUT_OF_MEMORY);
            cop_graph_destroy(graph);
            ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
        }
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "infer shapes", open_device, close_device, shape_arithmetic_decides_shapes,
        floating_point_on_the_way_to_a_shape_is_computed,
        constants_that_decide_no_shape_are_not_read,
        a_shape_that_depends_on_data_is_refused_and_named, a_contradiction_names_the_node,
        an_evaluation_that_fails_names_the_node, knowledge_flows_backward_through_a_million_nodes,
        a_value_with_a_million_readers_is_no_problem, a_node_with_a_million_inputs_is_no_problem,
        growth_is_stopped_by_the_size_of_tensors, a_constant_folding_bomb_does_not_go_off,
        a_table_that_is_read_over_and_over_is_given_up, a_fused_addition_joins_its_source,
        every_failed_allocation_while_inferring_is_a_status);
}
