// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of what a client does all the time fails once, and then all from there on: a
 * text, nothing is left behind, results are untouched, empty arrays empty, and the next call works.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mxnet/c_predict_api.h>
#include <nnvm/c_api.h>

#include "base/alloc.h"
#include "mxnet/mx_client.h"

/* What the acts work with; made without faults. */
static SymbolHandle symbol;
static CachedOpHandle op;
static NDArrayHandle data, tall, weight, bias, given;
static char *params;
static size_t params_size;
static PredictorHandle predictor;
static NDArrayHandle untouched;

static void set_stage(void)
{
    const char *bytes, *key = "data", *names[] = {"arg:fc_weight", "arg:fc_bias"};
    char path[] = "/tmp/mx_memory_XXXXXX";
    symbol = mx_symbol(MX_DENSE_JSON);
    MX(MXCreateCachedOpEX(symbol, 0, NULL, NULL, &op, true));
    data = mx_ramp_2(2, 3, 0, 1);
    tall = mx_ramp_2(5, 3, 0, 1);
    weight = mx_ramp_2(2, 3, 1, 1);
    bias = mx_ramp_1(2, 10, 1);
    given = mx_ramp_2(2, 2, 7, 0);
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    NDArrayHandle arrays[] = {weight, bias};
    MX(MXNDArraySave(path, 2, arrays, names));
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    params = malloc(4096);
    params_size = fread(params, 1, 4096, file);
    fclose(file);
    unlink(path);
    MX(MXPredCreate(MX_DENSE_JSON, params, (int)params_size, 1, 0, 1, &key,
                    (const uint32_t[]){0, 2}, (const uint32_t[]){2, 3}, &predictor));
    MX(MXSymbolSaveToJSON(symbol, &bytes)); /* a text slot of the thread */
    untouched = &symbol;
}

static void clear_stage(void)
{
    MX(MXPredFree(predictor));
    free(params);
    NDArrayHandle arrays[] = {data, tall, weight, bias, given};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        MX(MXNDArrayFree(arrays[i]));
    MX(MXFreeCachedOp(op));
    MX(MXSymbolFree(symbol));
}

static void free_arrays(int count, const NDArrayHandle *arrays)
{
    for (int i = 0; i < count; i++)
        MX(MXNDArrayFree(arrays[i]));
}

/* One invocation that makes its output; its first element must be `expected`, if that is no
 * negative number. */
static int invoke_new(CachedOpHandle handle, NDArrayHandle input, float expected)
{
    NDArrayHandle inputs[] = {input, weight, bias}, *outputs = NULL;
    int count = 0;
    if (MXInvokeCachedOp(handle, 3, inputs, &count, &outputs) != 0) {
        ck_assert_ptr_null(outputs);
        return -1;
    }
    const NDArrayHandle output = outputs[0];
    float values[10];
    const int result = MXNDArraySyncCopyToCPU(output, values, input == tall ? 10 : 4);
    if (result == 0 && expected >= 0)
        ck_assert_float_eq(values[0], expected);
    MX(MXNDArrayFree(output));
    return result;
}

static int create_op(CachedOpHandle *made)
{
    *made = untouched;
    const int result = MXCreateCachedOpEX(symbol, 0, NULL, NULL, made, true);
    if (result != 0)
        ck_assert_ptr_eq(*made, untouched);
    return result;
}

/* The life of an operator: shapes change, a parameter is written, parameters are other arrays. */
static int live(void)
{
    static const float first[] = {1, 2, 3, 4, 5, 6}, second[] = {0, 0, 100, 0, 0, 0};
    CachedOpHandle own;
    if (create_op(&own) != 0)
        return -1;
    int result = MXNDArraySyncCopyFromCPU(weight, first, 6);
    if (result == 0)
        result = invoke_new(own, data, 18);
    if (result == 0)
        result = invoke_new(own, tall, 18);
    if (result == 0)
        result = invoke_new(own, data, 18);
    if (result == 0)
        result = MXNDArraySyncCopyFromCPU(weight, second, 6);
    if (result == 0)
        result = invoke_new(own, data, 210);
    MX(MXFreeCachedOp(own));
    return result;
}

static int rank_of(NDArrayHandle array)
{
    uint32_t rank = 77;
    const uint32_t *shape;
    MX(MXNDArrayGetShape(array, &rank, &shape));
    return (int)rank;
}

