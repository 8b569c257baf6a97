// SPDX-License-Identifier: Apache-2.0
/*
 * Runs one operator on one device, from plain arrays to plain arrays: infers the shapes, creates
 * the kernel, reorders to and from the layouts it asks for, and runs it. Everything a kernel
 * promises besides its result is tried too: dst and scratch start as garbage; where dst may lie on
 * a source, and where a run may be recorded, it is run that way as well and must give the same
 * bytes.
 */
#ifndef TEST_SUPPORT_RUN_OP_H
#define TEST_SUPPORT_RUN_OP_H

#include "backends/backend.h"
#include "ir/op.h"

#define RUN_OP_MAX_SRC 8
#define RUN_OP_MAX_DST 4

/* A plain tensor; elements are borrowed. */
struct test_tensor {
    cop_dtype dtype; /* COP_DTYPE_UNKNOWN: an absent optional input */
    struct shape shape;
    const void *elements;
    bool is_weight; /* may be packed */
    bool is_known;  /* the elements are known when the kernel is created */
};

#define TENSOR(type, memory, ...)                                                                  \
    ((struct test_tensor){                                                                         \
        .dtype = COP_DTYPE_##type,                                                                 \
        .shape = cop_shape_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),           \
                              (int64_t[]){__VA_ARGS__}),                                           \
        .elements = (memory)})
#define SCALAR(type, memory)                                                                       \
    ((struct test_tensor){.dtype = COP_DTYPE_##type, .shape = {.rank = 0}, .elements = (memory)})
#define ABSENT ((struct test_tensor){.dtype = COP_DTYPE_UNKNOWN})

/* Under what conditions an operator runs; zeroed: the usual ones. */
struct op_conditions {
    int intra_op_threads; /* 0 means 1 */
    bool fast_run;        /* as in struct kernel_request, as are these: */
    cop_precision precision;
    cop_gpu_kernels gpu_kernels;
    /* The layout (a reference) in which a float32 source that is no weight arrives; NULL: plain. */
    const struct layout *(*layout_of)(struct device *device, const struct shape *shape,
                                      cop_precision precision);
    bool misalign; /* plain tensors, weights apart, are only aligned as callers' arrays are */
};

struct op_call {
    enum op_kind kind;
    const void *attrs;
    const struct post_ops *post_ops; /* NULL: none */
    int src_count;                   /* with the source of a SUM post-op, which is the last */
    struct test_tensor src[RUN_OP_MAX_SRC];
    int dst_count; /* 0 means 1 */
    struct op_conditions conditions;
};

struct op_result {
    int dst_count;
    struct test_tensor dst[RUN_OP_MAX_DST]; /* elements are owned by the result */
    char implementation[64];
};

/*
 * What the operator gives; to be freed with op_result_free whatever the status. A kernel that
 * breaks a promise is INTERNAL.
 */
cop_status run_op(struct device *device, const struct op_call *call, struct op_result *result,
                  cop_error *error);
void op_result_free(struct op_result *result);

/* Only the shape rule: dst (dst_count of them) receive dtype and shape. */
cop_status infer_op(const struct op_call *call, struct op_tensor *dst, cop_error *error);

#endif
