// SPDX-License-Identifier: Apache-2.0
/* CachedOp through its handles: values, parameters that change, outputs, and what is refused. */
#include <stdio.h>

#include "mxnet/mx_client.h"

static CachedOpHandle make_op(const char *json)
{
    SymbolHandle symbol = mx_symbol(json);
    CachedOpHandle op;
    MX(MXCreateCachedOpEX(symbol, 0, NULL, NULL, &op, true));
    MX(MXSymbolFree(symbol)); /* the operator has a copy */
    return op;
}

/* data [2,3] = 0…5, weight [2,3] = 1…6, bias [2] = 10, 11: the first output is 0·1 + 1·2 + 2·3
 * + 10. */
struct dense {
    CachedOpHandle op;
    NDArrayHandle inputs[3];
};

static struct dense make_dense(void)
{
    return (struct dense){
        .op = make_op(MX_DENSE_JSON),
        .inputs = {mx_ramp_2(2, 3, 0, 1), mx_ramp_2(2, 3, 1, 1), mx_ramp_1(2, 10, 1)}};
}

static void free_dense(struct dense *dense)
{
    for (int i = 0; i < 3; i++)
        MX(MXNDArrayFree(dense->inputs[i]));
    MX(MXFreeCachedOp(dense->op));
}

static float first_result(const struct dense *dense)
{
    int count = 0;
    NDArrayHandle *outputs = NULL, inputs[3];
    memcpy(inputs, dense->inputs, sizeof inputs);
    MX(MXInvokeCachedOp(dense->op, 3, inputs, &count, &outputs));
    ck_assert_int_eq(count, 1);
    const NDArrayHandle output = outputs[0];
    const float value = mx_element(output, 4, 0);
    MX(MXNDArrayFree(output));
    return value;
}

START_TEST(an_invocation_gives_the_right_values_shapes_and_types)
{
    struct dense dense = make_dense();
    int count = 0, rank, type;
    const int *shape, *storage_types;
    NDArrayHandle *outputs = NULL;
    MX(MXInvokeCachedOpEx(dense.op, 3, dense.inputs, &count, &outputs, &storage_types));
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(storage_types[0], 0);
    const NDArrayHandle output = outputs[0];
    MX(MXNDArrayGetShapeEx(output, &rank, &shape));
    ck_assert_int_eq(rank, 2);
    ck_assert_int_eq(shape[0], 2);
    ck_assert_int_eq(shape[1], 2);
    MX(MXNDArrayGetDType(output, &type));
    ck_assert_int_eq(type, 0);
    float values[4];
    MX(MXNDArraySyncCopyToCPU(output, values, 4));
    ck_assert_float_eq(values[0], 18);
    ck_assert_float_eq(values[1], 28);
    ck_assert_float_eq(values[2], 36);
    ck_assert_float_eq(values[3], 73);
    MX(MXNDArrayFree(output));
    free_dense(&dense);
}
END_TEST

START_TEST(parameters_that_are_overwritten_change_the_results)
{
    struct dense dense = make_dense();
    ck_assert_float_eq(first_result(&dense), 18);
    const float weight[] = {0, 0, 100, 0, 0, 0}, bias[] = {1, 2};
    MX(MXNDArraySyncCopyFromCPU(dense.inputs[1], weight, 6));
    ck_assert_float_eq(first_result(&dense), 210);
    MX(MXNDArraySyncCopyFromCPU(dense.inputs[2], bias, 2));
    ck_assert_float_eq(first_result(&dense), 201);
    ck_assert_float_eq(first_result(&dense), 201);
    free_dense(&dense);
}
END_TEST

START_TEST(parameters_written_through_a_view_or_a_pointer_change_the_results)
{
    struct dense dense = make_dense();
    NDArrayHandle row;
    void *address;
    const float zeros[3] = {0, 0, 0};
    ck_assert_float_eq(first_result(&dense), 18);
    MX(MXNDArraySlice(dense.inputs[1], 0, 1, &row));
    MX(MXNDArraySyncCopyFromCPU(row, zeros, 3));
    ck_assert_float_eq(first_result(&dense), 10);
    MX(MXNDArrayGetData(dense.inputs[1], &address));
    for (int i = 0; i < 20; i++) { /* at each call */
        ((float *)address)[1] = (float)i;
        ck_assert_float_eq(first_result(&dense), (float)(10 + i));
        ck_assert_float_eq(first_result(&dense), (float)(10 + i));
    }
    MX(MXNDArrayFree(row));
    free_dense(&dense);
}
END_TEST

