// SPDX-License-Identifier: Apache-2.0
/* Shapes, which may be known in part. */
#ifndef IR_SHAPE_H
#define IR_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/dtype.h>

#include "base/shared.h"

#define COP_UNKNOWN (-1)

/* No tensor has 2^48 elements: sizes in bytes then fit everywhere. */
#define COP_MAX_ELEMENTS ((INT64_C(1) << 48) - 1)

struct shape {
    int rank;                   /* COP_UNKNOWN: nothing is known; 0: a scalar */
    int64_t dims[COP_MAX_RANK]; /* outermost first; COP_UNKNOWN: not known. Zero beyond `rank`. */
};

/* A shape of unknown rank. */
COP_SHARED struct shape cop_shape_unknown(void);

/* A shape of known rank; dims beyond it are zero. `rank` is at most COP_MAX_RANK. */
COP_SHARED struct shape cop_shape_of(int rank, const int64_t *dims);

COP_SHARED bool cop_shape_is_known(const struct shape *shape);
COP_SHARED bool cop_shape_equal(const struct shape *a, const struct shape *b);

/* Elements of a known shape; false: more than COP_MAX_ELEMENTS. */
COP_SHARED bool cop_shape_elements(const struct shape *shape, int64_t *elements);

/* Product of dims[begin] … dims[end − 1] of a known, checked shape. */
COP_SHARED int64_t cop_shape_product(const struct shape *shape, int begin, int end);

/* Bytes of a known shape; false: more elements than allowed. */
COP_SHARED bool cop_shape_bytes(const struct shape *shape, cop_dtype dtype, size_t *bytes);

/*
 * Joins what is known of one tensor from two sides. False: they contradict; `into` is then as
 * before. `changed` (may be NULL) becomes true when `into` learned something.
 */
COP_SHARED bool cop_shape_merge(struct shape *into, const struct shape *other, bool *changed);

/*
 * The numpy broadcast of two shapes: right-aligned, each dimension equal or 1. Unknown dimensions
 * stay unknown unless the other side decides. False: they do not fit, or the rank is too large.
 */
COP_SHARED bool cop_shape_broadcast(const struct shape *a, const struct shape *b,
                                    struct shape *result);

/* Brings `axis` in −rank … rank − 1 to 0 … rank − 1; false: out of range. */
COP_SHARED bool cop_axis_normalize(int64_t axis, int rank, int *normalized);

#define COP_SHAPE_TEXT_BYTES 192
struct shape_text {
    char text[COP_SHAPE_TEXT_BYTES];
};

/* "[1,3,224,224]", "?" for an unknown dimension, "[?]" written "unknown" for an unknown rank. */
COP_SHARED struct shape_text cop_shape_text(const struct shape *shape);

#endif
