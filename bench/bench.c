// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bench.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef BENCH_COMMIT
#define BENCH_COMMIT "unknown"
#endif

void bench_check(cop_status status, const cop_error *error, const char *what)
{
    if (status == COP_STATUS_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, cop_status_name(status), error->message);
    exit(1);
}

cop_cached_op *bench_compile(const struct bench_arguments *arguments, cop_model *model)
{
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    cop_input_shape shapes[BENCH_MAX_ARRAYS];
    cop_cached_op *op = NULL, *reshaped = NULL;
    cop_error error;
    options.device = arguments->device;
    options.intra_op_threads = arguments->intra_op;
    options.tuning = arguments->tuning;
    options.precision = arguments->precision;
    options.gpu_kernels = arguments->kernels;
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

void bench_fill(cop_ndarray *array, size_t input, size_t rows, size_t picture)
{
    float *elements = cop_ndarray_data(array);
    if (cop_ndarray_dtype(array) != COP_DTYPE_FLOAT32)
        return; /* zeros are valid for everything else */
    const size_t count = cop_ndarray_bytes(array) / sizeof *elements / rows;
    for (size_t row = 0; row < rows; row++) {
        unsigned seed = 17 + (unsigned)(input + 1000 * ((picture + row) % BENCH_PICTURES));
        for (size_t i = 0; i < count; i++)
            elements[row * count + i] = (float)(rand_r(&seed) % 4001 - 2000) / 1000.0f;
    }
}

static void load_module(const char *path)
{
    char absolute[PATH_MAX];
    cop_error error;
    if (path == NULL)
        return;
    if (realpath(path, absolute) == NULL) {
        fprintf(stderr, "%s: there is no such module\n", path);
        exit(1);
    }
    bench_check(cop_load_module(absolute, &error), &error, "module");
}

void bench_load(const struct bench_arguments *arguments, struct bench_subject *subject)
{
    cop_error error;
    *subject =
        (struct bench_subject){.device = arguments->device,
                               .arrays = arguments->arrays,
                               .has_shared_inputs = arguments->device.kind != COP_DEVICE_GPU};
    load_module(arguments->module);
    const double begin = bench_now();
    bench_check(cop_model_load(arguments->model, NULL, &subject->model, &error), &error, "load");
    subject->load_seconds = bench_now() - begin;
    subject->op = bench_compile(arguments, subject->model);
    subject->compile_seconds = bench_now() - begin - subject->load_seconds;
    subject->src_count = cop_cached_op_input_count(subject->op);
    subject->dst_count = cop_cached_op_output_count(subject->op);
    for (size_t i = 0; i < subject->src_count; i++) {
        cop_tensor_desc desc;
        bench_check(cop_cached_op_input(subject->op, i, &desc, &error), &error, "input");
        bench_check(cop_ndarray_create(desc.dtype, desc.rank, desc.shape, &subject->src[i], &error),
                    &error, "input");
        bench_fill(subject->src[i], i, arguments->batch > 0 ? (size_t)arguments->batch : 1, 0);
    }
}

void bench_release(struct bench_subject *subject)
{
    for (size_t i = 0; i < subject->src_count; i++)
        cop_ndarray_release(&subject->src[i]);
    cop_cached_op_release(&subject->op);
    cop_model_release(&subject->model);
}

static cop_ndarray *make_array(const struct bench_subject *subject, const cop_tensor_desc *desc)
{
    cop_ndarray *array = NULL;
    cop_error error;
    bench_check(cop_ndarray_create_in(subject->device, subject->arrays, desc->dtype, desc->rank,
                                      desc->shape, &array, &error),
                &error, "array");
    return array;
}

void bench_make_outputs(const struct bench_subject *subject, cop_ndarray **dst)
{
    for (size_t i = 0; i < subject->dst_count; i++) {
        cop_tensor_desc desc;
        cop_error error;
        bench_check(cop_cached_op_output(subject->op, i, &desc, &error), &error, "output");
        dst[i] = make_array(subject, &desc);
    }
}

void bench_make_arrays(const struct bench_subject *subject, struct bench_arrays *arrays)
{
    for (size_t i = 0; i < subject->src_count; i++) {
        cop_tensor_desc desc;
        cop_error error;
        bench_check(cop_cached_op_input(subject->op, i, &desc, &error), &error, "input");
        arrays->src[i] = make_array(subject, &desc);
        bench_check(cop_ndarray_copy(subject->src[i], arrays->src[i], &error), &error, "copy");
    }
    bench_make_outputs(subject, arrays->dst);
}

void bench_copy_outputs(const struct bench_subject *subject, const struct bench_arrays *arrays,
                        cop_ndarray **host)
{
    for (size_t i = 0; i < subject->dst_count; i++) {
        const cop_ndarray *dst = arrays->dst[i];
        cop_error error;
        if (host[i] == NULL)
            bench_check(cop_ndarray_create(cop_ndarray_dtype(dst), cop_ndarray_rank(dst),
                                           cop_ndarray_shape(dst), &host[i], &error),
                        &error, "output");
        bench_check(cop_ndarray_copy(arrays->dst[i], host[i], &error), &error, "copy");
    }
}

void bench_release_arrays(const struct bench_subject *subject, struct bench_arrays *arrays)
{
    for (size_t i = 0; i < subject->src_count; i++)
        cop_ndarray_release(&arrays->src[i]);
    for (size_t i = 0; i < subject->dst_count; i++)
        cop_ndarray_release(&arrays->dst[i]);
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

static void print_features(FILE *file)
{
    size_t count = 0, printed = 0;
    const cop_feature *features = cop_features(&count);
    fprintf(file, ",\"features\":{");
    for (size_t i = 0; i < count; i++)
        if (features[i].enabled)
            fprintf(file, "%s\"%s\":\"%s\"", printed++ == 0 ? "" : ",", features[i].name,
                    features[i].version);
    fprintf(file, "}");
}

static void print_gpu(FILE *file, const struct bench_arguments *arguments)
{
    fprintf(file, ",\"precision\":\"%s\",\"kernels\":\"%s\",\"arrays\":\"%s\"",
            bench_precision_name(arguments->precision), bench_kernels_name(arguments->kernels),
            bench_memory_name(arguments->arrays));
}

const char *bench_device_name(cop_device device)
{
    static cop_device_desc desc;
    const size_t count = cop_device_count();
    for (size_t i = 0; i < count; i++)
        if (cop_device_describe(i, &desc, NULL) == COP_STATUS_OK &&
            desc.device.kind == device.kind && desc.device.index == device.index)
            return desc.name;
    return "unknown";
}

void bench_begin_json(FILE *file, const char *bench, const struct bench_arguments *arguments)
{
    cop_device_desc cpu = {.name = "unknown"};
    (void)!cop_device_describe(0, &cpu, NULL);
    fprintf(file,
            "{\"bench\":\"%s\",\"commit\":\"%s\",\"cpu\":\"%s\",\"model\":\"%s\",\"device\":\"%s\","
            "\"intra_op_threads\":%d,\"batch\":%lld,\"fast_run\":%s",
            bench, BENCH_COMMIT, cpu.name, arguments->model, arguments->device_name,
            arguments->intra_op, (long long)arguments->batch,
            arguments->tuning == COP_TUNING_FAST_RUN ? "true" : "false");
    print_features(file);
    if (arguments->device.kind != COP_DEVICE_GPU)
        return;
    fprintf(file, ",\"device_name\":\"%s\"", bench_device_name(arguments->device));
    print_gpu(file, arguments);
}
