// SPDX-License-Identifier: Apache-2.0
/* Where the windows of convolution and pooling lie: attributes resolved against shapes. */
#ifndef IR_OPS_WINDOW_H
#define IR_OPS_WINDOW_H

#include <stdint.h>

#include <cachedop/status.h>

#include "ir/attrs.h"
#include "ir/shape.h"

/*
 * Window o along a spatial dimension covers src positions o · stride − pad_begin + i · dilation for
 * i = 0 … kernel − 1; those outside 0 … src − 1 are padding. Where ceil_mode makes the last window
 * hang over, it reaches beyond src + pad_end.
 */
struct window_geometry {
    int rank; /* of the arrays: 1 to COP_MAX_SPATIAL */
    int64_t src[COP_MAX_SPATIAL], dst[COP_MAX_SPATIAL];
    int64_t kernel[COP_MAX_SPATIAL], strides[COP_MAX_SPATIAL], dilations[COP_MAX_SPATIAL];
    int64_t pads_begin[COP_MAX_SPATIAL], pads_end[COP_MAX_SPATIAL];
};

/*
 * Resolves zero strides and dilations, auto_pad and the size of dst. Shapes have equal, known ranks
 * of 3 to 5, and dimensions that may be unknown: what depends on them is then COP_UNKNOWN.
 * MALFORMED_MODEL: a negative attribute, a kernel larger than its padded input, an overflow.
 */
cop_status cop_window_convolution(const struct convolution_attrs *attrs, const struct shape *src,
                                  const struct shape *weights, struct window_geometry *geometry,
                                  cop_error *error);

/* The same for pooling; the rank of src must be that of the attributes, unless pooling is global.
 */
cop_status cop_window_pooling(const struct pooling_attrs *attrs, const struct shape *src,
                              struct window_geometry *geometry, cop_error *error);

#endif
