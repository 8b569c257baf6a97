// SPDX-License-Identifier: Apache-2.0
/* What the dimensions that a client asks for mean for an array of a known shape. */
#ifndef MXNET_ARRAY_MX_RESHAPE_H
#define MXNET_ARRAY_MX_RESHAPE_H

#include <cachedop/status.h>

#include "ir/shape.h"

/*
 * 0: the dimension at the same place; −1, at most once: what is left over, rounded down.
 * INVALID_ARGUMENT: another negative number, or a place that `from` does not have; UNSUPPORTED:
 * more than COP_MAX_RANK dimensions. Whether the elements fit is not asked.
 */
cop_status cop_mx_reshape_plainly(const struct shape *from, int ndim, const int *dims,
                                  struct shape *to, cop_error *error);

/*
 * The codes of MXNet's operator Reshape, which go through the dimensions of `from` in order: 0
 * copies the next, −1 skips it and takes what is left over, −2 copies all that remain, −3
 * multiplies the next two, −4 splits the next into the two numbers that follow (one of them may be
 * −1), any other number skips it. `reverse`: both lists are read from their ends.
 */
cop_status cop_mx_reshape_by_codes(const struct shape *from, int ndim, const int64_t *dims,
                                   bool reverse, struct shape *to, cop_error *error);

#endif
