// SPDX-License-Identifier: Apache-2.0
/*
 * Convolution of channels-last tensors, as a product of matrices that are never written out: the
 * rows are the pixels of dst, the columns its channels, and the depth runs over the taps of the
 * filter and the channels of src. Source of the method: Chetlur et al., "cuDNN: Efficient
 * Primitives for Deep Learning", arXiv 1410.0759, section 3; rows of shared memory are swizzled as
 * NVIDIA's CUTLASS documents for its implicit GEMM.
 *
 *   cop_cuda_convolution_choose     which kernel, and what workspace; a pure function on the host
 *   cop_cuda_convolution_pack       weights to the order that the kernels read, once
 *   cop_cuda_convolution_prepare    once per choice and device, never while a stream is captured
 *   cop_cuda_convolution            launches; the result is the same to the bit for each choice
 *
 * Addresses of src, dst, weights, residual and workspace are multiples of 16.
 */
#ifndef KERNELS_CONVOLUTION_H
#define KERNELS_CONVOLUTION_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "product.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * src [batch, ih, iw, groups · ic], dst [batch, oh, ow, groups · oc], without padding in memory; or
 * the channels of each group of src are padded by zeros, as those of the weights are. Otherwise a
 * copy that is so is made in the workspace, if they are not whole.
 */
struct cop_cuda_convolution {
    enum cop_cuda_math math;
    int batch, ih, iw, oh, ow;
    int groups, ic, oc; /* ic and oc of one group */
    int kh, kw, stride_h, stride_w, dilation_h, dilation_w;
    int pad_top, pad_left; /* those at the other ends follow from oh and ow */
    bool padded_src;
    struct cop_cuda_post_ops post_ops;
};

/* False if the geometry is beyond the kernels: 2³¹ pixels of dst, 2³¹ chunks of 16 bytes in src. */
bool cop_cuda_convolution_choose(const struct cop_cuda_convolution *self,
                                 const struct cop_cuda_device *device,
                                 struct cop_cuda_product_choice *choice);

/* Channels of a group with padding: whole chunks of 16 bytes, or 4 if they are 4 at most. */
int cop_cuda_convolution_channels(const struct cop_cuda_convolution *self);

/*
 * Packed weights: [groups · oc, kh, kw, padded channels], the added ones zero, elements rounded to
 * what the mathematics takes (TF32: still 4 bytes). src is [groups · oc, ic, kh, kw] in float.
 */
size_t cop_cuda_convolution_weights_bytes(const struct cop_cuda_convolution *self);
cudaError_t cop_cuda_convolution_pack(const struct cop_cuda_convolution *self, const float *src,
                                      void *weights, cudaStream_t stream);

cudaError_t cop_cuda_convolution_prepare(const struct cop_cuda_convolution *self,
                                         const struct cop_cuda_product_choice *choice);

/* bias [groups · oc] and residual, shaped as dst, may be NULL (residual: without a SUM).
 * dst may be residual itself; nothing else may overlap. */
cudaError_t cop_cuda_convolution(const struct cop_cuda_convolution *self,
                                 const struct cop_cuda_product_choice *choice, const void *src,
                                 const void *weights, const float *bias, const void *residual,
                                 void *dst, void *workspace, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
