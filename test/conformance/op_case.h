// SPDX-License-Identifier: Apache-2.0
/*
 * Operator cases: one row is one operator at fixed shapes, to be run by a backend and compared with
 * the reference kernels.
 */
#ifndef TEST_CONFORMANCE_OP_CASE_H
#define TEST_CONFORMANCE_OP_CASE_H

#include <stdbool.h>
#include <stddef.h>

#include "support/run_op.h"

#define CASE_MAX_SRC 6

struct case_src {
    bool is_present;
    bool is_weight;
    struct shape shape;
    const int64_t *integers; /* the elements of an int64 source; NULL: random float32 */
};

struct op_case {
    const char *name;
    enum op_kind kind;
    const void *attrs;
    struct case_src src[CASE_MAX_SRC];
    int src_count;
    struct post_ops post_ops;
    float low, high;    /* of the random elements; both 0: −2 … 2 */
    double tolerance;   /* of the largest reference value; 0: equal */
    bool falls_back;    /* the fast backends are known to refuse it */
    bool may_fall_back; /* some processors' implementations refuse it */
};

struct op_cases {
    const struct op_case *rows;
    size_t count;
};

/* One per family of operators. */
extern const struct op_cases convolution_cases, matrix_cases, pooling_cases, elementwise_cases,
    normalization_cases, concat_cases, reduction_cases;

/* Shapes, sources and attributes in a row. */
#define CASE_SHAPE(...)                                                                            \
    {                                                                                              \
        (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                                 \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define SRC(...)                                                                                   \
    {                                                                                              \
        true, false, CASE_SHAPE(__VA_ARGS__), NULL                                                 \
    }
#define WEIGHT(...)                                                                                \
    {                                                                                              \
        true, true, CASE_SHAPE(__VA_ARGS__), NULL                                                  \
    }
#define NUMBER                                                                                     \
    {                                                                                              \
        true, false, {0, {0}}, NULL                                                                \
    }
#define NONE                                                                                       \
    {                                                                                              \
        false, false, {0, {0}}, NULL                                                               \
    }
#define ATTRS(type, ...)                                                                           \
    &(const struct type)                                                                           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define CASES(rows_)                                                                               \
    {                                                                                              \
        rows_, sizeof rows_ / sizeof *rows_                                                        \
    }
#define UNARY_POST(alg_, alpha_, beta_)                                                            \
    {                                                                                              \
        POST_OP_UNARY,                                                                             \
        {                                                                                          \
            UNARY_##alg_, alpha_, beta_                                                            \
        }                                                                                          \
    }
#define RELU_POST UNARY_POST(RELU, 0, 0)
#define SUM_POST                                                                                   \
    {                                                                                              \
        POST_OP_SUM,                                                                               \
        {                                                                                          \
            UNARY_RELU, 0, 0                                                                       \
        }                                                                                          \
    }

/*
 * Runs a case on a device and asserts that it gives what the reference kernels give.
 * @return false: the device refuses the case as unsupported; `error` says why
 */
bool run_op_case(struct device *device, const struct op_case *row,
                 const struct op_conditions *conditions, const char *how, cop_error *error);

/* The format that a convolution of this device leaves a tensor of rank 3 to 5 in; NULL: plain. */
const struct layout *convolution_layout(struct device *device, const struct shape *shape,
                                        cop_precision precision);

#endif
