// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "passes/pass_list.h"
#include "passes/passes.h"
#include "support/random_graph.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static const int64_t map[] = {1, 8, 6, 6};

static int count_nodes(const struct graph *graph, enum op_kind kind)
{
    int count = 0;
    for (int i = 0; i < graph->node_count; i++)
        count += graph->nodes[i].kind == kind && !graph->nodes[i].is_dead;
    return count;
}

/* Nodes that run: those that make something else than weights. */
static int count_steps(const struct graph *graph)
{
    int count = 0;
    for (int i = 0; i < graph->node_count; i++)
        count += !graph->values[graph->nodes[i].dst[0]].is_weight;
    return count;
}

static const struct graph_node *find_node(const struct graph *graph, enum op_kind kind)
{
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].kind == kind && !graph->values[graph->nodes[i].dst[0]].is_weight)
            return &graph->nodes[i];
    ck_abort_msg("there is no %s", cop_op_def(kind)->name);
}

/* Runs a pass (NULL: all of them) and compares what the graph computes before and after. */
static void check_pass(struct graph_maker *maker, cop_pass *pass, const char *what)
{
    struct graph *graph = maker->graph;
    cop_error error;
    infer(graph);
    float **srcs = make_inputs(graph, 7), **before = make_outputs(graph);
    float **after = make_outputs(graph);
    run_oracle(graph, srcs, before);
    const cop_status status =
        pass == NULL ? cop_passes_run(graph, false, &error) : pass(graph, &error);
    if (status != COP_STATUS_OK || cop_graph_validate(graph, &error) != COP_STATUS_OK)
        ck_abort_msg("%s: %s", what, error.message);
    run_oracle(graph, srcs, after);
    ck_assert_msg(outputs_agree(graph, before, after, 1e-5), "%s", what);
    free_elements(srcs, graph->input_count);
    free_elements(before, graph->output_count), free_elements(after, graph->output_count);
}

static void check_random_networks(cop_pass *pass, uint32_t rounds)
{
    for (uint32_t seed = 0; seed < rounds; seed++) {
        char what[32];
        struct graph_maker maker = make_random_network(seed, 2 + (int)seed % 40);
        snprintf(what, sizeof what, "seed %u", seed);
        check_pass(&maker, pass, what);
        free_maker(&maker);
    }
}

START_TEST(all_passes_together_keep_what_random_networks_compute)
{
    check_random_networks(NULL, 400);
}
END_TEST

START_TEST(each_pass_alone_keeps_what_random_networks_compute)
{
    cop_pass *const passes[] = {
#define PASS_ENTRY(name) cop_pass_##name,
        COP_PASS_LIST(PASS_ENTRY)
#undef PASS_ENTRY
    };
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
        check_random_networks(passes[i], 60);
}
END_TEST

START_TEST(keeping_the_graph_changes_no_node)
{
    struct graph_maker maker = make_random_network(4, 30);
    infer(maker.graph);
    const int count = maker.graph->node_count;
    ck_assert_int_eq(cop_passes_run(maker.graph, true, NULL), COP_STATUS_OK);
    ck_assert_int_eq(maker.graph->node_count, count);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(maker.graph->nodes[i].post_ops->count, 0);
    free_maker(&maker);
}
END_TEST

START_TEST(a_residual_block_becomes_two_convolutions)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, map);
    int y = add_batch_norm(&maker, add_conv(&maker, x, 8, 8, 3, 1, false), 8);
    y = add_unary(&maker, UNARY_RELU, 0, 0, y);
    y = add_batch_norm(&maker, add_conv(&maker, y, 8, 8, 3, 1, true), 8);
    y = add_unary(&maker, UNARY_RELU, 0, 0, add_binary(&maker, BINARY_ADD, x, y));
    add_output(&maker, y, "y");
    check_pass(&maker, NULL, "residual block");
    ck_assert_int_eq(count_steps(maker.graph), 2);
    const struct graph_node *last = NULL;
    for (int i = 0; i < maker.graph->node_count; i++)
        if (maker.graph->nodes[i].kind == OP_CONVOLUTION)
            last = &maker.graph->nodes[i];
    ck_assert_int_eq(last->post_ops->count, 2);
    ck_assert_int_eq(last->post_ops->entries[0].kind, POST_OP_SUM);
    ck_assert_int_eq(last->post_ops->entries[1].unary.alg, UNARY_RELU);
    ck_assert_int_eq(last->src[last->src_count - 1], x);
    ck_assert_str_eq(last->fused, "n4 + n5 + n6");
    free_maker(&maker);
}
END_TEST

