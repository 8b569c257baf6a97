// SPDX-License-Identifier: Apache-2.0
/*
 * Conversion between all element types.
 *
 * Between integers the high bits are dropped, as ONNX's Cast says. From floating point to integers
 * the fraction is dropped, what lies outside becomes the nearest end of the range, and NaN becomes
 * 0. To a smaller floating-point type the nearest value is taken, of two the even one, and infinity
 * beyond the range; NaN stays NaN. To bool everything but zero is true, NaN included.
 */
#ifndef BACKENDS_REF_REF_CONVERT_H
#define BACKENDS_REF_REF_CONVERT_H

#include <stdint.h>

#include <cachedop/dtype.h>

/* dst may be src where both elements have the same size. */
void cop_ref_convert(cop_dtype from, const void *src, cop_dtype to, void *dst, int64_t count);

#endif
