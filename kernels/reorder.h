// SPDX-License-Identifier: Apache-2.0
/* Between row-major and nhwc, between storage types, and the packing of weights. */
#ifndef KERNELS_REORDER_H
#define KERNELS_REORDER_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * src and dst hold [n, channels, plane], each in its order and type. Row-major: channels are dense.
 * nhwc: a position has src_channels (dst_channels) elements, of which the first `channels` count;
 * in dst the others become 0. Rounds to the nearest, ties to even; NaN stays NaN.
 *
 *   activations                     n, channels, plane = product of the spatial dimensions
 *   weights [oc, ic, kernel…]       → [oc, kernel…, padded ic]: n = oc, channels = ic,
 *                                   plane = elements of the kernel, dst_channels = padded ic
 *   matrix [rows, k]                → [rows, padded k]: n = rows, channels = k, plane = 1
 *   of a direct convolution         see direct_convolution.h
 *   linear, another type            any sizes, the same order and channels on both sides
 */
struct cop_cuda_reorder {
    enum cop_cuda_type src_type, dst_type;
    enum cop_cuda_order src_order, dst_order;
    int64_t n, channels, plane;
    int64_t src_channels, dst_channels; /* in nhwc: at least `channels`; 0 means `channels` */
    bool round_tf32; /* a float32 dst is rounded to 10 bits of fraction, ties away from zero */
};

cudaError_t cop_cuda_reorder(const struct cop_cuda_reorder *self, const void *src, void *dst,
                             cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
