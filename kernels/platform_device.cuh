// SPDX-License-Identifier: Apache-2.0
/* The face of platform.cuh that nvcc sees. */
#ifndef KERNELS_PLATFORM_DEVICE_CUH
#define KERNELS_PLATFORM_DEVICE_CUH

#define COP_UNROLL      _Pragma("unroll")
#define COP_UNROLL_NONE _Pragma("unroll 1")

#define COP_SHARED(type, name, dims) __shared__ type name dims

#define COP_DYNAMIC_SHARED(type, name)                                                             \
    extern __shared__ __align__(16) unsigned char cop_dynamic_shared[];                            \
    type *name = reinterpret_cast<type *>(cop_dynamic_shared)

#define COP_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)                                 \
    (kernel<<<(grid), (block), (shared_bytes), (stream)>>>(__VA_ARGS__), cudaGetLastError())

#define COP_ALLOW_SHARED(kernel, bytes)                                                            \
    cudaFuncSetAttribute((const void *)(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,      \
                         (int)(bytes))

namespace cop
{

/* conversions: written out, because cuda_fp16.h costs more to compile than our kernels do */

__device__ inline float to_float(half x)
{
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
}

__device__ inline half float_to_half(float x)
{
    half y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}

__device__ inline float to_float(bfloat16 x)
{
    return __uint_as_float((uint32_t)x.bits << 16);
}

__device__ inline bfloat16 float_to_bfloat16(float x)
{
    bfloat16 y;
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
#else
    const uint32_t bits = __float_as_uint(x);
    y.bits = x == x ? (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) : (uint16_t)0x7fff;
#endif
    return y;
}

/* The nearest float with 10 bits of fraction, ties away from zero. */
__device__ inline uint32_t round_to_tf32(float x)
{
#if __CUDA_ARCH__ >= 800
    uint32_t y;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
    return y;
#else
    const uint32_t bits = __float_as_uint(x);
    return ((bits & 0x7f800000) == 0x7f800000 ? bits : bits + 0x1000) & ~0x1fffu;
#endif
}

/* asynchronous copies from global to shared memory */

__device__ inline uint32_t shared_address(const void *shared)
{
    return (uint32_t)__cvta_generic_to_shared(shared);
}

/* Copies `bytes` (4, 8 or 16, which both addresses must be aligned to), or writes zeros. The source
 * is not touched where `is_present` is false, but must be an address of the allocation. */
template <int bytes>
__device__ inline void copy_async(void *shared, const void *global, bool is_present)
{
#if __CUDA_ARCH__ >= 800
    const int taken = is_present ? bytes : 0;
    if constexpr (bytes == 16)
        asm volatile(
            "cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
            "l"(global), "r"(taken)
            : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(shared)),
                     "l"(global), "n"(bytes), "r"(taken)
                     : "memory");
#else
    if constexpr (bytes == 16)
        *(uint4 *)shared = is_present ? *(const uint4 *)global : make_uint4(0, 0, 0, 0);
    else if constexpr (bytes == 8)
        *(uint2 *)shared = is_present ? *(const uint2 *)global : make_uint2(0, 0);
    else
        *(uint32_t *)shared = is_present ? *(const uint32_t *)global : 0;
#endif
}

/* Ends a group of copies. */
__device__ inline void copy_async_commit()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/* Waits for all groups of this thread but the `pending` newest; other threads see them after a
 * barrier. */
template <int pending> __device__ inline void copy_async_wait()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
#endif
}

/* the matrix unit, m16n8k16 (tf32: k8), by whole warps */

/* Four 8x8 matrices of 16-bit elements; lane i gives the address of row i % 8 of matrix i / 8. */
__device__ inline void load_matrix(uint32_t (&dst)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(dst[0]), "=r"(dst[1]), "=r"(dst[2]), "=r"(dst[3])
                 : "r"(shared_address(row))
                 : "memory");
}

__device__ inline void load_matrix_transposed(uint32_t (&dst)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(dst[0]), "=r"(dst[1]), "=r"(dst[2]), "=r"(dst[3])
                 : "r"(shared_address(row))
                 : "memory");
}

/* sum += a · b */
__device__ inline void multiply_f16(float (&sum)[4], const uint32_t (&a)[4], const uint32_t *b)
{
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    COP_UNROLL
    for (int i = 0; i < 2; i++)
        asm volatile(
            "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
            "{%0, %1, %2, %3};"
            : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
            : "r"(a[2 * i]), "r"(a[2 * i + 1]), "r"(b[i]));
#endif
}

#if __CUDA_ARCH__ < 800
/* What the older matrix unit lacks, with its fragments: every lane collects the rows and columns of
 * its four sums. A word holds a bf16 pair or a single float. */
template <bool is_pair>
__device__ inline void multiply_by_shuffles(float (&sum)[4], const uint32_t (&a)[4],
                                            const uint32_t *b)
{
    const int lane = threadIdx.x & 31, row = lane >> 2, column = 2 * (lane & 3);
    COP_UNROLL_NONE
    for (int both = 0; both < 8; both++) {
        const bool high = both >= 4;
        const int from = both & 3;
        const uint32_t upper = __shfl_sync(~0u, high ? a[2] : a[0], row * 4 + from);
        const uint32_t lower = __shfl_sync(~0u, high ? a[3] : a[1], row * 4 + from);
        const uint32_t left = __shfl_sync(~0u, high ? b[1] : b[0], column * 4 + from);
        const uint32_t right = __shfl_sync(~0u, high ? b[1] : b[0], column * 4 + 4 + from);
        if (is_pair) {
#define COP_LOW(x) __uint_as_float((x) << 16)
            sum[0] = fmaf(COP_LOW(upper), COP_LOW(left), sum[0]);
            sum[1] = fmaf(COP_LOW(upper), COP_LOW(right), sum[1]);
            sum[2] = fmaf(COP_LOW(lower), COP_LOW(left), sum[2]);
            sum[3] = fmaf(COP_LOW(lower), COP_LOW(right), sum[3]);
#undef COP_LOW
        }
        const uint32_t kept = is_pair ? 0xffff0000u : ~0u;
        sum[0] = fmaf(__uint_as_float(upper & kept), __uint_as_float(left & kept), sum[0]);
        sum[1] = fmaf(__uint_as_float(upper & kept), __uint_as_float(right & kept), sum[1]);
        sum[2] = fmaf(__uint_as_float(lower & kept), __uint_as_float(left & kept), sum[2]);
        sum[3] = fmaf(__uint_as_float(lower & kept), __uint_as_float(right & kept), sum[3]);
    }
}
#endif

__device__ inline void multiply_bf16(float (&sum)[4], const uint32_t (&a)[4], const uint32_t *b)
{
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    multiply_by_shuffles<true>(sum, a, b);
#endif
}

__device__ inline void multiply_tf32(float (&sum)[4], const uint32_t (&a)[4], const uint32_t *b)
{
#if __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    multiply_by_shuffles<false>(sum, a, b);
#endif
}

} // namespace cop

#endif
