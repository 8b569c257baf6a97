// SPDX-License-Identifier: Apache-2.0
/* Every limit at and one past it, and what a file may cost. */
#include <stdio.h>
#include <sys/resource.h>

#include "support/onnx_files.h"
#include "support/unit.h"

#define MILLION 1000000

static struct message unary_model(struct message *initializer)
{
    struct message graph = {0}, node = onnx_node("Relu", "relu", "x", "y");
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2));
    if (initializer != NULL)
        onnx_add_initializer(&graph, initializer);
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2));
    return onnx_model(&graph, 13);
}

/* `count` nodes: one chain of Identity, with names as exporters write them: how many nodes a file
 * may have depends on its size, too (test_onnx_memory.c). */
static struct message chain_model(int count)
{
    struct message graph = {0};
    onnx_add_input(&graph, "/model/layers.0/attention/output/Identity_0", ONNX_FLOAT, DIMS(2));
    for (int i = 0; i < count; i++) {
        char src[64], dst[64];
        snprintf(src, sizeof src, "/model/layers.0/attention/output/Identity_%d", i);
        snprintf(dst, sizeof dst, "/model/layers.0/attention/output/Identity_%d", i + 1);
        struct message node = onnx_node("Identity", "", src, dst);
        onnx_add_node(&graph, &node);
        if (i == count - 1)
            onnx_add_output(&graph, dst, ONNX_FLOAT, DIMS(2));
    }
    return onnx_model(&graph, 13);
}

START_TEST(a_million_nodes_are_accepted)
{
    struct graph *graph = import_model(chain_model(MILLION));
    ck_assert_int_eq(graph->node_count, MILLION);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_million_and_one_nodes_are_refused)
{
    expect_refused(chain_model(MILLION + 1), COP_STATUS_UNSUPPORTED, "more than 1000000 nodes");
}
END_TEST

START_TEST(ten_megabytes_of_empty_nodes_cost_no_multiple_of_that)
{
    const size_t count = 5 * MILLION;
    struct message graph = {0};
    for (size_t i = 0; i < count; i++)
        write_raw(&graph, "\x0a\x00", 2);
    expect_refused(onnx_model(&graph, 13), COP_STATUS_UNSUPPORTED, "more than 1000000 nodes");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    ck_assert_int_lt(usage.ru_maxrss / 1024, 64 + 4 * 10);
#endif
}
END_TEST

/* `depth` graphs, each inside an attribute of a node of the one around it. */
static struct message nested_model(int depth)
{
    struct message graph = {0};
    for (int i = 0; i < depth; i++) {
        struct message outer = {0}, node = onnx_node("If", "if", "c", "o");
        onnx_attribute_graph(&node, "then_branch", &graph);
        if (i == depth - 1) {
            onnx_add_input(&outer, "c", ONNX_FLOAT, DIMS(1));
            onnx_add_output(&outer, "o", ONNX_FLOAT, DIMS(1));
        }
        onnx_add_node(&outer, &node);
        graph = outer;
    }
    return onnx_model(&graph, 13);
}

START_TEST(graphs_nest_64_deep_and_no_deeper)
{
    expect_refused(nested_model(64), COP_STATUS_UNSUPPORTED,
                   "If (node 'if' and 63 more, opset 13): operator not supported");
    expect_refused(nested_model(65), COP_STATUS_UNSUPPORTED, "nested more than 64 deep");
}
END_TEST

START_TEST(ten_thousand_nested_graphs_are_refused_without_a_stack)
{
    struct rlimit limit = {256 * 1024, 256 * 1024};
    ck_assert_int_eq(setrlimit(RLIMIT_STACK, &limit), 0);
    expect_refused(nested_model(10000), COP_STATUS_UNSUPPORTED, "nested more than 64 deep");
}
END_TEST

/* `inputs` inputs, of which all are outputs, too. */
static struct message wide_model(int inputs)
{
    struct message graph = {0};
    for (int i = 0; i < inputs; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        onnx_add_input(&graph, name, ONNX_FLOAT, DIMS(2));
        onnx_add_output(&graph, name, ONNX_FLOAT, DIMS(2));
    }
    return onnx_model(&graph, 13);
}

static struct message split_model(int outputs)
{
    struct message graph = {0}, node = onnx_node("Split", "split", "x", "first");
    for (int i = 1; i < outputs; i++) {
        char name[16];
        snprintf(name, sizeof name, "y%d", i);
        write_text(&node, 2, name);
    }
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(outputs));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "first", ONNX_FLOAT, DIMS(1));
    return onnx_model(&graph, 13);
}

START_TEST(inputs_and_outputs_are_at_most_65536)
{
    struct graph *graph = import_model(wide_model(65536));
    ck_assert_int_eq(graph->output_count, 65536);
    cop_graph_destroy(graph);
    expect_refused(wide_model(65537), COP_STATUS_UNSUPPORTED, "more than 65536 inputs");
    cop_graph_destroy(import_model(split_model(65536)));
    expect_refused(split_model(65537), COP_STATUS_UNSUPPORTED, "65536 inputs or outputs");
}
END_TEST

