// SPDX-License-Identifier: Apache-2.0
/* The predict API on small networks that the test makes. */
#include <mxnet/c_predict_api.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mxnet/mx_client.h"

/* A parameter file's bytes, for the caller to free. */
struct bytes {
    char *bytes;
    int size;
};

static struct bytes save(uint32_t count, NDArrayHandle *arrays, const char **names)
{
    char path[] = "/tmp/mx_predict_XXXXXX";
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    MX(MXNDArraySave(path, count, arrays, names));
    close(fd);
    FILE *file = fopen(path, "rb"); /* saving puts another file in its place */
    ck_assert_ptr_nonnull(file);
    struct bytes made = {.bytes = malloc(1 << 16)};
    made.size = (int)fread(made.bytes, 1, 1 << 16, file);
    fclose(file);
    remove(path);
    for (uint32_t i = 0; i < count; i++)
        MX(MXNDArrayFree(arrays[i]));
    return made;
}

/* weight [2,3] = 1…6 and bias [2] = 10, 11; and something that nobody needs. */
static struct bytes dense_parameters(void)
{
    NDArrayHandle arrays[] = {mx_ramp_2(2, 3, 1, 1), mx_ramp_1(2, 10, 1), mx_ramp_1(5, 0, 1)};
    return save(3, arrays, (const char *[]){"arg:fc_weight", "arg:fc_bias", "arg:nobody"});
}

static const float ramp[6] = {0, 1, 2, 3, 4, 5};
static const float dense_results[4] = {18, 28, 36, 73};
static const char *data_key[] = {"data"};
static const uint32_t offsets[] = {0, 2}, two_rows[] = {2, 3}, one_row[] = {1, 3};

static PredictorHandle make_dense(void)
{
    struct bytes parameters = dense_parameters();
    PredictorHandle predictor = NULL;
    MX(MXPredCreate(MX_DENSE_JSON, parameters.bytes, parameters.size, 1, 0, 1, data_key, offsets,
                    two_rows, &predictor));
    memset(parameters.bytes, 0x55, (size_t)parameters.size); /* nothing of them is kept */
    free(parameters.bytes);
    return predictor;
}

static void expect_output(PredictorHandle predictor, uint32_t count, const float *expected)
{
    float found[16];
    ck_assert_uint_le(count, 16);
    MX(MXPredGetOutput(predictor, 0, found, count));
    for (uint32_t i = 0; i < count; i++)
        ck_assert_float_eq(found[i], expected[i]);
}

START_TEST(a_predictor_gives_the_right_values_shapes_and_types)
{
    const PredictorHandle predictor = make_dense();
    uint32_t *shape, rank;
    int type[2] = {77, 77};
    MX(MXPredGetOutputShape(predictor, 0, &shape, &rank)); /* before anything has run */
    ck_assert_uint_eq(rank, 2);
    ck_assert_uint_eq(shape[0], 2);
    ck_assert_uint_eq(shape[1], 2);
    MX(MXPredGetOutputType(predictor, 0, type));
    ck_assert_int_eq(type[0], 0);
    ck_assert_int_eq(type[1], 77);
    MX(MXPredSetInput(predictor, "data", ramp, 6));
    MX(MXPredForward(predictor));
    expect_output(predictor, 4, dense_results);
    MX(MXPredFree(predictor));
}
END_TEST

START_TEST(weights_may_be_set_as_inputs)
{
    const PredictorHandle predictor = make_dense();
    MX(MXPredSetInput(predictor, "data", ramp, 6));
    MX(MXPredForward(predictor));
    MX(MXPredSetInput(predictor, "fc_bias", (const float[]){0, 0}, 2));
    MX(MXPredForward(predictor));
    expect_output(predictor, 4, (const float[]){8, 17, 26, 62});
    MX(MXPredFree(predictor));
}
END_TEST

