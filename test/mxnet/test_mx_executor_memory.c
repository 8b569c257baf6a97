// SPDX-License-Identifier: Apache-2.0
/* Every allocation fails once while executors, predictors and lists are made and used: a text,
 * nothing left, no result. */
#include <mxnet/c_predict_api.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mxnet/mx_client.h"

/* What the acts work with; made without faults. */
static struct {
    SymbolHandle symbol;
    NDArrayHandle arguments[4];
    ExecutorHandle executor;
    PredictorHandle predictor;
    char parameters[4096];
    int parameters_size;
} stage;

static void *const untouched = &stage;
static const char *data_key[] = {"data"};
static const uint32_t offsets[] = {0, 2}, two_rows[] = {2, 3}, one_row[] = {1, 3};

static void read_parameters(void)
{
    char path[] = "/tmp/mx_executor_XXXXXX";
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    MX(MXNDArraySave(path, 2, stage.arguments + 1,
                     (const char *[]){"arg:fc_weight", "arg:fc_bias"}));
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    stage.parameters_size = (int)fread(stage.parameters, 1, sizeof stage.parameters, file);
    fclose(file);
    remove(path);
}

static int create_predictors(uint32_t output_count, int count, PredictorHandle *made)
{
    const char *outputs[] = {"fc", "softmax"};
    if (count > 1)
        return MXPredCreateMultiThread(MX_CLASSIFIER_JSON, stage.parameters, stage.parameters_size,
                                       1, 0, 1, data_key, offsets, two_rows, count, made);
    return MXPredCreatePartialOut(MX_CLASSIFIER_JSON, stage.parameters, stage.parameters_size, 1, 0,
                                  1, data_key, offsets, two_rows, output_count, outputs, made);
}

static void set_stage(void)
{
    stage.symbol = mx_symbol(MX_CLASSIFIER_JSON);
    stage.arguments[0] = mx_ramp_2(2, 3, 0, 1);
    stage.arguments[1] = mx_ramp_2(2, 3, 1, 1);
    stage.arguments[2] = mx_ramp_1(2, 10, 1);
    stage.arguments[3] = mx_ramp_1(2, 0, 0);
    read_parameters();
    MX(MXExecutorBind(stage.symbol, 1, 0, 4, stage.arguments, NULL, NULL, 0, NULL,
                      &stage.executor));
    MX(create_predictors(0, 1, &stage.predictor));
    MX(MXExecutorForward(stage.executor, 0));
    MX(MXPredForward(stage.predictor));
}

static void clear_stage(void)
{
    MX(MXPredFree(stage.predictor));
    MX(MXExecutorFree(stage.executor));
    for (int i = 0; i < 4; i++)
        MX(MXNDArrayFree(stage.arguments[i]));
    MX(MXSymbolFree(stage.symbol));
}

static int bind(void)
{
    ExecutorHandle made = untouched;
    const int result =
        MXExecutorBind(stage.symbol, 1, 0, 4, stage.arguments, NULL, NULL, 0, NULL, &made);
    if (result != 0)
        ck_assert_ptr_eq(made, untouched);
    else
        MX(MXExecutorFree(made));
    return result;
}

static int bind_and_run(void)
{
    ExecutorHandle made;
    if (MXExecutorBind(stage.symbol, 1, 0, 4, stage.arguments, NULL, NULL, 0, NULL, &made) != 0)
        return -1;
    const int result = MXExecutorForward(made, 0);
    MX(MXExecutorFree(made));
    return result;
}

static void free_all(uint32_t count, NDArrayHandle *arrays)
{
    for (uint32_t i = 0; i < count; i++)
        MX(MXNDArrayFree(arrays[i]));
}

static int bind_simply(void)
{
    ExecutorHandle made = untouched;
    uint32_t argument_count, auxiliary_count;
    NDArrayHandle *arguments, *gradients, *auxiliaries, *buffer;
    const char *shared[] = {"fc_weight", "fc_bias"}, *names[] = {"fc_weight"}, **buffer_names;
    const int dims[] = {2, 3};
    int length = 1;
    const int result = MXExecutorSimpleBindEx(
        stage.symbol, 1, 0, 0, NULL, NULL, NULL, 0, NULL, NULL, 1, data_key, dims, offsets, 0, NULL,
        NULL, 0, NULL, NULL, 2, shared, &length, names, stage.arguments + 1, &buffer_names, &buffer,
        &argument_count, &arguments, &gradients, &auxiliary_count, &auxiliaries, NULL, &made);
    ck_assert_int_eq(length, result == 0 ? 2 : 1);
    if (result != 0) {
        ck_assert_ptr_eq(made, untouched);
        return result;
    }
    free_all(argument_count, arguments);
    free_all(2, buffer);
    MX(MXExecutorFree(made));
    return result;
}