/* An empty array is filled, one with memory is written; either only if all is well. The asking is
 * done without faults. */
static int fill(void)
{
    NDArrayHandle inputs[] = {data, weight, bias}, own_none;
    CachedOpHandle own;
    int count = 1;
    if (create_op(&own) != 0)
        return -1;
    int result = MXNDArrayCreateNone(&own_none);
    if (result == 0) {
        NDArrayHandle *outputs = &own_none;
        result = MXInvokeCachedOp(own, 3, inputs, &count, &outputs);
        ck_assert_int_eq(rank_of(own_none), result == 0 ? 2 : 0);
        MX(MXNDArrayFree(own_none));
    }
    MX(MXFreeCachedOp(own));
    return result;
}

static int write_given(void)
{
    static const float sevens[] = {7, 7, 7, 7};
    NDArrayHandle inputs[] = {data, weight, bias}, outputs[] = {given}, *list = outputs;
    CachedOpHandle own;
    int count = 1;
    if (create_op(&own) != 0)
        return -1;
    int result = MXNDArraySyncCopyFromCPU(given, sevens, 4);
    if (result == 0) {
        float values[4];
        result = MXInvokeCachedOp(own, 3, inputs, &count, &list);
        ck_assert_ptr_eq(list, outputs);
        ck_assert_ptr_eq(outputs[0], given);
        if (MXNDArraySyncCopyToCPU(given, values, 4) == 0 && result != 0)
            ck_assert_float_eq(values[3], 7);
    }
    MX(MXFreeCachedOp(own));
    return result;
}

static int run_operator(void)
{
    static int scalar;
    char value[16];
    const char *key = "scalar", *text = value;
    NDArrayHandle *outputs = NULL;
    AtomicSymbolCreator creator;
    int count = 0;
    snprintf(value, sizeof value, "%d", ++scalar); /* an operator that was not there before */
    MX(NNGetOpHandle("_plus_scalar", &creator));
    if (MXImperativeInvoke(creator, 1, &data, &count, &outputs, 1, &key, &text) != 0) {
        ck_assert_ptr_null(outputs);
        return -1;
    }
    free_arrays(1, &outputs[0]);
    return 0;
}

static int predict(void)
{
    const char *key = "data";
    const float input[] = {0, 1, 2, 3, 4, 5};
    float output[4] = {0};
    PredictorHandle made = untouched;
    if (MXPredCreate(MX_DENSE_JSON, params, (int)params_size, 1, 0, 1, &key,
                     (const uint32_t[]){0, 2}, (const uint32_t[]){2, 3}, &made) != 0) {
        ck_assert_ptr_eq(made, untouched);
        return -1;
    }
    int result = MXPredSetInput(made, key, input, 6);
    if (result == 0)
        result = MXPredForward(made);
    if (result == 0)
        result = MXPredGetOutput(made, 0, output, 4);
    if (result == 0)
        ck_assert_float_eq(output[0], 18);
    MX(MXPredFree(made));
    return result;
}

static int predict_on_threads(void)
{
    const char *key = "data";
    PredictorHandle made[3] = {untouched, untouched, untouched};
    const int result =
        MXPredCreateMultiThread(MX_DENSE_JSON, params, (int)params_size, 1, 0, 1, &key,
                                (const uint32_t[]){0, 2}, (const uint32_t[]){2, 3}, 3, made);
    for (int i = 0; i < 3; i++)
        if (result == 0)
            MX(MXPredFree(made[i]));
        else
            ck_assert_ptr_eq(made[i], untouched);
    return result;
}

static int reshape_predictor(void)
{
    const char *key = "data";
    PredictorHandle made = untouched;
    const int result = MXPredReshape(1, &key, (const uint32_t[]){0, 2}, (const uint32_t[]){4, 3},
                                     predictor, &made);
    if (result == 0)
        MX(MXPredFree(made));
    else
        ck_assert_ptr_eq(made, untouched);
    return result;
}

static int execute(void)
{
    NDArrayHandle arguments[] = {data, weight, bias}, *outputs;
    ExecutorHandle made = untouched;
    uint32_t count = 77;
    if (MXExecutorBind(symbol, 1, 0, 3, arguments, NULL, NULL, 0, NULL, &made) != 0) {
        ck_assert_ptr_eq(made, untouched);
        return -1;
    }
    int result = MXExecutorForward(made, 0);
    if (result == 0)
        result = MXExecutorOutputs(made, &count, &outputs);
    ck_assert_uint_eq(count, result == 0 ? 1 : 77);
    if (result == 0)
        free_arrays(1, outputs);
    MX(MXExecutorFree(made));
    return result;
}