START_TEST(labels_need_nothing_and_missing_weights_are_named)
{
    struct bytes parameters = dense_parameters();
    PredictorHandle predictor = NULL;
    float found[4];
    MX(MXPredCreate(MX_CLASSIFIER_JSON, parameters.bytes, parameters.size, 1, 0, 1, data_key,
                    offsets, two_rows, &predictor));
    MX(MXPredSetInput(predictor, "data", ramp, 6));
    MX(MXPredForward(predictor));
    MX(MXPredGetOutput(predictor, 0, found, 4));
    ck_assert_float_eq_tol(found[0] + found[1], 1, 1e-6f);
    MX(MXPredFree(predictor));
    predictor = NULL;
    MX_FAILS(
        MXPredCreate(MX_CLASSIFIER_JSON, NULL, 0, 1, 0, 1, data_key, offsets, two_rows, &predictor),
        "fc_weight, fc_bias");
    ck_assert_ptr_null(predictor);
    free(parameters.bytes);
}
END_TEST

START_TEST(partial_steps_end_and_leave_the_results)
{
    const PredictorHandle predictor = make_dense();
    int left = 1, step = 0;
    MX(MXPredSetInput(predictor, "data", ramp, 6));
    for (; left != 0; step++)
        MX(MXPredPartialForward(predictor, step, &left));
    expect_output(predictor, 4, dense_results);
    left = 7;
    MX(MXPredPartialForward(predictor, 100, &left));
    ck_assert_int_eq(left, 0);
    MX_FAILS(MXPredPartialForward(predictor, -1, &left), "-1");
    MX_FAILS(MXPredPartialForward(predictor, 0, NULL), "NULL");
    MX_FAILS(MXPredPartialForward(NULL, 0, &left), "NULL");
    MX_FAILS(MXPredPartialForward(NULL, 1, &left), "NULL");
    MX(MXPredFree(predictor));
}
END_TEST

START_TEST(outputs_may_be_internal_nodes)
{
    struct bytes parameters = dense_parameters();
    PredictorHandle predictor = NULL;
    const char *keys[] = {"softmax", "fc"}, *wrong[] = {"fc", "nobody"}, *null[] = {NULL};
#define PARTIAL(count, keys)                                                                       \
    MXPredCreatePartialOut(MX_CLASSIFIER_JSON, parameters.bytes, parameters.size, 1, 0, 1,         \
                           data_key, offsets, two_rows, count, keys, &predictor)
    MX(PARTIAL(2, keys));
    MX(MXPredSetInput(predictor, "data", ramp, 6));
    MX(MXPredForward(predictor));
    float found[4];
    MX(MXPredGetOutput(predictor, 1, found, 4));
    for (int i = 0; i < 4; i++)
        ck_assert_float_eq(found[i], dense_results[i]);
    MX(MXPredFree(predictor));
    predictor = NULL;
    MX_FAILS(PARTIAL(2, wrong), "didn't find node name: nobody_output");
    MX_FAILS(PARTIAL(1, null), "NULL");
    MX_FAILS(PARTIAL(1, NULL), "NULL");
    ck_assert_ptr_null(predictor);
    free(parameters.bytes);
}
END_TEST

START_TEST(a_reshaped_predictor_stands_beside_the_first)
{
    const PredictorHandle first = make_dense();
    PredictorHandle second = NULL;
    MX(MXPredSetInput(first, "data", ramp, 6));
    MX(MXPredForward(first));
    MX(MXPredReshape(1, data_key, offsets, one_row, first, &second));
    MX(MXPredSetInput(second, "data", (const float[]){1, 1, 1}, 3));
    MX(MXPredForward(second));
    expect_output(second, 2, (const float[]){16, 26});
    expect_output(first, 4, dense_results);
    MX(MXPredSetInput(first, "fc_bias", (const float[]){0, 0}, 2)); /* weights are shared */
    MX(MXPredFree(first));
    MX(MXPredForward(second));
    expect_output(second, 2, (const float[]){6, 15});
    PredictorHandle third = NULL;
    MX_FAILS(MXPredReshape(1, data_key, offsets, (const uint32_t[]){1, 4}, second, &third), "fc");
    MX_FAILS(MXPredReshape(1, data_key, offsets, (const uint32_t[]){0, 3}, second, &third),
             "shape information");
    MX_FAILS(MXPredReshape(1, data_key, offsets, one_row, second, NULL), "NULL");
    MX_FAILS(MXPredReshape(1, data_key, offsets, one_row, NULL, &third), "NULL");
    MX_FAILS(MXPredReshape(1, NULL, offsets, one_row, second, &third), "NULL");
    MX_FAILS(MXPredReshape(0, NULL, NULL, NULL, second, &third), "data"); /* not inferable */
    ck_assert_ptr_null(third);
    MX(MXPredFree(second));
}
END_TEST

