// SPDX-License-Identifier: Apache-2.0
/* The predict API on trained models, by one predictor and by several in threads; and what they
 * share. */
#include <mxnet/c_predict_api.h>

#include <pthread.h>

#include "mxnet/executor/mx_predictor.h"
#include "mxnet/mx_client.h"
#include "support/real_models.h"

struct file {
    char *bytes;
    int size;
};

static struct file read_whole(const char *folder, const char *suffix)
{
    char path[1024];
    struct file read = {.bytes = NULL};
    snprintf(path, sizeof path, "%s/%s/%s%s", data_directory, folder, folder, suffix);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    fseek(file, 0, SEEK_END);
    read.size = (int)ftell(file);
    rewind(file);
    read.bytes = calloc(1, (size_t)read.size + 1);
    ck_assert_uint_eq(fread(read.bytes, 1, (size_t)read.size, file), (size_t)read.size);
    fclose(file);
    return read;
}

/* `count` predictors of a model for the shape of its stored input. */
static void make_predictors(const char *folder, const cop_ndarray *input, int count,
                            PredictorHandle *predictors)
{
    struct file symbol = read_whole(folder, "-symbol.json");
    struct file parameters = read_whole(folder, "-0000.params");
    const char *key = "data";
    const uint32_t offsets[] = {0, 4};
    uint32_t dims[4];
    for (int i = 0; i < 4; i++)
        dims[i] = (uint32_t)cop_ndarray_shape(input)[i];
    MX(MXPredCreateMultiThread(symbol.bytes, parameters.bytes, parameters.size, 1, 0, 1, &key,
                               offsets, dims, count, predictors));
    free(symbol.bytes);
    free(parameters.bytes);
}

static void predict(PredictorHandle predictor, const cop_ndarray *input, cop_ndarray *output)
{
    MX(MXPredSetInput(predictor, "data", cop_ndarray_data(input),
                      (uint32_t)(cop_ndarray_bytes(input) / sizeof(float))));
    MX(MXPredForward(predictor));
    MX(MXPredGetOutput(predictor, 0, cop_ndarray_data(output),
                       (uint32_t)(cop_ndarray_bytes(output) / sizeof(float))));
}

static const char *const models[] = {"squeezenet_v1.1", "mobilenetv2_1.0_224", "cifar_resnet20_v1",
                                     "cifar_resnet56_v2"};

START_TEST(trained_models_give_the_stored_outputs)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        PredictorHandle predictor;
        cop_ndarray *input = load_array(models[i], "ref_input.npy");
        cop_ndarray *expected = load_array(models[i], "ref_output.npy");
        cop_ndarray *found = load_array(models[i], "ref_output.npy");
        memset(cop_ndarray_data(found), 0, cop_ndarray_bytes(found));
        make_predictors(models[i], input, 1, &predictor);
        predict(predictor, input, found);
        const double apart = distance(found, expected);
        ck_assert_msg(apart < 1e-4, "%s: %g", models[i], apart);
        MX(MXPredFree(predictor));
        cop_ndarray_release(&input);
        cop_ndarray_release(&expected);
        cop_ndarray_release(&found);
    }
}
END_TEST

#define THREADS 4

struct work {
    PredictorHandle predictor;
    const cop_ndarray *input, *expected;
    pthread_t thread;
};

static void *predict_often(void *argument)
{
    const struct work *work = argument;
    cop_ndarray *found = load_array("cifar_resnet20_v1", "ref_output.npy");
    for (int i = 0; i < 10; i++) {
        memset(cop_ndarray_data(found), 0, cop_ndarray_bytes(found));
        predict(work->predictor, work->input, found);
        ck_assert_mem_eq(cop_ndarray_data(found), cop_ndarray_data(work->expected),
                         cop_ndarray_bytes(found));
    }
    cop_ndarray_release(&found);
    return NULL;
}

START_TEST(predictors_in_threads_give_the_bits_of_one)
{
    PredictorHandle predictors[THREADS];
    struct work work[THREADS];
    cop_ndarray *input = load_array("cifar_resnet20_v1", "ref_input.npy");
    cop_ndarray *expected = load_array("cifar_resnet20_v1", "ref_output.npy");
    make_predictors("cifar_resnet20_v1", input, 1, predictors);
    predict(predictors[0], input, expected);
    MX(MXPredFree(predictors[0]));
    make_predictors("cifar_resnet20_v1", input, THREADS, predictors);
    for (int i = 0; i < THREADS; i++) {
        work[i] = (struct work){predictors[i], input, expected, .thread = 0};
        ck_assert_int_eq(pthread_create(&work[i].thread, NULL, predict_often, &work[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(work[i].thread, NULL);
    const struct mx_predictor *first = predictors[0];
    const struct mx_program_stats stats = cop_mx_program_get_stats(first->model->program);
    ck_assert_uint_eq(stats.bindings_made, 1); /* weights were packed once for all */
    ck_assert_uint_eq(stats.operators_made, 1);
    for (int i = 0; i < THREADS; i++)
        MX(MXPredFree(predictors[i]));
    cop_ndarray_release(&input);
    cop_ndarray_release(&expected);
}
END_TEST

START_TEST(a_reshaped_predictor_packs_no_weights_again)
{
    PredictorHandle one, two;
    const char *key = "data";
    const uint32_t offsets[] = {0, 4}, dims[] = {2, 3, 32, 32};
    cop_ndarray *input = load_array("cifar_resnet20_v1", "ref_input.npy");
    cop_ndarray *single = load_array("cifar_resnet20_v1", "ref_output.npy");
    make_predictors("cifar_resnet20_v1", input, 1, &one);
    predict(one, input, single);
    MX(MXPredReshape(1, &key, offsets, dims, one, &two));
    const size_t elements = cop_ndarray_bytes(input) / sizeof(float);
    float *pair = calloc(2 * elements, sizeof *pair), results[20];
    memcpy(pair + elements, cop_ndarray_data(input), elements * sizeof *pair);
    MX(MXPredSetInput(two, key, pair, (uint32_t)(2 * elements)));
    MX(MXPredForward(two));
    MX(MXPredGetOutput(two, 0, results, 20));
    const float *expected = cop_ndarray_data(single);
    for (int i = 0; i < 10; i++)
        ck_assert_float_eq_tol(results[10 + i], expected[i], 1e-4f);
    const struct mx_predictor *first = one;
    ck_assert_uint_eq(cop_mx_program_get_stats(first->model->program).bindings_made, 1);
    MX(MXPredFree(one));
    MX(MXPredFree(two));
    free(pair);
    cop_ndarray_release(&input);
    cop_ndarray_release(&single);
}
END_TEST

int main(void)
{
    data_directory = find_data_folder();
    if (data_directory == NULL)
        return SKIPPED;
    return RUN_TESTS("mx_predict_models", trained_models_give_the_stored_outputs,
                     predictors_in_threads_give_the_bits_of_one,
                     a_reshaped_predictor_packs_no_weights_again);
}
