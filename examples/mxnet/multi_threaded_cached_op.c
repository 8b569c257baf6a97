// SPDX-License-Identifier: Apache-2.0
/*
 * MXNet's tutorial on multi-threaded inference, against its C API in plain C: one cached operator,
 * many threads.
 *
 *     multi_threaded_cached_op PREFIX [THREADS] [N,C,H,W]
 *
 * PREFIX-symbol.json and PREFIX-0000.params are a model as MXNet exports it. Each thread has an
 * image of its own (made up here) and prints the class that the model finds most likely. The same
 * program links with libmxnet 1.9.1.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mxnet/c_api.h>
#include <nnvm/c_api.h>

#define MOST_THREADS 64
#define CPU          1

/* What all threads share: the operator, its parameters, and where the data goes among them. */
static CachedOpHandle op;
static NDArrayHandle *parameters; /* in the order of the operator's inputs; NULL: data or label */
static uint32_t input_count, shape[8], rank;

static void check(int result, const char *call)
{
    if (result == 0)
        return;
    fprintf(stderr, "%s: %s\n", call, MXGetLastError());
    exit(EXIT_FAILURE);
}

#define CHECK(call) check(call, #call)

/* Step 2: parameters are found by name, "arg:" or "aux:" in front. */
static NDArrayHandle find_parameter(const char *name, uint32_t count, NDArrayHandle *arrays,
                                    const char **names)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i] + 4, name) == 0)
            return arrays[i];
    return NULL;
}

static void load_parameters(SymbolHandle symbol, const char *path)
{
    uint32_t count, name_count;
    NDArrayHandle *arrays;
    const char **names, **inputs;
    CHECK(MXNDArrayLoad(path, &count, &arrays, &name_count, &names));
    CHECK(NNSymbolListInputNames(symbol, 0, &input_count, &inputs));
    parameters = calloc(input_count, sizeof(NDArrayHandle));
    for (uint32_t i = 0; i < input_count; i++)
        parameters[i] = find_parameter(inputs[i], name_count, arrays, names);
}

/* Step 4: an array of the thread's own, made of its number. */
static NDArrayHandle make_data(int number)
{
    NDArrayHandle data;
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++)
        count *= shape[i];
    float *pixels = malloc(count * sizeof(float));
    for (size_t i = 0; i < count; i++)
        pixels[i] = (float)((i * 31 + (size_t)number * 17) % 255) / 128 - 1;
    CHECK(MXNDArrayCreateEx(shape, rank, CPU, 0, 0, 0, &data));
    CHECK(MXNDArraySyncCopyFromCPU(data, pixels, count));
    free(pixels);
    return data;
}

static NDArrayHandle make_label(void)
{
    NDArrayHandle label;
    const float zero[256] = {0};
    CHECK(MXNDArrayCreateEx(shape, 1, CPU, 0, 0, 0, &label));
    CHECK(MXNDArraySyncCopyFromCPU(label, zero, shape[0]));
    return label;
}

/* Step 5: every thread invokes the one operator with its data and everybody's parameters. */
static void *infer(void *argument)
{
    const int number = *(const int *)argument;
    int output_count = 0;
    NDArrayHandle *outputs = NULL, own[2] = {NULL, NULL};
    NDArrayHandle *inputs = malloc(input_count * sizeof(NDArrayHandle));
    for (uint32_t i = 0, k = 0; i < input_count; i++) {
        inputs[i] = parameters[i];
        if (inputs[i] == NULL && k < 2) { /* the data comes first, a label last */
            own[k] = k == 0 ? make_data(number) : make_label();
            inputs[i] = own[k++];
        }
    }
    CHECK(MXInvokeCachedOp(op, (int)input_count, inputs, &output_count, &outputs));
    NDArrayHandle result = outputs[0];
    CHECK(MXNDArrayFree(own[0]));
    CHECK(MXNDArrayFree(own[1]));
    free(inputs);
    return result; /* the list is the thread's, the handle is ours */
}

/* Step 6: results are read when everything is done. */
static void print_class(int number, NDArrayHandle result)
{
    int dims;
    const int *sizes;
    size_t count = 1, best = 0;
    CHECK(MXNDArrayGetShapeEx(result, &dims, &sizes));
    for (int i = 0; i < dims; i++)
        count *= (size_t)sizes[i];
    float *scores = malloc(count * sizeof(float));
    CHECK(MXNDArraySyncCopyToCPU(result, scores, count));
    for (size_t i = 1; i < count; i++)
        if (scores[i] > scores[best])
            best = i;
    printf("thread %d: class %zu, %.4f\n", number, best, scores[best]);
    free(scores);
    CHECK(MXNDArrayFree(result));
}

static void run_threads(int count)
{
    pthread_t threads[MOST_THREADS];
    int numbers[MOST_THREADS];
    void *results[MOST_THREADS];
    for (int i = 0; i < count; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, infer, &numbers[i]) != 0)
            exit(EXIT_FAILURE);
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], &results[i]);
    CHECK(MXNDArrayWaitAll());
    for (int i = 0; i < count; i++)
        print_class(i, results[i]);
}

static void read_shape(const char *text)
{
    for (rank = 0; *text != '\0' && rank < 8; rank++) {
        char *end;
        shape[rank] = (uint32_t)strtoul(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    if (rank == 0 || shape[0] < 1 || shape[0] > 256) {
        fprintf(stderr, "the shape begins with a batch of 1 to 256\n");
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    char path[4096];
    SymbolHandle symbol;
    const int thread_count = argc > 2 ? atoi(argv[2]) : 4;
    if (argc < 2 || thread_count < 1 || thread_count > MOST_THREADS) {
        fprintf(stderr, "usage: %s PREFIX [THREADS, 1 to %d] [N,C,H,W]\n", argv[0], MOST_THREADS);
        return EXIT_FAILURE;
    }
    read_shape(argc > 3 ? argv[3] : "1,3,224,224");

    snprintf(path, sizeof path, "%s-symbol.json", argv[1]); /* step 1: the symbol */
    CHECK(MXSymbolCreateFromFile(path, &symbol));
    snprintf(path, sizeof path, "%s-0000.params", argv[1]);
    load_parameters(symbol, path);

    const char *keys[] = {"static_alloc", "static_shape"},
               *values[] = {"true", "true"}; /* step 3 */
    CHECK(MXCreateCachedOpEX(symbol, 2, keys, values, &op, true));
    CHECK(MXSymbolFree(symbol));

    run_threads(thread_count);

    for (uint32_t i = 0; i < input_count; i++)
        CHECK(MXNDArrayFree(parameters[i]));
    free(parameters);
    CHECK(MXFreeCachedOp(op));
    return EXIT_SUCCESS;
}
