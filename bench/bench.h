// SPDX-License-Identifier: Apache-2.0
/* What the benches share: arguments, a checked operator, inputs, samples, and the line of JSON. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cachedop/cachedop.h>

#define BENCH_MAX_CALLERS 64
#define BENCH_MAX_ARRAYS  16
#define BENCH_PICTURES    2 /* different rows in a batch */

struct bench_arguments {
    const char *model;
    int callers[BENCH_MAX_CALLERS]; /* --callers 1,2,4 */
    int caller_count;
    double seconds;    /* --seconds: of each measurement */
    int rounds;        /* --rounds */
    int intra_op;      /* --intra-op */
    int64_t batch;     /* --batch: the first dimension of every input; 0: as the model says */
    cop_device device; /* --device cpu|ref|gpu:N */
    const char *device_name;
    cop_tuning tuning;       /* --fast-run */
    const char *module;      /* --module; NULL: where the library looks */
    cop_precision precision; /* --precision, and so on: of a GPU */
    cop_gpu_kernels kernels;
    cop_memory arrays;     /* --arrays */
    const char *reference; /* --reference: what the reference kernels gave; NULL: run them */
    int skips_check;       /* --no-check: the caller of the bench compares outputs itself */
};

/* As they are spelt on the command line. */
const char *bench_precision_name(cop_precision precision);
const char *bench_kernels_name(cop_gpu_kernels whose);
const char *bench_memory_name(cop_memory memory);

/* Parses and checks the command line; prints how it should be and exits with 2 when it is wrong. */
struct bench_arguments bench_parse(int argc, char **argv, const char *question);

/* Prints the error of a failed call and exits with 1. */
void bench_check(cop_status status, const cop_error *error, const char *what);

/* An operator with inputs, in memory of the process, filled from a fixed seed. */
struct bench_subject {
    cop_model *model;
    cop_cached_op *op;
    size_t src_count, dst_count;
    cop_ndarray *src[BENCH_MAX_ARRAYS];
    cop_device device;
    cop_memory arrays;     /* where bench_make_arrays and bench_make_outputs put them */
    int has_shared_inputs; /* all callers read `src`; otherwise each has a copy */
    double load_seconds, compile_seconds; /* what cop_model_load and cop_cached_op_create took */
};

void bench_load(const struct bench_arguments *arguments, struct bench_subject *subject);
void bench_release(struct bench_subject *subject);
cop_cached_op *bench_compile(const struct bench_arguments *arguments, cop_model *model);

/* Random elements for input number `input`: its rows are pictures in turns, beginning with
 * `picture` of BENCH_PICTURES. */
void bench_fill(cop_ndarray *array, size_t input, size_t rows, size_t picture);

/* One array for each output. */
void bench_make_outputs(const struct bench_subject *subject, cop_ndarray **dst);

/* What one caller needs for itself. */
struct bench_arrays {
    cop_ndarray *src[BENCH_MAX_ARRAYS], *dst[BENCH_MAX_ARRAYS];
};
void bench_make_arrays(const struct bench_subject *subject, struct bench_arrays *arrays);
void bench_release_arrays(const struct bench_subject *subject, struct bench_arrays *arrays);
/* To arrays of the process, which are made where they are NULL. */
void bench_copy_outputs(const struct bench_subject *subject, const struct bench_arrays *arrays,
                        cop_ndarray **host);

/* Invokes once, with arrays of its own, and makes `results` in memory of the process. */
void bench_invoke(const struct bench_subject *subject, cop_ndarray **results);

/*
 * Compares the operator with the reference kernels on the inputs: it says where they are further
 * apart than the precision explains (1e-4 of the largest value in fp32) and exits with 1. Nothing
 * is timed before this. Returns how far they are apart, as a part of the largest value.
 */
double bench_check_outputs(const struct bench_arguments *arguments,
                           const struct bench_subject *subject);

struct bench_samples {
    double *values;
    size_t count, capacity;
};
void bench_add(struct bench_samples *samples, double value);
double bench_quantile(struct bench_samples *samples, double q); /* sorts */

/* Peak resident bytes of this process so far (VmHWM), and now (VmRSS). */
size_t bench_peak_bytes(void);
size_t bench_resident_bytes(void);

double bench_now(void); /* seconds, monotonic */

/* Such as "NVIDIA H100 80GB HBM3"; valid until the next call. */
const char *bench_device_name(cop_device device);

/* Begins the line of JSON that every bench ends with; the caller adds fields and the closing brace.
 */
void bench_begin_json(FILE *file, const char *bench, const struct bench_arguments *arguments);

#endif
