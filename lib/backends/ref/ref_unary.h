// SPDX-License-Identifier: Apache-2.0
/* One-argument functions over float32, for the operator and for post-ops. */
#ifndef BACKENDS_REF_REF_UNARY_H
#define BACKENDS_REF_REF_UNARY_H

#include <stdint.h>

#include "ir/attrs.h"

/* dst may be src. */
void cop_ref_unary_float32(const struct unary_attrs *attrs, int64_t count, const float *src,
                           float *dst);

#endif
