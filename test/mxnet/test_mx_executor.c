// SPDX-License-Identifier: Apache-2.0
/* Executors: bound to a client's arrays or to their own, reshaped, and watched. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <nnvm/c_api.h>

#include "mxnet/mx_client.h"

/* data [2,3] = 0…5, weight [2,3] = 1…6, bias [2] = 10, 11: outputs are 18, 28, 36, 73. */
static const float dense_results[4] = {18, 28, 36, 73};

struct bound {
    SymbolHandle symbol;
    NDArrayHandle arguments[3];
    ExecutorHandle executor;
};

static struct bound bind_dense(void)
{
    struct bound bound = {
        .symbol = mx_symbol(MX_DENSE_JSON),
        .arguments = {mx_ramp_2(2, 3, 0, 1), mx_ramp_2(2, 3, 1, 1), mx_ramp_1(2, 10, 1)}};
    MX(MXExecutorBind(bound.symbol, 1, 0, 3, bound.arguments, NULL, NULL, 0, NULL,
                      &bound.executor));
    return bound;
}

static void free_bound(struct bound *bound)
{
    for (int i = 0; i < 3; i++)
        MX(MXNDArrayFree(bound->arguments[i]));
    MX(MXSymbolFree(bound->symbol));
    MX(MXExecutorFree(bound->executor));
}

/* The only output, as a handle of the caller's. */
static NDArrayHandle output_of(ExecutorHandle executor)
{
    uint32_t count = 0;
    NDArrayHandle *outputs = NULL;
    MX(MXExecutorOutputs(executor, &count, &outputs));
    ck_assert_uint_eq(count, 1);
    return outputs[0];
}

static void expect_dense(ExecutorHandle executor, const float *expected)
{
    float found[4];
    const NDArrayHandle output = output_of(executor);
    MX(MXNDArraySyncCopyToCPU(output, found, 4));
    for (int i = 0; i < 4; i++)
        ck_assert_float_eq(found[i], expected[i]);
    MX(MXNDArrayFree(output));
}

START_TEST(forward_reads_the_arguments_of_the_moment)
{
    struct bound bound = bind_dense();
    MX(MXExecutorForward(bound.executor, 0));
    expect_dense(bound.executor, dense_results);
    MX(MXNDArraySyncCopyFromCPU(bound.arguments[2], (const float[]){0, 0}, 2));
    expect_dense(bound.executor, dense_results); /* nothing happens by itself */
    MX(MXExecutorForward(bound.executor, 1));    /* training makes no difference here */
    expect_dense(bound.executor, (const float[]){8, 17, 26, 62});
    free_bound(&bound);
}
END_TEST

START_TEST(outputs_are_new_handles_of_memory_that_stays)
{
    struct bound bound = bind_dense();
    const NDArrayHandle early = output_of(bound.executor), again = output_of(bound.executor);
    ck_assert_ptr_ne(early, again);
    MX(MXExecutorForward(bound.executor, 0));
    ck_assert_float_eq(mx_element(early, 4, 3), 73);
    MX(MXExecutorFree(bound.executor));
    bound.executor = NULL; /* freed as such: NULL is allowed */
    ck_assert_float_eq(mx_element(again, 4, 3), 73);
    MX(MXNDArrayFree(early));
    MX(MXNDArrayFree(again));
    free_bound(&bound);
}
END_TEST

START_TEST(arguments_live_on_in_the_executor)
{
    struct bound bound = bind_dense();
    for (int i = 0; i < 3; i++)
        MX(MXNDArrayFree(bound.arguments[i]));
    MX(MXSymbolFree(bound.symbol));
    MX(MXExecutorForward(bound.executor, 0));
    expect_dense(bound.executor, dense_results);
    MX(MXExecutorFree(bound.executor));
}
END_TEST

