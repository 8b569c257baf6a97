// SPDX-License-Identifier: Apache-2.0
/* Elements of one type to another, in memory of the process. */
#ifndef MXNET_ARRAY_MX_CONVERT_H
#define MXNET_ARRAY_MX_CONVERT_H

#include <stddef.h>

/* `src` and `dst` hold `count` elements of their types (mxnet/base/mx_dtype.h). Floating-point
 * numbers are rounded to nearest even; on the way to integers they are cut towards zero, what does
 * not fit becomes the nearest number that does, and NaN 0. Of integers the high bits are dropped,
 * as in C. A bool is whether the number differs from 0. All as the core's operator Cast has it.
 */
void cop_mx_convert(const void *src, int src_type, void *dst, int dst_type, size_t count);

#endif