static int reshape_executor(void)
{
    ExecutorHandle made = untouched;
    uint32_t argument_count, auxiliary_count;
    NDArrayHandle *arguments, *gradients, *auxiliaries;
    const int dims[] = {1, 3};
    const int result = MXExecutorReshapeEx(1, 0, 1, 0, 0, NULL, NULL, NULL, 1, data_key, dims,
                                           offsets, &argument_count, &arguments, &gradients,
                                           &auxiliary_count, &auxiliaries, stage.executor, &made);
    if (result != 0) {
        ck_assert_ptr_eq(made, untouched);
        return result;
    }
    free_all(argument_count, arguments);
    MX(MXExecutorFree(made));
    return result;
}

static int get_outputs(void)
{
    uint32_t count = 77;
    NDArrayHandle *outputs;
    const int result = MXExecutorOutputs(stage.executor, &count, &outputs);
    ck_assert_uint_eq(count, result == 0 ? 1 : 77);
    if (result == 0)
        free_all(count, outputs);
    return result;
}

static int print(void)
{
    const char *text;
    return MXExecutorPrint(stage.executor, &text);
}

static void look(const char *name, NDArrayHandle array, void *user)
{
    (void)name, (void)user;
    MX(MXNDArrayFree(array));
}

static int watch(void)
{
    int result = MXExecutorSetMonitorCallbackEX(stage.executor, look, NULL, true);
    if (result == 0)
        result = MXExecutorForward(stage.executor, 0);
    MX(MXExecutorSetMonitorCallback(stage.executor, NULL, NULL));
    return result;
}

static int create_predictor(void)
{
    PredictorHandle made = untouched;
    const int result = create_predictors(2, 1, &made);
    if (result != 0)
        ck_assert_ptr_eq(made, untouched);
    else
        MX(MXPredFree(made));
    return result;
}

static int create_several(void)
{
    PredictorHandle made[3] = {untouched, untouched, untouched};
    const int result = create_predictors(0, 3, made);
    for (int i = 0; i < 3; i++)
        if (result != 0)
            ck_assert_ptr_eq(made[i], untouched);
        else
            MX(MXPredFree(made[i]));
    return result;
}

static int reshape_predictor(void)
{
    PredictorHandle made = untouched;
    const int result = MXPredReshape(1, data_key, offsets, one_row, stage.predictor, &made);
    if (result != 0)
        ck_assert_ptr_eq(made, untouched);
    else
        MX(MXPredFree(made));
    return result;
}

static int predict(void)
{
    float found[4];
    if (MXPredSetInput(stage.predictor, "data", (const float[]){1, 2, 3, 4, 5, 6}, 6) != 0 ||
        MXPredForward(stage.predictor) != 0)
        return -1;
    return MXPredGetOutput(stage.predictor, 0, found, 4);
}

static int list(void)
{
    NDListHandle made = untouched;
    uint32_t count;
    const int result = MXNDListCreate(stage.parameters, stage.parameters_size, &made, &count);
    if (result != 0)
        ck_assert_ptr_eq(made, untouched);
    else
        MX(MXNDListFree(made));
    return result;
}

/* How many allocations failed until it succeeded. */
static int fail_each(int (*act)(void))
{
    MX(act()); /* what stays with the thread and the process is there */
    const size_t before = cop_alloc_counters().live_bytes;
    for (int successes = 0;; successes++) {
        cop_alloc_fail_after(successes, 0);
        const int result = act();
        const bool has_failed = cop_alloc_has_failed();
        cop_alloc_fail_after(-1, 0);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
        if (!has_failed) {
            ck_assert_int_eq(result, 0);
            return successes;
        }
        if (result != 0)
            ck_assert_msg(strstr(MXGetLastError(), "memory") != NULL, "%s", MXGetLastError());
    }
}

START_TEST(every_failed_allocation_is_told_and_leaves_nothing)
{
    static const struct {
        int (*act)(void);
        int least; /* allocations that it is known to make */
    } acts[] = {
        {bind, 20},
        {bind_and_run, 40},
        {bind_simply, 30},
        {reshape_executor, 20},
        {get_outputs, 1},
        {print, 1},
        {watch, 20},
        {create_predictor, 30},
        {predict, 1},
        {create_several, 40},
        {reshape_predictor, 15},
        {list, 5},
    };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        const int count = fail_each(acts[i].act);
        ck_assert_msg(count >= acts[i].least, "act %zu: %d allocations", i, count);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("mx_executor_memory", set_stage, clear_stage,
                          every_failed_allocation_is_told_and_leaves_nothing);
}
