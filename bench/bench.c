// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bench.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef BENCH_COMMIT
#define BENCH_COMMIT "unknown"
#endif

static void print_usage(const char *program, const char *question)
{
    fprintf(stderr,
            "%s\n\nusage: %s [options] MODEL\n"
            "  --callers 1,2,4   numbers of threads that invoke at once (1,2)\n"
            "  --seconds S       length of one measurement (1)\n"
            "  --rounds N        measurements, of which the median counts (5)\n"
            "  --intra-op N      threads inside one invocation (1)\n"
            "  --batch N         first dimension of every input (as the model says)\n"
            "  --device D        cpu or ref (cpu)\n"
            "  --fast-run        spend time at create on faster kernels\n"
            "  --no-check        do not compare with the reference kernels first\n",
            question, program);
}

static int parse_callers(struct bench_arguments *arguments, char *list)
{
    char *rest = NULL;
    arguments->caller_count = 0;
    for (char *item = strtok_r(list, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        const int count = atoi(item);
        if (count < 1 || count > BENCH_MAX_CALLERS || arguments->caller_count == BENCH_MAX_CALLERS)
            return 0;
        arguments->callers[arguments->caller_count++] = count;
    }
    return arguments->caller_count > 0;
}

struct bench_arguments bench_parse(int argc, char **argv, const char *question)
{
    static const struct option table[] = {
        {"callers", 1, NULL, 'c'},  {"seconds", 1, NULL, 's'},  {"rounds", 1, NULL, 'r'},
        {"intra-op", 1, NULL, 'i'}, {"batch", 1, NULL, 'b'},    {"device", 1, NULL, 'd'},
        {"no-check", 0, NULL, 'n'}, {"fast-run", 0, NULL, 'f'}, {NULL, 0, NULL, 0},
    };
    struct bench_arguments arguments = {
        .callers = {1, 2}, .caller_count = 2, .seconds = 1, .rounds = 5, .intra_op = 1};
    int is_right = 1, option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1)
        switch (option) {
        case 'c':
            is_right &= parse_callers(&arguments, optarg);
            break;
        case 's':
            is_right &= (arguments.seconds = atof(optarg)) > 0;
            break;
        case 'r':
            is_right &= (arguments.rounds = atoi(optarg)) > 0;
            break;
        case 'i':
            is_right &= (arguments.intra_op = atoi(optarg)) > 0;
            break;
        case 'b':
            is_right &= (arguments.batch = atoll(optarg)) > 0;
            break;
        case 'd':
            arguments.device.kind = strcmp(optarg, "ref") == 0 ? COP_DEVICE_REF : COP_DEVICE_CPU;
            is_right &= strcmp(optarg, "ref") == 0 || strcmp(optarg, "cpu") == 0;
            break;
        case 'f':
            arguments.tuning = COP_TUNING_FAST_RUN;
            break;
        case 'n':
            arguments.skips_check = 1;
            break;
        default:
            is_right = 0;
        }
    if (!is_right || optind != argc - 1) {
        print_usage(argv[0], question);
        exit(2);
    }
    arguments.model = argv[optind];
    return arguments;
}

void bench_check(cop_status status, const cop_error *error, const char *what)
{
    if (status == COP_STATUS_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, cop_status_name(status), error->message);
    exit(1);
}

static cop_cached_op *compile(const struct bench_arguments *arguments, cop_model *model,
                              cop_device device)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_input_shape shapes[BENCH_MAX_ARRAYS];
    cop_cached_op *op = NULL, *reshaped = NULL;
    cop_error error;
    options.device = device;
    options.intra_op_threads = arguments->intra_op;
    options.tuning = arguments->tuning;
    bench_check(cop_cached_op_create(model, &options, &op, &error), &error, arguments->model);
    const size_t count = cop_cached_op_input_count(op);
    if (count > BENCH_MAX_ARRAYS || cop_cached_op_output_count(op) > BENCH_MAX_ARRAYS) {
        fprintf(stderr, "%s: more than %d inputs or outputs\n", arguments->model, BENCH_MAX_ARRAYS);
        exit(1);
    }
    if (arguments->batch == 0)
        return op;
    for (size_t i = 0; i < count; i++) {
        cop_tensor_desc desc;
        bench_check(cop_cached_op_input(op, i, &desc, &error), &error, "input");
        shapes[i] = (cop_input_shape){.name = desc.name, .rank = desc.rank};
        memcpy(shapes[i].shape, desc.shape, sizeof shapes[i].shape);
        shapes[i].shape[0] = arguments->batch;
    }
    bench_check(cop_cached_op_reshape(op, shapes, count, &reshaped, NULL, &error), &error,
                "reshape");
    cop_cached_op_release(&op);
    return reshaped;
}

static void fill(cop_ndarray *array, unsigned seed)
{
    float *elements = cop_ndarray_data(array);
    if (cop_ndarray_dtype(array) != COP_DTYPE_FLOAT32)
        return; /* zeros are valid for everything else */
    for (size_t i = 0; i < cop_ndarray_bytes(array) / sizeof *elements; i++)
        elements[i] = (float)(rand_r(&seed) % 4001 - 2000) / 1000.0f;
}

