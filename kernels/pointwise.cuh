// SPDX-License-Identifier: Apache-2.0
/* Functions of one element. */
#ifndef KERNELS_POINTWISE_CUH
#define KERNELS_POINTWISE_CUH

#include "platform.cuh"
#include "types.h"

namespace cop
{

/* The result of an algorithm on one element; the same for every thread of a grid. */
__device__ inline float apply_unary(int alg, float alpha, float beta, float x)
{
    switch (alg) {
    case COP_CUDA_RELU:
        return x < 0.0f ? 0.0f : x; /* NaN stays */
    case COP_CUDA_LEAKY_RELU:
        return x < 0.0f ? alpha * x : x;
    case COP_CUDA_CLIP:
        return x < alpha ? alpha : x > beta ? beta : x;
    case COP_CUDA_LINEAR:
        return fmaf(alpha, x, beta);
    case COP_CUDA_SIGMOID:
        return 1.0f / (1.0f + expf(-x));
    case COP_CUDA_TANH:
        return tanhf(x);
    case COP_CUDA_HARD_SWISH:
        return x * fminf(fmaxf(fmaf(alpha, x, beta), 0.0f), 1.0f);
    case COP_CUDA_GELU:
        return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    default:
        return x;
    }
}

} // namespace cop

#endif
