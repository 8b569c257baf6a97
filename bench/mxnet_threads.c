// SPDX-License-Identifier: Apache-2.0
/*
 * How many invocations a second do many threads get out of one CachedOp of MXNet's C API?
 *
 * One process, one library with that interface (ours, or libmxnet.so), one model:
 *
 *     mxnet_threads LIBRARY SYMBOL.json PARAMS BATCH,C,H,W [FLAG=VALUE ...]
 *
 * (backend=NAME is no flag: that subgraph backend first rewrites the symbol.)
 *
 * It prints "ready" and then answers commands on its standard input: "output FILE" writes the
 * outputs of one invocation as float32; "run SECONDS THREADS" invokes and waits for the result in
 * each thread again and again, and prints invocations a second and the peak of resident memory in
 * bytes. bench/compare_mxnet.py drives it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mxnet/c_api.h>
#include <nnvm/c_api.h>

#define MOST_INPUTS  4096
#define MOST_THREADS 256

/* The functions of the library that is measured. */
static struct {
    __typeof__(&MXGetLastError) MXGetLastError;
    __typeof__(&MXSymbolCreateFromFile) MXSymbolCreateFromFile;
    __typeof__(&MXNDArrayLoad) MXNDArrayLoad;
    __typeof__(&MXGenBackendSubgraph) MXGenBackendSubgraph;
    __typeof__(&NNSymbolListInputNames) NNSymbolListInputNames;
    __typeof__(&MXCreateCachedOpEX) MXCreateCachedOpEX;
    __typeof__(&MXInvokeCachedOp) MXInvokeCachedOp;
    __typeof__(&MXNDArrayCreateEx) MXNDArrayCreateEx;
    __typeof__(&MXNDArrayFree) MXNDArrayFree;
    __typeof__(&MXNDArraySyncCopyFromCPU) MXNDArraySyncCopyFromCPU;
    __typeof__(&MXNDArraySyncCopyToCPU) MXNDArraySyncCopyToCPU;
    __typeof__(&MXNDArrayGetShapeEx) MXNDArrayGetShapeEx;
    __typeof__(&MXNDArrayWaitToRead) MXNDArrayWaitToRead;
} api;

static CachedOpHandle op;
static NDArrayHandle arguments[MOST_INPUTS]; /* every thread has its own data and label */
static int argument_count, data_index = -1, label_index = -1;
static uint32_t shape[8], rank;
static atomic_bool is_over;

static void check(int result, const char *what)
{
    if (result == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, api.MXGetLastError());
    exit(1);
}

#define CALL(function, ...) check(api.function(__VA_ARGS__), #function)

static void open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
#define FIND(name) *(void **)&api.name = dlsym(library, #name)
    FIND(MXGetLastError);
    FIND(MXSymbolCreateFromFile);
    FIND(MXNDArrayLoad);
    FIND(MXGenBackendSubgraph);
    FIND(NNSymbolListInputNames);
    FIND(MXCreateCachedOpEX);
    FIND(MXInvokeCachedOp);
    FIND(MXNDArrayCreateEx);
    FIND(MXNDArrayFree);
    FIND(MXNDArraySyncCopyFromCPU);
    FIND(MXNDArraySyncCopyToCPU);
    FIND(MXNDArrayGetShapeEx);
    FIND(MXNDArrayWaitToRead);
#undef FIND
}

static size_t element_count(void)
{
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++)
        count *= shape[i];
    return count;
}

static NDArrayHandle make_data(void)
{
    NDArrayHandle data;
    const size_t count = element_count();
    float *pixels = malloc(count * sizeof *pixels);
    for (size_t i = 0; i < count; i++) /* about what normalized pixels are */
        pixels[i] = (float)((i * 2654435761U) % 1000) / 250 - 2;
    CALL(MXNDArrayCreateEx, shape, rank, 1, 0, 0, 0, &data);
    CALL(MXNDArraySyncCopyFromCPU, data, pixels, count);
    free(pixels);
    return data;
}

static NDArrayHandle make_label(void)
{
    NDArrayHandle label;
    float *zeros = calloc(shape[0], sizeof *zeros);
    CALL(MXNDArrayCreateEx, shape, 1, 1, 0, 0, 0, &label);
    CALL(MXNDArraySyncCopyFromCPU, label, zeros, shape[0]);
    free(zeros);
    return label;
}

/* Parameters by name; what has none is the data, or a label. */
static void find_arguments(SymbolHandle symbol, const char *params)
{
    uint32_t count, name_count, input_count;
    NDArrayHandle *arrays;
    const char **names, **inputs;
    CALL(MXNDArrayLoad, params, &count, &arrays, &name_count, &names);
    CALL(NNSymbolListInputNames, symbol, 0, &input_count, &inputs);
    argument_count = (int)input_count;
    for (uint32_t i = 0; i < input_count; i++) {
        for (uint32_t k = 0; k < name_count; k++)
            if (strcmp(names[k] + 4, inputs[i]) == 0)
                arguments[i] = arrays[k];
        if (arguments[i] == NULL && strstr(inputs[i], "label") != NULL)
            label_index = (int)i;
        else if (arguments[i] == NULL)
            data_index = (int)i;
    }
}

