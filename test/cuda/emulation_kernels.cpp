// SPDX-License-Identifier: Apache-2.0
#include "emulation_kernels.h"
#include "platform.cuh"

namespace
{

__global__ void sum_blocks_kernel(const float *src, float *dst)
{
    COP_SHARED(float, sums, [8]);
    float x = src[blockIdx.x * blockDim.x + threadIdx.x];
    for (int delta = 16; delta > 0; delta /= 2)
        x += __shfl_xor_sync(~0u, x, delta);
    if (threadIdx.x % 32 == 0)
        sums[threadIdx.x / 32] = x;
    __syncthreads();
    if (threadIdx.x >= 32)
        return;
    float total = threadIdx.x < 8 ? sums[threadIdx.x] : 0.0f;
    for (int delta = 4; delta > 0; delta /= 2)
        total += __shfl_down_sync(~0u, total, static_cast<unsigned>(delta));
    if (threadIdx.x == 0)
        dst[blockIdx.x] = total;
}

__global__ void reverse_kernel(const int *src, int *dst, bool with_barrier)
{
    COP_DYNAMIC_SHARED(int, tile);
    const unsigned first = blockIdx.x * blockDim.x;
    tile[threadIdx.x] = src[first + threadIdx.x];
    if (with_barrier)
        __syncthreads();
    dst[first + threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

__global__ void copy_kernel(const float *src, float *dst, int count, bool wait)
{
    COP_DYNAMIC_SHARED(float, tile);
    const int at = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    cop::copy_async<4>(&tile[threadIdx.x], at < count ? src + at : src, at < count);
    cop::copy_async_commit();
    if (wait)
        cop::copy_async_wait<0>();
    const float x = tile[threadIdx.x];
    cop::copy_async_wait<0>();
    dst[at] = x;
}

/* a's and b's rows are 32 bytes, whatever the type. */
__global__ void multiply_kernel(int kind, const uint4 *a, const uint4 *b, float *dst)
{
    COP_SHARED(uint4, rows, [32][2]);
    const int lane = static_cast<int>(threadIdx.x);
    for (int i = 0; i < 2; i++)
        rows[lane][i] = lane < 16 ? a[2 * lane + i] : b[2 * (lane % 8) + i];
    __syncwarp();
    uint32_t left[4], right[4];
    cop::load_matrix(left, &rows[lane % 16][lane / 16]);
    cop::load_matrix(right, &rows[16 + lane % 8][lane / 8 % 2]);
    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    if (kind == 0)
        cop::multiply_f16(sum, left, right);
    else if (kind == 1)
        cop::multiply_bf16(sum, left, right);
    else
        cop::multiply_tf32(sum, left, right);
    for (int i = 0; i < 4; i++)
        dst[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sum[i];
}

__global__ void transpose_kernel(const uint4 *src, uint32_t *dst)
{
    COP_SHARED(uint4, rows, [8]);
    if (threadIdx.x < 8)
        rows[threadIdx.x] = src[threadIdx.x];
    __syncwarp();
    uint32_t words[4];
    cop::load_matrix_transposed(words, &rows[threadIdx.x % 8]);
    dst[threadIdx.x] = words[0];
}

__global__ void read_kernel(float *dst)
{
    COP_DYNAMIC_SHARED(float, tile);
    COP_SHARED(float, other, [32]);
    dst[threadIdx.x] = threadIdx.x % 2 == 0 ? tile[threadIdx.x] : other[threadIdx.x];
}

__global__ void write_kernel(int offset)
{
    COP_DYNAMIC_SHARED(char, tile);
    tile[offset] = 1;
}

__global__ void diverge_kernel(unsigned count)
{
    if (threadIdx.x < count)
        __syncthreads();
}

__global__ void two_barriers_kernel(unsigned count)
{
    if (threadIdx.x < count)
        __syncthreads();
    else
        __syncthreads();
}

__global__ void lonely_shuffle_kernel(unsigned missing)
{
    if (threadIdx.x != missing)
        __shfl_xor_sync(~0u, 1.0f, 1);
}

} // namespace

cudaError_t sum_blocks(const float *src, float *dst, int block_count)
{
    return COP_LAUNCH(sum_blocks_kernel, dim3(static_cast<unsigned>(block_count)), 256, 0, nullptr,
                      src, dst);
}

cudaError_t reverse_blocks(const int *src, int *dst, int block_count, bool with_barrier)
{
    return COP_LAUNCH(reverse_kernel, dim3(static_cast<unsigned>(block_count)), 96,
                      96 * sizeof(int), nullptr, src, dst, with_barrier);
}

cudaError_t copy_through_shared(const float *src, float *dst, int count, bool wait)
{
    return COP_LAUNCH(copy_kernel, 2, 64, 64 * sizeof(float), nullptr, src, dst, count, wait);
}

cudaError_t multiply_once(int kind, const void *a, const void *b, float *dst)
{
    return COP_LAUNCH(multiply_kernel, 1, 32, 0, nullptr, kind, static_cast<const uint4 *>(a),
                      static_cast<const uint4 *>(b), dst);
}

cudaError_t transpose_matrix(const uint16_t *src, uint16_t *dst)
{
    return COP_LAUNCH(transpose_kernel, 1, 32, 0, nullptr, reinterpret_cast<const uint4 *>(src),
                      reinterpret_cast<uint32_t *>(dst));
}

cudaError_t read_unwritten_shared(float *dst)
{
    return COP_LAUNCH(read_kernel, 1, 32, 32 * sizeof(float), nullptr, dst);
}

cudaError_t write_beyond_shared(int offset)
{
    return COP_LAUNCH(write_kernel, 1, 1, 100, nullptr, offset);
}

cudaError_t ask_shared(int bytes, bool allow)
{
    const size_t wanted = static_cast<size_t>(bytes);
    if (allow && COP_ALLOW_SHARED(write_kernel, wanted) != cudaSuccess)
        return cudaErrorUnknown;
    return COP_LAUNCH(write_kernel, 1, 1, wanted, nullptr, 0);
}

cudaError_t diverge_at_barrier(void)
{
    return COP_LAUNCH(diverge_kernel, 1, 64, 0, nullptr, 40u);
}

cudaError_t use_two_barriers(void)
{
    return COP_LAUNCH(two_barriers_kernel, 1, 64, 0, nullptr, 32u);
}

cudaError_t shuffle_without_all(void)
{
    return COP_LAUNCH(lonely_shuffle_kernel, 1, 32, 0, nullptr, 3u);
}

uint16_t convert_to_half(float x)
{
    return cop::from_float<cop::half>(x).bits;
}

float convert_from_half(uint16_t bits)
{
    return cop::to_float(cop::half{bits});
}

uint16_t convert_to_bfloat16(float x)
{
    return cop::from_float<cop::bfloat16>(x).bits;
}

uint32_t convert_to_tf32(float x)
{
    return cop::round_to_tf32(x);
}
