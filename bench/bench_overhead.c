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

#define ROUNDS 9

struct caller {
    cop_cached_op *op;
    cop_ndarray *src, *dst;
    _Atomic int *is_over;
    pthread_barrier_t *begin;
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
    pthread_barrier_wait(caller->begin);
    const double begin = bench_now();
    for (; count == 0 || !atomic_load_explicit(caller->is_over, memory_order_relaxed); count++)
        bench_check(cop_invoke(caller->op, 1, &caller->src, 1, &caller->dst, NULL, &error), &error,
                    "invoke");
    caller->seconds = bench_now() - begin;
    caller->count = count;
    return NULL;
}

struct rate {
    double ns;         /* that an invoke takes each caller */
    double per_second; /* of all together, within the time they had */
};

static struct rate measure(cop_cached_op *op, int count, int shares_input)
{
    struct caller callers[BENCH_MAX_CALLERS];
    pthread_t threads[BENCH_MAX_CALLERS];
    pthread_barrier_t begin;
    _Atomic int is_over = 0;
    pthread_barrier_init(&begin, NULL, (unsigned)count + 1);
    cop_ndarray *shared = make_array();
    double seconds = 0;
    long invokes = 0;
    for (int i = 0; i < count; i++) {
        callers[i] = (struct caller){
            .op = op,
            .src = shares_input ? cop_ndarray_retain(shared) : make_array(),
            .dst = make_array(),
            .is_over = &is_over,
            .begin = &begin,
        };
        if (pthread_create(&threads[i], NULL, invoke_until_over, &callers[i]) != 0)
            exit(1);
    }
    pthread_barrier_wait(&begin);
    const double start = bench_now();
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    atomic_store(&is_over, 1);
    const double took =
        bench_now() - start; /* those who were waiting for a processor do one more */
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        check_output(callers[i].dst);
        seconds += callers[i].seconds;
        invokes += callers[i].count;
        cop_ndarray_release(&callers[i].src), cop_ndarray_release(&callers[i].dst);
    }
    cop_ndarray_release(&shared);
    pthread_barrier_destroy(&begin);
    return (struct rate){seconds / (double)invokes * 1e9, (double)invokes / took};
}

/*
 * Every number of callers is measured once in each round, so that they share what the machine does
 * meanwhile; callers of more than the processors take turns on them. What counts with many is the
 * throughput, next to that of two.
 */
static void measure_by_callers(cop_cached_op *op, int shares_input)
{
    static const int counts[] = {1, 2, 8, 64};
    struct bench_samples samples[4] = {{0}}, throughputs[4] = {{0}}, ratios[4] = {{0}};
    for (int i = 0; i < 4; i++)
        measure(op, counts[i], shares_input); /* warm-up */
    for (int round = 0; round < ROUNDS; round++) {
        struct rate rates[4];
        for (int i = 0; i < 4; i++)
            rates[i] = measure(op, counts[i], shares_input);
        for (int i = 0; i < 4; i++) {
            bench_add(&samples[i], rates[i].ns);
            bench_add(&throughputs[i], rates[i].per_second);
            bench_add(&ratios[i], rates[i].per_second / rates[1].per_second);
        }
    }
    for (int i = 0; i < 4; i++) {
        printf("{\"bench\":\"overhead\",\"callers\":%d,\"shared_input\":%s,\"ns\":%.1f,"
               "\"millions_per_second\":%.2f,\"throughput_to_2_callers\":%.3f}\n",
               counts[i], shares_input ? "true" : "false", bench_quantile(&samples[i], 0.5),
               bench_quantile(&throughputs[i], 0.5) / 1e6, bench_quantile(&ratios[i], 0.5));
        free(samples[i].values), free(throughputs[i].values), free(ratios[i].values);
    }
}

/* Our side of compare_overhead.py: each line of standard input asks for one measurement, which is
 * answered with the nanoseconds an invoke of one caller takes. */
static void answer(cop_cached_op *op)
{
    char line[64];
    setvbuf(stdout, NULL, _IOLBF, 0);
    measure(op, 1, 0);
    printf("ready\n");
    while (fgets(line, sizeof line, stdin) != NULL)
        printf("%.2f\n", measure(op, 1, 0).ns);
}

/*
 * What does the library itself cost? The medians of nine measurements of 0.3 s, by number of
 * callers. `bench_overhead cpu|ref --answer`: see above.
 */
int main(int argc, char **argv)
{
    const cop_bytes graph = {symbol, strlen(symbol), NULL, NULL};
    const cop_bytes weights = {no_params, sizeof no_params, NULL, NULL};
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_model *model = NULL;
    cop_cached_op *op = NULL;
    cop_error error;
    options.device.kind = argc > 1 && strcmp(argv[1], "cpu") == 0 ? COP_DEVICE_CPU : COP_DEVICE_REF;
    bench_check(
        cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model, &error),
        &error, "load");
    bench_check(cop_cached_op_create(model, &options, &op, &error), &error, "create");
    if (argc > 2 && strcmp(argv[2], "--answer") == 0)
        answer(op);
    for (int shares_input = 0; shares_input < 2 && argc < 3; shares_input++)
        measure_by_callers(op, shares_input);
    cop_cached_op_release(&op);
    cop_model_release(&model);
    return 0;
}
