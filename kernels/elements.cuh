// SPDX-License-Identifier: Apache-2.0
/* Reading and writing elements of the storage types, several in one access, as float32. */
#ifndef KERNELS_ELEMENTS_CUH
#define KERNELS_ELEMENTS_CUH

#include "platform.cuh"
#include "types.h"

namespace cop
{

/* N elements that are one access; N · sizeof(T) is a power of two, at most 16. */
template <typename T, int N> struct alignas(sizeof(T) * N) pack {
    T elements[N];
};

template <int N, typename T> __device__ inline void load(const T *from, float (&x)[N])
{
    const pack<T, N> loaded = *reinterpret_cast<const pack<T, N> *>(from);
    COP_UNROLL
    for (int i = 0; i < N; i++)
        x[i] = to_float(loaded.elements[i]);
}

template <int N, typename T> __device__ inline void store(T *to, const float (&x)[N])
{
    pack<T, N> stored;
    COP_UNROLL
    for (int i = 0; i < N; i++)
        stored.elements[i] = from_float<T>(x[i]);
    *reinterpret_cast<pack<T, N> *>(to) = stored;
}

/* The same for a type that is known at run time only, one element at a time. */
__device__ inline float load_any(int type, const void *from, int64_t at)
{
    return type == COP_CUDA_F32   ? static_cast<const float *>(from)[at]
           : type == COP_CUDA_F16 ? to_float(static_cast<const half *>(from)[at])
                                  : to_float(static_cast<const bfloat16 *>(from)[at]);
}

__device__ inline void store_any(int type, void *to, int64_t at, float x)
{
    if (type == COP_CUDA_F32)
        static_cast<float *>(to)[at] = x;
    else if (type == COP_CUDA_F16)
        static_cast<half *>(to)[at] = from_float<half>(x);
    else
        static_cast<bfloat16 *>(to)[at] = from_float<bfloat16>(x);
}

/* for launchers */

inline bool is_type(int type)
{
    return type == COP_CUDA_F32 || type == COP_CUDA_F16 || type == COP_CUDA_BF16;
}

inline bool is_aligned(const void *address, size_t bytes)
{
    return reinterpret_cast<uintptr_t>(address) % bytes == 0;
}

/* Calls launch with a value of the element type, for a generic lambda to take the type from. */
template <typename Launch> inline cudaError_t with_type(int type, Launch launch)
{
    switch (type) {
    case COP_CUDA_F32:
        return launch(float());
    case COP_CUDA_F16:
        return launch(half());
    case COP_CUDA_BF16:
        return launch(bfloat16());
    default:
        return cudaErrorInvalidValue;
    }
}

/* Blocks for this many items; false: more than a grid has. */
inline bool count_blocks(int64_t items, int64_t per_block, unsigned *blocks)
{
    const int64_t count = (items + per_block - 1) / per_block;
    *blocks = static_cast<unsigned>(count);
    return count <= INT32_MAX;
}

} // namespace cop

#endif
