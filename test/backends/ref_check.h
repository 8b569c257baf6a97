// SPDX-License-Identifier: Apache-2.0
/* Running an operator on the reference backend and comparing what it gives. */
#ifndef TEST_BACKENDS_REF_CHECK_H
#define TEST_BACKENDS_REF_CHECK_H

#include <string.h>

#include "support/arrays.h"
#include "support/run_op.h"
#include "support/unit.h"

static inline cop_status run_ref(const struct op_call *call, struct op_result *result,
                                 cop_error *error)
{
    struct device *device;
    ck_assert_int_eq(cop_ref_backend.device_open(0, &device, error), COP_STATUS_OK);
    const cop_status status = run_op(device, call, result, error);
    cop_ref_backend.device_close(device);
    return status;
}

static inline struct op_result run_well(const struct op_call *call)
{
    struct op_result result;
    cop_error error = {.message = ""};
    ck_assert_msg(run_ref(call, &result, &error) == COP_STATUS_OK, "%s", error.message);
    return result;
}

static inline int64_t count_elements(const struct test_tensor *tensor)
{
    return cop_shape_product(&tensor->shape, 0, tensor->shape.rank);
}

/* The first result is float32 of this shape and as expected, within `tolerance` of the largest. */
static inline void check_floats(const struct op_call *call, const char *shape,
                                const double *expected, double tolerance)
{
    struct op_result result = run_well(call);
    ck_assert_int_eq(result.dst[0].dtype, COP_DTYPE_FLOAT32);
    ck_assert_str_eq(cop_shape_text(&result.dst[0].shape).text, shape);
    check_close(result.dst[0].elements, expected, count_elements(&result.dst[0]), tolerance);
    op_result_free(&result);
}

/* The result `index` has just these bytes. */
static inline void check_bytes(const struct op_call *call, int index, const char *shape,
                               cop_dtype dtype, const void *expected)
{
    struct op_result result = run_well(call);
    const struct test_tensor *dst = &result.dst[index];
    ck_assert_int_eq(dst->dtype, dtype);
    ck_assert_str_eq(cop_shape_text(&dst->shape).text, shape);
    ck_assert_mem_eq(dst->elements, expected, (size_t)count_elements(dst) * cop_dtype_bytes(dtype));
    op_result_free(&result);
}

static inline void check_refused(const struct op_call *call, cop_status status, const char *part)
{
    struct op_result result;
    cop_error error = {.message = ""};
    ck_assert_int_eq(run_ref(call, &result, &error), status);
    ck_assert_msg(strstr(error.message, part) != NULL, "\"%s\" lacks \"%s\"", error.message, part);
    op_result_free(&result);
}

#endif
