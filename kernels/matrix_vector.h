// SPDX-License-Identifier: Apache-2.0
/* Fully connected layers of small batches, which take as long as reading the weights does. */
#ifndef KERNELS_MATRIX_VECTOR_H
#define KERNELS_MATRIX_VECTOR_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COP_CUDA_MATRIX_VECTOR_MAX_M 8

/*
 * dst [m,n] = post_ops(src [m,k] · weights [n,k] transposed + bias [n]), all dense. Sums are made
 * in float32, in an order that depends on k, the type and the alignment of addresses and k alone,
 * so a row's result does not depend on the others.
 */
struct cop_cuda_matrix_vector {
    enum cop_cuda_type type; /* of src, weights, added and dst */
    int64_t m;               /* at most COP_CUDA_MATRIX_VECTOR_MAX_M */
    int64_t n, k;
    struct cop_cuda_post_ops post_ops;
};

/* bias: float32 or NULL. */
cudaError_t cop_cuda_matrix_vector(const struct cop_cuda_matrix_vector *self, const void *src,
                                   const void *weights, const float *bias, const void *added,
                                   void *dst, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
