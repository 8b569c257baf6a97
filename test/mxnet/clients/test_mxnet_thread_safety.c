// SPDX-License-Identifier: Apache-2.0
/*
 * What MXNet's own test of its thread-safe cached operator asks, through the C API alone: networks
 * of the depths it names, static_alloc and static_shape off, on and both, 5 and 20 threads, 1 to 8
 * inferences in each; every result against the plain operator's, one call after the other. Then the
 * convolution from 20 threads, and what that test leaves out because it may hang there: operators
 * created, and everything waited for, inside the threads.
 */
#define _GNU_SOURCE
#include "mxnet/clients/networks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "support/data.h"
#include "support/unit.h"

#define MOST_THREADS    20
#define MOST_INFERENCES 8

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

enum { STATIC_ALLOC = 1, STATIC_SHAPE = 2, CREATES_INSIDE = 4, WAITS_INSIDE = 8, PAUSES = 16 };
static const int static_flags[] = {0, STATIC_ALLOC, STATIC_ALLOC | STATIC_SHAPE};

struct round {
    const struct network *network;
    int threads, inferences, options;
    NDArrayHandle data[MOST_THREADS][MOST_INFERENCES], label[MOST_THREADS][MOST_INFERENCES];
    float *expected[MOST_THREADS][MOST_INFERENCES];
    size_t count; /* elements of a result */
    pthread_barrier_t begin;
    _Atomic(CachedOpHandle) op;
};

struct guest {
    struct round *round;
    int number;
    pthread_t thread;
    CachedOpHandle created; /* where every thread that finds none makes one; the last one counts */
    NDArrayHandle result[MOST_INFERENCES];
    float *values[MOST_INFERENCES]; /* with WAITS_INSIDE: as read in the thread */
    int failures;
    char message[512];
};

/* --- The operator, as MXNet's test makes it --- */

/* Label and parameters are called parameters there, with a comma after the last. */
static CachedOpHandle create_op(const struct network *network, int options, bool is_thread_safe)
{
    const char *const keys[] = {"data_indices", "param_indices", "static_alloc", "static_shape"};
    char data_indices[32], *param_indices = malloc(8 * (network->inputs + 1));
    snprintf(data_indices, sizeof data_indices, "[%d]", network->data_at);
    size_t length = (size_t)sprintf(param_indices, "[");
    for (uint32_t i = 0; i < network->inputs; i++)
        if ((int)i != network->data_at)
            length += (size_t)sprintf(param_indices + length, "%u, ", i);
    sprintf(param_indices + length, "]");
    const char *const values[] = {data_indices, param_indices,
                                  options & STATIC_ALLOC ? "true" : "false",
                                  options & STATIC_SHAPE ? "true" : "false"};
    CachedOpHandle op = NULL;
    const int status = MXCreateCachedOpEX(network->symbol, 4, (const char **)keys,
                                          (const char **)values, &op, is_thread_safe);
    free(param_indices);
    return status == 0 ? op : NULL;
}

static int invoke(const struct round *round, CachedOpHandle op, int thread, int inference,
                  NDArrayHandle *out_result)
{
    const struct network *network = round->network;
    NDArrayHandle *inputs = malloc(network->inputs * sizeof(NDArrayHandle)), *outputs = NULL;
    const int *storage_types;
    int output_count = 0;
    memcpy(inputs, network->params, network->inputs * sizeof(NDArrayHandle));
    inputs[network->data_at] = round->data[thread][inference];
    if (network->label_at >= 0)
        inputs[network->label_at] = round->label[thread][inference];
    const int status = MXInvokeCachedOpEx(op, (int)network->inputs, inputs, &output_count, &outputs,
                                          &storage_types);
    free(inputs);
    if (status == 0)
        *out_result = outputs[0];
    return status;
}

/* --- One row of the matrix --- */

static void expect(struct round *round)
{
    CachedOpHandle plain = create_op(round->network, round->options, false);
    ck_assert_msg(plain != NULL, "%s", MXGetLastError());
    for (int i = 0; i < round->threads; i++) {
        for (int k = 0; k < round->inferences; k++) {
            NDArrayHandle result;
            SUCCEEDS(invoke(round, plain, i, k, &result));
            SUCCEEDS(MXNDArrayWaitAll());
            round->expected[i][k] = read_array(result, &round->count);
            SUCCEEDS(MXNDArrayFree(result));
        }
    }
    SUCCEEDS(MXFreeCachedOp(plain));
}