START_TEST(gradients_and_groups_of_the_same_device_are_accepted)
{
    struct bound bound = bind_dense();
    ExecutorHandle executor = NULL;
    NDArrayHandle gradients[3] = {NULL, bound.arguments[1], NULL};
    uint32_t requests[3] = {0, 1, 3};
    const char *groups[] = {"first"};
    const int types[] = {1}, other[] = {2}, ids[] = {0};
    MX(MXExecutorBindEX(bound.symbol, 1, 0, 1, groups, types, ids, 3, bound.arguments, gradients,
                        requests, 0, NULL, bound.executor, &executor));
    MX(MXExecutorForward(executor, 0));
    expect_dense(executor, dense_results);
    MX(MXExecutorFree(executor));
    MX_FAILS(MXExecutorBindX(bound.symbol, 1, 0, 1, groups, other, ids, 3, bound.arguments,
                             gradients, requests, 0, NULL, &executor),
             "first");
    MX_FAILS(MXExecutorBindX(bound.symbol, 1, 0, 1, NULL, types, ids, 3, bound.arguments, gradients,
                             requests, 0, NULL, &executor),
             "NULL");
    free_bound(&bound);
}
END_TEST

/* What does not fit is named. */
START_TEST(arguments_that_do_not_fit_are_refused_by_name)
{
    struct bound bound = bind_dense();
    ExecutorHandle made = &bound;
    NDArrayHandle arguments[3] = {bound.arguments[0], bound.arguments[1], NULL};
#define BIND(count, list)                                                                          \
    MXExecutorBind(bound.symbol, 1, 0, count, list, NULL, NULL, 0, NULL, &made)
    MX_FAILS(BIND(2, bound.arguments), "3 arguments");
    MX_FAILS(BIND(3, NULL), "in_args");
    MX_FAILS(BIND(3, arguments), "fc_bias");
    MX(MXNDArrayCreateNone(&arguments[2]));
    MX_FAILS(BIND(3, arguments), "fc_bias");
    MX(MXNDArrayFree(arguments[2]));
    arguments[2] = mx_ramp_1(3, 0, 1);
    MX_FAILS(BIND(3, arguments), "fc");
    MX(MXNDArrayFree(arguments[2]));
    arguments[2] = bound.symbol;
    MX_FAILS(BIND(3, arguments), "a Symbol");
    MX_FAILS(MXExecutorBind(bound.symbol, 1, 1, 3, bound.arguments, NULL, NULL, 0, NULL, &made),
             "cpu(1)");
    MX_FAILS(MXExecutorBind(bound.symbol, 9, 0, 3, bound.arguments, NULL, NULL, 0, NULL, &made),
             "9");
    MX_FAILS(MXExecutorBind(NULL, 1, 0, 3, bound.arguments, NULL, NULL, 0, NULL, &made), "NULL");
    MX_FAILS(MXExecutorBind(bound.symbol, 1, 0, 3, bound.arguments, NULL, NULL, 0, NULL, NULL),
             "NULL");
    MX_FAILS(MXExecutorBind(bound.symbol, 1, 0, 3, bound.arguments, NULL, NULL, 1, NULL, &made),
             "aux_states");
    MX_FAILS(MXExecutorBindEX(bound.symbol, 1, 0, 0, NULL, NULL, NULL, 3, bound.arguments, NULL,
                              NULL, 0, NULL, bound.symbol, &made),
             "shared_exec");
    ck_assert_ptr_eq(made, &bound);
    free_bound(&bound);
}
END_TEST

START_TEST(null_and_wrong_handles_are_refused)
{
    struct bound bound = bind_dense();
    uint32_t count;
    NDArrayHandle *outputs;
    const char *text;
    for (int i = 0; i < 2; i++) {
        const ExecutorHandle wrong = i == 0 ? NULL : bound.arguments[0];
        MX_FAILS(MXExecutorForward(wrong, 0), i == 0 ? "NULL" : "an NDArray");
        MX_FAILS(MXExecutorOutputs(wrong, &count, &outputs), "handle");
        MX_FAILS(MXExecutorPrint(wrong, &text), "handle");
        MX_FAILS(MXExecutorSetMonitorCallback(wrong, NULL, NULL), "handle");
        MX_FAILS(MXExecutorSetMonitorCallbackEX(wrong, NULL, NULL, true), "handle");
    }
    MX_FAILS(MXExecutorFree(bound.symbol), "a Symbol");
    MX(MXExecutorFree(NULL));
    MX_FAILS(MXExecutorOutputs(bound.executor, NULL, &outputs), "NULL");
    MX_FAILS(MXExecutorOutputs(bound.executor, &count, NULL), "NULL");
    MX_FAILS(MXExecutorPrint(bound.executor, NULL), "NULL");
    free_bound(&bound);
}
END_TEST

