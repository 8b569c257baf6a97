// SPDX-License-Identifier: Apache-2.0
/* Elements of one type to another, in memory of the process. */
#ifndef MXNET_ARRAY_MX_CONVERT_H
#define MXNET_ARRAY_MX_CONVERT_H

#include <stddef.h>

/* `src` and `dst` hold `count` elements of their types (mxnet/base/mx_dtype.h). Floating-point
 * numbers are rounded to nearest even, and cut towards zero on the way to integers; what an integer
 * type cannot hold becomes the nearest it can, NaN 0; a bool is whether the number differs from 0.
 */
void cop_mx_convert(const void *src, int src_type, void *dst, int dst_type, size_t count);

#endif
