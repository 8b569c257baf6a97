// SPDX-License-Identifier: Apache-2.0
/*
 * Operators whose results are the same to the bit on every device and at every precision: those
 * that move elements, and others on small whole numbers.
 */
#ifndef TEST_CUDA_EXACT_CASES_H
#define TEST_CUDA_EXACT_CASES_H

#include "support/run_op.h"

/* Of a row. */
struct exact_src {
    cop_dtype dtype; /* COP_DTYPE_UNKNOWN: absent */
    struct shape shape;
    bool is_weight;
    const int64_t *known; /* of an int64 source: its elements, known when the kernel is created */
    const void *elements; /* NULL: small whole numbers in float32, any bytes in other types */
};

struct exact_case {
    const char *name;
    enum op_kind kind;
    const void *attrs;
    int src_count;
    struct exact_src src[RUN_OP_MAX_SRC];
    int dst_count; /* 0 means 1 */
    struct post_ops post_ops;
    bool any_dtype;  /* also with other types in the place of float32 */
    bool is_refused; /* the GPU leaves it to the reference kernels */
};

extern const struct exact_case exact_cases[];
extern const int exact_case_count;

#endif