START_TEST(printing_names_the_nodes_and_the_shapes)
{
    struct bound bound = bind_dense();
    const char *text = NULL;
    MX(MXExecutorPrint(bound.executor, &text));
    ck_assert_ptr_nonnull(strstr(text, "FullyConnected fc"));
    ck_assert_ptr_nonnull(strstr(text, "fc_weight: float32"));
    ck_assert_ptr_nonnull(strstr(text, "cpu(0)"));
    free_bound(&bound);
}
END_TEST

static SymbolHandle variable(const char *name)
{
    SymbolHandle symbol;
    MX(MXSymbolCreateVariable(name, &symbol));
    return symbol;
}

static SymbolHandle apply(const char *op, const char *name, uint32_t attribute_count,
                          const char **keys, const char **values, SymbolHandle *inputs,
                          uint32_t input_count)
{
    AtomicSymbolCreator creator;
    SymbolHandle symbol;
    MX(NNGetOpHandle(op, (OpHandle *)&creator));
    MX(MXSymbolCreateAtomicSymbol(creator, attribute_count, keys, values, &symbol));
    MX(MXSymbolCompose(symbol, name, input_count, NULL, inputs));
    for (uint32_t i = 0; i < input_count; i++)
        MX(MXSymbolFree(inputs[i]));
    return symbol;
}

/* relu(bn(data)) and data itself beside it, in one array. */
static SymbolHandle normalised(void)
{
    SymbolHandle data = variable("data");
    SymbolHandle bn = apply("BatchNorm", "bn", 0, NULL, NULL, &data, 1);
    SymbolHandle act = apply("Activation", "act", 1, (const char *[]){"act_type"},
                             (const char *[]){"relu"}, &bn, 1);
    SymbolHandle parts[] = {act, variable("data2")};
    return apply("Concat", "cat", 2, (const char *[]){"dim", "num_args"},
                 (const char *[]){"1", "2"}, parts, 2);
}

START_TEST(training_is_refused_where_it_makes_a_difference)
{
    const SymbolHandle symbol = normalised();
    NDArrayHandle arguments[4] = {mx_ramp_2(2, 3, -1, 1), mx_ramp_1(3, 1, 0), mx_ramp_1(3, 0, 0),
                                  mx_ramp_2(2, 3, 0, 1)};
    NDArrayHandle auxiliaries[2] = {mx_ramp_1(3, 0, 0), mx_ramp_1(3, 1, 0)};
    ExecutorHandle executor;
    MX(MXExecutorBind(symbol, 1, 0, 4, arguments, NULL, NULL, 2, auxiliaries, &executor));
    MX_FAILS(MXExecutorForward(executor, 1), "is_train");
    MX(MXExecutorForward(executor, 0));
    const NDArrayHandle output = output_of(executor);
    ck_assert_float_eq(mx_element(output, 12, 0), 0); /* relu of −1 */
    ck_assert_float_eq_tol(mx_element(output, 12, 2), 1, 1e-3f);
    MX(MXNDArrayFree(output));
    for (int i = 0; i < 4; i++)
        MX(MXNDArrayFree(arguments[i]));
    for (int i = 0; i < 2; i++)
        MX(MXNDArrayFree(auxiliaries[i]));
    MX(MXExecutorFree(executor));
    MX(MXSymbolFree(symbol));
}
END_TEST

/* Lists that making executors returns. */
struct lists {
    uint32_t argument_count, auxiliary_count;
    NDArrayHandle *arguments, *gradients, *auxiliaries;
    NDArrayHandle kept[8]; /* both lists, for freeing: the thread's are used again */
    const char **names;
    NDArrayHandle *buffer;
    int buffer_count;
};