static int build_symbol(void)
{
    const char *key = "num_hidden", *value = "2", *names[] = {"data"}, *json;
    AtomicSymbolCreator creator;
    SymbolHandle made, variable = NULL;
    uint32_t sizes[3];
    const uint32_t *ranks[3], **shapes[3], offsets[] = {0, 2}, dims[] = {2, 3};
    int complete;
    MX(NNGetOpHandle("FullyConnected", &creator));
    if (MXSymbolCreateAtomicSymbol(creator, 1, &key, &value, &made) != 0)
        return -1;
    int result = MXSymbolCreateVariable("data", &variable);
    if (result == 0)
        result = MXSymbolCompose(made, "fc", 1, names, &variable);
    if (result == 0)
        result = MXSymbolInferShape(made, 1, names, offsets, dims, &sizes[0], &ranks[0], &shapes[0],
                                    &sizes[1], &ranks[1], &shapes[1], &sizes[2], &ranks[2],
                                    &shapes[2], &complete);
    if (result == 0)
        result = MXSymbolSaveToJSON(made, &json);
    MX(MXSymbolFree(variable));
    MX(MXSymbolFree(made));
    return result;
}

static int read_symbol(void)
{
    SymbolHandle made = untouched;
    const int result = MXSymbolCreateFromJSON(MX_CLASSIFIER_JSON, &made);
    if (result == 0)
        MX(MXSymbolFree(made));
    else
        ck_assert_ptr_eq(made, untouched);
    return result;
}

/* How many allocations failed until it succeeded. */
static int fail_each(int (*act)(void), bool is_cached, int for_ever)
{
    for (int i = 0; i < 300; i++) { /* what stays with the thread and the process is there */
        MX(act());
        if (!is_cached && i == 3)
            break;
    }
    for (int successes = 0;; successes++) {
        const size_t before = cop_alloc_counters().live_bytes;
        cop_alloc_fail_after(successes, for_ever);
        const int result = act();
        const bool has_failed = cop_alloc_has_failed();
        cop_alloc_fail_after(-1, 0);
        const size_t after = cop_alloc_counters().live_bytes;
        ck_assert_msg(is_cached || after == before, "allocation %d: %zd bytes stay", successes,
                      (ssize_t)(after - before));
        if (!has_failed) {
            ck_assert_int_eq(result, 0);
            return successes;
        }
        ck_assert(result == 0 || strstr(MXGetLastError(), "memory") != NULL);
        MX(act()); /* nothing is broken */
        MX(invoke_new(op, data, -1));
    }
}

static const struct act {
    const char *name;
    int (*act)(void);
    bool is_cached; /* the process keeps what it made of the latest */
    int least;      /* allocations that it is known to make */
} acts[] = {
    {"live", live, false, 100},
    {"fill", fill, false, 50},
    {"write_given", write_given, false, 50},
    {"run_operator", run_operator, true, 20},
    {"predict", predict, false, 50},
    {"predict_on_threads", predict_on_threads, false, 20},
    {"reshape_predictor", reshape_predictor, false, 10},
    {"execute", execute, false, 50},
    {"build_symbol", build_symbol, false, 10},
    {"read_symbol", read_symbol, false, 10},
};
#define ACTS ((int)(sizeof acts / sizeof acts[0]))

static void fail_all(const struct act *act, int for_ever)
{
    const int count = fail_each(act->act, act->is_cached, for_ever);
    ck_assert_msg(count >= act->least, "%s: %d allocations", act->name, count);
}

START_TEST(every_failed_allocation_is_told_and_leaves_nothing)
{
    fail_all(&acts[_i], 0);
}
END_TEST

START_TEST(memory_that_is_gone_for_good_is_told_and_leaves_nothing)
{
    fail_all(&acts[_i], 1);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("mx_memory");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_stage, clear_stage);
    tcase_add_loop_test(cases, every_failed_allocation_is_told_and_leaves_nothing, 0, ACTS);
    tcase_add_loop_test(cases, memory_that_is_gone_for_good_is_told_and_leaves_nothing, 0, ACTS);
    return run_case("mx_memory", cases);
}
