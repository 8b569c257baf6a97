// SPDX-License-Identifier: Apache-2.0
/*
 * Whether the operator gives what the reference kernels give. Those are slow, so they see no batch:
 * the rows of the inputs are two pictures in turns, each of which they run once.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* Of the largest value. Rounding of a factor to 11 or 8 bits is 2.4e-4 or 2e-3, and a network adds
 * up that of its layers. */
static double tolerance_of(cop_precision precision)
{
    static const double tolerances[] = {
        [COP_PRECISION_FP32] = 1e-4,
        [COP_PRECISION_TF32] = 2e-2,
        [COP_PRECISION_BF16] = 1.5e-1,
        [COP_PRECISION_FP16] = 2e-2,
    };
    return tolerances[precision];
}

struct reference {
    size_t picture_count, element_count; /* elements of all float32 outputs, for one picture */
    float *elements;
};

static void *must_alloc(size_t count, size_t size)
{
    void *memory = calloc(count == 0 ? 1 : count, size);
    if (memory == NULL)
        exit(1);
    return memory;
}

static size_t count_floats(const cop_cached_op *op)
{
    size_t count = 0;
    for (size_t i = 0; i < cop_cached_op_output_count(op); i++) {
        cop_tensor_desc desc;
        cop_error error;
        size_t elements = 1;
        bench_check(cop_cached_op_output(op, i, &desc, &error), &error, "output");
        for (int k = 0; k < desc.rank; k++)
            elements *= (size_t)desc.shape[k];
        count += desc.dtype == COP_DTYPE_FLOAT32 ? elements : 0;
    }
    return count;
}

/* Every input of the oracle as picture `index`. */
static void make_picture(const cop_cached_op *oracle, size_t src_count, size_t index,
                         cop_ndarray **src)
{
    for (size_t i = 0; i < src_count; i++) {
        cop_tensor_desc desc;
        cop_error error;
        bench_check(cop_cached_op_input(oracle, i, &desc, &error), &error, "input");
        bench_check(cop_ndarray_create(desc.dtype, desc.rank, desc.shape, &src[i], &error), &error,
                    "input");
        bench_fill(src[i], i, 1, index);
    }
}

static void run_oracle(const struct bench_subject *subject, cop_cached_op *oracle, size_t index,
                       float *elements)
{
    cop_ndarray *src[BENCH_MAX_ARRAYS] = {NULL}, *dst[BENCH_MAX_ARRAYS] = {NULL};
    cop_error error;
    make_picture(oracle, subject->src_count, index, src);
    bench_check(cop_invoke(oracle, subject->src_count, src, subject->dst_count, dst, NULL, &error),
                &error, "invoke on ref");
    for (size_t i = 0; i < subject->dst_count; i++) {
        if (cop_ndarray_dtype(dst[i]) == COP_DTYPE_FLOAT32) {
            memcpy(elements, cop_ndarray_data(dst[i]), cop_ndarray_bytes(dst[i]));
            elements += cop_ndarray_bytes(dst[i]) / sizeof *elements;
        }
        cop_ndarray_release(&dst[i]);
    }
    for (size_t i = 0; i < subject->src_count; i++)
        cop_ndarray_release(&src[i]);
}

static int read_reference(const char *path, struct reference *reference)
{
    FILE *file = path == NULL ? NULL : fopen(path, "rb");
    if (file == NULL)
        return 0;
    const size_t count = reference->picture_count * reference->element_count;
    const int is_read =
        fread(reference->elements, sizeof(float), count, file) == count && fgetc(file) == EOF;
    fclose(file);
    return is_read;
}

/* Whole or not at all: several processes may be about to. */
static void write_reference(const char *path, const struct reference *reference)
{
    char beside[4096];
    if (path == NULL)
        return;
    snprintf(beside, sizeof beside, "%s.%.0f", path, bench_now() * 1e9);
    FILE *file = fopen(beside, "wb");
    const size_t count = reference->picture_count * reference->element_count;
    int is_written =
        file != NULL && fwrite(reference->elements, sizeof(float), count, file) == count;
    if (file != NULL)
        is_written &= fclose(file) == 0;
    if (!is_written || rename(beside, path) != 0)
        fprintf(stderr, "%s: cannot be written\n", path);
}