/* Own copies of the lists, which the thread's next lists take the place of. */
static int keep(int result, struct lists *lists)
{
    if (result != 0)
        return result;
    ck_assert_uint_le(lists->argument_count + lists->auxiliary_count, 8);
    for (uint32_t i = 0; i < lists->argument_count; i++) {
        ck_assert_ptr_null(lists->gradients[i]);
        lists->kept[i] = lists->arguments[i];
    }
    for (uint32_t i = 0; i < lists->auxiliary_count; i++)
        lists->kept[lists->argument_count + i] = lists->auxiliaries[i];
    lists->arguments = lists->kept;
    lists->auxiliaries = lists->kept + lists->argument_count;
    return 0;
}

/* With shapes of `count` inputs of rank 2. */
static int bind_simply(SymbolHandle symbol, uint32_t count, const char **names, const int *dims,
                       struct lists *lists, ExecutorHandle *out)
{
    const uint32_t offsets[] = {0, 2, 4};
    const int result = MXExecutorSimpleBindEx(
        symbol, 1, 0, 0, NULL, NULL, NULL, 1, NULL, (const char *[]){"write"}, count, names, dims,
        offsets, 0, NULL, NULL, 0, NULL, NULL, 0, NULL, &lists->buffer_count, NULL, NULL,
        &lists->names, &lists->buffer, &lists->argument_count, &lists->arguments, &lists->gradients,
        &lists->auxiliary_count, &lists->auxiliaries, NULL, out);
    return keep(result, lists);
}

static int reshape(ExecutorHandle executor, bool partial, bool larger, const char *name,
                   const int *dims, struct lists *lists, ExecutorHandle *out)
{
    const uint32_t offsets[] = {0, 2};
    const int result =
        MXExecutorReshapeEx(partial, larger, 1, 0, 0, NULL, NULL, NULL, 1, &name, dims, offsets,
                            &lists->argument_count, &lists->arguments, &lists->gradients,
                            &lists->auxiliary_count, &lists->auxiliaries, executor, out);
    return keep(result, lists);
}

static void expect_shape(NDArrayHandle array, int rank, const int *shape)
{
    int found_rank;
    const int *found;
    MX(MXNDArrayGetShapeEx(array, &found_rank, &found));
    ck_assert_int_eq(found_rank, rank);
    for (int i = 0; i < rank; i++)
        ck_assert_int_eq(found[i], shape[i]);
}

static void free_lists(const struct lists *lists)
{
    for (uint32_t i = 0; i < lists->argument_count + lists->auxiliary_count; i++)
        MX(MXNDArrayFree(lists->kept[i]));
}

START_TEST(arrays_are_made_for_the_shapes_of_inputs)
{
    const SymbolHandle symbol = normalised();
    struct lists lists = {.buffer_count = -1};
    ExecutorHandle executor;
    MX(bind_simply(symbol, 2, (const char *[]){"data", "data2"}, (const int[]){2, 3, 2, 3}, &lists,
                   &executor));
    ck_assert_uint_eq(lists.argument_count, 4);
    ck_assert_uint_eq(lists.auxiliary_count, 2);
    ck_assert_int_eq(lists.buffer_count, -1);
    expect_shape(lists.arguments[0], 2, (const int[]){2, 3});
    expect_shape(lists.arguments[1], 1, (const int[]){3});
    expect_shape(lists.auxiliaries[1], 1, (const int[]){3});
    ck_assert_float_eq(mx_element(lists.arguments[1], 3, 2), 0); /* made of zeros */
    MX(MXNDArraySyncCopyFromCPU(lists.arguments[3], (const float[]){1, 2, 3, 4, 5, 6}, 6));
    MX(MXExecutorForward(executor, 0));
    const NDArrayHandle output = output_of(executor);
    ck_assert_float_eq(mx_element(output, 12, 11), 6);
    MX(MXNDArrayFree(output));
    free_lists(&lists);
    MX(MXExecutorFree(executor));
    MX(MXSymbolFree(symbol));
}
END_TEST

