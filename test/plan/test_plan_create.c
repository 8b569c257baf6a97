// SPDX-License-Identifier: Apache-2.0
#include <cachedop/ndarray.h>

#include "base/alloc.h"
#include "plan/plan.h"
#include "support/random_graph.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

struct compiled {
    struct weight_store *store;
    struct plan *plan;
    struct weight_set *weights;
    size_t added_bytes;
};

static struct plan_request request_for(const struct graph *graph, struct weight_store *store,
                                       bool keep_graph)
{
    return (struct plan_request){
        .graph = graph,
        .store = store,
        .device = {COP_DEVICE_REF, 0},
        .intra_op_threads = 1,
        .keep_graph = keep_graph,
    };
}

static struct compiled compile(const struct graph *graph, bool keep_graph)
{
    struct compiled compiled;
    cop_error error;
    ck_assert_int_eq(cop_weight_store_create(&compiled.store, NULL), COP_STATUS_OK);
    const struct plan_request request = request_for(graph, compiled.store, keep_graph);
    if (cop_plan_create(&request, &compiled.plan, &compiled.weights, &compiled.added_bytes,
                        &error) != COP_STATUS_OK)
        ck_abort_msg("%s", error.message);
    return compiled;
}

static void free_compiled(struct compiled *compiled)
{
    cop_plan_release(&compiled->plan);
    cop_weight_set_release(&compiled->weights);
    cop_weight_store_release(&compiled->store);
}

/* Compiles the graph, runs it, and compares with computing every node on its own. */
static void check_against_oracle(struct graph *graph, struct compiled *compiled, const char *what)
{
    infer(graph);
    float **srcs = make_inputs(graph, 5), **expected = make_outputs(graph);
    float **got = make_outputs(graph), **untouched = make_inputs(graph, 5);
    run_oracle(graph, srcs, expected);
    run_plan(compiled->plan, compiled->weights, srcs, got);
    ck_assert_msg(outputs_agree(graph, expected, got, 1e-5), "%s", what);
    for (int i = 0; i < graph->input_count; i++)
        ck_assert_int_eq(memcmp(srcs[i], untouched[i], sizeof(float)), 0);
    free_elements(srcs, graph->input_count), free_elements(untouched, graph->input_count);
    free_elements(expected, graph->output_count), free_elements(got, graph->output_count);
}

START_TEST(random_networks_compute_what_their_nodes_say)
{
    for (uint32_t seed = 0; seed < 300; seed++) {
        char what[32];
        struct graph_maker maker = make_random_network(seed, 2 + (int)seed % 40);
        struct compiled compiled = compile(maker.graph, seed % 2 == 0);
        snprintf(what, sizeof what, "seed %u", seed);
        check_against_oracle(maker.graph, &compiled, what);
        free_compiled(&compiled);
        free_maker(&maker);
    }
}
END_TEST

static const int64_t map[] = {1, 8, 6, 6};

START_TEST(activations_take_the_memory_of_what_they_read)
{
    struct graph_maker maker = make_graph(1);
    int value = add_conv(&maker, add_input(&maker, "x", 4, map), 8, 8, 1, 0, true);
    for (int i = 0; i < 10; i++)
        value = add_unary(&maker, UNARY_TANH, 0, 0, value);
    add_output(&maker, add_conv(&maker, value, 8, 8, 1, 0, true), "y");
    struct compiled compiled = compile(maker.graph, true);
    ck_assert_int_eq(compiled.plan->step_count, 12);
    ck_assert_uint_lt(compiled.plan->arena_bytes, 2 * 8 * 36 * 4); /* and scratch memory */
    check_against_oracle(maker.graph, &compiled, "chain");
    free_compiled(&compiled);
    free_maker(&maker);
}
END_TEST

START_TEST(a_concatenation_of_whole_maps_is_no_step)
{
    static const struct concat_attrs channels = {.axis = 1};
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, (const int64_t[]){1, 8, 8, 8});
    const int a = add_conv(&maker, x, 8, 8, 1, 0, true), b = add_conv(&maker, x, 8, 4, 1, 0, true);
    const int both = add_op(&maker, OP_CONCAT, &channels, 2, (const int[]){a, b});
    const int c = add_conv(&maker, both, 12, 4, 1, 0, true);
    const int all = add_op(&maker, OP_CONCAT, &channels, 2, (const int[]){both, c});
    add_output(&maker, add_conv(&maker, all, 16, 2, 1, 0, true), "y");
    struct compiled compiled = compile(maker.graph, true);
    ck_assert_int_eq(compiled.plan->step_count, 4);
    ck_assert_uint_lt(compiled.plan->arena_bytes, 20 * 64 * 4);
    check_against_oracle(maker.graph, &compiled, "concat");
    free_compiled(&compiled);
    free_maker(&maker);
}
END_TEST

