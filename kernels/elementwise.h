// SPDX-License-Identifier: Apache-2.0
/* Element by element: chains of functions, residual additions, two operands with broadcasting. */
#ifndef KERNELS_ELEMENTWISE_H
#define KERNELS_ELEMENTWISE_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* dst[i] = ops(src[i]): one function, several, a residual addition (SUM), or a plain copy. */
struct cop_cuda_elementwise {
    enum cop_cuda_type type; /* of src, added and dst */
    int64_t count;
    struct cop_cuda_post_ops ops;
};

/* dst may be src, added may be either. */
cudaError_t cop_cuda_elementwise(const struct cop_cuda_elementwise *self, const void *src,
                                 const void *added, void *dst, cudaStream_t stream);

/*
 * dst = post_ops(alg(a, b)). dst is dense, with dims outermost first; a and b are walked with
 * strides (in elements, 0 where one element serves all, never negative). Dimensions stand in the
 * order of memory: for nhwc tensors the caller states them as n, spatial, channels.
 */
struct cop_cuda_binary {
    enum cop_cuda_binary_alg alg;
    enum cop_cuda_type a_type, b_type, dst_type; /* `added` is of dst_type */
    int rank;                                    /* 0 … COP_CUDA_MAX_RANK */
    int64_t dims[COP_CUDA_MAX_RANK];
    int64_t a_strides[COP_CUDA_MAX_RANK], b_strides[COP_CUDA_MAX_RANK];
    struct cop_cuda_post_ops post_ops;
};

/* dst may be a side that has its type and shape. */
cudaError_t cop_cuda_binary(const struct cop_cuda_binary *self, const void *a, const void *b,
                            const void *added, void *dst, cudaStream_t stream);

/* dst = src < 0 ? slope · src : src; the same walk, slope broadcast by its strides. */
struct cop_cuda_prelu {
    enum cop_cuda_type type;       /* of src and dst, which are dense */
    enum cop_cuda_type slope_type; /* float32 or `type` */
    int rank;
    int64_t dims[COP_CUDA_MAX_RANK], slope_strides[COP_CUDA_MAX_RANK];
};

/* dst may be src. */
cudaError_t cop_cuda_prelu(const struct cop_cuda_prelu *self, const void *src, const void *slope,
                           void *dst, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