START_TEST(shapes_that_do_not_suffice_are_refused)
{
    const SymbolHandle symbol = mx_symbol(MX_CLASSIFIER_JSON);
    struct lists lists = {.buffer_count = -1};
    ExecutorHandle executor = NULL;
    const char *data = "data", *weight = "fc_weight", *nobody = "nobody", *null = NULL;
    MX_FAILS(bind_simply(symbol, 1, &weight, (const int[]){2, 3}, &lists, &executor), "data");
    MX_FAILS(bind_simply(symbol, 1, &data, (const int[]){0, 3}, &lists, &executor), "data");
    MX_FAILS(bind_simply(symbol, 1, &nobody, (const int[]){2, 3}, &lists, &executor), "data");
    MX_FAILS(bind_simply(symbol, 1, &null, (const int[]){2, 3}, &lists, &executor), "NULL");
    MX_FAILS(bind_simply(symbol, 1, NULL, (const int[]){2, 3}, &lists, &executor), "NULL");
    MX_FAILS(bind_simply(symbol, 1, &data, NULL, &lists, &executor), "NULL");
    MX_FAILS(bind_simply(NULL, 1, &data, (const int[]){2, 3}, &lists, &executor), "NULL");
    MX_FAILS(bind_simply(symbol, 1, &data, (const int[]){2, 3}, &lists, NULL), "NULL");
    MX_FAILS(bind_simply(symbol, 1, &data, (const int[]){1 << 30, 1 << 30}, &lists, &executor),
             "larger than");
    ck_assert_ptr_null(executor);
    MX(MXSymbolFree(symbol));
}
END_TEST

START_TEST(types_follow_from_those_that_are_given)
{
    const SymbolHandle symbol = mx_symbol(MX_DENSE_JSON);
    struct lists lists = {.buffer_count = -1};
    ExecutorHandle executor;
    const char *data = "data";
    const int dims[] = {2, 3}, half = 2, sparse = 1, nonsense = 77;
    const uint32_t offsets[] = {0, 2};
#define BIND_TYPED(type, storage_count)                                                            \
    MXExecutorSimpleBindEx(symbol, 1, 0, 0, NULL, NULL, NULL, 0, NULL, NULL, 1, &data, dims,       \
                           offsets, 1, &data, &type, storage_count, &data, &sparse, 0, NULL, NULL, \
                           NULL, NULL, NULL, NULL, &lists.argument_count, &lists.arguments,        \
                           &lists.gradients, &lists.auxiliary_count, &lists.auxiliaries, NULL,     \
                           &executor)
    MX(keep(BIND_TYPED(half, 0), &lists));
    int type;
    MX(MXNDArrayGetDType(lists.arguments[1], &type));
    ck_assert_int_eq(type, half);
    free_lists(&lists);
    MX(MXExecutorFree(executor));
    MX_FAILS(BIND_TYPED(nonsense, 0), "77");
    MX_FAILS(BIND_TYPED(half, 1), "dense");
    MX(MXSymbolFree(symbol));
}
END_TEST

START_TEST(a_buffer_of_arrays_is_shared_by_name)
{
    const SymbolHandle symbol = mx_symbol(MX_DENSE_JSON);
    struct lists lists = {.names = NULL};
    ExecutorHandle executor;
    const char *data = "data", *wanted[] = {"fc_weight", "fc_bias"}, *names[] = {"fc_weight"};
    const int dims[] = {2, 3};
    const uint32_t offsets[] = {0, 2};
    NDArrayHandle weight = mx_ramp_2(2, 3, 1, 1);
    lists.buffer_count = 1;
    MX(keep(MXExecutorSimpleBindEx(symbol, 1, 0, 0, NULL, NULL, NULL, 0, NULL, NULL, 1, &data, dims,
                                   offsets, 0, NULL, NULL, 0, NULL, NULL, 2, wanted,
                                   &lists.buffer_count, names, &weight, &lists.names, &lists.buffer,
                                   &lists.argument_count, &lists.arguments, &lists.gradients,
                                   &lists.auxiliary_count, &lists.auxiliaries, NULL, &executor),
            &lists));
    ck_assert_int_eq(lists.buffer_count, 2); /* the bias has joined */
    ck_assert_str_eq(lists.names[0], "fc_weight");
    ck_assert_str_eq(lists.names[1], "fc_bias");
    ck_assert_float_eq(mx_element(lists.arguments[1], 6, 5), 6);
    MX(MXNDArraySyncCopyFromCPU(lists.buffer[1], (const float[]){7, 8}, 2));
    ck_assert_float_eq(mx_element(lists.arguments[2], 2, 1), 8);
    for (int i = 0; i < 2; i++)
        MX(MXNDArrayFree(lists.buffer[i]));
    free_lists(&lists);
    MX(MXNDArrayFree(weight));
    MX(MXExecutorFree(executor));
    MX(MXSymbolFree(symbol));
}
END_TEST

