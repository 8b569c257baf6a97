// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

#include <check.h>
#include <math.h>

#include "base/alloc.h"

static void fill_random(float *elements, int64_t count, float low, float high, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 12345u;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        elements[i] = low + (high - low) * (float)(state >> 8) / 16777216.0f;
    }
}

static int64_t count_elements(const struct shape *shape)
{
    int64_t count = 0;
    ck_assert(cop_shape_elements(shape, &count));
    return count;
}

/*
 * What a device stores of it, or multiplies, at a precision: the nearest number with as many
 * significant bits. The reference kernels get it too, so that only what the device adds is
 * compared.
 */
static float stored_as(float x, cop_precision precision)
{
    const int bits = precision == COP_PRECISION_BF16 ? 8 : 11;
    if (precision == COP_PRECISION_FP32 || x == 0.0f)
        return x;
    const int exponent = ilogbf(x) + 1 - bits;
    return scalbnf(rintf(scalbnf(x, -exponent)), exponent);
}

static struct test_tensor make_src(const struct op_case *row, int i, cop_precision precision)
{
    const struct case_src *src = &row->src[i];
    struct test_tensor tensor = {.dtype = COP_DTYPE_UNKNOWN};
    if (!src->is_present)
        return tensor;
    tensor.shape = src->shape;
    tensor.is_weight = src->is_weight;
    if (src->integers != NULL) {
        tensor.dtype = COP_DTYPE_INT64;
        tensor.elements = src->integers;
        tensor.is_known = true;
        return tensor;
    }
    const bool is_usual = row->low == 0.0f && row->high == 0.0f;
    const int64_t count = count_elements(&src->shape);
    float *elements = cop_alloc((size_t)count, sizeof *elements);
    ck_assert_ptr_nonnull(elements);
    fill_random(elements, count, is_usual ? -2.0f : row->low, is_usual ? 2.0f : row->high,
                (uint32_t)i + 1);
    for (int64_t j = 0; j < count; j++)
        elements[j] = stored_as(elements[j], precision);
    tensor.dtype = COP_DTYPE_FLOAT32;
    tensor.elements = elements;
    return tensor;
}

/*
 * What a precision adds to a row's tolerance: 16-bit storage rounds whatever is computed, also what
 * only moves; factors in tf32 only what is computed. A few roundings, of 2^-12, 2^-9, 2^-12.
 */
static double tolerance_of(const struct op_case *row, cop_precision precision)
{
    static const double added[] = {[COP_PRECISION_FP32] = 0,
                                   [COP_PRECISION_TF32] = 5e-3,
                                   [COP_PRECISION_BF16] = 5e-2,
                                   [COP_PRECISION_FP16] = 5e-3};
    if (precision == COP_PRECISION_TF32 && row->tolerance == 0.0)
        return 0.0;
    return row->tolerance + added[precision];
}

/* Beyond `most` a result is infinite: the device has no larger number. */
static void compare(const struct op_case *row, double tolerance, double most, const char *how,
                    const struct test_tensor *got, const struct test_tensor *wanted)
{
    const float *a = got->elements, *b = wanted->elements;
    const int64_t count = count_elements(&wanted->shape);
    double largest = 0.0;
    ck_assert(cop_shape_equal(&got->shape, &wanted->shape));
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)b[i]));
    for (int64_t i = 0; i < count; i++) {
        const bool is_same = a[i] == b[i] || (isnan(a[i]) && isnan(b[i])) ||
                             (fabs((double)b[i]) > most && a[i] == copysignf(INFINITY, b[i]));
        ck_assert_msg(is_same || fabs((double)a[i] - (double)b[i]) <= tolerance * largest,
                      "%s, %s: element %lld is %.9g, should be %.9g (largest %.9g)", row->name, how,
                      (long long)i, (double)a[i], (double)b[i], largest);
    }
}

static void compare_with_reference(const struct op_case *row, struct op_call *call, const char *how,
                                   const struct test_tensor *got)
{
    struct device_chain chain;
    struct op_result result;
    cop_error error;
    const double tolerance = tolerance_of(row, call->conditions.precision);
    const double most = call->conditions.precision == COP_PRECISION_FP16 ? 65504 : INFINITY;
    call->conditions = (struct op_conditions){0};
    ck_assert_int_eq(cop_device_chain((cop_device){COP_DEVICE_REF, 0}, &chain, &error),
                     COP_STATUS_OK);
    const cop_status status = run_op(chain.devices[0], call, &result, &error);
    ck_assert_msg(status == COP_STATUS_OK, "%s: %s", row->name, error.message);
    compare(row, tolerance, most, how, got, &result.dst[0]);
    op_result_free(&result);
}

bool run_op_case(struct device *device, const struct op_case *row,
                 const struct op_conditions *conditions, const char *how, cop_error *error)
{
    struct op_call call = {.kind = row->kind,
                           .attrs = row->attrs,
                           .post_ops = &row->post_ops,
                           .src_count = row->src_count,
                           .conditions = *conditions};
    struct op_result result;
    for (int i = 0; i < row->src_count; i++)
        call.src[i] = make_src(row, i, conditions->precision);
    const cop_status status = run_op(device, &call, &result, error);
    ck_assert_msg(status == COP_STATUS_OK || status == COP_STATUS_UNSUPPORTED, "%s, %s: %s",
                  row->name, how, error->message);
    if (status == COP_STATUS_OK)
        compare_with_reference(row, &call, how, &result.dst[0]);
    op_result_free(&result);
    for (int i = 0; i < row->src_count; i++)
        if (row->src[i].integers == NULL)
            cop_free((void *)(uintptr_t)call.src[i].elements);
    return status == COP_STATUS_OK;
}

const struct layout *convolution_layout(struct device *device, const struct shape *shape,
                                        cop_precision precision)
{
    if (shape->rank < 3 || shape->rank > 5)
        return NULL;
    struct shape weights = {.rank = shape->rank, .dims = {shape->dims[1], shape->dims[1], 1, 1, 1}};
    struct shape dst = *shape;
    const struct convolution_attrs attrs = {.groups = 1};
    const struct post_ops none = {.count = 0};
    for (int i = weights.rank; i < COP_MAX_RANK; i++)
        weights.dims[i] = 0;
    const struct kernel_tensor src[2] = {
        {.is_present = true, .dtype = COP_DTYPE_FLOAT32, .shape = *shape},
        {.is_present = true, .dtype = COP_DTYPE_FLOAT32, .shape = weights, .is_weight = true}};
    const struct kernel_tensor out = {.is_present = true, .dtype = COP_DTYPE_FLOAT32, .shape = dst};
    const struct kernel_request request = {.kind = OP_CONVOLUTION,
                                           .attrs = &attrs,
                                           .post_ops = &none,
                                           .src_count = 2,
                                           .dst_count = 1,
                                           .src = src,
                                           .dst = &out,
                                           .intra_op_threads = 1,
                                           .precision = precision,
                                           .name = "layout"};
    struct kernel *kernel = NULL;
    cop_error error;
    if (cop_kernel_create(device, &request, &kernel, &error) != COP_STATUS_OK)
        return NULL;
    const struct layout *layout = cop_layout_retain(kernel->dst_layouts[0]);
    cop_kernel_destroy(&kernel);
    return layout;
}
