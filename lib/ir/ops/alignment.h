// SPDX-License-Identifier: Apache-2.0
/* Which dimensions of operands belong together: what rules and kernels must agree on. */
#ifndef IR_OPS_ALIGNMENT_H
#define IR_OPS_ALIGNMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <cachedop/status.h>

#include "ir/attrs.h"
#include "ir/shape.h"

/*
 * b of a Binary with the dimensions of 1 that make it broadcast to a by numpy's rules: itself,
 * unless attrs->align_left places it at an axis of a. False: it does not fit.
 */
bool cop_binary_align(const struct binary_attrs *attrs, const struct shape *a,
                      const struct shape *b, struct shape *aligned);

/*
 * The axes that a Reduce of a src of known rank goes over: those of the attributes or, if `input`
 * is not NULL, the `input_count` in it. MALFORMED_MODEL: out of range, or named twice.
 */
cop_status cop_reduce_axes(const struct reduce_attrs *attrs, const int64_t *input,
                           int64_t input_count, int rank, bool reduced[COP_MAX_RANK],
                           cop_error *error);

#endif