START_TEST(parameters_may_be_new_arrays_at_every_call)
{
    struct dense dense = make_dense();
    for (int i = 0; i < 40; i++) {
        MX(MXNDArrayFree(dense.inputs[2]));
        dense.inputs[2] = mx_ramp_1(2, (float)i, 1);
        ck_assert_float_eq(first_result(&dense), (float)(8 + i));
    }
    free_dense(&dense);
}
END_TEST

START_TEST(shapes_may_change_from_call_to_call)
{
    struct dense dense = make_dense();
    for (int turn = 0; turn < 2; turn++)
        for (uint32_t batch = 1; batch <= 40; batch++) { /* more than are kept */
            MX(MXNDArrayFree(dense.inputs[0]));
            dense.inputs[0] = mx_ramp_2(batch, 3, 0, 1);
            int count = 0;
            NDArrayHandle *outputs = NULL;
            MX(MXInvokeCachedOp(dense.op, 3, dense.inputs, &count, &outputs));
            const NDArrayHandle output = outputs[0];
            const float last = (float)(3 * batch - 3);
            ck_assert_float_eq(mx_element(output, 2 * (size_t)batch, 2 * (size_t)batch - 2),
                               last * 1 + (last + 1) * 2 + (last + 2) * 3 + 10);
            MX(MXNDArrayFree(output));
        }
    free_dense(&dense);
}
END_TEST

START_TEST(empty_handles_are_filled_and_others_are_written)
{
    struct dense dense = make_dense();
    NDArrayHandle given[1], *outputs = given;
    int count = 1;
    MX(MXNDArrayCreateNone(&given[0]));
    MX(MXInvokeCachedOp(dense.op, 3, dense.inputs, &count, &outputs));
    ck_assert_ptr_eq(outputs, given);
    ck_assert_float_eq(mx_element(given[0], 4, 0), 18);
    const float zeros[4] = {0};
    MX(MXNDArraySyncCopyFromCPU(given[0], zeros, 4));
    MX(MXInvokeCachedOp(dense.op, 3, dense.inputs, &count, &outputs));
    ck_assert_float_eq(mx_element(given[0], 4, 3), 73);
    MX(MXNDArrayFree(given[0]));
    free_dense(&dense);
}
END_TEST

START_TEST(an_output_may_be_an_input)
{
    struct dense dense = make_dense();
    MX(MXNDArrayFree(dense.inputs[0]));
    MX(MXNDArrayFree(dense.inputs[1]));
    dense.inputs[0] = mx_ramp_2(2, 2, 1, 1);
    dense.inputs[1] = mx_ramp_2(2, 2, 0, 0);
    NDArrayHandle *outputs = &dense.inputs[0];
    int count = 1;
    MX(MXInvokeCachedOp(dense.op, 3, dense.inputs, &count, &outputs));
    ck_assert_float_eq(mx_element(dense.inputs[0], 4, 0), 10);
    ck_assert_float_eq(mx_element(dense.inputs[0], 4, 3), 11);
    free_dense(&dense);
}
END_TEST

START_TEST(outputs_that_do_not_fit_are_refused_and_stay_as_they_are)
{
    struct dense dense = make_dense();
    NDArrayHandle given[] = {mx_ramp_2(2, 3, 7, 0)}, *outputs = given;
    int count = 1;
    MX_FAILS(MXInvokeCachedOp(dense.op, 3, dense.inputs, &count, &outputs), "output 0");
    ck_assert_float_eq(mx_element(given[0], 6, 5), 7);
    count = 2;
    MX_FAILS(MXInvokeCachedOp(dense.op, 3, dense.inputs, &count, &outputs),
             "CachedOp expects 1 outputs, but 2 was given.");
    MX(MXNDArrayFree(given[0]));
    free_dense(&dense);
}
END_TEST