/* data + other, of one shape. */
#define SUM_JSON                                                                                   \
    "{\"nodes\": [{\"op\": \"null\", \"name\": \"data\", \"inputs\": []},"                         \
    "{\"op\": \"null\", \"name\": \"other\", \"inputs\": []},"                                     \
    "{\"op\": \"elemwise_add\", \"name\": \"sum\", \"inputs\": [[0, 0, 0], [1, 0, 0]]}],"          \
    "\"arg_nodes\": [0, 1], \"heads\": [[2, 0, 0]],"                                               \
    "\"attrs\": {\"mxnet_version\": [\"int\", 10901]}}"

START_TEST(a_reshaped_predictor_keeps_inputs_that_get_no_shape)
{
    PredictorHandle first, second;
    const char *keys[] = {"data", "other"};
    const uint32_t bounds[] = {0, 2, 4}, dims[] = {1, 3, 1, 3};
    MX(MXPredCreate(SUM_JSON, NULL, 0, 1, 0, 2, keys, bounds, dims, &first));
    MX(MXPredSetInput(first, "other", (const float[]){1, 2, 3}, 3));
    MX(MXPredReshape(1, data_key, offsets, one_row, first, &second));
    MX(MXPredSetInput(second, "data", (const float[]){10, 10, 10}, 3));
    MX(MXPredForward(second));
    expect_output(second, 3, (const float[]){11, 12, 13});
    MX(MXPredFree(first));
    MX(MXPredFree(second));
}
END_TEST

START_TEST(inputs_among_the_parameters_are_each_predictors_own)
{
    NDArrayHandle arrays[] = {mx_ramp_2(1, 3, 1, 1), mx_ramp_2(1, 3, 0, 0)};
    struct bytes parameters = save(2, arrays, (const char *[]){"arg:data", "arg:other"});
    PredictorHandle two[2], wide = NULL;
    MX(MXPredCreateMultiThread(SUM_JSON, parameters.bytes, parameters.size, 1, 0, 1, data_key,
                               offsets, one_row, 2, two));
    MX(MXPredSetInput(two[0], "data", (const float[]){7, 8, 9}, 3));
    MX(MXPredForward(two[0]));
    MX(MXPredForward(two[1]));
    expect_output(two[0], 3, (const float[]){7, 8, 9});
    expect_output(two[1], 3, (const float[]){1, 2, 3}); /* as in the file */
    MX_FAILS(MXPredCreate(SUM_JSON, parameters.bytes, parameters.size, 1, 0, 1, data_key, offsets,
                          two_rows, &wide),
             "'data' is [1,3]");
    ck_assert_ptr_null(wide);
    for (int i = 0; i < 2; i++)
        MX(MXPredFree(two[i]));
    free(parameters.bytes);
}
END_TEST

/* x · x, of two variables of one name. */
#define TWICE_JSON                                                                                 \
    "{\"nodes\": [{\"op\": \"null\", \"name\": \"data\", \"inputs\": []},"                         \
    "{\"op\": \"null\", \"name\": \"data\", \"inputs\": []},"                                      \
    "{\"op\": \"elemwise_mul\", \"name\": \"square\", \"inputs\": [[0, 0, 0], [1, 0, 0]]}],"       \
    "\"arg_nodes\": [0, 1], \"heads\": [[2, 0, 0]],"                                               \
    "\"attrs\": {\"mxnet_version\": [\"int\", 10901]}}"

START_TEST(variables_of_one_name_are_set_together)
{
    PredictorHandle predictor;
    MX(MXPredCreate(TWICE_JSON, NULL, 0, 1, 0, 1, data_key, offsets, one_row, &predictor));
    MX(MXPredSetInput(predictor, "data", (const float[]){1, 2, 3}, 3));
    MX(MXPredForward(predictor));
    expect_output(predictor, 3, (const float[]){1, 4, 9});
    MX(MXPredFree(predictor));
}
END_TEST

