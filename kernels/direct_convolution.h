// SPDX-License-Identifier: Apache-2.0
/*
 * Convolution without the matrix unit: depthwise, grouped, and whatever else the implicit product
 * does not take.
 */
#ifndef KERNELS_DIRECT_CONVOLUTION_H
#define KERNELS_DIRECT_CONVOLUTION_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * dst [n, groups · oc, window.dst…] = post_ops(bias + Σ weights · src [n, groups · ic,
 * window.src…])
 *
 * Weights are packed as [ic, kernel…, groups · oc], output channels innermost: what
 * cop_cuda_reorder makes of the usual [groups · oc, ic, kernel…] with n = 1, channels = groups ·
 * oc, plane = ic times the kernel's elements, from row-major to nhwc without padding. Sums are made
 * in float32 in a fixed order: by channel, then along the kernel; in nhwc along the kernel, then by
 * channel.
 */
struct cop_cuda_direct_convolution {
    enum cop_cuda_type type;       /* of src, weights, added and dst */
    enum cop_cuda_order order;     /* of src, added and dst */
    int64_t n, groups, ic, oc;     /* channels of one group; depthwise: ic is 1 */
    struct cop_cuda_window window; /* pads_end is not looked at */
    struct cop_cuda_post_ops post_ops;
};

/* bias: float32 [groups · oc] or NULL. */
cudaError_t cop_cuda_direct_convolution(const struct cop_cuda_direct_convolution *self,
                                        const void *src, const void *weights, const float *bias,
                                        const void *added, void *dst, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
