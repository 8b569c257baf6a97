// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.h"
#include "support/graphs.h"
#include "support/unit.h"

#include <string.h>

/* An input with named dimensions; a NULL name is an unnamed one. */
static int add_named(struct graph *graph, const char *name, struct shape shape,
                     const char *const *dim_names)
{
    cop_error error;
    const int value = cop_graph_add_value(graph, name, COP_DTYPE_FLOAT32, &shape, &error);
    ck_assert_int_ge(cop_graph_add_input(graph, value, dim_names, &error), 0);
    return value;
}

static struct graph *image_graph(void)
{
    struct graph *graph = make_graph();
    const char *const names[] = {"batch", NULL, "size", "size"};
    add_named(graph, "image", SHAPE(-1, 3, -1, -1), names);
    return graph;
}

static cop_status bind(struct graph *graph, const cop_input_shape *shape, const cop_dim *dim,
                       cop_error *error)
{
    const struct graph_bindings bindings = {shape, shape == NULL ? 0 : 1, dim, dim == NULL ? 0 : 1};
    return cop_graph_bind_inputs(graph, &bindings, error);
}

static void expect_bound(struct graph *graph, int value, struct shape shape)
{
    ck_assert_str_eq(cop_shape_text(&graph->values[value].shape).text, cop_shape_text(&shape).text);
    cop_graph_destroy(graph);
}

