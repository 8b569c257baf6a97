// SPDX-License-Identifier: Apache-2.0
/* Input shapes from the weights behind them. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "support/graphs.h"
#include "support/unit.h"

static const unsigned char zeros[1 << 20];
static struct source *source;

static void open_source(void)
{
    cop_error error;
    const cop_bytes bytes = {zeros, sizeof zeros, NULL, NULL};
    ck_assert_int_eq(cop_source_from_bytes(&bytes, "zeros", &source, &error), COP_STATUS_OK);
}

static void close_source(void)
{
    cop_source_release(&source);
}

static int weights(struct graph *graph, struct shape shape)
{
    cop_error error;
    const int value =
        cop_graph_add_constant(graph, "w", COP_DTYPE_FLOAT32, &shape, source, 0, &error);
    ck_assert_msg(value >= 0, "%s", error.message);
    return value;
}

static struct graph *open_graph(void)
{
    struct graph *graph = make_graph();
    graph->is_mxnet_shaped = true;
    add_input(graph, "data", COP_DTYPE_FLOAT32, cop_shape_unknown());
    return graph;
}

static int convolve(struct graph *graph, int src, int64_t oc, int64_t ic, int64_t kernel,
                    int64_t stride)
{
    const struct convolution_attrs attrs = {.strides = {stride, stride}};
    return append(graph, OP_CONVOLUTION, "conv", &attrs, src,
                  weights(graph, SHAPE(oc, ic, kernel, kernel)));
}

static int connect(struct graph *graph, int src, int64_t outputs, int64_t k)
{
    const struct flatten_attrs flatten = {1};
    const int flat = append(graph, OP_FLATTEN, "flat", &flatten, src);
    return append(graph, OP_FULLY_CONNECTED, "fc", NULL, flat, weights(graph, SHAPE(outputs, k)));
}

static int pool_all(struct graph *graph, int src)
{
    const struct pooling_attrs attrs = {.alg = POOLING_AVERAGE, .is_global = true};
    return append(graph, OP_POOLING, "pool", &attrs, src);
}

static cop_status solve(struct graph *graph, cop_error *error)
{
    const struct graph_bindings none = {0};
    cop_status status = cop_graph_bind_inputs(graph, &none, error);
    if (status == COP_STATUS_OK)
        status = cop_graph_solve_inputs(graph, NULL, error);
    return status == COP_STATUS_OK ? cop_graph_infer_shapes(graph, NULL, error) : status;
}

static void expect_solved(struct graph *graph, const char *shape)
{
    cop_error error;
    const cop_status status = solve(graph, &error);
    ck_assert_msg(status == COP_STATUS_OK, "%s", error.message);
    ck_assert_str_eq(cop_shape_text(&graph->values[0].shape).text, shape);
    cop_graph_destroy(graph);
}

START_TEST(an_image_of_any_size_is_224_in_colour_and_28_in_grey)
{
    struct graph *graph = open_graph();
    connect(graph, pool_all(graph, convolve(graph, 0, 8, 3, 3, 1)), 10, 8);
    expect_solved(graph, "[1,3,224,224]");
    graph = open_graph();
    connect(graph, pool_all(graph, convolve(graph, 0, 8, 1, 3, 1)), 10, 8);
    expect_solved(graph, "[1,1,28,28]");
}
END_TEST

START_TEST(the_size_fits_the_fully_connected_weights)
{
    struct graph *graph = open_graph();
    connect(graph, convolve(graph, 0, 1, 3, 3, 2), 2, 149 * 149);
    expect_solved(graph, "[1,3,299,299]");
    graph = open_graph();
    connect(graph, convolve(graph, 0, 2, 3, 3, 1), 2, 2 * 55 * 55);
    expect_solved(graph, "[1,3,57,57]");
}
END_TEST

START_TEST(rows_come_from_the_fully_connected_weights)
{
    struct graph *graph = open_graph();
    connect(graph, 0, 10, 784);
    expect_solved(graph, "[1,784]");
    graph = open_graph();
    append(graph, OP_FULLY_CONNECTED, "fc", NULL, 0, weights(graph, SHAPE(10, 20)));
    expect_solved(graph, "[1,20]");
}
END_TEST

START_TEST(what_stands_before_the_convolution_passes_its_shape_back)
{
    const struct unary_attrs relu = {.alg = UNARY_RELU};
    const struct binary_attrs mul = {.alg = BINARY_MUL};
    const struct pad_attrs pad = {.rank = 4, .begin = {0, 0, 1, 1}, .end = {0, 0, 1, 1}};
    const struct batch_normalization_attrs norm = {.epsilon = 1e-5, .axis = 1};
    const float scale = 2;
    struct graph *graph = open_graph();
    const int factor =
        add_literal(graph, "scale", COP_DTYPE_FLOAT32, (struct shape){.rank = 0}, &scale);
    const int v = weights(graph, SHAPE(4));
    int value = append(graph, OP_BINARY, "scaled", &mul, 0, factor);
    value = append(graph, OP_UNARY, "relu", &relu, value);
    value = append(graph, OP_BATCH_NORMALIZATION, "bn", &norm, value, v, v, v, v);
    value = append(graph, OP_PAD, "pad", &pad, value);
    convolve(graph, value, 8, 4, 3, 1);
    expect_solved(graph, "[1,4,224,224]");
}
END_TEST

START_TEST(channels_may_stand_last)
{
    static const char *const solved[] = {"[1,28,28,1]", "[1,224,224,3]"};
    const struct transpose_attrs channels_first = {4, {0, 3, 1, 2}};
    for (int i = 0; i < 2; i++) {
        struct graph *graph = open_graph();
        const int src = append(graph, OP_TRANSPOSE, "first", &channels_first, 0);
        connect(graph, pool_all(graph, convolve(graph, src, 8, i == 0 ? 1 : 3, 3, 1)), 10, 8);
        expect_solved(graph, solved[i]);
    }
}
END_TEST

START_TEST(an_input_that_nothing_tells_is_an_image)
{
    struct graph *graph = open_graph();
    pool_all(graph, 0);
    expect_solved(graph, "[1,3,224,224]");
}
END_TEST

START_TEST(one_spatial_dimension_is_solved_too)
{
    struct graph *graph = open_graph();
    const struct convolution_attrs attrs = {.strides = {1}};
    append(graph, OP_CONVOLUTION, "conv", &attrs, 0, weights(graph, SHAPE(4, 2, 3)));
    expect_solved(graph, "[1,2,224]");
}
END_TEST

START_TEST(a_hint_is_kept_and_completed)
{
    struct graph *graph = open_graph();
    graph->values[0].shape = SHAPE(-1, -1, 96, -1);
    connect(graph, convolve(graph, 0, 1, 3, 1, 1), 2, 96 * 64);
    expect_solved(graph, "[1,3,96,64]");
}
END_TEST

START_TEST(an_input_that_no_size_fits_is_refused_with_the_reason)
{
    struct graph *graph = open_graph();
    cop_error error;
    connect(graph, convolve(graph, 0, 1, 3, 1, 1), 2, 101);
    ck_assert_int_eq(solve(graph, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "input 'data' [1,3,?,?]: its shape must be given"));
    ck_assert_ptr_nonnull(strstr(error.message, "node 'flat' (Flatten): dst [1,101] should be "));
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(weights_that_contradict_each_other_are_malformed)
{
    struct graph *graph = open_graph();
    cop_error error;
    convolve(graph, convolve(graph, 0, 8, 3, 3, 1), 8, 9, 3, 1);
    ck_assert_int_eq(solve(graph, &error), COP_STATUS_MALFORMED_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "node 'conv' (Convolution): "));
    cop_graph_destroy(graph);
}
END_TEST

/* A thousand convolutions, and a size that only the last of all tries reaches. */
START_TEST(a_deep_network_is_solved_in_a_moment)
{
    struct graph *graph = open_graph();
    cop_error error;
    int value = convolve(graph, 0, 1, 3, 1, 1);
    for (int i = 0; i < 1000; i++)
        value = convolve(graph, value, 1, 1, 1, 1);
    connect(graph, value, 1, 101);
    const int64_t start = cop_now_ns();
    ck_assert_int_eq(solve(graph, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_msg(cop_now_ns() - start < INT64_C(20000000000), "takes about a second");
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(a_huge_network_is_given_up_in_time)
{
    struct graph *graph = open_graph();
    cop_error error;
    const struct unary_attrs relu = {.alg = UNARY_RELU};
    int value = convolve(graph, 0, 1, 3, 1, 1);
    for (int i = 0; i < 900000; i++)
        value = append(graph, OP_UNARY, "", &relu, value);
    connect(graph, value, 1, 101);
    const int64_t start = cop_now_ns();
    ck_assert_int_eq(solve(graph, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_msg(cop_now_ns() - start < INT64_C(60000000000), "takes seconds");
    cop_graph_destroy(graph);
}
END_TEST

START_TEST(every_failed_allocation_while_solving_is_a_status)
{
    cop_error error;
    cop_status status = COP_STATUS_OUT_OF_MEMORY;
    for (int k = 0; status != COP_STATUS_OK; k++) {
        ck_assert_int_lt(k, 1000);
        const size_t before = cop_alloc_counters().live_bytes;
        struct graph *graph = open_graph();
        connect(graph, convolve(graph, 0, 1, 3, 1, 1), 2, 32 * 32);
        cop_alloc_fail_after(k, k % 2);
        status = solve(graph, &error);
        cop_alloc_fail_after(-1, 0);
        ck_assert(status == COP_STATUS_OK || status == COP_STATUS_OUT_OF_MEMORY);
        cop_graph_destroy(graph);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "solve inputs", open_source, close_source,
        an_image_of_any_size_is_224_in_colour_and_28_in_grey,
        the_size_fits_the_fully_connected_weights, rows_come_from_the_fully_connected_weights,
        what_stands_before_the_convolution_passes_its_shape_back, channels_may_stand_last,
        an_input_that_nothing_tells_is_an_image, one_spatial_dimension_is_solved_too,
        a_hint_is_kept_and_completed, an_input_that_no_size_fits_is_refused_with_the_reason,
        weights_that_contradict_each_other_are_malformed, a_deep_network_is_solved_in_a_moment,
        a_huge_network_is_given_up_in_time, every_failed_allocation_while_solving_is_a_status);
}