START_TEST(the_later_of_two_convolutions_adds_the_other)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, map);
    const int a = add_conv(&maker, x, 8, 8, 1, 0, true), b = add_conv(&maker, x, 8, 8, 1, 0, true);
    add_output(&maker, add_binary(&maker, BINARY_ADD, b, a), "y");
    check_pass(&maker, cop_pass_fuse_post_ops, "two convolutions");
    ck_assert_int_eq(count_steps(maker.graph), 2);
    ck_assert_int_eq(maker.graph->nodes[0].post_ops->count, 0);
    ck_assert_int_eq(maker.graph->nodes[1].src[3], a);
    free_maker(&maker);
}
END_TEST

START_TEST(values_that_others_read_are_not_fused_away)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, map);
    const int conv = add_conv(&maker, x, 8, 8, 1, 0, true);
    add_output(&maker, add_unary(&maker, UNARY_RELU, 0, 0, conv), "relu");
    add_output(&maker, add_batch_norm(&maker, conv, 8), "norm");
    const int twice = add_conv(&maker, x, 8, 8, 1, 0, true);
    add_output(&maker, add_binary(&maker, BINARY_ADD, twice, twice), "twice");
    const int seen = add_conv(&maker, x, 8, 8, 1, 0, true);
    add_output(&maker, seen, "seen");
    add_output(&maker, add_unary(&maker, UNARY_TANH, 0, 0, seen), "tanh");
    check_pass(&maker, NULL, "shared");
    ck_assert_int_eq(count_steps(maker.graph), 7);
    free_maker(&maker);
}
END_TEST

START_TEST(an_addition_that_broadcasts_is_not_accumulated)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, map);
    const int row = add_input(&maker, "row", 4, (const int64_t[]){1, 8, 1, 1});
    const int conv = add_conv(&maker, x, 8, 8, 1, 0, true);
    add_output(&maker, add_binary(&maker, BINARY_ADD, conv, row), "y");
    check_pass(&maker, NULL, "broadcast");
    ck_assert_int_eq(count_steps(maker.graph), 2);
    free_maker(&maker);
}
END_TEST

START_TEST(batch_normalization_alone_takes_only_relu)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, map);
    const int first = add_unary(&maker, UNARY_RELU, 0, 0, add_batch_norm(&maker, x, 8));
    add_output(&maker, add_unary(&maker, UNARY_TANH, 0, 0, add_batch_norm(&maker, first, 8)), "y");
    check_pass(&maker, NULL, "pre-activation");
    ck_assert_int_eq(count_steps(maker.graph), 3);
    ck_assert_int_eq(find_node(maker.graph, OP_BATCH_NORMALIZATION)->post_ops->count, 1);
    free_maker(&maker);
}
END_TEST

START_TEST(batch_normalization_before_is_folded_only_without_padding)
{
    for (int pad = 0; pad < 2; pad++) {
        for (int bias = 0; bias < 2; bias++) {
            struct graph_maker maker = make_graph(1);
            const int x = add_input(&maker, "x", 4, map);
            const int norm = add_batch_norm(&maker, x, 8);
            add_output(&maker, add_conv(&maker, norm, 8, 4, 3, pad, bias), "y");
            check_pass(&maker, NULL, "leading batch norm");
            ck_assert_int_eq(count_steps(maker.graph), pad == 0 ? 1 : 2);
            free_maker(&maker);
        }
    }
}
END_TEST

START_TEST(batch_normalization_around_a_matrix_product_is_folded)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 2, (const int64_t[]){3, 5});
    const int weights = add_weight(&maker, 2, (const int64_t[]){8, 5});
    const int product = add_op(&maker, OP_FULLY_CONNECTED, NULL, 2,
                               (const int[]){add_batch_norm(&maker, x, 5), weights});
    add_output(&maker, add_batch_norm(&maker, product, 8), "y");
    check_pass(&maker, NULL, "fully connected");
    ck_assert_int_eq(count_steps(maker.graph), 1);
    free_maker(&maker);
}
END_TEST

