// SPDX-License-Identifier: Apache-2.0
/* How a warp of the kernel of products multiplies what lies in shared memory. */
#ifndef KERNELS_PRODUCT_SUMS_CUH
#define KERNELS_PRODUCT_SUMS_CUH

#include "product_loader.cuh"

namespace cop
{

/* Where column group `quad` (four columns) of a row of a warp's sums lies, in floats. */
__device__ inline int staged(int row, int quad)
{
    return row * 32 + 4 * (quad ^ ((row & 3) << 1 | ((row ^ row >> 2) & 1)));
}

/* The sums of one warp on the matrix unit: fragments of 16 rows and 8 columns. */
template <class shape, class unit> struct matrix_sums {
    static constexpr int blocks = shape::blocks; /* for a multiprocessor, by the registers */
    static constexpr int columns = 4 * shape::strips;
    float sums[shape::warp_rows / 16][columns][4];
    int src_row, weight_row; /* offsets of what this lane loads in a piece */

    __device__ inline void begin(int warp_row, int warp_column)
    {
        const int lane = (int)threadIdx.x & 31;
        const int a_row = warp_row + (lane & 15);
        const int b_row = warp_column + (lane & 7) + (lane >> 4) * 8;
        src_row = a_row * shape::row_bytes + 16 * swizzle<shape>(a_row, lane >> 4);
        weight_row =
            shape::src_bytes + b_row * shape::row_bytes + 16 * swizzle<shape>(b_row, lane >> 3 & 1);
        COP_UNROLL
        for (int i = 0; i < shape::warp_rows / 16; i++) {
            COP_UNROLL
            for (int j = 0; j < columns; j++) {
                COP_UNROLL
                for (int k = 0; k < 4; k++)
                    sums[i][j][k] = 0.0f;
            }
        }
    }

    __device__ inline void multiply(const char *stage, bool rounds_weights)
    {
        COP_UNROLL
        for (int k = 0; k < shape::chunks / 2; k++) {
            uint32_t a[shape::warp_rows / 16][4], b[columns / 2][4];
            COP_UNROLL
            for (int j = 0; j < columns / 2; j++) {
                load_matrix(b[j], stage + (weight_row ^ 32 * k) + j * 16 * shape::row_bytes);
                if (rounds_weights)
                    unit::round(b[j]);
            }
            COP_UNROLL
            for (int i = 0; i < shape::warp_rows / 16; i++) {
                load_matrix(a[i], stage + (src_row ^ 32 * k) + i * 16 * shape::row_bytes);
                unit::round(a[i]);
            }
            COP_UNROLL
            for (int i = 0; i < shape::warp_rows / 16; i++) {
                COP_UNROLL
                for (int j = 0; j < columns; j++)
                    unit::multiply(sums[i][j], a[i], b[j / 2] + j % 2 * 2);
            }
        }
    }

    /* Strip by strip. */
    __device__ inline void stage_sums(float *rows) const
    {
        const int lane = (int)threadIdx.x & 31, row = lane >> 2, pair = lane & 3;
        COP_UNROLL
        for (int i = 0; i < shape::warp_rows / 16; i++) {
            COP_UNROLL
            for (int j = 0; j < columns; j++) {
                float *at = rows + (j / 4 * shape::warp_rows + 16 * i) * 32 +
                            staged(row, j % 4 * 2 + (pair >> 1)) + (pair & 1) * 2;
                const float(&sum)[4] = sums[i][j];
                *reinterpret_cast<float2 *>(at) = make_float2(sum[0], sum[1]);
                *reinterpret_cast<float2 *>(at + 8 * 32) = make_float2(sum[2], sum[3]);
            }
        }
    }
};

/* The sums of one warp by float arithmetic: a lane has every eighth row and every fourth column.
 * Lanes one apart share rows and lanes two apart share columns, which lets a multiprocessor serve
 * half a warp's 16-byte reads at once. */
template <class shape> struct exact_sums {
    static constexpr int lane_rows = shape::warp_rows / 8, lane_columns = 8;
    static constexpr int blocks = shape::blocks == 4 && lane_rows == 8 ? 3 : shape::blocks;
    float sums[lane_rows][lane_columns];
    int src_row, weight_row;

    static __device__ inline int lane_row()
    {
        return (threadIdx.x >> 1 & 3) | (threadIdx.x >> 4 & 1) << 2;
    }
    static __device__ inline int lane_column()
    {
        return (threadIdx.x & 1) | (threadIdx.x >> 3 & 1) << 1;
    }

    __device__ inline void begin(int warp_row, int warp_column)
    {
        const int a_row = warp_row + lane_row(), b_row = warp_column + lane_column();
        src_row = a_row * shape::row_bytes + 16 * swizzle<shape>(a_row, 0);
        weight_row = shape::src_bytes + b_row * shape::row_bytes + 16 * swizzle<shape>(b_row, 0);
        COP_UNROLL
        for (int i = 0; i < lane_rows; i++) {
            COP_UNROLL
            for (int j = 0; j < lane_columns; j++)
                sums[i][j] = 0.0f;
        }
    }

    __device__ inline void multiply(const char *stage, bool)
    {
        /* once in the code: more would not fit the registers */
        COP_UNROLL_NONE
        for (int k = 0; k < shape::chunks; k++) {
            float4 a[lane_rows];
            COP_UNROLL
            for (int i = 0; i < lane_rows; i++)
                a[i] = *reinterpret_cast<const float4 *>(stage + (src_row ^ 16 * k) +
                                                         i * 8 * shape::row_bytes);
            COP_UNROLL
            for (int j = 0; j < lane_columns; j++) {
                /* every other of the columns, four apart, is swizzled differently */
                const int flipped = 16 * swizzle<shape>(4 * (j & 1), k);
                const float4 b = *reinterpret_cast<const float4 *>(stage + (weight_row ^ flipped) +
                                                                   j * 4 * shape::row_bytes);
                COP_UNROLL
                for (int i = 0; i < lane_rows; i++)
                    sums[i][j] = fmaf(a[i].x, b.x, sums[i][j]);
                COP_UNROLL
                for (int i = 0; i < lane_rows; i++)
                    sums[i][j] = fmaf(a[i].y, b.y, sums[i][j]);
                COP_UNROLL
                for (int i = 0; i < lane_rows; i++)
                    sums[i][j] = fmaf(a[i].z, b.z, sums[i][j]);
                COP_UNROLL
                for (int i = 0; i < lane_rows; i++)
                    sums[i][j] = fmaf(a[i].w, b.w, sums[i][j]);
            }
        }
    }

    __device__ inline void stage_sums(float *rows) const
    {
        COP_UNROLL
        for (int i = 0; i < lane_rows; i++) {
            COP_UNROLL
            for (int j = 0; j < lane_columns; j++)
                rows[staged(lane_row(), j) + 8 * i * 32 + lane_column()] = sums[i][j];
        }
    }
};

} // namespace cop

#endif