START_TEST(inputs_that_do_not_fit_are_refused_with_the_operator_and_the_shapes)
{
    struct dense dense = make_dense();
    NDArrayHandle *outputs = NULL, wrong[3];
    int count = 0;
    memcpy(wrong, dense.inputs, sizeof wrong);
    MX_FAILS(MXInvokeCachedOp(dense.op, 2, dense.inputs, &count, &outputs),
             "Check failed: inputs.size() == num_inputs()");
    wrong[1] = mx_ramp_2(2, 4, 0, 1);
    MX_FAILS(MXInvokeCachedOp(dense.op, 3, wrong, &count, &outputs), "Error in operator fc");
    ck_assert_ptr_null(outputs);
    MX(MXNDArrayFree(wrong[1]));
    wrong[1] = NULL;
    MX_FAILS(MXInvokeCachedOp(dense.op, 3, wrong, &count, &outputs), "inputs[1]");
    const uint32_t shape[] = {2, 3};
    MX(MXNDArrayCreate(shape, 2, 1, 1, 0, &wrong[1]));
    MX_FAILS(
        MXInvokeCachedOp(dense.op, 3, wrong, &count, &outputs),
        "CachedOp requires all inputs to live on the same context. But data is on cpu(0) while "
        "fc_weight is on cpu(1)");
    MX(MXNDArrayFree(wrong[1]));
    MX(MXNDArrayCreateNone(&wrong[1]));
    MX_FAILS(MXInvokeCachedOp(dense.op, 3, wrong, &count, &outputs), "fc_weight");
    MX(MXNDArrayFree(wrong[1]));
    ck_assert_float_eq(first_result(&dense), 18);
    free_dense(&dense);
}
END_TEST

START_TEST(labels_take_part_with_their_shape_only)
{
    CachedOpHandle op = make_op(MX_CLASSIFIER_JSON);
    NDArrayHandle inputs[] = {mx_ramp_2(2, 3, 0, 1), mx_ramp_2(2, 3, 0, 0), mx_ramp_1(2, 5, 0),
                              NULL};
    NDArrayHandle *outputs = NULL;
    int count = 0;
    for (int i = 0; i < 3; i++) {
        inputs[3] = mx_ramp_1(2, (float)i, 0);
        outputs = NULL;
        MX(MXInvokeCachedOp(op, 4, inputs, &count, &outputs));
        const NDArrayHandle output = outputs[0];
        ck_assert_float_eq(mx_element(output, 4, 0), 0.5F);
        MX(MXNDArrayFree(output));
        MX(MXNDArrayFree(inputs[3]));
    }
    inputs[3] = mx_ramp_1(3, 0, 0);
    outputs = NULL;
    MX_FAILS(MXInvokeCachedOp(op, 4, inputs, &count, &outputs), "Error in operator softmax");
    for (int i = 0; i < 4; i++)
        MX(MXNDArrayFree(inputs[i]));
    MX(MXFreeCachedOp(op));
}
END_TEST

START_TEST(an_output_that_is_an_input_shares_its_memory)
{
    CachedOpHandle op = make_op("{\"nodes\": [{\"op\": \"null\", \"name\": \"x\", \"inputs\": []},"
                                "{\"op\": \"relu\", \"name\": \"r\", \"inputs\": [[0, 0, 0]]}],"
                                "\"arg_nodes\": [0], \"heads\": [[1, 0, 0], [0, 0, 0]]}");
    NDArrayHandle input = mx_ramp_1(3, -1, 1), *outputs = NULL;
    int count = 0;
    MX(MXInvokeCachedOp(op, 1, &input, &count, &outputs));
    ck_assert_int_eq(count, 2);
    const NDArrayHandle relu = outputs[0], same = outputs[1];
    ck_assert_float_eq(mx_element(relu, 3, 0), 0);
    const float written[] = {7, 8, 9};
    MX(MXNDArraySyncCopyFromCPU(input, written, 3));
    ck_assert_float_eq(mx_element(same, 3, 2), 9);
    MX(MXNDArrayFree(relu));
    MX(MXNDArrayFree(same));
    MX(MXNDArrayFree(input));
    MX(MXFreeCachedOp(op));
}
END_TEST

static void expect_flag(SymbolHandle symbol, const char *key, const char *value, const char *text)
{
    CachedOpHandle op = NULL;
    if (text == NULL) {
        MX(MXCreateCachedOpEX(symbol, 1, &key, &value, &op, true));
        MX(MXFreeCachedOp(op));
        return;
    }
    MX_FAILS(MXCreateCachedOpEX(symbol, 1, &key, &value, &op, true), text);
    ck_assert_ptr_null(op);
}