START_TEST(a_concatenation_that_cannot_be_placed_is_copied)
{
    static const struct concat_attrs channels = {.axis = 1};
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, (const int64_t[]){1, 8, 8, 8});
    const int a = add_conv(&maker, x, 8, 8, 1, 0, true);
    const int twice = add_op(&maker, OP_CONCAT, &channels, 2, (const int[]){a, a});
    const int with_input = add_op(&maker, OP_CONCAT, &channels, 2, (const int[]){x, twice});
    add_output(&maker, add_unary(&maker, UNARY_TANH, 0, 0, with_input), "y");
    struct compiled compiled = compile(maker.graph, true);
    ck_assert_int_eq(compiled.plan->step_count, 4);
    check_against_oracle(maker.graph, &compiled, "concat");
    free_compiled(&compiled);
    free_maker(&maker);
}
END_TEST

START_TEST(results_go_straight_into_the_callers_memory)
{
    struct graph_maker maker = make_graph(1);
    struct flatten_attrs flatten = {.axis = 1};
    const int x = add_input(&maker, "x", 4, map);
    const int y = add_conv(&maker, x, 8, 8, 1, 0, true);
    const int flat = add_op(&maker, OP_FLATTEN, &flatten, 1, &y);
    add_output(&maker, flat, "flat");
    struct compiled compiled = compile(maker.graph, true);
    ck_assert_int_eq(compiled.plan->step_count, 1);
    ck_assert_int_eq(compiled.plan->steps[0].dst[0].place, OPERAND_DST);
    check_against_oracle(maker.graph, &compiled, "flat");
    free_compiled(&compiled);
    free_maker(&maker);
}
END_TEST

START_TEST(inputs_weights_and_repeated_values_can_be_outputs)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, map),
              w = add_weight(&maker, 2, (const int64_t[]){3, 5});
    const int y = add_unary(&maker, UNARY_RELU, 0, 0, x);
    add_output(&maker, x, "x");
    add_output(&maker, w, "w");
    add_output(&maker, y, "y");
    add_output(&maker, y, "y again");
    struct compiled compiled = compile(maker.graph, true);
    ck_assert_int_eq(compiled.plan->step_count, 4);
    check_against_oracle(maker.graph, &compiled, "outputs");
    free_compiled(&compiled);
    free_maker(&maker);
}
END_TEST

START_TEST(nodes_that_nobody_needs_do_not_run)
{
    struct graph_maker maker = make_graph(1);
    const int x = add_input(&maker, "x", 4, map);
    (void)add_unary(&maker, UNARY_RELU, 0, 0, add_unary(&maker, UNARY_EXP, 0, 0, x));
    add_output(&maker, add_unary(&maker, UNARY_TANH, 0, 0, x), "y");
    struct compiled compiled = compile(maker.graph, true);
    ck_assert_int_eq(compiled.plan->step_count, 1);
    free_compiled(&compiled);
    free_maker(&maker);
}
END_TEST