static void begin_round(struct round *round)
{
    const struct network *network = round->network;
    const uint32_t batch = network->data_shape[0];
    for (int i = 0; i < round->threads; i++) {
        for (int k = 0; k < round->inferences; k++) {
            round->data[i][k] = make_random_array(network->data_shape, network->rank, 0, 2,
                                                  (uint64_t)(i * MOST_INFERENCES + k));
            round->label[i][k] = make_array(&batch, 1);
        }
    }
    expect(round);
    if (round->threads > 1) /* else a result from another thread would not be noticed */
        ck_assert(!are_close(round->expected[0][0], round->expected[1][0], round->count));
    pthread_barrier_init(&round->begin, NULL, (unsigned)round->threads);
}

static void end_round(struct round *round)
{
    for (int i = 0; i < round->threads; i++) {
        for (int k = 0; k < round->inferences; k++) {
            SUCCEEDS(MXNDArrayFree(round->data[i][k]));
            SUCCEEDS(MXNDArrayFree(round->label[i][k]));
            free(round->expected[i][k]);
        }
    }
    pthread_barrier_destroy(&round->begin);
}

static void pause_a_little(unsigned *seed)
{
    nanosleep(&(struct timespec){.tv_nsec = rand_r(seed) % 1000000}, NULL);
}

/* Counts a call's failure and remembers its text, which is the thread's own. */
static int note(struct guest *guest, int status)
{
    if (status != 0 && guest->failures++ == 0)
        snprintf(guest->message, sizeof guest->message, "%s", MXGetLastError());
    return status;
}

static void *infer(void *argument)
{
    struct guest *guest = argument;
    struct round *round = guest->round;
    unsigned seed = (unsigned)guest->number + 1;
    pthread_barrier_wait(&round->begin);
    if (round->options & CREATES_INSIDE && atomic_load(&round->op) == NULL) {
        guest->created = create_op(round->network, round->options, true);
        if (note(guest, guest->created == NULL ? -1 : 0) != 0)
            return NULL;
        atomic_store(&round->op, guest->created);
    }
    for (int k = 0; k < round->inferences; k++) {
        if (round->options & PAUSES)
            pause_a_little(&seed);
        if (note(guest,
                 invoke(round, atomic_load(&round->op), guest->number, k, &guest->result[k])) != 0)
            return NULL;
        if (round->options & WAITS_INSIDE) {
            note(guest, MXNDArrayWaitAll());
            guest->values[k] = malloc(round->count * sizeof(float));
            note(guest, MXNDArraySyncCopyToCPU(guest->result[k], guest->values[k], round->count));
        }
    }
    return NULL;
}

static void check_guest(struct guest *guest)
{
    const struct round *round = guest->round;
    ck_assert_msg(guest->failures == 0, "thread %d: %s", guest->number, guest->message);
    for (int k = 0; k < round->inferences; k++) {
        size_t count;
        float *values = read_array(guest->result[k], &count);
        ck_assert_uint_eq(count, round->count);
        ck_assert_msg(are_close(values, round->expected[guest->number][k], count),
                      "thread %d of %d, inference %d of %d, options %d", guest->number,
                      round->threads, k, round->inferences, round->options);
        if (guest->values[k] != NULL)
            ck_assert_mem_eq(guest->values[k], values, count * sizeof(float));
        free(guest->values[k]);
        free(values);
        SUCCEEDS(MXNDArrayFree(guest->result[k]));
    }
}

