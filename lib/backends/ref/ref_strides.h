// SPDX-License-Identifier: Apache-2.0
/* Walking plain tensors of different shapes in step. */
#ifndef BACKENDS_REF_REF_STRIDES_H
#define BACKENDS_REF_REF_STRIDES_H

#include <stdint.h>

#include "ir/shape.h"

/* How far apart neighbours along each dimension lie, in elements; 0 where one element serves all.
 */
struct ref_strides {
    int64_t elements[COP_MAX_RANK];
};

/* Strides of a plain tensor. */
static inline struct ref_strides cop_ref_plain_strides(const struct shape *shape)
{
    struct ref_strides strides = {{0}};
    for (int64_t i = shape->rank - 1, stride = 1; i >= 0; stride *= shape->dims[i], i--)
        strides.elements[i] = stride;
    return strides;
}

/* Strides of a plain tensor along the dimensions of the shape that it broadcasts to. */
static inline struct ref_strides cop_ref_broadcast_strides(const struct shape *shape,
                                                           const struct shape *to)
{
    struct ref_strides strides = {{0}};
    const struct ref_strides plain = cop_ref_plain_strides(shape);
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] != 1)
            strides.elements[to->rank - shape->rank + i] = plain.elements[i];
    return strides;
}

/* Where the element at a flat position of `shape` lies. */
static inline int64_t cop_ref_offset(const struct shape *shape, const struct ref_strides *strides,
                                     int64_t position)
{
    int64_t offset = 0;
    for (int i = shape->rank - 1; i >= 0; i--) {
        offset += position % shape->dims[i] * strides->elements[i];
        position /= shape->dims[i];
    }
    return offset;
}

#endif
