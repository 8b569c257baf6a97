// SPDX-License-Identifier: Apache-2.0
/* What is done to the sums of a product before they are stored: bias, residual, post-ops. */
#ifndef KERNELS_PRODUCT_CUH
#define KERNELS_PRODUCT_CUH

#include "platform.cuh"
#include "pointwise.cuh"
#include "product.h"

namespace cop
{

/* x / by; see cop_cuda_divide_by. */
__device__ inline int divide(int x, const cop_cuda_divisor &by)
{
    return by.multiplier == 0 ? x : (int)(__umulhi((unsigned)x, by.multiplier) >> by.shift);
}

/* Reads eight columns of a row, or the `left` first of them; the others are 0. */
template <typename T>
__device__ inline void read_columns(const T *at, int left, bool is_wide, float (&values)[8])
{
    constexpr int per_word = 16 / (int)sizeof(T);
    if (is_wide && left >= 8) {
        COP_UNROLL
        for (int i = 0; i < 8 / per_word; i++) {
            union {
                uint4 word;
                T elements[per_word];
            } chunk;
            chunk.word = reinterpret_cast<const uint4 *>(at)[i];
            COP_UNROLL
            for (int j = 0; j < per_word; j++)
                values[i * per_word + j] = to_float(chunk.elements[j]);
        }
        return;
    }
    COP_UNROLL
    for (int i = 0; i < 8; i++)
        values[i] = i < left ? to_float(at[i]) : 0.0f;
}

template <typename T>
__device__ inline void write_columns(T *at, int left, bool is_wide, const float (&values)[8])
{
    constexpr int per_word = 16 / (int)sizeof(T);
    if (is_wide && left >= 8) {
        COP_UNROLL
        for (int i = 0; i < 8 / per_word; i++) {
            union {
                uint4 word;
                T elements[per_word];
            } chunk;
            COP_UNROLL
            for (int j = 0; j < per_word; j++)
                chunk.elements[j] = from_float<T>(values[i * per_word + j]);
            reinterpret_cast<uint4 *>(at)[i] = chunk.word;
        }
        return;
    }
    COP_UNROLL
    for (int i = 0; i < 8; i++)
        if (i < left)
            at[i] = from_float<T>(values[i]);
}

/* What one thread stores: eight columns of some rows of one product. */
template <typename T> struct column_writer {
    const T *residual;
    T *dst;
    int left; /* columns from the first on that there are */
    float bias[8];

    __device__ inline void begin(const cop_cuda_product &p, int product, int column)
    {
        left = p.columns - column;
        const int64_t first = product * p.dst_step + column;
        dst = static_cast<T *>(p.dst) + first;
        residual = p.residual != nullptr ? static_cast<const T *>(p.residual) + first : nullptr;
        COP_UNROLL
        for (int i = 0; i < 8; i++)
            bias[i] =
                p.bias != nullptr && i < left ? p.bias[product * p.bias_step + column + i] : 0.0f;
    }

    __device__ inline void read_residual(const cop_cuda_product &p, int row,
                                         float (&values)[8]) const
    {
        if (residual != nullptr && row < p.rows && left > 0)
            read_columns(residual + (int64_t)row * p.dst_stride, left, p.is_wide, values);
    }

    __device__ inline void write(const cop_cuda_product &p, int row, const float (&added)[8],
                                 float (&values)[8]) const
    {
        COP_UNROLL
        for (int i = 0; i < 8; i++)
            values[i] += bias[i];
        apply_post_ops(p.post_ops, values, added);
        write_columns(dst + (int64_t)row * p.dst_stride, left, p.is_wide, values);
    }
};

} // namespace cop

#endif