static void expect_refused(struct graph *graph, const cop_input_shape *shape, const cop_dim *dim,
                           const char *message)
{
    cop_error error;
    ck_assert_int_eq(bind(graph, shape, dim, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, message);
    cop_graph_destroy(graph);
}

START_TEST(a_named_dimension_binds_every_axis_of_that_name)
{
    struct graph *graph = image_graph();
    cop_error error;
    ck_assert_int_eq(bind(graph, NULL, &(cop_dim){"size", 32}, &error), COP_STATUS_OK);
    expect_bound(graph, 0, SHAPE(1, 3, 32, 32));
}
END_TEST

START_TEST(a_given_shape_fills_open_dimensions_and_keeps_the_rest)
{
    struct graph *graph = image_graph();
    cop_error error;
    ck_assert_int_eq(bind(graph, &(cop_input_shape){NULL, 4, {4, -1, 16, -1}}, NULL, &error),
                     COP_STATUS_OK);
    expect_bound(graph, 0, SHAPE(4, 3, 16, 16));
}
END_TEST

START_TEST(a_name_shared_by_inputs_is_one_number)
{
    struct graph *graph = make_graph();
    cop_error error;
    add_named(graph, "a", SHAPE(-1, 2), (const char *const[]){"n", NULL});
    add_named(graph, "b", SHAPE(3, -1), (const char *const[]){NULL, "n"});
    ck_assert_int_eq(bind(graph, &(cop_input_shape){"a", 2, {5, 2}}, NULL, &error), COP_STATUS_OK);
    expect_bound(graph, 1, SHAPE(3, 5));
}
END_TEST

START_TEST(one_name_for_two_sizes_is_refused)
{
    struct graph *graph = image_graph();
    expect_refused(graph, &(cop_input_shape){NULL, 4, {1, 3, 16, 17}}, NULL,
                   "dimension 'size' cannot be both 16 and 17 (axis 3 of input 'image')");
    graph = image_graph();
    expect_refused(graph, &(cop_input_shape){NULL, 4, {1, 3, 16, 16}}, &(cop_dim){"size", 8},
                   "dimension 'size' cannot be both 8 and 16 (axis 2 of input 'image')");
}
END_TEST

START_TEST(an_open_dimension_is_refused_and_named)
{
    expect_refused(image_graph(), NULL, NULL,
                   "input 'image' [1,3,?,?] leaves dimension 2 ('size') open: it must be given");
    struct graph *graph = make_graph();
    add_named(graph, "any", cop_shape_unknown(), NULL);
    expect_refused(graph, NULL, NULL, "input 'any' declares no shape: one must be given");
}
END_TEST

START_TEST(a_given_dimension_takes_the_place_of_a_declared_one)
{
    struct graph *graph = image_graph();
    cop_error error;
    ck_assert_int_eq(bind(graph, &(cop_input_shape){"image", 4, {2, 4, 8, 8}}, NULL, &error),
                     COP_STATUS_OK);
    expect_bound(graph, 0, SHAPE(2, 4, 8, 8));
}
END_TEST

START_TEST(another_rank_than_the_model_declares_is_refused)
{
    expect_refused(image_graph(), &(cop_input_shape){"image", 3, {1, 3, 8}}, NULL,
                   "input 'image' cannot be [1,3,8]: the model declares [?,3,?,?]");
}
END_TEST

START_TEST(unknown_names_are_refused_with_those_there_are)
{
    expect_refused(image_graph(), &(cop_input_shape){"picture", 1, {1}}, NULL,
                   "the model has no input 'picture'; its inputs are 'image'");
    expect_refused(image_graph(), NULL, &(cop_dim){"width", 8},
                   "the model names no dimension 'width'; it names 'batch', 'size'");
}
END_TEST

START_TEST(impossible_numbers_are_refused)
{
    expect_refused(image_graph(), &(cop_input_shape){NULL, 9, {1}}, NULL,
                   "input 'image': rank 9 is not in 0 to 8");
    expect_refused(
        image_graph(), &(cop_input_shape){NULL, 4, {0, 3, 8, 8}}, NULL,
        "input 'image': dimension 0 is 0, must be at least 1, or -1 for what the model says");
    expect_refused(image_graph(), NULL, &(cop_dim){"size", -1},
                   "dimension 'size' is -1, must be at least 1");
    expect_refused(
        image_graph(), &(cop_input_shape){NULL, 4, {1, 3, INT64_MAX, INT64_MAX}}, NULL,
        "input 'image' [1,3,9223372036854775807,9223372036854775807] has 2^48 elements or more");
}
END_TEST

START_TEST(an_input_given_twice_is_refused)
{
    struct graph *graph = image_graph();
    cop_error error;
    const cop_input_shape twice[] = {{NULL, 4, {1, 3, 8, 8}}, {"image", 4, {1, 3, 8, 8}}};
    const struct graph_bindings bindings = {twice, 2, NULL, 0};
    ck_assert_int_eq(cop_graph_bind_inputs(graph, &bindings, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "input 'image' is given two shapes");
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_hint_of_an_mxnet_symbol_gives_way_to_the_caller)
{
    struct graph *graph = make_graph();
    cop_error error;
    graph->is_mxnet_shaped = true;
    add_named(graph, "data", SHAPE(-1, 3, 224, 224), NULL);
    ck_assert_int_eq(bind(graph, &(cop_input_shape){"data", 4, {2, -1, 299, 299}}, NULL, &error),
                     COP_STATUS_OK);
    expect_bound(graph, 0, SHAPE(2, 3, 299, 299));
}
END_TEST

START_TEST(what_an_mxnet_symbol_leaves_open_stays_open)
{
    struct graph *graph = make_graph();
    cop_error error;
    graph->is_mxnet_shaped = true;
    add_named(graph, "data", SHAPE(-1, 3, -1, -1), NULL);
    add_named(graph, "more", cop_shape_unknown(), NULL);
    ck_assert_int_eq(bind(graph, NULL, NULL, &error), COP_STATUS_OK);
    ck_assert_int_eq(graph->values[1].shape.rank, COP_UNKNOWN);
    expect_bound(graph, 0, SHAPE(1, 3, -1, -1));
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "bind inputs", a_named_dimension_binds_every_axis_of_that_name,
        a_given_shape_fills_open_dimensions_and_keeps_the_rest,
        a_name_shared_by_inputs_is_one_number, one_name_for_two_sizes_is_refused,
        an_open_dimension_is_refused_and_named, a_given_dimension_takes_the_place_of_a_declared_one,
        another_rank_than_the_model_declares_is_refused,
        unknown_names_are_refused_with_those_there_are, impossible_numbers_are_refused,
        an_input_given_twice_is_refused, a_hint_of_an_mxnet_symbol_gives_way_to_the_caller,
        what_an_mxnet_symbol_leaves_open_stays_open);
}