START_TEST(a_reshaped_executor_shares_what_has_not_changed)
{
    struct bound bound = bind_dense();
    struct lists lists;
    ExecutorHandle smaller = NULL, larger = NULL;
    MX(reshape(bound.executor, false, false, "data", (const int[]){1, 3}, &lists, &smaller));
    ck_assert_uint_eq(lists.argument_count, 3);
    expect_shape(lists.arguments[0], 2, (const int[]){1, 3});
    MX(MXNDArraySyncCopyFromCPU(lists.arguments[0], (const float[]){1, 1, 1}, 3));
    MX(MXNDArraySyncCopyFromCPU(bound.arguments[2], (const float[]){0, 0}, 2));
    free_lists(&lists);
    MX(MXExecutorForward(smaller, 0));
    const NDArrayHandle output = output_of(smaller);
    ck_assert_float_eq(mx_element(output, 2, 0), 6); /* the bias is the first one's */
    MX(MXNDArrayFree(output));
    MX(MXExecutorForward(bound.executor, 0));
    expect_dense(bound.executor, (const float[]){8, 17, 26, 62}); /* the data is its own */
    MX_FAILS(reshape(bound.executor, true, false, "data", (const int[]){4, 3}, &lists, &larger),
             "allow_up_sizing");
    MX(reshape(bound.executor, false, true, "data", (const int[]){4, 3}, &lists, &larger));
    free_lists(&lists);
    MX(MXExecutorFree(larger));
    MX_FAILS(reshape(bound.executor, false, true, "data", (const int[]){2, 4}, &lists, &larger),
             "fc_weight");
    MX(reshape(bound.executor, true, true, "data", (const int[]){2, 4}, &lists, &larger));
    expect_shape(lists.arguments[1], 2, (const int[]){2, 4});
    free_lists(&lists);
    MX(MXExecutorFree(larger));
    larger = NULL;
    MX_FAILS(reshape(NULL, true, true, "data", (const int[]){2, 4}, &lists, &larger), "NULL");
    MX_FAILS(reshape(bound.symbol, true, true, "data", (const int[]){2, 4}, &lists, &larger),
             "a Symbol");
    MX_FAILS(reshape(bound.executor, true, true, "nobody", (const int[]){2, 4}, &lists, &larger),
             "data");
    ck_assert_ptr_null(larger);
    MX(MXExecutorFree(smaller));
    free_bound(&bound);
}
END_TEST

/* What a monitor sees: names, one after another. */
struct seen {
    char names[1024];
    int count;
    float last;
    ExecutorHandle unset_at_first; /* takes the monitor off, in the callback */
};

static void see(const char *name, NDArrayHandle array, void *user)
{
    struct seen *seen = user;
    const size_t length = strlen(seen->names);
    snprintf(seen->names + length, sizeof seen->names - length, "%s ", name);
    seen->count++;
    uint64_t elements = 1;
    int rank;
    const int *shape;
    MX(MXNDArrayGetShapeEx(array, &rank, &shape));
    for (int i = 0; i < rank; i++)
        elements *= (uint64_t)shape[i];
    seen->last = mx_element(array, elements, elements - 1);
    MX(MXNDArrayFree(array));
    if (seen->unset_at_first != NULL)
        MX(MXExecutorSetMonitorCallback(seen->unset_at_first, NULL, NULL));
}