static void create(char **argv, int argc)
{
    const char *keys[16], *values[16];
    int flags = 0;
    const char *backend = NULL; /* that rewrites the symbol before the operator is made of it */
    SymbolHandle symbol;
    for (int i = 5; i < argc && flags < 16; i++) {
        char *value = strchr(argv[i], '=');
        if (value == NULL)
            continue;
        *value = '\0';
        if (strcmp(argv[i], "backend") == 0) {
            backend = value + 1;
            continue;
        }
        keys[flags] = argv[i];
        values[flags++] = value + 1;
    }
    CALL(MXSymbolCreateFromFile, argv[2], &symbol);
    if (backend != NULL)
        CALL(MXGenBackendSubgraph, symbol, backend, &symbol);
    find_arguments(symbol, argv[3]);
    CALL(MXCreateCachedOpEX, symbol, flags, keys, values, &op, true);
}

static NDArrayHandle invoke(NDArrayHandle *inputs)
{
    int count = 0;
    NDArrayHandle *outputs = NULL;
    CALL(MXInvokeCachedOp, op, argument_count, inputs, &count, &outputs);
    const NDArrayHandle first = outputs[0];
    for (int i = 1; i < count; i++)
        CALL(MXNDArrayFree, outputs[i]);
    CALL(MXNDArrayWaitToRead, first);
    return first;
}

static void take_arguments(NDArrayHandle *inputs)
{
    memcpy(inputs, arguments, sizeof arguments);
    inputs[data_index] = make_data();
    if (label_index >= 0)
        inputs[label_index] = make_label();
}

static void *work(void *count)
{
    NDArrayHandle *inputs = malloc(sizeof arguments);
    take_arguments(inputs);
    CALL(MXNDArrayFree, invoke(inputs)); /* not counted */
    *(long *)count = 0;
    while (!is_over) {
        CALL(MXNDArrayFree, invoke(inputs));
        ++*(long *)count;
    }
    CALL(MXNDArrayFree, inputs[data_index]);
    if (label_index >= 0)
        CALL(MXNDArrayFree, inputs[label_index]);
    free(inputs);
    return NULL;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static long peak_bytes(void)
{
    char line[128];
    long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmHWM: %ld", &kilobytes) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return kilobytes * 1024;
}

static void run(double seconds, int thread_count)
{
    pthread_t threads[MOST_THREADS];
    long counts[MOST_THREADS], sum = 0;
    is_over = false;
    const double begin = now();
    for (int i = 0; i < thread_count; i++)
        pthread_create(&threads[i], NULL, work, &counts[i]);
    while (now() - begin < seconds)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    is_over = true;
    for (int i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
        sum += counts[i];
    }
    printf("%.3f %ld\n", (double)sum / (now() - begin), peak_bytes());
}

static void write_output(const char *path)
{
    int dims;
    const int *sizes;
    size_t count = 1;
    NDArrayHandle inputs[MOST_INPUTS];
    take_arguments(inputs);
    const NDArrayHandle output = invoke(inputs);
    CALL(MXNDArrayGetShapeEx, output, &dims, &sizes);
    for (int i = 0; i < dims; i++)
        count *= (size_t)sizes[i];
    float *elements = malloc(count * sizeof *elements);
    CALL(MXNDArraySyncCopyToCPU, output, elements, count);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(elements, sizeof *elements, count, file) != count ||
        fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    free(elements);
    printf("%zu\n", count);
}

int main(int argc, char **argv)
{
    char command[4096], path[4000];
    double seconds;
    int threads;
    if (argc < 5) {
        fprintf(stderr, "usage: %s LIBRARY SYMBOL.json PARAMS BATCH,C,H,W [FLAG=VALUE ...]\n",
                argv[0]);
        return 2;
    }
    for (char *at = strtok(argv[4], ","); at != NULL && rank < 8; at = strtok(NULL, ","))
        shape[rank++] = (uint32_t)strtoul(at, NULL, 10);
    open_library(argv[1]);
    create(argv, argc);
    printf("ready\n");
    fflush(stdout);
    while (fgets(command, sizeof command, stdin) != NULL) {
        if (sscanf(command, "run %lf %d", &seconds, &threads) == 2 && threads > 0 &&
            threads <= MOST_THREADS)
            run(seconds, threads);
        else if (sscanf(command, "output %3999s", path) == 1)
            write_output(path);
        else
            break;
        fflush(stdout);
    }
    return 0;
}
