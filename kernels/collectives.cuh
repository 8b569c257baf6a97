// SPDX-License-Identifier: Apache-2.0
/* Joining the numbers of a warp or a block, in an order that depends on their places alone. */
#ifndef KERNELS_COLLECTIVES_CUH
#define KERNELS_COLLECTIVES_CUH

#include "platform.cuh"

namespace cop
{

#define COP_WARP      32
#define COP_ALL_LANES 0xffffffffu

struct add {
    template <typename A> __device__ inline A operator()(A left, A right) const
    {
        return left + right;
    }
};

/* NaN is not looked at. */
struct larger {
    __device__ inline float operator()(float left, float right) const
    {
        return right > left ? right : left;
    }
};

/* What the lanes of a whole warp make together, in all of them. */
template <typename A, typename Join> __device__ inline A join_warp(A x, Join join)
{
    COP_UNROLL
    for (int distance = COP_WARP / 2; distance > 0; distance /= 2)
        x = join(x, __shfl_xor_sync(COP_ALL_LANES, x, distance));
    return x;
}

/*
 * What all threads of a block of one dimension make together, in all of them; a multiple of 32
 * threads. `space` is shared memory for one number a warp, free again for the next call.
 */
template <typename A, typename Join> __device__ inline A join_block(A x, Join join, A *space)
{
    x = join_warp(x, join);
    if (blockDim.x == COP_WARP)
        return x;
    if (threadIdx.x % COP_WARP == 0)
        space[threadIdx.x / COP_WARP] = x;
    __syncthreads();
    x = space[0];
    for (unsigned i = 1; i < blockDim.x / COP_WARP; i++)
        x = join(x, space[i]);
    __syncthreads();
    return x;
}

} // namespace cop

#endif