START_TEST(a_monitor_sees_every_output_in_order)
{
    const SymbolHandle symbol = normalised();
    struct lists lists = {.buffer_count = -1};
    ExecutorHandle executor;
    struct seen seen = {.count = 0};
    MX(bind_simply(symbol, 2, (const char *[]){"data", "data2"}, (const int[]){2, 3, 2, 3}, &lists,
                   &executor));
    MX(MXNDArraySyncCopyFromCPU(lists.arguments[3], (const float[]){1, 2, 3, 4, 5, 6}, 6));
    MX(MXExecutorSetMonitorCallback(executor, see, &seen));
    MX(MXExecutorForward(executor, 0));
    ck_assert_str_eq(seen.names, "bn_output act_output cat_output ");
    ck_assert_float_eq(seen.last, 6);
    const NDArrayHandle output = output_of(executor);
    ck_assert_float_eq(mx_element(output, 12, 11), 6); /* results are there all the same */
    MX(MXNDArrayFree(output));
    seen = (struct seen){.count = 0};
    MX(MXExecutorSetMonitorCallbackEX(executor, see, &seen, true));
    MX(MXExecutorForward(executor, 0));
    ck_assert_str_eq(seen.names,
                     "data bn_data bn_gamma bn_gamma bn_beta bn_beta bn_moving_mean bn_moving_mean "
                     "bn_moving_var bn_moving_var bn_output act_data act_output cat_arg0 data2 "
                     "cat_arg1 cat_output ");
    seen = (struct seen){.unset_at_first = executor};
    MX(MXExecutorForward(executor, 0));
    ck_assert_int_gt(seen.count, 1); /* the run that it was taken off in goes on with it */
    seen.count = 0;
    MX(MXExecutorForward(executor, 0));
    ck_assert_int_eq(seen.count, 0);
    free_lists(&lists);
    MX(MXExecutorFree(executor));
    MX(MXSymbolFree(symbol));
}
END_TEST

static void look(const char *name, NDArrayHandle array, void *user)
{
    (void)name, (void)user;
    MX(MXNDArrayFree(array));
}

static void *run_often(void *executor)
{
    for (int i = 0; i < 50; i++)
        MX(MXExecutorForward(executor, 0));
    return NULL;
}

START_TEST(threads_may_share_an_executor_and_its_monitor)
{
    struct bound bound = bind_dense();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_often, bound.executor), 0);
    for (int i = 0; i < 50; i++)
        MX(MXExecutorSetMonitorCallback(bound.executor, i % 2 == 0 ? look : NULL, NULL));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    expect_dense(bound.executor, dense_results);
    free_bound(&bound);
}
END_TEST

START_TEST(an_output_that_is_an_input_is_its_memory)
{
    const SymbolHandle symbol = variable("data");
    NDArrayHandle data = mx_ramp_1(4, 0, 1);
    ExecutorHandle executor;
    struct seen seen = {.count = 0};
    MX(MXExecutorBind(symbol, 1, 0, 1, &data, NULL, NULL, 0, NULL, &executor));
    MX(MXExecutorForward(executor, 0));
    MX(MXNDArraySyncCopyFromCPU(data, (const float[]){4, 3, 2, 1}, 4));
    expect_dense(executor, (const float[]){4, 3, 2, 1});
    MX(MXExecutorSetMonitorCallbackEX(executor, see, &seen, true));
    MX(MXExecutorForward(executor, 0));
    expect_dense(executor, (const float[]){4, 3, 2, 1});
    MX(MXExecutorFree(executor));
    MX(MXNDArrayFree(data));
    MX(MXSymbolFree(symbol));
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mx_executor", forward_reads_the_arguments_of_the_moment,
        outputs_are_new_handles_of_memory_that_stays, arguments_live_on_in_the_executor,
        gradients_and_groups_of_the_same_device_are_accepted,
        arguments_that_do_not_fit_are_refused_by_name, null_and_wrong_handles_are_refused,
        printing_names_the_nodes_and_the_shapes, training_is_refused_where_it_makes_a_difference,
        arrays_are_made_for_the_shapes_of_inputs, shapes_that_do_not_suffice_are_refused,
        types_follow_from_those_that_are_given, a_buffer_of_arrays_is_shared_by_name,
        a_reshaped_executor_shares_what_has_not_changed, a_monitor_sees_every_output_in_order,
        threads_may_share_an_executor_and_its_monitor, an_output_that_is_an_input_is_its_memory);
}
