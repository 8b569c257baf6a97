// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A model so small that the library is all there is: data [1,16] → relu. */
static const char symbol[] =
    "{\"nodes\":[{\"op\":\"null\",\"name\":\"data\",\"attrs\":{\"__shape__\":\"(1,16)\"},"
    "\"inputs\":[]},"
    "{\"op\":\"relu\",\"name\":\"relu\",\"inputs\":[[0,0]]}],"
    "\"arg_nodes\":[0],\"heads\":[[1,0]],\"attrs\":{\"mxnet_version\":[\"int\",10901]}}";
static const uint64_t no_params[] = {0x112, 0, 0, 0}; /* magic, reserved, no arrays, no names */

struct caller {
    cop_cached_op *op;
    cop_ndarray *src, *dst;
    _Atomic int *is_over;
    double seconds;
    long count;
};

static cop_ndarray *make_array(void)
{
    static const int64_t shape[] = {1, 16};
    cop_ndarray *array = NULL;
    cop_error error;
    bench_check(cop_ndarray_create(COP_DTYPE_FLOAT32, 2, shape, &array, &error), &error, "array");
    for (int i = 0; i < 16; i++)
        ((float *)cop_ndarray_data(array))[i] = (float)(i - 8);
    return array;
}

static void check_output(const cop_ndarray *array)
{
    const float *elements = cop_ndarray_data(array);
    for (int i = 0; i < 16; i++)
        if (elements[i] != (i > 8 ? (float)(i - 8) : 0))
            exit((fprintf(stderr, "the output is wrong\n"), 1));
}

static void *invoke_until_over(void *argument)
{
    struct caller *caller = argument;
    cop_error error;
    long count = 0; /* not in the struct, whose neighbours other callers write */
    const double begin = bench_now();
    for (; !atomic_load_explicit(caller->is_over, memory_order_relaxed); count++)
        bench_check(cop_invoke(caller->op, 1, &caller->src, 1, &caller->dst, NULL, &error), &error,
                    "invoke");
    caller->seconds = bench_now() - begin;
    caller->count = count;
    return NULL;
}

/* Nanoseconds an invoke takes each of `count` callers. */
static double measure(cop_cached_op *op, int count, int shares_input)
{
    struct caller callers[BENCH_MAX_CALLERS];
    pthread_t threads[BENCH_MAX_CALLERS];
    _Atomic int is_over = 0;
    cop_ndarray *shared = make_array();
    double seconds = 0;
    long invokes = 0;
    for (int i = 0; i < count; i++) {
        callers[i] = (struct caller){
            .op = op,
            .src = shares_input ? cop_ndarray_retain(shared) : make_array(),
            .dst = make_array(),
            .is_over = &is_over,
        };
        if (pthread_create(&threads[i], NULL, invoke_until_over, &callers[i]) != 0)
            exit(1);
    }
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    atomic_store(&is_over, 1);
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        check_output(callers[i].dst);
        seconds += callers[i].seconds;
        invokes += callers[i].count;
        cop_ndarray_release(&callers[i].src), cop_ndarray_release(&callers[i].dst);
    }
    cop_ndarray_release(&shared);
    return seconds / (double)invokes * 1e9;
}

/* What does the library itself cost? The median of nine measurements of 0.3 s, by number of
 * callers. */
int main(void)
{
    const cop_bytes graph = {symbol, strlen(symbol), NULL, NULL};
    const cop_bytes weights = {no_params, sizeof no_params, NULL, NULL};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_model *model = NULL;
    cop_cached_op *op = NULL;
    cop_error error;
    options.device.kind = COP_DEVICE_REF;
    bench_check(
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model, &error),
        &error, "load");
    bench_check(cop_cached_op_create(model, &options, &op, &error), &error, "create");
    for (int shares_input = 0; shares_input < 2; shares_input++)
        for (int count = 1; count <= 2; count++) {
            struct bench_samples samples = {0};
            measure(op, count, shares_input); /* warm-up */
            for (int k = 0; k < 9; k++)
                bench_add(&samples, measure(op, count, shares_input));
            printf("{\"bench\":\"overhead\",\"callers\":%d,\"shared_input\":%s,\"ns\":%.1f}\n",
                   count, shares_input ? "true" : "false", bench_quantile(&samples, 0.5));
            free(samples.values);
        }
    cop_cached_op_release(&op);
    cop_model_release(&model);
    return 0;
}
