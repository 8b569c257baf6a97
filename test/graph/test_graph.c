// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "graph/graph.h"
#include "support/graphs.h"
#include "support/unit.h"

#include <string.h>

static struct source *make_source(const void *bytes, size_t size)
{
    struct source *source = NULL;
    cop_error error;
    const cop_bytes span = {bytes, size, NULL, NULL};
    ck_assert_int_eq(cop_source_from_bytes(&span, "weights", &source, &error), COP_STATUS_OK);
    return source;
}

/* x → relu → y, scaled by a constant of a source. */
static struct graph *small_graph(void)
{
    const float elements[] = {1, 2, 3, 4};
    struct source *source = make_source(elements, sizeof elements);
    struct graph *graph = make_graph();
    cop_error error;
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(2, 2));
    const struct shape shape = SHAPE(2, 2);
    const int scale =
        cop_graph_add_constant(graph, "scale", COP_DTYPE_FLOAT32, &shape, source, 0, &error);
    ck_assert_int_ge(scale, 0);
    cop_source_release(&source);
    const struct unary_attrs relu = {.alg = UNARY_RELU};
    const struct binary_attrs mul = {.alg = BINARY_MUL};
    const int rectified = append(graph, OP_UNARY, "relu", &relu, src);
    add_output(graph, append(graph, OP_BINARY, "scaled", &mul, rectified, scale), "y");
    return graph;
}

static void expect_invalid(const struct graph *graph, const char *part)
{
    cop_error error;
    ck_assert_int_eq(cop_graph_validate(graph, &error), COP_STATUS_MALFORMED_MODEL);
    ck_assert_msg(strstr(error.message, part) != NULL, "'%s' lacks '%s'", error.message, part);
}

START_TEST(a_graph_that_was_built_in_order_is_valid)
{
    struct graph *graph = small_graph();
    cop_error error;
    ck_assert_int_eq(cop_graph_validate(graph, &error), COP_STATUS_OK);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_copy_shares_nothing_that_can_be_rewritten)
{
    struct graph *graph = small_graph(), *copy = NULL;
    cop_error error;
    ck_assert_int_eq(cop_graph_copy(graph, &copy, &error), COP_STATUS_OK);
    ck_assert_ptr_ne(copy->nodes[0].src, graph->nodes[0].src);
    ck_assert_ptr_ne(copy->nodes[0].attrs, graph->nodes[0].attrs);
    copy->nodes[1].src[0] = copy->inputs[0].value;
    ck_assert_int_ne(graph->nodes[1].src[0], graph->inputs[0].value);
    cop_graph_destroy(graph);
    ck_assert_str_eq(copy->nodes[1].name, "scaled");
    ck_assert_str_eq(copy->output_names[0], "y");
    ck_assert_int_eq(cop_graph_validate(copy, &error), COP_STATUS_OK);
    cop_graph_destroy(copy);
}
END_TEST