START_TEST(folding_adds_recipes_and_no_elements)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, map);
    add_output(&maker, add_batch_norm(&maker, add_conv(&maker, x, 8, 8, 1, 0, true), 8), "y");
    check_pass(&maker, NULL, "recipes");
    ck_assert_int_eq(count_nodes(maker.graph, OP_FOLD_SCALE), 1);
    ck_assert_int_eq(count_nodes(maker.graph, OP_FOLD_SHIFT), 1);
    const struct graph_node *conv = find_node(maker.graph, OP_CONVOLUTION);
    for (int i = 1; i < 3; i++) {
        ck_assert(maker.graph->values[conv->src[i]].is_weight);
        ck_assert_ptr_null(maker.graph->values[conv->src[i]].value);
    }
    free_maker(&maker);
}
END_TEST

static int add_pad(struct graph_maker *maker, int src, int64_t channels, int64_t begin, int64_t end,
                   float value)
{
    struct pad_attrs attrs;
    memset(&attrs, 0, sizeof attrs);
    attrs.rank = 4;
    attrs.begin[1] = channels;
    attrs.begin[2] = attrs.begin[3] = begin;
    attrs.end[2] = attrs.end[3] = end;
    attrs.value = value;
    return add_op(maker, OP_PAD, &attrs, 1, &src);
}

START_TEST(zero_padding_of_positions_goes_into_the_convolution)
{
    const struct {
        int64_t channels, begin, end;
        float value;
        int steps;
    } cases[] = {
        {0, 1, 2, 0, 1}, {0, 1, 1, 0.5f, 2}, {1, 1, 1, 0, 2}, {0, -1, 1, 0, 2}, {0, 0, 0, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct graph_maker maker = make_graph(1);
        const int x = add_input(&maker, "x", 4, map);
        const int padded =
            add_pad(&maker, x, cases[i].channels, cases[i].begin, cases[i].end, cases[i].value);
        add_output(&maker, add_conv(&maker, padded, 8 + cases[i].channels, 8, 3, 1, true), "y");
        check_pass(&maker, NULL, "padding");
        ck_assert_int_eq(count_steps(maker.graph), cases[i].steps);
        free_maker(&maker);
    }
}
END_TEST

START_TEST(channelwise_additions_become_the_bias)
{
    const struct {
        int rank;
        int64_t dims[4];
        int steps;
    } cases[] = {{4, {1, 8, 1, 1}, 1}, {3, {8, 1, 1}, 1}, {1, {6}, 2}, {4, {1, 1, 6, 6}, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct graph_maker maker = make_graph(1);
        const int conv = add_conv(&maker, add_input(&maker, "x", 4, map), 8, 8, 1, 0, i % 2 == 0);
        const int added = add_weight(&maker, cases[i].rank, cases[i].dims);
        add_output(&maker, add_binary(&maker, BINARY_ADD, added, conv), "y");
        check_pass(&maker, NULL, "bias");
        ck_assert_int_eq(count_steps(maker.graph), cases[i].steps);
        free_maker(&maker);
    }
}
END_TEST

START_TEST(channelwise_factors_go_into_the_weights)
{
    for (int i = 0; i < 4; i++) {
        struct graph_maker maker = make_graph(1);
        const int64_t dims[] = {8, 1, 1};
        int y = add_conv(&maker, add_input(&maker, "x", 4, map), 8, 8, 3, 1, i & 1);
        y = add_binary(&maker, BINARY_MUL, y, add_weight(&maker, 3, dims));
        if (i & 2)
            y = add_binary(&maker, BINARY_ADD, add_weight(&maker, 3, dims), y);
        add_output(&maker, add_unary(&maker, UNARY_HARD_SIGMOID, 0.2f, 0.5f, y), "y");
        check_pass(&maker, NULL, "factors");
        ck_assert_int_eq(count_steps(maker.graph), 1);
        free_maker(&maker);
    }
}
END_TEST

START_TEST(matrix_products_with_weights_become_fully_connected)
{
    for (int i = 0; i < 8; i++) {
        const bool is_gemm = i & 1, is_transposed = i & 2, is_scaled = i & 4;
        struct graph_maker maker = make_graph(1);
        const int x = add_input(&maker, "x", 2, (const int64_t[]){3, 5});
        const int w = add_weight(&maker, 2,
                                 is_transposed ? (const int64_t[]){4, 5} : (const int64_t[]){5, 4});
        const int c = add_weight(&maker, 2, (const int64_t[]){1, 4});
        struct gemm_attrs gemm;
        struct matmul_attrs matmul;
        memset(&gemm, 0, sizeof gemm), memset(&matmul, 0, sizeof matmul);
        gemm.alpha = is_scaled ? 0.5f : 1, gemm.beta = 1;
        gemm.trans_b = matmul.trans_b = is_transposed;
        int y = is_gemm ? add_op(&maker, OP_GEMM, &gemm, 3, (const int[]){x, w, c})
                        : add_op(&maker, OP_MATMUL, &matmul, 2, (const int[]){x, w});
        if (!is_gemm)
            y = add_binary(&maker, BINARY_ADD, y, c);
        add_output(&maker, add_unary(&maker, UNARY_RELU, 0, 0, y), "y");
        check_pass(&maker, NULL, "product");
        ck_assert_int_eq(count_nodes(maker.graph, OP_FULLY_CONNECTED),
                         is_gemm && is_scaled ? 0 : 1);
        ck_assert_int_eq(count_steps(maker.graph), is_gemm && is_scaled ? 2 : 1);
        free_maker(&maker);
    }
}
END_TEST

START_TEST(means_over_all_positions_become_global_pooling)
{
    for (int keep_dims = 0; keep_dims < 2; keep_dims++) {
        struct graph_maker maker = make_graph(1);
        struct reduce_attrs attrs;
        memset(&attrs, 0, sizeof attrs);
        attrs.alg = REDUCE_MEAN;
        attrs.keep_dims = keep_dims;
        attrs.axis_count = 2;
        attrs.axes[0] = -1, attrs.axes[1] = 2;
        const int x = add_input(&maker, "x", 4, map);
        add_output(&maker, add_op(&maker, OP_REDUCE, &attrs, 1, &x), "y");
        attrs.axes[1] = 1;
        add_output(&maker, add_op(&maker, OP_REDUCE, &attrs, 1, &x), "other axes");
        check_pass(&maker, NULL, "mean");
        ck_assert_int_eq(count_nodes(maker.graph, OP_POOLING), 1);
        ck_assert_int_eq(count_nodes(maker.graph, OP_REDUCE), 1);
        free_maker(&maker);
    }
}
END_TEST

static int add_transpose(struct graph_maker *maker, int src, int a, int b, int c, int d)
{
    struct transpose_attrs attrs;
    memset(&attrs, 0, sizeof attrs);
    attrs.rank = 4;
    attrs.perm[0] = a, attrs.perm[1] = b, attrs.perm[2] = c, attrs.perm[3] = d;
    return add_op(maker, OP_TRANSPOSE, &attrs, 1, &src);
}

START_TEST(pairs_of_transposes_and_scales_are_joined)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, (const int64_t[]){2, 3, 4, 5});
    const int there = add_transpose(&maker, x, 0, 2, 3, 1);
    add_output(&maker, add_transpose(&maker, there, 0, 3, 1, 2), "back");
    const int once = add_transpose(&maker, x, 1, 2, 3, 0);
    add_output(&maker, add_transpose(&maker, once, 1, 2, 3, 0), "twice");
    const int half = add_unary(&maker, UNARY_LINEAR, 0.5f, 1, x);
    add_output(&maker, add_unary(&maker, UNARY_LINEAR, 2, 0.25f, half), "exact");
    const int third = add_unary(&maker, UNARY_LINEAR, 0.1f, 0, x);
    add_output(&maker, add_unary(&maker, UNARY_LINEAR, 0.1f, 0, third), "rounded");
    check_pass(&maker, NULL, "pairs");
    ck_assert_int_eq(count_nodes(maker.graph, OP_TRANSPOSE), 1);
    ck_assert_int_eq(count_nodes(maker.graph, OP_UNARY), 3);
    ck_assert_int_eq(maker.graph->outputs[0], x);
    free_maker(&maker);
}
END_TEST