START_TEST(types_of_inputs_may_be_given_and_data_is_taken_as_such)
{
    NDArrayHandle halves[2];
    const uint32_t weight[] = {2, 3}, bias[] = {2};
    MX(MXNDArrayCreateEx(weight, 2, 1, 0, 0, 2, &halves[0]));
    MX(MXNDArrayCreateEx(bias, 1, 1, 0, 0, 2, &halves[1]));
    const uint16_t ones[6] = {0x3c00, 0x3c00, 0x3c00, 0x3c00, 0x3c00, 0x3c00};
    MX(MXNDArraySyncCopyFromCPU(halves[0], ones, 6));
    MX(MXNDArraySyncCopyFromCPU(halves[1], ones, 2));
    struct bytes parameters = save(2, halves, (const char *[]){"arg:fc_weight", "arg:fc_bias"});
    PredictorHandle predictor = NULL;
    const int half = 2, nonsense = 99;
    const char *null = NULL;
#define TYPED(names, types)                                                                        \
    MXPredCreateEx(MX_CLASSIFIER_JSON, parameters.bytes, parameters.size, 1, 0, 1, data_key,       \
                   offsets, two_rows, 1, names, types, &predictor)
    MX(TYPED(data_key, &half)); /* the label's type follows */
    int type;
    MX(MXPredGetOutputType(predictor, 0, &type));
    ck_assert_int_eq(type, 2);
    MX(MXPredSetInput(predictor, "data", (const void *)ones, 6));
    MX(MXPredForward(predictor));
    uint16_t found[4];
    MX(MXPredGetOutput(predictor, 0, (void *)found, 4));
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(found[i], 0x3800); /* a half each */
    MX(MXPredFree(predictor));
    predictor = NULL;
    MX_FAILS(TYPED(data_key, &nonsense), "99");
    MX_FAILS(TYPED(&null, &half), "NULL");
    MX_FAILS(TYPED(NULL, &half), "NULL");
    MX_FAILS(MXPredCreate(MX_DENSE_JSON, parameters.bytes, parameters.size, 1, 0, 1, data_key,
                          offsets, two_rows, &predictor),
             "fc"); /* floats that would be read as halves */
    ck_assert_ptr_null(predictor);
    free(parameters.bytes);
}
END_TEST

START_TEST(wrong_models_shapes_and_devices_are_refused)
{
    struct bytes parameters = dense_parameters();
    PredictorHandle made = NULL;
    const char *null[] = {NULL};
    const uint32_t backwards[] = {2, 0}, huge[] = {UINT32_MAX, UINT32_MAX}, zero[] = {0, 3},
                   long_offsets[] = {0, 200};
    uint32_t many[200];
    for (int i = 0; i < 200; i++)
        many[i] = 1;
#define CREATE(json, bytes, size, device, id, keys, bounds, dims)                                  \
    MXPredCreate(json, bytes, size, device, id, 1, keys, bounds, dims, &made)
#define CREATE_SHAPED(keys, bounds, dims)                                                          \
    CREATE(MX_DENSE_JSON, parameters.bytes, parameters.size, 1, 0, keys, bounds, dims)
    MX_FAILS(CREATE(NULL, parameters.bytes, parameters.size, 1, 0, data_key, offsets, two_rows),
             "symbol_json_str");
    MX_FAILS(CREATE("{", parameters.bytes, parameters.size, 1, 0, data_key, offsets, two_rows),
             "symbol_json_str");
    MX_FAILS(CREATE(MX_DENSE_JSON, parameters.bytes, -1, 1, 0, data_key, offsets, two_rows), "-1");
    MX_FAILS(CREATE(MX_DENSE_JSON, NULL, 10, 1, 0, data_key, offsets, two_rows), "param_bytes");
    MX_FAILS(CREATE(MX_DENSE_JSON, parameters.bytes, 10, 1, 0, data_key, offsets, two_rows), "");
    MX_FAILS(
        CREATE(MX_DENSE_JSON, parameters.bytes, parameters.size, 9, 0, data_key, offsets, two_rows),
        "9");
    MX_FAILS(CREATE_SHAPED(NULL, offsets, two_rows), "input_keys");
    MX_FAILS(CREATE_SHAPED(null, offsets, two_rows), "input_keys[0]");
    MX_FAILS(CREATE_SHAPED(data_key, NULL, two_rows), "NULL");
    MX_FAILS(CREATE_SHAPED(data_key, offsets, NULL), "NULL");
    MX_FAILS(CREATE_SHAPED(data_key, backwards, two_rows), "decrease");
    MX_FAILS(CREATE_SHAPED(data_key, offsets, huge), "");
    MX_FAILS(CREATE_SHAPED(data_key, long_offsets, many), "200 dimensions");
    MX_FAILS(CREATE_SHAPED(data_key, offsets, zero), "shape information");
    MX_FAILS(MXPredCreate(MX_DENSE_JSON, parameters.bytes, parameters.size, 1, 0, 0, NULL, NULL,
                          NULL, &made),
             "data");
    MX_FAILS(MXPredCreate(MX_DENSE_JSON, parameters.bytes, parameters.size, 1, 0, 1, data_key,
                          offsets, two_rows, NULL),
             "out");
    ck_assert_ptr_null(made);
    free(parameters.bytes);
}
END_TEST