static void run_round(const struct network *network, int threads, int inferences, int options)
{
    static struct round round; /* too large for a stack */
    struct guest guests[MOST_THREADS] = {0};
    memset(&round, 0, sizeof round);
    round = (struct round){
        .network = network, .threads = threads, .inferences = inferences, .options = options};
    begin_round(&round);
    CachedOpHandle shared = NULL;
    if ((options & CREATES_INSIDE) == 0)
        ck_assert_msg((shared = create_op(network, options, true)) != NULL, "%s", MXGetLastError());
    atomic_store(&round.op, shared);
    for (int i = 0; i < threads; i++) {
        guests[i] = (struct guest){.round = &round, .number = i};
        ck_assert_int_eq(pthread_create(&guests[i].thread, NULL, infer, &guests[i]), 0);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(guests[i].thread, NULL);
    SUCCEEDS(MXNDArrayWaitAll());
    for (int i = 0; i < threads; i++) {
        check_guest(&guests[i]);
        if (guests[i].created != NULL)
            SUCCEEDS(MXFreeCachedOp(guests[i].created));
    }
    if (shared != NULL)
        SUCCEEDS(MXFreeCachedOp(shared));
    end_round(&round);
}

/* Every `stride`-th row of: flags, threads, inferences, with and without pauses. */
static void run_matrix(const struct network *network, int stride, int options)
{
    for (int i = stride / 2; i < 3 * 2 * MOST_INFERENCES * 2; i += stride)
        run_round(network, i / 3 % 2 == 0 ? 5 : 20, 1 + i / 6 % MOST_INFERENCES,
                  options | static_flags[i % 3] | (i / 48 == 0 ? 0 : PAUSES));
}

static void run_depth(int layers, int stride)
{
    struct network network = make_residual_network(layers, 4, 8);
    run_matrix(&network,
               getenv("COP_TEST_LONG") != NULL ? 1
               : IS_SANITIZED                  ? 5 * stride
                                               : stride,
               0);
    free_network(&network);
}

START_TEST(a_residual_network_of_18_layers_agrees_with_the_plain_operator_in_the_whole_matrix)
{
    run_depth(18, 1);
}
END_TEST

START_TEST(a_residual_network_of_50_layers_agrees_with_the_plain_operator_in_the_matrix)
{
    run_depth(50, 5);
}
END_TEST

START_TEST(a_residual_network_of_152_layers_agrees_with_the_plain_operator_in_the_matrix)
{
    run_depth(152, 13);
}
END_TEST

START_TEST(a_network_with_a_batch_of_seven_agrees_with_the_plain_operator_in_the_matrix)
{
    struct network network = make_lenet(7);
    run_matrix(&network, IS_SANITIZED ? 13 : 3, 0);
    free_network(&network);
}
END_TEST

START_TEST(operators_may_be_created_and_everything_waited_for_inside_the_threads)
{
    struct network network = make_residual_network(18, 4, 8);
    run_matrix(&network, IS_SANITIZED ? 17 : 5, CREATES_INSIDE | WAITS_INSIDE);
    free_network(&network);
}
END_TEST

/* --- One operator, invoked by itself from 20 threads --- */

static const char *const convolution_options[] = {
    "kernel", "(2,2)",  "no_bias", "0",   "dilate", "(1,1)",      "num_group", "1", "layout",
    "NCHW",   "stride", "(1,1)",   "pad", "(0,0)",  "num_filter", "10",        NULL};

struct convolver {
    NDArrayHandle arrays[3], result; /* data, weight, bias */
    pthread_barrier_t *begin;
    pthread_t thread;
    int status;
};

static void *convolve_by_itself(void *argument)
{
    struct convolver *convolver = argument;
    const char *keys[8], *values[8];
    int output_count = 1;
    NDArrayHandle *outputs = &convolver->result;
    OpHandle creator;
    for (int i = 0; i < 8; i++) {
        keys[i] = convolution_options[2 * i];
        values[i] = convolution_options[2 * i + 1];
    }
    pthread_barrier_wait(convolver->begin);
    convolver->status = NNGetOpHandle("Convolution", &creator);
    if (convolver->status == 0)
        convolver->status = MXImperativeInvoke(creator, 3, convolver->arrays, &output_count,
                                               &outputs, 8, keys, values);
    return NULL;
}

static CachedOpHandle create_convolution(void)
{
    const char *names[] = {"data", "weight", "bias"},
               *flag_keys[] = {"data_indices", "param_indices"};
    const char *flag_values[] = {"[0]", "[1,2]"};
    SymbolHandle variables[3];
    for (int i = 0; i < 3; i++)
        SUCCEEDS(MXSymbolCreateVariable(names[i], &variables[i]));
    SymbolHandle symbol = apply("Convolution", "fwd", convolution_options, 3, names, variables);
    CachedOpHandle op;
    SUCCEEDS(MXCreateCachedOpEx(symbol, 2, flag_keys, flag_values, &op));
    for (int i = 0; i < 3; i++)
        SUCCEEDS(MXSymbolFree(variables[i]));
    SUCCEEDS(MXSymbolFree(symbol));
    return op;
}

static void check_convolver(struct convolver *convolver, CachedOpHandle op)
{
    int output_count = 0;
    NDArrayHandle *outputs = NULL, expected;
    size_t count, expected_count;
    SUCCEEDS(MXInvokeCachedOp(op, 3, convolver->arrays, &output_count, &outputs));
    expected = outputs[0];
    float *values = read_array(convolver->result, &count),
          *expected_values = read_array(expected, &expected_count);
    ck_assert_uint_eq(count, 2 * 10 * 9 * 9);
    ck_assert_uint_eq(expected_count, count);
    ck_assert(are_close(values, expected_values, count));
    free(values);
    free(expected_values);
    SUCCEEDS(MXNDArrayFree(expected));
}

START_TEST(twenty_threads_convolve_at_once_each_with_arrays_of_its_own)
{
    static const uint32_t shapes[4][4] = {{2, 4, 10, 10}, {10, 4, 2, 2}, {10}, {2, 10, 9, 9}};
    struct convolver convolvers[MOST_THREADS];
    pthread_barrier_t begin;
    pthread_barrier_init(&begin, NULL, MOST_THREADS);
    for (int i = 0; i < MOST_THREADS; i++) {
        struct convolver *convolver = &convolvers[i];
        convolver->begin = &begin;
        convolver->result = make_array(shapes[3], 4);
        for (int k = 0; k < 3; k++)
            convolver->arrays[k] = make_random_array(shapes[k], k == 2 ? 1 : 4, 50.0f * (float)i,
                                                     50, (uint64_t)(3 * i + k));
        pthread_create(&convolver->thread, NULL, convolve_by_itself, convolver);
    }
    for (int i = 0; i < MOST_THREADS; i++)
        pthread_join(convolvers[i].thread, NULL);
    SUCCEEDS(MXNDArrayWaitAll());
    CachedOpHandle op = create_convolution();
    for (int i = 0; i < MOST_THREADS; i++) {
        ck_assert_int_eq(convolvers[i].status, 0);
        check_convolver(&convolvers[i], op);
        for (int k = 0; k < 3; k++)
            SUCCEEDS(MXNDArrayFree(convolvers[i].arrays[k]));
        SUCCEEDS(MXNDArrayFree(convolvers[i].result));
    }
    SUCCEEDS(MXFreeCachedOp(op));
    pthread_barrier_destroy(&begin);
}
END_TEST

/* --- Models that were trained --- */

static void run_trained_model(const char *name, const char *params, uint32_t channels,
                              uint32_t side)
{
    char symbol_path[512], params_path[512], file[256];
    const int threads = IS_SANITIZED ? 5 : 20, inferences = IS_SANITIZED ? 1 : 2;
#ifdef __SANITIZE_THREAD__
    return; /* without the fast kernels, and a hundred times slower */
#endif
    snprintf(file, sizeof file, "%s-symbol.json", name);
    if (!find_data(file, symbol_path) || !find_data(params, params_path))
        return;
    struct network network =
        load_network(symbol_path, params_path, 4, (const uint32_t[]){1, channels, side, side});
    for (int i = 0; i < 3; i++)
        run_round(&network, i == 1 ? 5 : threads, i == 1 ? 3 : inferences, static_flags[i]);
    run_round(&network, 5, 2, CREATES_INSIDE | WAITS_INSIDE | PAUSES);
    free_network(&network);
}

START_TEST(residual_networks_that_were_trained_agree_with_the_plain_operator)
{
    run_trained_model("cifar_resnet20_v1/cifar_resnet20_v1",
                      "cifar_resnet20_v1/cifar_resnet20_v1-0000.params", 3, 32);
    run_trained_model("cifar_resnet56_v2/cifar_resnet56_v2",
                      "cifar_resnet56_v2/cifar_resnet56_v2-0000.params", 3, 32);
}
END_TEST

START_TEST(other_networks_that_were_trained_agree_with_the_plain_operator)
{
    run_trained_model("mnist_lenet/mnist-lenet-0", "mnist_lenet/mnist-lenet-0-0010.params", 1, 28);
    run_trained_model("squeezenet_v1.1/squeezenet_v1.1",
                      "squeezenet_v1.1/squeezenet_v1.1-0000.params", 3, 224);
    run_trained_model("mobilenetv2_1.0_224/mobilenetv2_1.0_224",
                      "mobilenetv2_1.0_224/mobilenetv2_1.0_224-0000.params", 3, 224);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "mxnet thread safety",
        a_residual_network_of_18_layers_agrees_with_the_plain_operator_in_the_whole_matrix,
        a_residual_network_of_50_layers_agrees_with_the_plain_operator_in_the_matrix,
        a_residual_network_of_152_layers_agrees_with_the_plain_operator_in_the_matrix,
        a_network_with_a_batch_of_seven_agrees_with_the_plain_operator_in_the_matrix,
        operators_may_be_created_and_everything_waited_for_inside_the_threads,
        twenty_threads_convolve_at_once_each_with_arrays_of_its_own,
        residual_networks_that_were_trained_agree_with_the_plain_operator,
        other_networks_that_were_trained_agree_with_the_plain_operator);
}