START_TEST(a_value_cannot_be_made_twice)
{
    struct graph *graph = small_graph();
    cop_error error;
    const int made = graph->nodes[0].dst[0], src = graph->inputs[0].value;
    ck_assert_int_eq(
        cop_graph_add_node(graph, OP_IDENTITY, "again", "Copy", NULL, 1, &src, 1, &made, &error),
        -1);
    ck_assert_int_eq(error.status, COP_STATUS_MALFORMED_MODEL);
    ck_assert_str_eq(error.message, "node 'again' (Copy): value 'relu' is made twice");
    ck_assert_int_eq(graph->node_count, 2);
    const int twice[] = {cop_graph_add_value(graph, "free", COP_DTYPE_UNKNOWN,
                                             &(struct shape){.rank = COP_UNKNOWN}, &error),
                         0};
    const int pair[] = {twice[0], twice[0]};
    ck_assert_int_eq(
        cop_graph_add_node(graph, OP_SPLIT, "split", NULL, NULL, 1, &src, 2, pair, &error), -1);
    ck_assert_int_eq(graph->values[twice[0]].producer, -1);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(arity_is_checked_when_a_node_is_added)
{
    struct graph *graph = small_graph();
    cop_error error;
    const int src[] = {0, 0}, absent[] = {0, COP_NO_VALUE}, beyond = 99;
    ck_assert_int_eq(cop_graph_append(graph, OP_UNARY, "u", "Relu", NULL, 2, src, &error), -1);
    ck_assert_str_eq(error.message, "node 'u' (Relu): has 2 inputs, Unary takes 1 to 1");
    ck_assert_int_eq(cop_graph_append(graph, OP_BINARY, "b", "Add", NULL, 2, absent, &error), -1);
    ck_assert_str_eq(error.message, "node 'b' (Add): input 1 of Binary is absent");
    ck_assert_int_eq(cop_graph_append(graph, OP_UNARY, "u", "Relu", NULL, 1, &beyond, &error), -1);
    ck_assert_int_eq(error.status, COP_STATUS_MALFORMED_MODEL);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_forward_reference_is_refused)
{
    struct graph *graph = make_graph();
    cop_error error;
    const struct shape unknown = cop_shape_unknown();
    const int src = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(1));
    const int later = cop_graph_add_value(graph, "later", COP_DTYPE_UNKNOWN, &unknown, &error);
    add_output(graph, append(graph, OP_IDENTITY, "reader", NULL, later), "y");
    expect_invalid(
        graph, "node 'reader' (Identity): reads 'later', which is no input and nothing makes it");
    ck_assert_int_ge(
        cop_graph_add_node(graph, OP_IDENTITY, "maker", NULL, NULL, 1, &src, 1, &later, &error), 0);
    expect_invalid(graph, "node 'reader' (Identity): reads 'later' before node 'maker' makes it");
    ck_assert_int_eq(cop_graph_sort(graph, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_graph_validate(graph, &error), COP_STATUS_OK);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_cycle_is_found_when_sorting)
{
    struct graph *graph = make_graph();
    cop_error error;
    const struct shape unknown = cop_shape_unknown();
    const int first = cop_graph_add_value(graph, "a", COP_DTYPE_UNKNOWN, &unknown, &error);
    const int second = append(graph, OP_IDENTITY, "b", NULL, first);
    ck_assert_int_ge(
        cop_graph_add_node(graph, OP_IDENTITY, "a", NULL, NULL, 1, &second, 1, &first, &error), 0);
    ck_assert_int_eq(cop_graph_sort(graph, &error), COP_STATUS_MALFORMED_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "depends on its own result"));
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_constant_lies_inside_its_source)
{
    const unsigned char bytes[8] = {0};
    struct source *source = make_source(bytes, sizeof bytes);
    struct graph *graph = make_graph();
    cop_error error;
    const struct shape fits = SHAPE(2), huge = SHAPE(INT64_C(1) << 40, INT64_C(1) << 40),
                       open = SHAPE(-1);
    ck_assert_int_ge(
        cop_graph_add_constant(graph, "w", COP_DTYPE_FLOAT32, &fits, source, 0, &error), 0);
    ck_assert_int_eq(
        cop_graph_add_constant(graph, "w", COP_DTYPE_FLOAT32, &fits, source, 1, &error), -1);
    ck_assert_str_eq(error.message, "constant 'w': bytes 1+8 reach past the 8 bytes of weights");
    ck_assert_int_eq(
        cop_graph_add_constant(graph, "w", COP_DTYPE_FLOAT32, &fits, source, SIZE_MAX, &error), -1);
    ck_assert_int_eq(
        cop_graph_add_constant(graph, "w", COP_DTYPE_FLOAT32, &huge, source, 0, &error), -1);
    ck_assert_int_eq(
        cop_graph_add_constant(graph, "w", COP_DTYPE_FLOAT32, &open, source, 0, &error), -1);
    ck_assert_int_eq(error.status, COP_STATUS_MALFORMED_MODEL);
    cop_source_release(&source);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(weights_are_what_follows_from_constants)
{
    struct graph *graph = small_graph(), *copy = NULL;
    cop_error error;
    const struct transpose_attrs swap = {.rank = 2, .perm = {1, 0}};
    const int scale = 1;
    const int swapped = append(graph, OP_TRANSPOSE, "t", &swap, scale);
    const int again = append(graph, OP_TRANSPOSE, "t2", &swap, scale);
    const int other = append(graph, OP_TRANSPOSE, "t3", NULL, scale);
    ck_assert(cop_graph_is_weight(graph, scale) && cop_graph_is_weight(graph, swapped));
    ck_assert(!cop_graph_is_weight(graph, 0) && !cop_graph_is_weight(graph, graph->outputs[0]));
    const struct hash name = cop_graph_weight_hash(graph, swapped);
    ck_assert(cop_hash_equal(name, cop_graph_weight_hash(graph, again)));
    ck_assert(!cop_hash_equal(name, cop_graph_weight_hash(graph, other)));
    ck_assert(!cop_hash_equal(name, cop_graph_weight_hash(graph, scale)));
    ck_assert_int_eq(cop_graph_copy(graph, &copy, &error), COP_STATUS_OK);
    cop_graph_find_weights(copy);
    ck_assert(cop_hash_equal(name, cop_graph_weight_hash(copy, swapped)));
    cop_graph_destroy(copy);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(literals_of_equal_content_are_one_weight)
{
    struct graph *graph = make_graph();
    const int first = add_int64s(graph, "a", 1, 2), same = add_int64s(graph, "b", 1, 2);
    const int other = add_int64s(graph, "c", 1, 3);
    const int shaped = add_literal(graph, "d", COP_DTYPE_INT64, SHAPE(2, 1), (int64_t[]){1, 2});
    const struct hash name = cop_graph_weight_hash(graph, first);
    ck_assert(cop_hash_equal(name, cop_graph_weight_hash(graph, same)));
    ck_assert(!cop_hash_equal(name, cop_graph_weight_hash(graph, other)));
    ck_assert(!cop_hash_equal(name, cop_graph_weight_hash(graph, shaped)));
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(uses_list_every_reader_in_graph_order)
{
    struct graph *graph = small_graph();
    struct graph_uses uses;
    cop_error error;
    const struct binary_attrs add = {.alg = BINARY_ADD};
    const int rectified = graph->nodes[0].dst[0];
    add_output(graph, append(graph, OP_BINARY, "sum", &add, rectified, rectified), "z");
    ck_assert_int_eq(cop_graph_uses_create(graph, &uses, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_graph_uses_count(&uses, rectified), 3);
    ck_assert_int_eq(uses.nodes[uses.first[rectified]], 1);
    ck_assert_int_eq(uses.nodes[uses.first[rectified] + 2], 2);
    ck_assert(uses.is_output[graph->outputs[1]] && !uses.is_output[rectified]);
    cop_graph_uses_free(&uses);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(many_values_are_replaced_in_one_walk)
{
    enum { COUNT = 100000 };
    struct graph *graph = make_graph();
    cop_error error;
    int value = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(1));
    for (int i = 0; i < COUNT; i++)
        value = append(graph, OP_IDENTITY, "", NULL, value);
    add_output(graph, value, "y");
    int *replacement = cop_alloc((size_t)graph->value_count, sizeof *replacement);
    ck_assert_ptr_nonnull(replacement);
    replacement[0] = COP_NO_VALUE;
    for (int i = 1; i <= COUNT; i++)
        replacement[i] = i - 1;
    cop_graph_replace_values(graph, replacement);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(graph->nodes[i].src[0], 0);
    ck_assert_int_eq(graph->outputs[0], 0);
    ck_assert_int_eq(cop_graph_validate(graph, &error), COP_STATUS_OK);
    cop_free(replacement);
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_million_nodes_are_built_copied_and_checked)
{
    struct graph *graph = make_graph(), *copy = NULL;
    cop_error error;
    int value = add_input(graph, "x", COP_DTYPE_FLOAT32, SHAPE(1));
    for (int i = 0; i < COP_MAX_NODES; i++)
        value = append(graph, OP_IDENTITY, "", NULL, value);
    add_output(graph, value, "y");
    ck_assert_int_eq(cop_graph_append(graph, OP_IDENTITY, "", NULL, NULL, 1, &value, &error), -1);
    ck_assert_int_eq(error.status, COP_STATUS_UNSUPPORTED);
    ck_assert_int_eq(cop_graph_validate(graph, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_graph_sort(graph, &error), COP_STATUS_OK);
    ck_assert_int_eq(cop_graph_copy(graph, &copy, &error), COP_STATUS_OK);
    ck_assert_int_eq(copy->node_count, COP_MAX_NODES);
    cop_graph_destroy(graph);
    cop_graph_destroy(copy);
}
END_TEST

/* Builds and copies as far as memory goes. */
static bool build_with_little_memory(struct source *source)
{
    cop_error error;
    struct graph *graph = cop_graph_create(&error), *copy = NULL;
    const struct shape shape = SHAPE(2), unknown = cop_shape_unknown();
    const char *const names[] = {"batch"};
    bool worked = graph != NULL;
    const int src =
        worked ? cop_graph_add_value(graph, "x", COP_DTYPE_FLOAT32, &unknown, &error) : -1;
    worked = src >= 0 &&
             cop_graph_add_constant(graph, "w", COP_DTYPE_FLOAT32, &shape, source, 0, &error) >= 0;
    worked = worked && cop_graph_add_literal(graph, "l", COP_DTYPE_FLOAT32, &shape,
                                             &(float[]){1, 2}, &error) >= 0;
    if (worked)
        graph->values[src].shape = shape;
    worked = worked && cop_graph_add_input(graph, src, names, &error) >= 0;
    int value = worked ? src : -1;
    for (int i = 0; i < 70 && value >= 0; i++)
        value = cop_graph_append(graph, OP_IDENTITY, "copy", "Copy", NULL, 1, &value, &error);
    worked = value >= 0 && cop_graph_add_output(graph, value, "y", &error) >= 0;
    struct graph_uses uses = {0};
    worked = worked && cop_graph_validate(graph, &error) == COP_STATUS_OK;
    worked = worked && cop_graph_sort(graph, &error) == COP_STATUS_OK;
    worked = worked && cop_graph_uses_create(graph, &uses, &error) == COP_STATUS_OK;
    worked = worked && cop_graph_copy(graph, &copy, &error) == COP_STATUS_OK;
    if (!worked)
        ck_assert_int_eq(error.status, COP_STATUS_OUT_OF_MEMORY);
    cop_graph_uses_free(&uses);
    cop_graph_destroy(copy);
    cop_graph_destroy(graph);
    return worked;
}

START_TEST(every_failed_allocation_is_a_status_and_leaks_nothing)
{
    const float elements[2] = {0};
    struct source *source = make_source(elements, sizeof elements);
    const size_t before = cop_alloc_counters().live_bytes;
    bool worked = false;
    for (int k = 0; !worked; k++) {
        ck_assert_int_lt(k, 1000);
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            cop_alloc_fail_after(k, for_ever);
            worked = build_with_little_memory(source);
            cop_alloc_fail_after(-1, 0);
            ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
        }
    }
    cop_source_release(&source);
}
END_TEST

int main(void)
{
    return RUN_TESTS("graph", a_graph_that_was_built_in_order_is_valid,
                     a_copy_shares_nothing_that_can_be_rewritten, a_value_cannot_be_made_twice,
                     arity_is_checked_when_a_node_is_added, a_forward_reference_is_refused,
                     a_cycle_is_found_when_sorting, a_constant_lies_inside_its_source,
                     weights_are_what_follows_from_constants,
                     literals_of_equal_content_are_one_weight,
                     uses_list_every_reader_in_graph_order, many_values_are_replaced_in_one_walk,
                     a_million_nodes_are_built_copied_and_checked,
                     every_failed_allocation_is_a_status_and_leaks_nothing);
}
