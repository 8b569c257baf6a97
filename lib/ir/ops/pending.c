// SPDX-License-Identifier: Apache-2.0
/* Rules that are not written yet. Whoever writes one deletes its line; the file goes with the last.
 */
#include "base/error.h"
#include "ir/ops/rules.h"

#define PENDING(lower)                                                                             \
    cop_status cop_infer_##lower(const void *attrs, int src_count, struct op_tensor *src,          \
                                 int dst_count, struct op_tensor *dst, cop_error *error)           \
    {                                                                                              \
        (void)attrs, (void)src_count, (void)src, (void)dst_count, (void)dst;                       \
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "the rule is not written yet");             \
    }

PENDING(concat)
PENDING(split)
PENDING(slice)
PENDING(pad)
PENDING(transpose)
PENDING(reshape)
PENDING(flatten)
PENDING(squeeze)
PENDING(unsqueeze)
PENDING(gather)
PENDING(shape)
PENDING(cast)
PENDING(fill)
PENDING(identity)