START_TEST(unknown_keys_are_passed_over)
{
    struct bytes parameters = dense_parameters();
    PredictorHandle predictor;
    const char *keys[] = {"nobody", "data"};
    const uint32_t bounds[] = {0, 1, 3}, dims[] = {7, 2, 3};
    MX(MXPredCreate(MX_DENSE_JSON, parameters.bytes, parameters.size, 1, 0, 2, keys, bounds, dims,
                    &predictor));
    MX_FAILS(MXPredSetInput(predictor, "nobody", ramp, 6), "cannot find input key nobody");
    MX(MXPredFree(predictor));
    free(parameters.bytes);
}
END_TEST

START_TEST(null_wrong_handles_and_sizes_are_refused)
{
    const PredictorHandle predictor = make_dense();
    const NDArrayHandle array = mx_ramp_1(2, 0, 1);
    uint32_t *shape, rank;
    int type;
    float found[4];
    for (int i = 0; i < 2; i++) {
        const PredictorHandle wrong = i == 0 ? NULL : array;
        const char *text = i == 0 ? "NULL" : "an NDArray";
        MX_FAILS(MXPredForward(wrong), text);
        MX_FAILS(MXPredSetInput(wrong, "data", ramp, 6), text);
        MX_FAILS(MXPredGetOutput(wrong, 0, found, 4), text);
        MX_FAILS(MXPredGetOutputShape(wrong, 0, &shape, &rank), text);
        MX_FAILS(MXPredGetOutputType(wrong, 0, &type), text);
        MX_FAILS(MXPredSetMonitorCallback(wrong, NULL, NULL, false), text);
    }
    MX(MXPredFree(NULL));
    MX_FAILS(MXPredFree(array), "an NDArray");
    MX_FAILS(MXPredSetInput(predictor, NULL, ramp, 6), "NULL");
    MX_FAILS(MXPredSetInput(predictor, "data", NULL, 6), "NULL");
    MX_FAILS(MXPredSetInput(predictor, "data", ramp, 5), "Memory size do not match");
    MX_FAILS(MXPredGetOutput(predictor, 0, NULL, 4), "NULL");
    MX_FAILS(MXPredGetOutput(predictor, 0, found, 3), "Memory size do not match");
    MX_FAILS(MXPredGetOutput(predictor, 1, found, 4), "Output index out of range");
    MX_FAILS(MXPredGetOutputShape(predictor, 1, &shape, &rank), "Index exceed number of outputs");
    MX_FAILS(MXPredGetOutputShape(predictor, 0, NULL, &rank), "NULL");
    MX_FAILS(MXPredGetOutputShape(predictor, 0, &shape, NULL), "NULL");
    MX_FAILS(MXPredGetOutputType(predictor, 7, &type), "7");
    MX_FAILS(MXPredGetOutputType(predictor, 0, NULL), "NULL");
    MX(MXNDArrayFree(array));
    MX(MXPredFree(predictor));
}
END_TEST

static void count_values(const char *name, NDArrayHandle array, void *user)
{
    (void)name;
    (*(int *)user)++;
    MX(MXNDArrayFree(array));
}