START_TEST(a_reshape_of_a_reshape_reads_what_was_there_before)
{
    struct graph_maker maker = make_graph(1);
    struct flatten_attrs flatten = {.axis = 1};
    struct axes_attrs axes;
    struct reshape_attrs reshape;
    memset(&axes, 0, sizeof axes), memset(&reshape, 0, sizeof reshape);
    axes.count = 1;
    reshape.count = 4;
    reshape.target[0] = 1, reshape.target[1] = 8, reshape.target[2] = 6, reshape.target[3] = -1;
    const int x = add_input(&maker, "x", 4, map);
    const int flat = add_op(&maker, OP_FLATTEN, &flatten, 1, &x);
    const int back = add_op(&maker, OP_RESHAPE, &reshape, 1, &flat);
    const int wrapped = add_op(&maker, OP_UNSQUEEZE, &axes, 1, &flat);
    add_output(&maker, add_unary(&maker, UNARY_RELU, 0, 0, back), "back");
    add_output(&maker, add_unary(&maker, UNARY_RELU, 0, 0, wrapped), "wrapped");
    check_pass(&maker, NULL, "reshapes");
    ck_assert_int_eq(count_steps(maker.graph), 3);
    ck_assert_int_eq(find_node(maker.graph, OP_RESHAPE)->src[0], x);
    free_maker(&maker);
}
END_TEST

