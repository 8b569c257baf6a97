// SPDX-License-Identifier: Apache-2.0
/* Mean, sum, largest, smallest and product over any set of axes. */
#ifndef KERNELS_REDUCTION_H
#define KERNELS_REDUCTION_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum cop_cuda_reduce_alg {
    COP_CUDA_REDUCE_MEAN,
    COP_CUDA_REDUCE_SUM,
    COP_CUDA_REDUCE_MAX, /* NaN wins */
    COP_CUDA_REDUCE_MIN,
    COP_CUDA_REDUCE_PROD,
};

/*
 * src is dense, with dims in the order of memory; dst holds the axes that stay, in that order. Sums
 * and products are made in double precision in an order that depends on the sizes alone. Over no
 * elements: 0, 1, ∓infinity, and NaN for a mean. Of zeros with different signs the largest may be
 * either.
 */
struct cop_cuda_reduce {
    enum cop_cuda_type type;
    enum cop_cuda_reduce_alg alg;
    int rank; /* 0 … COP_CUDA_MAX_RANK */
    int64_t dims[COP_CUDA_MAX_RANK];
    bool is_reduced[COP_CUDA_MAX_RANK];
};

cudaError_t cop_cuda_reduce(const struct cop_cuda_reduce *self, const void *src, void *dst,
                            cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
