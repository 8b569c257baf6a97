// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel of products. A block computes a tile of dst: it streams pieces of the rows of src and
 * weights, a few chunks of 16 bytes deep, through a ring in shared memory; every warp multiplies
 * its part of the tile out of that, by the matrix unit or by float arithmetic; the sums go through
 * shared memory once more, so that whole rows are stored.
 *
 * Chunk c of row r of a piece lies at position c ^ f(r), so that neither the copies nor eight
 * successive rows read at one chunk meet in a bank.
 */
#ifndef KERNELS_PRODUCT_KERNEL_CUH
#define KERNELS_PRODUCT_KERNEL_CUH

#include "product.cuh"

namespace cop
{

/* A warp computes warp_rows x strips · 32 sums. */
template <int warps_m_, int warps_n_, int warp_rows_, int strips_, int chunks_, int stages_,
          int blocks_>
struct tile_shape {
    static constexpr int warps_n = warps_n_, warp_rows = warp_rows_, strips = strips_;
    static constexpr int warp_columns = 32 * strips;
    static constexpr int threads = 32 * warps_m_ * warps_n_;
    static constexpr int blocks = blocks_; /* that fit a multiprocessor by their registers */
    static constexpr int rows = warps_m_ * warp_rows, columns = warps_n * warp_columns;
    static constexpr int chunks = chunks_, stages = stages_;
    static constexpr int row_bytes = 16 * chunks;
    static constexpr int src_bytes = rows * row_bytes;
    static constexpr int stage_bytes = (rows + columns) * row_bytes;
    /* the threads copy `pass` rows at once */
    static constexpr int pass = threads / chunks;
    static constexpr int src_passes = rows / pass, weight_passes = columns / pass;
    static_assert(rows % pass == 0 && columns % pass == 0 && pass % 8 == 0, "whole passes");
};

/* Where chunk c of a row goes. */
template <class shape> __device__ inline int swizzle(int row, int chunk)
{
    static_assert(shape::chunks == 4 || shape::chunks == 8, "64 or 128 bytes in a row");
    return chunk ^ (shape::chunks == 4 ? (row >> 1) & 3 : row & 7);
}

/* Which block of the grid this is. */
struct position {
    int product, row, column, split;
};

template <class shape> __device__ inline position find_position(const cop_cuda_product &p)
{
    const int block = (int)blockIdx.x;
    const int product = divide(block, p.by_tiles);
    const int tile = block - product * (int)p.by_tiles.divisor;
    const int tile_m = divide(tile, p.by_tiles_n);
    const int tile_n = tile - tile_m * (int)p.by_tiles_n.divisor;
    return {product, tile_m * shape::rows, tile_n * shape::columns, (int)blockIdx.y};
}

/* What one thread copies: one chunk of each of its rows, `pass` rows apart. */
template <class shape> struct piece_loader {
    const char *src, *weights;          /* of the product */
    uint32_t offset[shape::src_passes]; /* of tap 0, in chunks, modulo 2³² */
    int pixel[shape::src_passes];       /* of tap 0: y in the upper half, x in the lower */
    uint32_t weights_offset;            /* of its first row, in chunks */
    unsigned weights_present;           /* a bit for each of its rows */
    int chunk;                          /* in the depth of the product … */
    int c, tap_y, tap_x;                /* … and where that is */
    int target;                         /* in the stage */

    __device__ inline void begin(const cop_cuda_product &p, const position &at)
    {
        const int outer = divide(at.product, p.by_inner);
        const int inner = at.product - outer * (int)p.by_inner.divisor;
        const int row = (int)threadIdx.x / shape::chunks, own = (int)threadIdx.x % shape::chunks;
        src = static_cast<const char *>(p.src) + outer * p.src_outer + inner * p.src_inner;
        chunk = at.split * p.split_depth + own;
        target = row * shape::row_bytes + 16 * swizzle<shape>(row, own);
        COP_UNROLL
        for (int i = 0; i < shape::src_passes; i++)
            find_pixel(p, at.row + row + i * shape::pass, i);
        const int column = at.column + row;
        weights = static_cast<const char *>(p.weights) + outer * p.weights_outer +
                  inner * p.weights_inner;
        weights_offset = (uint32_t)column * (uint32_t)p.depth + (uint32_t)chunk;
        weights_present = 0;
        COP_UNROLL
        for (int i = 0; i < shape::weight_passes; i++)
            weights_present |= (column + i * shape::pass < p.columns ? 1u : 0u) << i;
        find_tap(p);
    }

    __device__ inline void find_pixel(const cop_cuda_product &p, int row, int i)
    {
        const int image = divide(row, p.by_plane);
        const int rest = row - image * (int)p.by_plane.divisor;
        const int oy = divide(rest, p.by_width), ox = rest - oy * (int)p.by_width.divisor;
        const int x = ox * p.stride_w - p.pad_w;
        const int y = row < p.rows ? oy * p.stride_h - p.pad_h : COP_CUDA_NO_PIXEL;
        offset[i] = (uint32_t)((image * p.ih + y) * p.iw + x) * (uint32_t)p.pixel_chunks;
        pixel[i] = (int)((unsigned)y << 16 | ((unsigned)x & 0xffff));
    }

    __device__ inline void find_tap(const cop_cuda_product &p)
    {
        const int tap = divide(chunk, p.by_tap);
        c = chunk - tap * p.tap_chunks;
        const int ky = divide(tap, p.by_kernel_w), kx = tap - ky * p.kernel_w;
        tap_y = ky * p.dilation_h;
        tap_x = kx * p.dilation_w;
    }

    /* Issues the copies of a piece, and steps to the next. */
    __device__ inline void load(const cop_cuda_product &p, char *stage)
    {
        const bool is_inside = chunk < p.depth;
        const uint32_t moved = (uint32_t)(tap_y * p.iw + tap_x) * (uint32_t)p.pixel_chunks + c;
        COP_UNROLL
        for (int i = 0; i < shape::src_passes; i++) {
            const int y = (pixel[i] >> 16) + tap_y, x = (int16_t)pixel[i] + tap_x;
            const bool is_present =
                is_inside && (unsigned)y < (unsigned)p.ih && (unsigned)x < (unsigned)p.iw;
            copy_async<16>(stage + target + i * shape::pass * shape::row_bytes,
                           src + (uint64_t)(offset[i] + moved) * 16, is_present);
        }
        COP_UNROLL
        for (int i = 0; i < shape::weight_passes; i++)
            copy_async<16>(stage + shape::src_bytes + target + i * shape::pass * shape::row_bytes,
                           weights + (uint64_t)(weights_offset +
                                                (uint32_t)(i * shape::pass) * (uint32_t)p.depth) *
                                         16,
                           is_inside && (weights_present >> i & 1) != 0);
        weights_offset += shape::chunks;
        chunk += shape::chunks;
        c += shape::chunks;
        while (c >= p.tap_chunks) {
            c -= p.tap_chunks;
            tap_x += p.dilation_w;
            if (tap_x == p.kernel_w * p.dilation_w) {
                tap_x = 0;
                tap_y += p.dilation_h;
            }
        }
    }
};

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
    static constexpr int blocks = shape::src_passes == 4 && lane_rows == 8 ? 3 : shape::blocks;
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

/* Eight of a warp's staged sums: columns 8 (lane % 4) … of row lane / 4 of eight. */
__device__ inline void take_staged(const float *rows, float (&values)[8])
{
    const int lane = (int)threadIdx.x & 31, row = lane >> 2, column = lane & 3;
    COP_UNROLL
    for (int i = 0; i < 2; i++) {
        const float4 quad = *reinterpret_cast<const float4 *>(rows + staged(row, 2 * column + i));
        values[4 * i] = quad.x;
        values[4 * i + 1] = quad.y;
        values[4 * i + 2] = quad.z;
        values[4 * i + 3] = quad.w;
    }
}

template <class shape, typename T>
__device__ inline void store_rows(const cop_cuda_product &p, int product, int row, int column,
                                  const float *rows)
{
    column_writer<T> writer;
    float residual[8] = {}, next[8] = {}, values[8];
    writer.begin(p, product, column);
    writer.read_residual(p, row, residual);
    COP_UNROLL_NONE
    for (int i = 0; i < shape::warp_rows / 8; i++, row += 8) {
        if (i + 1 < shape::warp_rows / 8)
            writer.read_residual(p, row + 8, next);
        take_staged(rows + i * 8 * 32, values);
        if (row < p.rows && writer.left > 0)
            writer.write(p, row, residual, values);
        COP_UNROLL
        for (int j = 0; j < 8; j++)
            residual[j] = next[j];
    }
}

template <class shape>
__device__ inline void store_partials(const cop_cuda_product &p, const position &at, int row,
                                      int column, const float *rows)
{
    const int stride = 8 * (int)p.by_eights.divisor;
    float *plane = p.partials + ((int64_t)at.product * p.splits + at.split) * p.rows * stride;
    COP_UNROLL_NONE
    for (int i = 0; i < shape::warp_rows / 8; i++, row += 8) {
        float values[8];
        take_staged(rows + i * 8 * 32, values);
        if (row < p.rows && column < p.columns)
            write_columns(plane + (int64_t)row * stride + column, 8, true, values);
    }
}

/* The sums of all of the block's depth. */
template <class shape, class sums_type>
__device__ inline void multiply_tile(const cop_cuda_product &p, const position &at, char *ring,
                                     sums_type &sums)
{
    const int first = at.split * p.split_depth;
    const int depth = min(p.split_depth, p.depth - first);
    const int pieces = (depth + shape::chunks - 1) / shape::chunks;
    piece_loader<shape> loader;
    loader.begin(p, at);
    COP_UNROLL_NONE
    for (int i = 0; i < shape::stages - 1; i++) {
        if (i < pieces)
            loader.load(p, ring + i * shape::stage_bytes);
        copy_async_commit();
    }
    int write = (shape::stages - 1) * shape::stage_bytes, read = 0;
    COP_UNROLL_NONE
    for (int i = 0; i < pieces; i++) {
        copy_async_wait<shape::stages - 2>();
        __syncthreads(); /* piece i is there, and nobody reads piece i - 1 any more */
        if (i + shape::stages - 1 < pieces)
            loader.load(p, ring + write);
        copy_async_commit();
        sums.multiply(ring + read, p.rounds_weights);
        write = read;
        read = read + shape::stage_bytes == shape::stages * shape::stage_bytes
                   ? 0
                   : read + shape::stage_bytes;
    }
    copy_async_wait<0>();
    __syncthreads();
}

template <class shape, template <class> class sums_of, typename T>
__global__ void __launch_bounds__(shape::threads, sums_of<shape>::blocks)
    product_kernel(const cop_cuda_product p)
{
    COP_DYNAMIC_SHARED(char, ring);
    const position at = find_position<shape>(p);
    const int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x & 31;
    const int warp_row = warp / shape::warps_n * shape::warp_rows;
    const int warp_column = warp % shape::warps_n * shape::warp_columns;
    sums_of<shape> sums;
    sums.begin(warp_row, warp_column);
    multiply_tile<shape>(p, at, ring, sums);
    float *rows = reinterpret_cast<float *>(ring) + warp * shape::warp_rows * shape::warp_columns;
    sums.stage_sums(rows);
    __syncwarp();
    const int row = at.row + warp_row + lane / 4;
    int column = at.column + warp_column + lane % 4 * 8;
    COP_UNROLL_NONE
    for (int strip = 0; strip < shape::strips; strip++, column += 32) {
        const float *strip_rows = rows + strip * shape::warp_rows * 32;
        if (p.partials != nullptr)
            store_partials<shape>(p, at, row, column, strip_rows);
        else
            store_rows<shape, T>(p, at.product, row, column, strip_rows);
    }
}

/* The menu; product_choice.c has the same numbers. */
typedef tile_shape<2, 2, 64, 2, 4, 4, 2> shape_128x128;
typedef tile_shape<2, 4, 64, 1, 4, 4, 2> shape_128x128_exact; /* fewer sums for a lane */
typedef tile_shape<2, 2, 64, 1, 4, 4, 4> shape_128x64;
typedef tile_shape<2, 2, 32, 1, 8, 3, 4> shape_64x64;
typedef tile_shape<4, 1, 16, 1, 8, 4, 4> shape_64x32;

template <class shape, template <class> class sums_of, typename T>
cudaError_t run_tile(const cop_cuda_product *p, int tile, bool prepare, cudaStream_t stream)
{
    const cop_cuda_tile *menu = &cop_cuda_tiles[tile];
    if (menu->rows != shape::rows || menu->columns != shape::columns ||
        menu->chunks != shape::chunks || menu->stages != shape::stages)
        return cudaErrorInvalidValue;
    const int bytes = cop_cuda_tile_shared_bytes(menu);
    if (prepare)
        return COP_ALLOW_SHARED((product_kernel<shape, sums_of, T>), bytes);
    const dim3 grid(p->by_tiles.divisor * (unsigned)p->count, (unsigned)p->splits);
    return COP_LAUNCH((product_kernel<shape, sums_of, T>), grid, dim3(shape::threads), bytes,
                      stream, *p);
}

template <template <class> class sums_of, typename T, class largest>
cudaError_t run_product(const cop_cuda_product *p, int tile, bool prepare, cudaStream_t stream)
{
    switch (tile) {
    case 0:
        return run_tile<largest, sums_of, T>(p, tile, prepare, stream);
    case 1:
        return run_tile<shape_128x64, sums_of, T>(p, tile, prepare, stream);
    case 2:
        return run_tile<shape_64x64, sums_of, T>(p, tile, prepare, stream);
    case 3:
        return run_tile<shape_64x32, sums_of, T>(p, tile, prepare, stream);
    default:
        return cudaErrorInvalidValue;
    }
}

} // namespace cop

#endif