START_TEST(tensors_have_at_most_8_dimensions)
{
    struct message graph = {0}, node = onnx_node("Relu", "relu", "x", "y");
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1, 1, 1, 1, 1, 1, 1, 1));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(1, 1, 1, 1, 1, 1, 1, 1));
    cop_graph_destroy(import_model(onnx_model(&graph, 13)));

    struct message past = {0};
    onnx_add_input(&past, "x", ONNX_FLOAT, DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1));
    expect_refused(onnx_model(&past, 13), COP_STATUS_UNSUPPORTED, "more than 8 dimensions");
    const float one = 1;
    struct message tensor =
        onnx_raw_tensor("w", ONNX_FLOAT, DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1), &one, sizeof one);
    expect_refused(unary_model(&tensor), COP_STATUS_UNSUPPORTED, "more than 8 dimensions");
}
END_TEST

START_TEST(elements_are_counted_without_overflow)
{
    static const int64_t shapes[][4] = {{INT64_C(1) << 24, (INT64_C(1) << 24) - 1, 1, 1},
                                        {INT64_C(1) << 24, INT64_C(1) << 24, 2, 1},
                                        {INT64_C(1) << 32, INT64_C(1) << 32, 1, 1},
                                        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}};
    static const char *const reasons[] = {"needs 1125899839733760 bytes and has 4", "2^48 elements",
                                          "2^48 elements", "2^48 elements"};
    const float one = 1;
    for (int i = 0; i < 4; i++) {
        struct message tensor = onnx_raw_tensor("w", ONNX_FLOAT, 4, shapes[i], &one, sizeof one);
        expect_refused(unary_model(&tensor),
                       i == 0 ? COP_STATUS_MALFORMED_MODEL : COP_STATUS_UNSUPPORTED, reasons[i]);
    }
    struct message tensor = onnx_raw_tensor("w", ONNX_FLOAT, DIMS(-4), &one, sizeof one);
    expect_refused(unary_model(&tensor), COP_STATUS_MALFORMED_MODEL, "negative dimension");
}
END_TEST

static struct message named_model(size_t length)
{
    char *name = malloc(length + 1);
    memset(name, 'n', length);
    name[length] = '\0';
    struct message graph = {0}, node = onnx_node("Relu", name, "x", "y");
    free(name);
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(2));
    return onnx_model(&graph, 13);
}

START_TEST(names_have_at_most_a_megabyte)
{
    cop_graph_destroy(import_model(named_model(1 << 20)));
    expect_refused(named_model((1 << 20) + 1), COP_STATUS_MALFORMED_MODEL, "longer than 1 MB");
}
END_TEST

START_TEST(a_name_with_a_nul_is_refused)
{
    struct message graph = {0};
    write_bytes(&graph, 12, "\x0a\x03y\0z", 5);
    expect_refused(onnx_model(&graph, 13), COP_STATUS_MALFORMED_MODEL, "NUL");
}
END_TEST

/* One byte a number in the file is eight in memory: the sum of that is limited. */
START_TEST(lists_of_numbers_do_not_multiply_without_end)
{
    const int64_t count = 8 * MILLION;
    struct message tensor = onnx_tensor("w", ONNX_INT64, DIMS(count));
    void *zeros = calloc((size_t)count, 1);
    write_bytes(&tensor, 7, zeros, (size_t)count);
    free(zeros);
    expect_refused(unary_model(&tensor), COP_STATUS_UNSUPPORTED, "raw_data has no such limit");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    ck_assert_int_lt(usage.ru_maxrss / 1024, 64 + 4 * 8);
#endif
}
END_TEST

START_TEST(opsets_up_to_21_are_taken)
{
    struct message node = onnx_node("Relu", "relu", "x", "out"), graph = one_node_graph(&node);
    cop_graph_destroy(import_model(onnx_model(&graph, 21)));
    node = onnx_node("Relu", "relu", "x", "out");
    graph = one_node_graph(&node);
    expect_refused(onnx_model(&graph, 22), COP_STATUS_UNSUPPORTED, "opset 22; up to 21");
    node = onnx_node("Relu", "relu", "x", "out");
    graph = one_node_graph(&node);
    expect_refused(onnx_model(&graph, 0), COP_STATUS_MALFORMED_MODEL, "not a version");
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "onnx limits", a_million_nodes_are_accepted, a_million_and_one_nodes_are_refused,
        ten_megabytes_of_empty_nodes_cost_no_multiple_of_that, graphs_nest_64_deep_and_no_deeper,
        ten_thousand_nested_graphs_are_refused_without_a_stack,
        inputs_and_outputs_are_at_most_65536, tensors_have_at_most_8_dimensions,
        elements_are_counted_without_overflow, names_have_at_most_a_megabyte,
        a_name_with_a_nul_is_refused, lists_of_numbers_do_not_multiply_without_end,
        opsets_up_to_21_are_taken);
}