START_TEST(nodes_that_do_nothing_are_removed)
{
    struct graph_maker maker = make_graph(1);
    struct cast_attrs cast = {COP_DTYPE_FLOAT32};
    struct concat_attrs concat = {.axis = 1};
    struct reshape_attrs reshape;
    memset(&reshape, 0, sizeof reshape);
    reshape.count = 4;
    reshape.target[0] = -1, reshape.target[1] = 8, reshape.target[2] = reshape.target[3] = 6;
    int y = add_input(&maker, "x", 4, map);
    y = add_op(&maker, OP_IDENTITY, NULL, 1, &y);
    y = add_op(&maker, OP_CAST, &cast, 1, &y);
    y = add_op(&maker, OP_CONCAT, &concat, 1, &y);
    y = add_transpose(&maker, y, 0, 1, 2, 3);
    y = add_op(&maker, OP_RESHAPE, &reshape, 1, &y);
    y = add_pad(&maker, y, 0, 0, 0, 0);
    (void)add_unary(&maker, UNARY_EXP, 0, 0, y);
    add_output(&maker, add_unary(&maker, UNARY_RELU, 0, 0, y), "y");
    check_pass(&maker, NULL, "identities");
    ck_assert_int_eq(maker.graph->node_count, 1);
    free_maker(&maker);
}
END_TEST

START_TEST(long_chains_take_no_quadratic_time)
{
    struct graph_maker maker = make_graph(1);
    int y = add_input(&maker, "x", 1, (const int64_t[]){4});
    for (int i = 0; i < 100000; i++) {
        y = add_unary(&maker, i % 3 == 0 ? UNARY_RELU : UNARY_LINEAR, 1.0f, 0.5f, y);
        if (i % 5 == 0)
            y = add_op(&maker, OP_IDENTITY, NULL, 1, &y);
    }
    add_output(&maker, y, "y");
    infer(maker.graph);
    ck_assert_int_eq(cop_passes_run(maker.graph, false, NULL), COP_STATUS_OK);
    ck_assert_int_lt(maker.graph->node_count, 70000);
    free_maker(&maker);
}
END_TEST

START_TEST(every_failed_allocation_is_reported_and_leaks_nothing)
{
    for (int k = 0, done = 0; !done; k++) {
        const size_t before = cop_alloc_counters().live_bytes;
        struct graph_maker maker = make_random_network(21, 30);
        infer(maker.graph);
        cop_error error = {0};
        cop_alloc_fail_after(k, 0);
        const cop_status status = cop_passes_run(maker.graph, false, &error);
        cop_alloc_fail_after(-1, 0);
        done = status == COP_STATUS_OK;
        if (!done && (status != COP_STATUS_OUT_OF_MEMORY || error.message[0] == '\0'))
            ck_abort_msg("allocation %d: %s %s", k, cop_status_name(status), error.message);
        free_maker(&maker);
        if (k > 0 && cop_alloc_counters().live_bytes != before)
            ck_abort_msg("allocation %d leaked", k);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "passes", all_passes_together_keep_what_random_networks_compute,
        each_pass_alone_keeps_what_random_networks_compute, keeping_the_graph_changes_no_node,
        a_residual_block_becomes_two_convolutions, the_later_of_two_convolutions_adds_the_other,
        values_that_others_read_are_not_fused_away, an_addition_that_broadcasts_is_not_accumulated,
        batch_normalization_alone_takes_only_relu,
        batch_normalization_before_is_folded_only_without_padding,
        batch_normalization_around_a_matrix_product_is_folded, folding_adds_recipes_and_no_elements,
        zero_padding_of_positions_goes_into_the_convolution, channelwise_additions_become_the_bias,
        channelwise_factors_go_into_the_weights,
        matrix_products_with_weights_become_fully_connected,
        means_over_all_positions_become_global_pooling, pairs_of_transposes_and_scales_are_joined,
        a_reshape_of_a_reshape_reads_what_was_there_before, nodes_that_do_nothing_are_removed,
        long_chains_take_no_quadratic_time, every_failed_allocation_is_reported_and_leaks_nothing);
}
