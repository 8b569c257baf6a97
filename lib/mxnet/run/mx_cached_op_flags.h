// SPDX-License-Identifier: Apache-2.0
/* The flags of a CachedOp, as pairs of texts. */
#ifndef MXNET_RUN_MX_CACHED_OP_FLAGS_H
#define MXNET_RUN_MX_CACHED_OP_FLAGS_H

#include <stdbool.h>

#include <cachedop/status.h>

/*
 * Checks all flags. What they ask for is done anyway or makes no difference here, so nothing of
 * them is kept: memory is planned once for all shapes, and indices of parameters are a hint that
 * MXNet's own clients give wrongly. INVALID_ARGUMENT: an unknown flag, a value that cannot be read,
 * static_shape without static_alloc, indices that are out of range, occur twice or leave inputs
 * out; with `thread_safe`, is_dynamic.
 */
cop_status cop_mx_check_flags(int count, const char *const *keys, const char *const *values,
                              int input_count, bool thread_safe, cop_error *error);

#endif