START_TEST(a_second_plan_of_a_model_adds_no_weights)
{
    struct graph_maker maker = make_random_network(3, 30);
    struct compiled first = compile(maker.graph, false);
    const struct plan_request request = request_for(maker.graph, first.store, false);
    struct plan *plan;
    struct weight_set *weights;
    size_t added_bytes;
    ck_assert_uint_eq(first.added_bytes, first.weights->bytes);
    ck_assert_int_eq(cop_plan_create(&request, &plan, &weights, &added_bytes, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(added_bytes, 0);
    ck_assert_uint_eq(weights->bytes, first.weights->bytes);
    for (int i = 0; i < weights->count; i++)
        ck_assert_ptr_eq(weights->addresses[i], first.weights->addresses[i]);
    free_compiled(&first);
    struct compiled alone = {.store = NULL, .plan = plan, .weights = weights};
    check_against_oracle(maker.graph, &alone, "after the first is gone");
    cop_plan_release(&plan);
    cop_weight_set_release(&weights);
    free_maker(&maker);
}
END_TEST

START_TEST(parts_that_nobody_reads_take_no_memory)
{
    struct graph_maker maker = make_graph(1);
    static const struct split_attrs attrs = {.axis = 1};
    const int x = add_input(&maker, "x", 4, (const int64_t[]){1, 12, 8, 8});
    const int y = add_unary(&maker, UNARY_TANH, 0, 0, x);
    const struct shape unknown = cop_shape_unknown();
    int parts[3];
    for (int i = 0; i < 3; i++)
        parts[i] = cop_graph_add_value(maker.graph, "", COP_DTYPE_UNKNOWN, &unknown, NULL);
    ck_assert_int_ge(
        cop_graph_add_node(maker.graph, OP_SPLIT, "split", "", &attrs, 1, &y, 3, parts, NULL), 0);
    add_output(&maker, add_unary(&maker, UNARY_RELU, 0, 0, parts[1]), "middle");
    struct compiled compiled = compile(maker.graph, true);
    const struct plan_step *split = &compiled.plan->steps[1];
    ck_assert_int_eq(split->dst[2].place, OPERAND_NONE);
    ck_assert_uint_lt(compiled.plan->arena_bytes, (12 + 8 + 1) * 64 * 4);
    check_against_oracle(maker.graph, &compiled, "split");
    free_compiled(&compiled);
    free_maker(&maker);
}
END_TEST

/* x reshaped as the model's second input says. */
static struct graph_maker make_reshape_model(void)
{
    struct graph_maker maker = make_graph(1);
    struct reshape_attrs attrs;
    memset(&attrs, 0, sizeof attrs);
    const int x = add_input(&maker, "x", 4, map);
    const struct shape two = cop_shape_of(1, (const int64_t[]){2});
    const int target = cop_graph_add_value(maker.graph, "target", COP_DTYPE_INT64, &two, NULL);
    ck_assert_int_ge(cop_graph_add_input(maker.graph, target, NULL, NULL), 0);
    const int y = add_op(&maker, OP_RESHAPE, &attrs, 2, (const int[]){x, target});
    add_output(&maker, add_unary(&maker, UNARY_RELU, 0, 0, y), "y");
    return maker;
}

static cop_status compile_with_constant(const struct graph *graph, const char *name,
                                        cop_dtype dtype, int64_t count, const void *elements,
                                        struct plan **plan, cop_error *error)
{
    struct weight_store *store;
    struct weight_set *weights;
    cop_constant constant = {name, NULL};
    ck_assert_int_eq(cop_ndarray_create(dtype, 1, &count, &constant.array, NULL), COP_STATUS_OK);
    memcpy(cop_ndarray_data(constant.array), elements, cop_ndarray_bytes(constant.array));
    ck_assert_int_eq(cop_weight_store_create(&store, NULL), COP_STATUS_OK);
    struct plan_request request = request_for(graph, store, false);
    request.constants = &constant;
    request.constant_count = 1;
    const cop_status status = cop_plan_create(&request, plan, &weights, NULL, error);
    cop_weight_set_release(&weights);
    cop_weight_store_release(&store);
    cop_ndarray_release(&constant.array);
    return status;
}

START_TEST(a_constant_decides_what_is_compiled_and_is_no_input)
{
    struct graph_maker maker = make_reshape_model();
    struct plan *plan;
    const int64_t target[] = {16, -1};
    ck_assert_int_eq(
        compile_with_constant(maker.graph, "target", COP_DTYPE_INT64, 2, target, &plan, NULL),
        COP_STATUS_OK);
    ck_assert_int_eq(plan->src_count, 1);
    ck_assert_str_eq(plan->srcs[0].name, "x");
    ck_assert_int_eq(plan->dsts[0].rank, 2);
    ck_assert_int_eq(plan->dsts[0].shape[0], 16);
    ck_assert_int_eq(plan->dsts[0].shape[1], 18);
    cop_plan_release(&plan);
    free_maker(&maker);
}
END_TEST

START_TEST(constants_that_do_not_fit_are_refused_by_name)
{
    const struct {
        const char *name;
        cop_dtype dtype;
        int64_t count;
    } cases[] = {{"nothing", COP_DTYPE_INT64, 2},
                 {NULL, COP_DTYPE_INT64, 2},
                 {"target", COP_DTYPE_INT32, 2},
                 {"target", COP_DTYPE_INT64, 3}};
    const int64_t target[] = {16, -1, 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct graph_maker maker = make_reshape_model();
        struct plan *plan;
        cop_error error;
        ck_assert_int_eq(compile_with_constant(maker.graph, cases[i].name, cases[i].dtype,
                                               cases[i].count, target, &plan, &error),
                         COP_STATUS_INVALID_ARGUMENT);
        ck_assert_ptr_null(plan);
        ck_assert_ptr_nonnull(strstr(error.message, "constant '"));
        free_maker(&maker);
    }
}
END_TEST

START_TEST(everything_that_is_missing_is_reported_at_once)
{
    struct graph_maker maker = make_graph(1);
    const struct shape shape = cop_shape_of(1, (const int64_t[]){4});
    const int x = cop_graph_add_value(maker.graph, "x", COP_DTYPE_BOOL, &shape, NULL);
    ck_assert_int_ge(cop_graph_add_input(maker.graph, x, NULL, NULL), 0);
    const int y = add_unary(&maker, UNARY_TANH, 0, 0, x);
    add_output(&maker, add_unary(&maker, UNARY_ERF, 0, 0, y), "y");
    struct weight_store *store;
    struct plan *plan;
    struct weight_set *weights;
    cop_error error;
    ck_assert_int_eq(cop_weight_store_create(&store, NULL), COP_STATUS_OK);
    const struct plan_request request = request_for(maker.graph, store, false);
    ck_assert_int_eq(cop_plan_create(&request, &plan, &weights, NULL, &error),
                     COP_STATUS_UNSUPPORTED);
    ck_assert_ptr_null(plan);
    ck_assert_ptr_null(weights);
    ck_assert_ptr_nonnull(strstr(error.message, "node 'n0'"));
    ck_assert_ptr_nonnull(strstr(error.message, "node 'n1'"));
    cop_weight_store_release(&store);
    free_maker(&maker);
}
END_TEST

/* Compiles with the k-th allocation failing; negative: none. Returns how many there were. */
static uint64_t compile_with_failure(const struct graph *graph, cop_device_kind device, int64_t k)
{
    struct weight_store *store;
    struct plan *plan;
    struct weight_set *weights;
    size_t added_bytes;
    cop_error error = {0};
    const size_t before = cop_alloc_counters().live_bytes;
    ck_assert_int_eq(cop_weight_store_create(&store, NULL), COP_STATUS_OK);
    struct plan_request request = request_for(graph, store, false);
    request.device.kind = device;
    const uint64_t begin = cop_alloc_counters().allocations;
    cop_alloc_fail_after(k, 0);
    const cop_status status = cop_plan_create(&request, &plan, &weights, &added_bytes, &error);
    cop_alloc_fail_after(-1, 0);
    const uint64_t count = cop_alloc_counters().allocations - begin;
    /* What only saves memory or time may fail without harm. */
    if (status != COP_STATUS_OK && (status != COP_STATUS_OUT_OF_MEMORY || plan != NULL ||
                                    weights != NULL || error.message[0] == '\0'))
        ck_abort_msg("allocation %d: %s %s", (int)k, cop_status_name(status), error.message);
    cop_plan_release(&plan);
    cop_weight_set_release(&weights);
    cop_weight_store_release(&store);
    if (cop_alloc_counters().live_bytes != before)
        ck_abort_msg("allocation %d leaked %zu bytes", (int)k,
                     cop_alloc_counters().live_bytes - before);
    return status == COP_STATUS_OK ? count : 0;
}

static void fail_every_allocation(cop_device_kind device, uint32_t seed, int nodes)
{
    struct graph_maker maker = make_random_network(seed, nodes);
    struct device_chain chain; /* devices stay open */
    ck_assert_int_eq(cop_device_chain((cop_device){device, 0}, &chain, NULL), COP_STATUS_OK);
    const uint64_t count = compile_with_failure(maker.graph, device, -1);
    ck_assert_uint_gt(count, 100);
    int failures = 0;
    for (uint64_t k = 0; k < count; k++)
        failures += compile_with_failure(maker.graph, device, (int64_t)k) == 0;
    ck_assert_int_gt(failures, (int)count * 9 / 10);
    free_maker(&maker);
}

START_TEST(every_failed_allocation_is_reported_and_leaks_nothing)
{
    fail_every_allocation(COP_DEVICE_REF, 11, 25);
    fail_every_allocation(COP_DEVICE_CPU, 15, 12);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "plan_create", random_networks_compute_what_their_nodes_say,
        activations_take_the_memory_of_what_they_read, a_concatenation_of_whole_maps_is_no_step,
        a_concatenation_that_cannot_be_placed_is_copied,
        results_go_straight_into_the_callers_memory,
        inputs_weights_and_repeated_values_can_be_outputs, nodes_that_nobody_needs_do_not_run,
        parts_that_nobody_reads_take_no_memory, a_second_plan_of_a_model_adds_no_weights,
        a_constant_decides_what_is_compiled_and_is_no_input,
        constants_that_do_not_fit_are_refused_by_name,
        everything_that_is_missing_is_reported_at_once,
        every_failed_allocation_is_reported_and_leaks_nothing);
}
