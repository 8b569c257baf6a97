// SPDX-License-Identifier: Apache-2.0
/* Many threads and one operator: what they get is what one thread gets, whatever others do
 * meanwhile. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "mxnet/mx_client.h"

#define THREADS 16
#define ROUNDS  100

static NDArrayHandle weight, bias;
static CachedOpHandle op;
static _Atomic int wrong_count, failure_count;
static _Atomic bool is_over;

static void set_up(void)
{
    SymbolHandle symbol = mx_symbol(MX_CLASSIFIER_JSON);
    MX(MXCreateCachedOp(symbol, &op)); /* the plain one is as safe */
    MX(MXSymbolFree(symbol));
    weight = mx_ramp_2(2, 3, 0, 0.25F);
    bias = mx_ramp_1(2, 0.5F, -1);
}

static void tear_down(void)
{
    MX(MXNDArrayFree(weight));
    MX(MXNDArrayFree(bias));
    MX(MXFreeCachedOp(op));
    MX(MXNDArrayWaitAll());
}

/* No assertion in a thread: they count instead. */
static bool classify(uint32_t batch, float first, float *probabilities)
{
    const uint32_t shape[] = {batch, 3}, label_shape[] = {batch};
    float pixels[3 * 8];
    NDArrayHandle inputs[] = {NULL, weight, bias, NULL}, *outputs = NULL;
    int count = 0;
    bool is_fine = true;
    for (uint32_t i = 0; i < batch * 3; i++)
        pixels[i] = first + (float)i;
    is_fine = MXNDArrayCreateEx(shape, 2, 1, 0, 0, 0, &inputs[0]) == 0 &&
              MXNDArrayCreateEx(label_shape, 1, 1, 0, 1, 0, &inputs[3]) == 0 &&
              MXNDArraySyncCopyFromCPU(inputs[0], pixels, batch * 3) == 0 &&
              MXInvokeCachedOp(op, 4, inputs, &count, &outputs) == 0;
    const NDArrayHandle output = is_fine ? outputs[0] : NULL;
    is_fine = is_fine && MXNDArrayFree(inputs[0]) == 0 && MXNDArrayFree(inputs[3]) == 0;
    is_fine = is_fine && MXNDArrayWaitToRead(output) == 0 &&
              MXNDArraySyncCopyToCPU(output, probabilities, batch * 2) == 0 &&
              MXNDArrayFree(output) == 0;
    return is_fine;
}

static void *compare(void *seed)
{
    const float first = *(const float *)seed;
    float expected[16], found[16];
    if (!classify(4, first, expected))
        failure_count++;
    for (int i = 0; i < ROUNDS; i++) {
        if (!classify(4, first, found))
            failure_count++;
        else if (memcmp(expected, found, 8 * sizeof(float)) != 0)
            wrong_count++;
    }
    return NULL;
}

static void run_threads(void *(*body)(void *))
{
    pthread_t threads[THREADS];
    float seeds[THREADS];
    for (int i = 0; i < THREADS; i++) {
        seeds[i] = (float)i / 8;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, body, &seeds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

START_TEST(every_thread_gets_its_own_results)
{
    run_threads(compare);
    ck_assert_int_eq(failure_count, 0);
    ck_assert_int_eq(wrong_count, 0);
}
END_TEST

static void *change_shapes(void *seed)
{
    const float first = *(const float *)seed;
    float found[16];
    for (int i = 0; i < ROUNDS; i++)
        if (!classify((uint32_t)(i % 7) + 1, first, found))
            failure_count++;
        else if (!(found[0] > 0 && found[0] < 1))
            wrong_count++;
    return NULL;
}

START_TEST(threads_may_use_different_shapes)
{
    run_threads(change_shapes);
    ck_assert_int_eq(failure_count, 0);
    ck_assert_int_eq(wrong_count, 0);
}
END_TEST

/* With bias (0, b) and weights 0 the first probability is 1 / (1 + e^b): of one version or the
 * other. */
static void *watch(void *unused)
{
    float found[2];
    (void)unused;
    while (!is_over) {
        if (!classify(1, 0, found))
            failure_count++;
        else if (found[0] != 0.5F && found[1] < 0.99F)
            wrong_count++;
    }
    return NULL;
}

START_TEST(results_are_of_one_version_of_the_parameters_or_the_next)
{
    const float zeros[6] = {0}, even[2] = {0, 0}, uneven[2] = {0, 10};
    pthread_t threads[4];
    MX(MXNDArraySyncCopyFromCPU(weight, zeros, 6));
    MX(MXNDArraySyncCopyFromCPU(bias, even, 2));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, watch, NULL), 0);
    for (int i = 0; i < 60; i++) {
        float found[2];
        const bool is_uneven = i % 2 == 0;
        MX(MXNDArraySyncCopyFromCPU(bias, is_uneven ? uneven : even, 2));
        ck_assert(classify(1, 0, found)); /* what this thread wrote is what it gets */
        ck_assert(is_uneven ? found[1] > 0.99F : found[0] == 0.5F);
    }
    is_over = true;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(failure_count, 0);
    ck_assert_int_eq(wrong_count, 0);
}
END_TEST

static void *create_and_free(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++) {
        SymbolHandle symbol;
        CachedOpHandle own;
        if (MXSymbolCreateFromJSON(MX_CLASSIFIER_JSON, &symbol) != 0 ||
            MXCreateCachedOpEX(symbol, 0, NULL, NULL, &own, true) != 0 || MXSymbolFree(symbol) != 0)
            failure_count++;
        float found[2];
        if (!classify(1, 0, found) || MXFreeCachedOp(own) != 0 || MXNDArrayWaitAll() != 0)
            failure_count++;
    }
    return NULL;
}

START_TEST(operators_may_be_made_and_all_be_waited_for_in_any_thread)
{
    run_threads(create_and_free);
    ck_assert_int_eq(failure_count, 0);
}
END_TEST

static NDArrayHandle *kept_outputs;

static void *keep_outputs(void *unused)
{
    NDArrayHandle inputs[] = {mx_ramp_2(1, 3, 0, 1), weight, bias, mx_ramp_1(1, 0, 0)};
    int count = 0;
    (void)unused;
    if (MXInvokeCachedOp(op, 4, inputs, &count, &kept_outputs) != 0)
        failure_count++;
    MXNDArrayFree(inputs[0]);
    MXNDArrayFree(inputs[3]);
    return NULL;
}

START_TEST(the_list_of_outputs_is_there_when_its_thread_is_gone)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_outputs, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(failure_count, 0);
    ck_assert(mx_element(kept_outputs[0], 2, 0) > 0);
    MX(MXNDArrayFree(kept_outputs[0]));
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("mx_threads", set_up, tear_down, every_thread_gets_its_own_results,
                          threads_may_use_different_shapes,
                          results_are_of_one_version_of_the_parameters_or_the_next,
                          operators_may_be_made_and_all_be_waited_for_in_any_thread,
                          the_list_of_outputs_is_there_when_its_thread_is_gone);
}
