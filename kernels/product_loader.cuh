// SPDX-License-Identifier: Apache-2.0
/* How a block of the kernel of products streams rows of src and weights into shared memory. */
#ifndef KERNELS_PRODUCT_LOADER_CUH
#define KERNELS_PRODUCT_LOADER_CUH

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
};

/* How the threads of a block share rows of which each thread copies `unit` bytes: `pass` at once.
 */
template <class shape, int unit, int rows> struct row_split {
    static constexpr int units = shape::row_bytes / unit;
    static constexpr int pass = shape::threads / units, passes = rows / pass;
    static_assert(rows % pass == 0 && pass % 8 == 0, "whole passes, and swizzled alike");
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

/* Where in a piece the thread's part of row `row` goes. */
template <class shape, int unit> __device__ inline int find_target(int row, int own)
{
    return row * shape::row_bytes + 16 * swizzle<shape>(row, own * unit / 16) + own * unit % 16;
}

/* What one thread copies of src: one unit of 16 or 8 bytes of each of its rows. A narrow tap is one
 * unit of 8. */
template <class shape, int unit> struct src_loader {
    typedef row_split<shape, unit, shape::rows> split;
    static constexpr int passes = split::passes, pass = split::pass;

    const char *src;         /* of the product */
    uint32_t offset[passes]; /* of tap 0, in units, modulo 2³² */
    int pixel[passes];       /* of tap 0: y in the upper half, x in the lower */
    int at;                  /* in the depth of the product, in units … */
    int c, tap_y, tap_x;     /* … and where that is */
    int target;              /* in the stage */

    __device__ inline void begin(const cop_cuda_product &p, const position &block, const char *from)
    {
        const int row = (int)threadIdx.x / split::units, own = (int)threadIdx.x % split::units;
        src = from;
        at = block.split * p.split_depth + own;
        target = find_target<shape, unit>(row, own);
        COP_UNROLL
        for (int i = 0; i < passes; i++)
            find_pixel(p, block.row + row + i * pass, i);
        find_tap(p);
    }

    __device__ inline void find_pixel(const cop_cuda_product &p, int row, int i)
    {
        const int image = divide(row, p.by_plane);
        const int rest = row - image * (int)p.by_plane.divisor;
        const int oy = divide(rest, p.by_width), ox = rest - oy * (int)p.by_width.divisor;
        const int x = ox * p.stride_w - p.pad_w;
        const int y = row < p.rows ? oy * p.stride_h - p.pad_h : COP_CUDA_NO_PIXEL;
        offset[i] = (uint32_t)((image * p.ih + y) * p.iw + x) * (uint32_t)p.pixel_units;
        pixel[i] = (int)((unsigned)y << 16 | ((unsigned)x & 0xffff));
    }

    __device__ inline void find_tap(const cop_cuda_product &p)
    {
        const int tap = unit == 8 ? at : divide(at, p.by_tap);
        c = unit == 8 ? 0 : at - tap * p.tap_units;
        const int ky = divide(tap, p.by_kernel_w), kx = tap - ky * p.kernel_w;
        tap_y = ky * p.dilation_h;
        tap_x = kx * p.dilation_w;
    }

    /* Issues the copies of a piece, and steps to the next. */
    __device__ inline void load(const cop_cuda_product &p, char *stage)
    {
        const bool is_inside = at < p.depth;
        const uint32_t moved = (uint32_t)(tap_y * p.iw + tap_x) * (uint32_t)p.pixel_units + c;
        COP_UNROLL
        for (int i = 0; i < passes; i++) {
            const int y = (pixel[i] >> 16) + tap_y, x = (int16_t)pixel[i] + tap_x;
            const bool is_present =
                is_inside && (unsigned)y < (unsigned)p.ih && (unsigned)x < (unsigned)p.iw;
            copy_async<unit>(stage + target + i * pass * shape::row_bytes,
                             src + (uint64_t)(offset[i] + moved) * unit, is_present);
        }
        at += split::units;
        step_tap(p);
    }

    __device__ inline void step_tap(const cop_cuda_product &p)
    {
        if (unit == 8) {
            find_tap(p); /* many taps on */
            return;
        }
        c += split::units;
        while (c >= p.tap_units) {
            c -= p.tap_units;
            tap_x += p.dilation_w;
            if (tap_x == p.kernel_w * p.dilation_w) {
                tap_x = 0;
                tap_y += p.dilation_h;
            }
        }
    }
};

/* What one thread copies of weights: one unit of each of its rows. */
template <class shape, int unit> struct weights_loader {
    typedef row_split<shape, unit, shape::columns> split;

    const char *weights; /* of the product */
    uint32_t offset;     /* of its first row, in units */
    unsigned present;    /* a bit for each of its rows */
    int at;              /* in the depth of the product, in units */
    int target;          /* in the stage */

    __device__ inline void begin(const cop_cuda_product &p, const position &block, const char *from)
    {
        const int row = (int)threadIdx.x / split::units, own = (int)threadIdx.x % split::units;
        const int column = block.column + row;
        weights = from;
        at = block.split * p.split_depth + own;
        target = shape::src_bytes + find_target<shape, unit>(row, own);
        offset = (uint32_t)column * (uint32_t)p.depth + (uint32_t)at;
        present = 0;
        COP_UNROLL
        for (int i = 0; i < split::passes; i++)
            present |= (column + i * split::pass < p.columns ? 1u : 0u) << i;
    }

    __device__ inline void load(const cop_cuda_product &p, char *stage)
    {
        COP_UNROLL
        for (int i = 0; i < split::passes; i++) {
            const uint32_t row = (uint32_t)(i * split::pass) * (uint32_t)p.depth;
            copy_async<unit>(stage + target + i * split::pass * shape::row_bytes,
                             weights + (uint64_t)(offset + row) * unit,
                             at < p.depth && (present >> i & 1) != 0);
        }
        offset += split::units;
        at += split::units;
    }
};

/* Both. */
template <class shape, int unit> struct piece_loader {
    src_loader<shape, unit> src;
    weights_loader<shape, unit> weights;

    __device__ inline void begin(const cop_cuda_product &p, const position &block)
    {
        const int outer = divide(block.product, p.by_inner);
        const int inner = block.product - outer * (int)p.by_inner.divisor;
        src.begin(p, block,
                  static_cast<const char *>(p.src) + outer * p.src_outer + inner * p.src_inner);
        weights.begin(p, block,
                      static_cast<const char *>(p.weights) + outer * p.weights_outer +
                          inner * p.weights_inner);
    }

    __device__ inline void load(const cop_cuda_product &p, char *stage)
    {
        src.load(p, stage);
        weights.load(p, stage);
    }
};

} // namespace cop

#endif