START_TEST(flags_are_read_as_mxnet_reads_them)
{
    SymbolHandle symbol = mx_symbol(MX_DENSE_JSON);
    expect_flag(symbol, "static_alloc", "TRUE", NULL);
    expect_flag(symbol, "static_alloc", "yes",
                "Invalid Parameter format for static_alloc expect boolean but value='yes'");
    expect_flag(symbol, "static_shape", "true",
                "static_alloc must be True when static_shape is True");
    expect_flag(symbol, "nonsense", "1", "Cannot find argument 'nonsense', Possible Arguments:");
    expect_flag(symbol, "__mine__", "1", NULL);
    expect_flag(symbol, "data_indices", "[0]", "together do not cover the 3 inputs");
    expect_flag(symbol, "param_indices", "[0, 1L, 2, ]", NULL);
    expect_flag(symbol, "param_indices", "(0,1,1)", "index 1 is given twice");
    expect_flag(symbol, "param_indices", "(0,1,3)", "index 3 is no input");
    expect_flag(symbol, "param_indices", "[0, 1", "Invalid Parameter format for param_indices");
    expect_flag(symbol, "param_indices", "(0,1,99999999999999999999)", "no input of the graph");
    expect_flag(symbol, "data_indices", "None", NULL);
    expect_flag(symbol, "data_indices", "[]", NULL);
    expect_flag(symbol, "inline_limit", "-1", "Invalid Parameter format for inline_limit");
    expect_flag(symbol, "forward_bulk_size", "15", NULL);
    expect_flag(symbol, "is_dynamic", "1", "Dynamic shapes aren't supported");
    MX(MXSymbolFree(symbol));
}
END_TEST

START_TEST(null_and_wrong_handles_are_refused)
{
    struct dense dense = make_dense();
    CachedOpHandle op = NULL;
    NDArrayHandle *outputs = NULL;
    int count = 0;
    MX_FAILS(MXCreateCachedOp(NULL, &op), "NULL");
    MX_FAILS(MXCreateCachedOp(dense.inputs[0], &op), "an NDArray, expected a Symbol");
    MX_FAILS(MXCreateCachedOpEx(dense.op, -1, NULL, NULL, &op), "");
    MX_FAILS(MXInvokeCachedOp(NULL, 3, dense.inputs, &count, &outputs), "NULL");
    MX_FAILS(MXInvokeCachedOp(dense.inputs[0], 3, dense.inputs, &count, &outputs),
             "an NDArray, expected a CachedOp");
    MX_FAILS(MXInvokeCachedOp(dense.op, 3, NULL, &count, &outputs), "inputs");
    MX_FAILS(MXInvokeCachedOp(dense.op, 3, dense.inputs, NULL, &outputs), "num_outputs");
    MX_FAILS(MXInvokeCachedOp(dense.op, 3, dense.inputs, &count, NULL), "outputs");
    MX_FAILS(MXFreeCachedOp(dense.inputs[0]), "expected a CachedOp");
    MX_FAILS(MXCachedOpRegisterOpHook(NULL, NULL, false), "NULL");
    MX(MXFreeCachedOp(NULL));
    free_dense(&dense);
}
END_TEST

static int seen_count;
static char seen_names[8][32];

static void see(const char *name, const char *op, NDArrayHandle array)
{
    ck_assert_str_eq(op, "FullyConnected");
    ck_assert_float_eq(mx_element(array,
                                  strcmp(name, "fc_bias") == 0     ? 2
                                  : strcmp(name, "fc_output") == 0 ? 4
                                                                   : 6,
                                  0),
                       strcmp(name, "fc_bias") == 0     ? 10
                       : strcmp(name, "fc_output") == 0 ? 18
                       : strcmp(name, "fc_weight") == 0 ? 1
                                                        : 0);
    snprintf(seen_names[seen_count++], sizeof seen_names[0], "%s", name);
    MX(MXNDArrayFree(array));
}

START_TEST(a_hook_sees_the_values_on_the_way)
{
    struct dense dense = make_dense();
    MX(MXCachedOpRegisterOpHook(dense.op, see, true));
    ck_assert_float_eq(first_result(&dense), 18);
    ck_assert_int_eq(seen_count, 4);
    ck_assert_str_eq(seen_names[0], "fc_data");
    ck_assert_str_eq(seen_names[3], "fc_output");
    MX(MXCachedOpRegisterOpHook(dense.op, NULL, false));
    ck_assert_float_eq(first_result(&dense), 18);
    ck_assert_int_eq(seen_count, 4);
    free_dense(&dense);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mx_cached_op", an_invocation_gives_the_right_values_shapes_and_types,
        parameters_that_are_overwritten_change_the_results,
        parameters_written_through_a_view_or_a_pointer_change_the_results,
        parameters_may_be_new_arrays_at_every_call, shapes_may_change_from_call_to_call,
        empty_handles_are_filled_and_others_are_written, an_output_may_be_an_input,
        outputs_that_do_not_fit_are_refused_and_stay_as_they_are,
        inputs_that_do_not_fit_are_refused_with_the_operator_and_the_shapes,
        labels_take_part_with_their_shape_only, an_output_that_is_an_input_shares_its_memory,
        flags_are_read_as_mxnet_reads_them, null_and_wrong_handles_are_refused,
        a_hook_sees_the_values_on_the_way);
}