START_TEST(a_monitor_sees_the_values_on_the_way)
{
    const PredictorHandle predictor = make_dense();
    int seen = 0;
    MX(MXPredSetInput(predictor, "data", ramp, 6));
    MX(MXPredSetMonitorCallback(predictor, count_values, &seen, false));
    MX(MXPredForward(predictor));
    ck_assert_int_eq(seen, 1);
    MX(MXPredSetMonitorCallback(predictor, count_values, &seen, true));
    MX(MXPredForward(predictor));
    ck_assert_int_eq(seen, 8); /* three variables, each under two names, and the output */
    MX(MXPredSetMonitorCallback(predictor, NULL, NULL, true));
    MX(MXPredForward(predictor));
    ck_assert_int_eq(seen, 8);
    expect_output(predictor, 4, dense_results);
    MX(MXPredFree(predictor));
}
END_TEST

#define THREADS 4

struct work {
    PredictorHandle predictor;
    float first;
    pthread_t thread;
};

/* Every thread has data of its own, and gets what belongs to it. */
static void *predict_often(void *argument)
{
    const struct work *work = argument;
    float data[6], found[4];
    for (int i = 0; i < 100; i++) {
        const float value = work->first + (float)i;
        for (int k = 0; k < 6; k++)
            data[k] = value;
        MX(MXPredSetInput(work->predictor, "data", data, 6));
        MX(MXPredForward(work->predictor));
        MX(MXPredGetOutput(work->predictor, 0, found, 4));
        for (int k = 0; k < 4; k++)
            ck_assert_float_eq(found[k], k % 2 == 0 ? 6 * value + 10 : 15 * value + 11);
    }
    return NULL;
}