static struct reference make_reference(const struct bench_arguments *arguments,
                                       const struct bench_subject *subject)
{
    struct bench_arguments single = *arguments;
    single.device = (cop_device){COP_DEVICE_REF, 0};
    single.precision = COP_PRECISION_FP32;
    single.batch = arguments->batch == 0 ? 0 : 1;
    cop_cached_op *oracle = bench_compile(&single, subject->model);
    struct reference reference = {.picture_count = arguments->batch > 1 ? BENCH_PICTURES : 1,
                                  .element_count = count_floats(oracle)};
    reference.elements = must_alloc(reference.element_count * BENCH_PICTURES, sizeof(float));
    /* The file has both pictures always, so that it serves every batch. */
    const int is_file_of_both = arguments->reference != NULL && arguments->batch > 0;
    if (is_file_of_both)
        reference.picture_count = BENCH_PICTURES;
    if (!read_reference(arguments->reference, &reference)) {
        for (size_t i = 0; i < reference.picture_count; i++)
            run_oracle(subject, oracle, i, reference.elements + i * reference.element_count);
        write_reference(arguments->reference, &reference);
    }
    cop_cached_op_release(&oracle);
    return reference;
}

/* The largest difference of one row from its reference, relative to the largest value there. */
static double distance(const float *is, const float *should_be, size_t count)
{
    double largest = 0, apart = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)should_be[i]));
        apart =
            isfinite(is[i]) ? fmax(apart, fabs((double)is[i] - (double)should_be[i])) : INFINITY;
    }
    return largest > 0 ? apart / largest : INFINITY;
}

static double compare(const struct bench_subject *subject, cop_ndarray *const *dst,
                      const struct reference *reference, size_t rows)
{
    double apart = 0;
    size_t begin = 0; /* of this output in the reference of one picture */
    for (size_t i = 0; i < subject->dst_count; i++) {
        if (cop_ndarray_dtype(dst[i]) != COP_DTYPE_FLOAT32)
            continue;
        const size_t count = cop_ndarray_bytes(dst[i]) / sizeof(float) / rows;
        const float *elements = cop_ndarray_data(dst[i]);
        for (size_t row = 0; row < rows; row++)
            apart = fmax(apart, distance(elements + row * count,
                                         reference->elements + begin +
                                             row % BENCH_PICTURES * reference->element_count,
                                         count));
        begin += count;
    }
    if (begin != reference->element_count) {
        fprintf(stderr, "the outputs are not made of one row for each row of the inputs\n");
        exit(1);
    }
    return apart;
}

void bench_invoke(const struct bench_subject *subject, cop_ndarray **results)
{
    struct bench_arrays arrays;
    cop_error error;
    bench_make_arrays(subject, &arrays);
    bench_check(cop_invoke(subject->op, subject->src_count, arrays.src, subject->dst_count,
                           arrays.dst, NULL, &error),
                &error, "invoke");
    bench_copy_outputs(subject, &arrays, results);
    bench_release_arrays(subject, &arrays);
}

double bench_check_outputs(const struct bench_arguments *arguments,
                           const struct bench_subject *subject)
{
    if (arguments->skips_check)
        return 0;
    cop_ndarray *is[BENCH_MAX_ARRAYS] = {NULL};
    struct reference reference = make_reference(arguments, subject);
    bench_invoke(subject, is);
    const double tolerance = tolerance_of(arguments->precision);
    const double apart =
        compare(subject, is, &reference, arguments->batch > 1 ? (size_t)arguments->batch : 1);
    if (!(apart <= tolerance)) {
        fprintf(stderr, "the output is wrong: %.3g of the largest value apart, %.3g is allowed\n",
                apart, tolerance);
        exit(1);
    }
    for (size_t i = 0; i < subject->dst_count; i++)
        cop_ndarray_release(&is[i]);
    free(reference.elements);
    return apart;
}
