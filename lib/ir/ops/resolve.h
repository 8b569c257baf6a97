// SPDX-License-Identifier: Apache-2.0
/*
 * What the operators that move data do in numbers: attributes and inputs, negative axes and clamped
 * bounds brought to one form, for rules and kernels alike.
 *
 * Tensors of a list (bounds, pads, axes, sizes) are int64 or int32 of rank 1. `is_known` is false
 * where such a tensor is present and its elements are not known yet.
 */
#ifndef IR_OPS_RESOLVE_H
#define IR_OPS_RESOLVE_H

#include "ir/op.h"

/* Shape: dimensions first … end − 1 of `rank`, none if the attributes cross. */
void cop_resolve_shape_range(const struct shape_attrs *attrs, int rank, int *first, int *end);

#endif