START_TEST(predictors_of_one_call_have_inputs_of_their_own)
{
    struct bytes parameters = dense_parameters();
    PredictorHandle predictors[THREADS];
    struct work work[THREADS];
    MX(MXPredCreateMultiThread(MX_DENSE_JSON, parameters.bytes, parameters.size, 1, 0, 1, data_key,
                               offsets, two_rows, THREADS, predictors));
    free(parameters.bytes);
    for (int i = 0; i < THREADS; i++) {
        work[i] = (struct work){.predictor = predictors[i], .first = (float)(1000 * i)};
        ck_assert_int_eq(pthread_create(&work[i].thread, NULL, predict_often, &work[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(work[i].thread, NULL);
    for (int i = 0; i < THREADS; i++)
        MX(MXPredFree(predictors[i]));
}
END_TEST

START_TEST(numbers_of_threads_that_are_none_are_refused)
{
    struct bytes parameters = dense_parameters();
    PredictorHandle predictors[2] = {NULL, NULL};
    const int counts[] = {0, -1, INT32_MAX};
    for (int i = 0; i < 3; i++)
        MX_FAILS(MXPredCreateMultiThread(MX_DENSE_JSON, parameters.bytes, parameters.size, 1, 0, 1,
                                         data_key, offsets, two_rows, counts[i], predictors),
                 "num_threads");
    MX_FAILS(MXPredCreateMultiThread(MX_DENSE_JSON, NULL, 0, 1, 0, 1, data_key, offsets, two_rows,
                                     2, predictors),
             "fc_weight");
    MX_FAILS(MXPredCreateMultiThread(MX_DENSE_JSON, parameters.bytes, parameters.size, 1, 0, 1,
                                     data_key, offsets, two_rows, 2, NULL),
             "NULL");
    ck_assert_ptr_null(predictors[0]); /* all or none */
    ck_assert_ptr_null(predictors[1]);
    free(parameters.bytes);
}
END_TEST

static void *disturb(void *predictor)
{
    float found[4];
    for (int i = 0; i < 50; i++) {
        MX(MXPredSetInput(predictor, "data", ramp, 6));
        MX(MXPredForward(predictor));
        MX(MXPredGetOutput(predictor, 0, found, 4));
    }
    return NULL;
}

START_TEST(threads_that_share_a_predictor_do_no_harm)
{
    const PredictorHandle predictor = make_dense();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, disturb, predictor), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    expect_output(predictor, 4, dense_results);
    MX(MXPredFree(predictor));
}
END_TEST

START_TEST(lists_of_arrays_give_names_floats_and_shapes)
{
    struct bytes list = dense_parameters();
    NDListHandle handle = NULL;
    uint32_t count = 0, rank;
    const char *key;
    const float *elements;
    const uint32_t *shape;
    MX(MXNDListCreate(list.bytes, list.size, &handle, &count));
    ck_assert_uint_eq(count, 3);
    MX(MXNDListGet(handle, 0, &key, &elements, &shape, &rank));
    ck_assert_str_eq(key, "arg:fc_weight");
    ck_assert_uint_eq(rank, 2);
    ck_assert_uint_eq(shape[1], 3);
    ck_assert_float_eq(elements[5], 6);
    MX_FAILS(MXNDListGet(handle, 3, &key, &elements, &shape, &rank), "Index out of range");
    MX_FAILS(MXNDListGet(handle, 0, NULL, &elements, &shape, &rank), "NULL");
    MX_FAILS(MXNDListGet(handle, 0, &key, NULL, &shape, &rank), "NULL");
    MX_FAILS(MXNDListGet(handle, 0, &key, &elements, NULL, &rank), "NULL");
    MX_FAILS(MXNDListGet(handle, 0, &key, &elements, &shape, NULL), "NULL");
    MX_FAILS(MXNDListGet(NULL, 0, &key, &elements, &shape, &rank), "NULL");
    MX_FAILS(MXPredForward(handle), "an NDList");
    MX(MXNDListFree(handle));
    MX(MXNDListFree(NULL));
    handle = NULL;
    MX_FAILS(MXNDListCreate(NULL, 10, &handle, &count), "NULL");
    MX_FAILS(MXNDListCreate(list.bytes, -1, &handle, &count), "-1");
    MX_FAILS(MXNDListCreate(list.bytes, list.size / 2, &handle, &count), "");
    MX_FAILS(MXNDListCreate(list.bytes, list.size, NULL, &count), "NULL");
    MX_FAILS(MXNDListCreate(list.bytes, list.size, &handle, NULL), "NULL");
    ck_assert_ptr_null(handle);
    free(list.bytes);
    NDArrayHandle half;
    const uint32_t dims[] = {2};
    MX(MXNDArrayCreateEx(dims, 1, 1, 0, 0, 2, &half));
    list = save(1, &half, NULL);
    MX_FAILS(MXNDListCreate(list.bytes, list.size, &handle, &count), "float16");
    free(list.bytes);
    NDArrayHandle plain = mx_ramp_1(2, 5, 1);
    list = save(1, &plain, NULL);
    MX(MXNDListCreate(list.bytes, list.size, &handle, &count));
    MX(MXNDListGet(handle, 0, &key, &elements, &shape, &rank));
    ck_assert_str_eq(key, "");
    ck_assert_float_eq(elements[1], 6);
    MX(MXNDListFree(handle));
    PredictorHandle predictor = NULL;
    MX_FAILS(MXPredCreate(MX_DENSE_JSON, list.bytes, list.size, 1, 0, 1, data_key, offsets,
                          two_rows, &predictor),
             "Invalid param file format");
    free(list.bytes);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mx_predict", a_predictor_gives_the_right_values_shapes_and_types,
        weights_may_be_set_as_inputs, labels_need_nothing_and_missing_weights_are_named,
        partial_steps_end_and_leave_the_results, outputs_may_be_internal_nodes,
        a_reshaped_predictor_stands_beside_the_first,
        a_reshaped_predictor_keeps_inputs_that_get_no_shape,
        inputs_among_the_parameters_are_each_predictors_own, variables_of_one_name_are_set_together,
        types_of_inputs_may_be_given_and_data_is_taken_as_such,
        wrong_models_shapes_and_devices_are_refused, unknown_keys_are_passed_over,
        null_wrong_handles_and_sizes_are_refused, a_monitor_sees_the_values_on_the_way,
        predictors_of_one_call_have_inputs_of_their_own,
        numbers_of_threads_that_are_none_are_refused, threads_that_share_a_predictor_do_no_harm,
        lists_of_arrays_give_names_floats_and_shapes);
}
