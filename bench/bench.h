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

struct bench_arguments {
    const char *model;
    int callers[BENCH_MAX_CALLERS]; /* --callers 1,2,4 */
    int caller_count;
    double seconds;    /* --seconds: of each measurement */
    int rounds;        /* --rounds */
    int intra_op;      /* --intra-op */
    int64_t batch;     /* --batch: the first dimension of every input; 0: as the model says */
    cop_device device; /* --device cpu|ref */
    cop_tuning tuning; /* --fast-run */
    int skips_check;   /* --no-check: the caller of the bench compares outputs itself */
};

/* Parses and checks the command line; prints how it should be and exits with 2 when it is wrong. */
struct bench_arguments bench_parse(int argc, char **argv, const char *question);

/* Prints the error of a failed call and exits with 1. */
void bench_check(cop_status status, const cop_error *error, const char *what);

/* An operator with inputs filled from a fixed seed, and what came out of the reference kernels for
 * them. */
struct bench_subject {
    cop_model *model;
    cop_cached_op *op;
    size_t src_count, dst_count;
    cop_ndarray *src[BENCH_MAX_ARRAYS];
    double load_seconds, compile_seconds; /* what cop_model_load and cop_cached_op_create took */
};

void bench_load(const struct bench_arguments *arguments, struct bench_subject *subject);
void bench_release(struct bench_subject *subject);

/* One array for each output. */
void bench_make_outputs(const struct bench_subject *subject, cop_ndarray **dst);

/*
 * Compares the operator with the reference kernels on the inputs: at most 1e-4 of the largest value
 * apart, or it says where and exits with 1. Nothing is timed before this.
 */
void bench_check_outputs(const struct bench_arguments *arguments,
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

/* Begins the line of JSON that every bench ends with; the caller adds fields and the closing brace.
 */
void bench_begin_json(FILE *file, const char *bench, const struct bench_arguments *arguments);

#endif
