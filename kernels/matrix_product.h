// SPDX-License-Identifier: Apache-2.0
/*
 * Products of matrices by the kernels of the convolution: dst [m, n] = a [m, k] · b [n, k]ᵀ, then
 * bias [n] and the post-ops. Rows lie one after another. Choosing, packing, preparing and launching
 * are as in convolution.h.
 */
#ifndef KERNELS_MATRIX_PRODUCT_H
#define KERNELS_MATRIX_PRODUCT_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "product.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* outer · inner products; dst is dense. Strides of 0 repeat a side. */
struct cop_cuda_matrix_product {
    enum cop_cuda_math math;
    int m, n, k;
    bool trans_a;  /* a lies as [k, m] */
    bool trans_b;  /* b lies as [k, n]; not for packed weights */
    bool packed_b; /* b was packed: one matrix for all products */
    int outer, inner;
    int64_t a_outer, a_inner, b_outer, b_inner; /* elements between matrices */
    struct cop_cuda_post_ops post_ops;
};

bool cop_cuda_matrix_product_choose(const struct cop_cuda_matrix_product *self,
                                    const struct cop_cuda_device *device,
                                    struct cop_cuda_product_choice *choice);

/* Packed b: [n, k rounded up to whole chunks of 16 bytes]. src is [n, k], or [k, n] if transposed,
 * in float. */
size_t cop_cuda_matrix_product_weights_bytes(const struct cop_cuda_matrix_product *self);
cudaError_t cop_cuda_matrix_product_pack(const struct cop_cuda_matrix_product *self,
                                         const float *src, bool transposed, void *weights,
                                         cudaStream_t stream);

cudaError_t cop_cuda_matrix_product_prepare(const struct cop_cuda_matrix_product *self,
                                            const struct cop_cuda_product_choice *choice);

cudaError_t cop_cuda_matrix_product(const struct cop_cuda_matrix_product *self,
                                    const struct cop_cuda_product_choice *choice, const void *a,
                                    const void *b, const float *bias, const void *residual,
                                    void *dst, void *workspace, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
