// SPDX-License-Identifier: Apache-2.0
/* Operators: what they are called, how many inputs and outputs they take, and their shape rules. */
#ifndef IR_OP_H
#define IR_OP_H

#include <stdbool.h>
#include <stddef.h>

#include <cachedop/dtype.h>
#include <cachedop/status.h>

#include "ir/attrs.h"
#include "ir/shape.h"

enum op_kind {
#define X(kind, lower, name, min_src, max_src, min_dst, max_dst, attributes) OP_##kind,
#include "ir/op_list.inc"
#undef X
    OP_KIND_COUNT
};

/* What is known of one input or output while shapes are inferred. */
struct op_tensor {
    bool is_present; /* an optional input may be absent */
    cop_dtype dtype; /* COP_DTYPE_UNKNOWN: not known */
    struct shape shape;
    const void *value; /* the elements, when they are known before anything runs; else NULL */
};

struct op_def {
    const char *name;
    int min_src, max_src; /* max −1: any number */
    int min_dst, max_dst;
    size_t attrs_bytes;
    /*
     * Fills in dst, and unknown src (a weight's shape from the data, an input's from a weight)
     * where that follows. Unknown shapes are no error: what does not follow yet stays unknown.
     * Called again when more is known. dst may come in known in part and must then agree.
     */
    cop_status (*infer)(const void *attrs, int src_count, struct op_tensor *src, int dst_count,
                        struct op_tensor *dst, cop_error *error);
};

/* The definition of a kind; static storage, never NULL for a valid kind. */
const struct op_def *cop_op_def(enum op_kind kind);

/* Checks arity, absent inputs and dtypes are present where required, then runs the rule. */
cop_status cop_op_infer(enum op_kind kind, const void *attrs, int src_count, struct op_tensor *src,
                        int dst_count, struct op_tensor *dst, cop_error *error);

/*
 * About how many sums and products the operator takes, moving an element counting as one; all
 * shapes are known and agree with the rule. A double, because shapes from files may ask for any
 * number.
 */
double cop_op_work(enum op_kind kind, const void *attrs, int src_count, const struct op_tensor *src,
                   int dst_count, const struct op_tensor *dst);

/* "Relu"; NULL-free. */
const char *cop_unary_name(enum unary_alg alg);
const char *cop_binary_name(enum binary_alg alg);

/* What is run on a result before it is stored. */
enum post_op_kind {
    POST_OP_UNARY,
    POST_OP_SUM, /* adds the last source of the node, same shape as dst */
};

struct post_op {
    enum post_op_kind kind;
    struct unary_attrs unary;
};

#define COP_MAX_POST_OPS 4
struct post_ops {
    int count; /* applied in order; at most one SUM */
    struct post_op entries[COP_MAX_POST_OPS];
};

/* None: what nodes share that nothing was fused into. */
extern const struct post_ops cop_no_post_ops;

bool cop_post_ops_has_sum(const struct post_ops *post_ops);

#endif
