// SPDX-License-Identifier: Apache-2.0
/*
 * What kernels may use of CUDA, with two faces. Under nvcc this is CUDA itself, with the few
 * instructions that have no intrinsic written out. Any other C++17 compiler gets the twin from
 * test/cuda/emulation, which runs the same kernels on the host, thread by thread.
 *
 * CUDA's own names are used where there is one (threadIdx, __syncthreads, __shfl_xor_sync, fmaf).
 * Ours are:
 *
 *   COP_LAUNCH(kernel, grid, block, shared_bytes, stream, …)   launches; gives a cudaError_t. A
 *                                     template's instance stands in parentheses.
 *   COP_ALLOW_SHARED(kernel, bytes)   permits more than 48 KiB of dynamic shared memory; once,
 *                                     and never while a stream is captured
 *   COP_DYNAMIC_SHARED(type, name)    type *name = the dynamic shared memory, 16-byte aligned
 *   COP_SHARED(type, name, dims)      static shared memory: COP_SHARED(float, tile, [32][33])
 *   COP_UNROLL, COP_UNROLL_NONE       before a loop
 *
 * and in namespace cop: half, bfloat16, to_float, from_float, round_to_tf32, copy_async,
 * copy_async_commit, copy_async_wait, load_matrix, load_matrix_transposed, multiply_f16,
 * multiply_bf16, multiply_tf32.
 */
#ifndef KERNELS_PLATFORM_CUH
#define KERNELS_PLATFORM_CUH

#include <cuda_runtime_api.h>
#include <stdint.h>

namespace cop
{

/* Numbers in memory; arithmetic is done on float. */
struct half {
    uint16_t bits;
};
struct bfloat16 {
    uint16_t bits;
};

} // namespace cop

#ifdef __CUDACC__
#include "platform_device.cuh"
#else
#include "emulation/platform_host.h"
#endif

namespace cop
{

__host__ __device__ inline float to_float(float x)
{
    return x;
}

/* from_float<T>(x): x rounded to the nearest T, ties to even. */
template <typename T> struct converter;
template <> struct converter<float> {
    static __device__ inline float convert(float x)
    {
        return x;
    }
};
template <> struct converter<half> {
    static __device__ inline half convert(float x)
    {
        return float_to_half(x);
    }
};
template <> struct converter<bfloat16> {
    static __device__ inline bfloat16 convert(float x)
    {
        return float_to_bfloat16(x);
    }
};
template <typename T> __device__ inline T from_float(float x)
{
    return converter<T>::convert(x);
}

} // namespace cop

#endif