void bench_load(const struct bench_arguments *arguments, struct bench_subject *subject)
{
    cop_error error;
    *subject = (struct bench_subject){0};
    const double begin = bench_now();
    bench_check(cop_model_load(arguments->model, NULL, &subject->model, &error), &error, "load");
    subject->load_seconds = bench_now() - begin;
    subject->op = compile(arguments, subject->model, arguments->device);
    subject->compile_seconds = bench_now() - begin - subject->load_seconds;
    subject->src_count = cop_cached_op_input_count(subject->op);
    subject->dst_count = cop_cached_op_output_count(subject->op);
    for (size_t i = 0; i < subject->src_count; i++) {
        cop_tensor_desc desc;
        bench_check(cop_cached_op_input(subject->op, i, &desc, &error), &error, "input");
        bench_check(cop_ndarray_create(desc.dtype, desc.rank, desc.shape, &subject->src[i], &error),
                    &error, "input");
        fill(subject->src[i], 17 + (unsigned)i);
    }
}

void bench_release(struct bench_subject *subject)
{
    for (size_t i = 0; i < subject->src_count; i++)
        cop_ndarray_release(&subject->src[i]);
    cop_cached_op_release(&subject->op);
    cop_model_release(&subject->model);
}

void bench_make_outputs(const struct bench_subject *subject, cop_ndarray **dst)
{
    cop_error error;
    for (size_t i = 0; i < subject->dst_count; i++) {
        cop_tensor_desc desc;
        bench_check(cop_cached_op_output(subject->op, i, &desc, &error), &error, "output");
        bench_check(cop_ndarray_create(desc.dtype, desc.rank, desc.shape, &dst[i], &error), &error,
                    "output");
    }
}

static void compare(const cop_ndarray *is, const cop_ndarray *should_be)
{
    if (cop_ndarray_dtype(is) != COP_DTYPE_FLOAT32)
        return;
    const float *a = cop_ndarray_data(is), *b = cop_ndarray_data(should_be);
    const size_t count = cop_ndarray_bytes(is) / sizeof *a;
    float largest = 0, apart = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(b[i]));
        apart = isfinite(a[i]) ? fmaxf(apart, fabsf(a[i] - b[i])) : INFINITY;
    }
    if (apart > 1e-4f * largest || !(largest > 0)) {
        fprintf(stderr, "the output is wrong: %g apart, the largest value is %g\n", (double)apart,
                (double)largest);
        exit(1);
    }
}

void bench_check_outputs(const struct bench_arguments *arguments,
                         const struct bench_subject *subject)
{
    if (arguments->skips_check)
        return;
    cop_ndarray *is[BENCH_MAX_ARRAYS] = {NULL}, *should_be[BENCH_MAX_ARRAYS] = {NULL};
    cop_cached_op *oracle = compile(arguments, subject->model, (cop_device){COP_DEVICE_REF, 0});
    cop_error error;
    bench_check(cop_invoke(subject->op, subject->src_count, subject->src, subject->dst_count, is,
                           NULL, &error),
                &error, "invoke");
    bench_check(cop_invoke(oracle, subject->src_count, subject->src, subject->dst_count, should_be,
                           NULL, &error),
                &error, "invoke on ref");
    for (size_t i = 0; i < subject->dst_count; i++) {
        compare(is[i], should_be[i]);
        cop_ndarray_release(&is[i]), cop_ndarray_release(&should_be[i]);
    }
    cop_cached_op_release(&oracle);
}

void bench_add(struct bench_samples *samples, double value)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity * 2 + 1024;
        samples->values = realloc(samples->values, samples->capacity * sizeof *samples->values);
        if (samples->values == NULL)
            exit(1);
    }
    samples->values[samples->count++] = value;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(struct bench_samples *samples, double q)
{
    if (samples->count == 0)
        return NAN;
    qsort(samples->values, samples->count, sizeof *samples->values, compare_doubles);
    return samples->values[(size_t)(q * (double)(samples->count - 1) + 0.5)];
}

static size_t read_status(const char *field)
{
    char line[256];
    size_t kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            sscanf(line + strlen(field), ": %zu", &kilobytes);
    fclose(file);
    return kilobytes * 1024;
}

size_t bench_peak_bytes(void)
{
    return read_status("VmHWM");
}

size_t bench_resident_bytes(void)
{
    return read_status("VmRSS");
}

double bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_begin_json(FILE *file, const char *bench, const struct bench_arguments *arguments)
{
    cop_device_desc desc = {.name = "unknown"};
    (void)!cop_device_describe(0, &desc, NULL);
    fprintf(file,
            "{\"bench\":\"%s\",\"commit\":\"%s\",\"cpu\":\"%s\",\"model\":\"%s\",\"device\":\"%s\","
            "\"intra_op_threads\":%d,\"batch\":%lld,\"fast_run\":%s",
            bench, BENCH_COMMIT, desc.name, arguments->model,
            arguments->device.kind == COP_DEVICE_REF ? "ref" : "cpu", arguments->intra_op,
            (long long)arguments->batch,
            arguments->tuning == COP_TUNING_FAST_RUN ? "true" : "false");
}
