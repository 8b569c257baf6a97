// SPDX-License-Identifier: Apache-2.0
/* Conversion between all element types. */
#ifndef KERNELS_CAST_H
#define KERNELS_CAST_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are those of cop_dtype. */
enum cop_cuda_dtype {
    COP_CUDA_DTYPE_FLOAT32 = 1,
    COP_CUDA_DTYPE_FLOAT64,
    COP_CUDA_DTYPE_FLOAT16,
    COP_CUDA_DTYPE_BFLOAT16,
    COP_CUDA_DTYPE_INT8,
    COP_CUDA_DTYPE_UINT8,
    COP_CUDA_DTYPE_INT16,
    COP_CUDA_DTYPE_UINT16,
    COP_CUDA_DTYPE_INT32,
    COP_CUDA_DTYPE_UINT32,
    COP_CUDA_DTYPE_INT64,
    COP_CUDA_DTYPE_UINT64,
    COP_CUDA_DTYPE_BOOL,
};

/*
 * To the bit what the reference backend gives: between integers high bits are dropped; from
 * floating point to integers the fraction is dropped, what lies outside becomes the nearest end and
 * NaN 0; to smaller floating-point types the nearest, of two the even one, NaN as the quiet NaN of
 * its sign; to bool everything but zero is true. dst may be src where elements have the same size.
 */
struct cop_cuda_cast {
    enum cop_cuda_dtype from, to;
    int64_t count;
};

cudaError_t cop_cuda_cast(const struct cop_cuda_cast *self, const void *src, void *dst,
                          cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
