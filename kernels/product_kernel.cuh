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

#include "product_sums.cuh"

namespace cop
{

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
template <class shape, int unit, class sums_type>
__device__ inline void multiply_tile(const cop_cuda_product &p, const position &at, char *ring,
                                     sums_type &sums)
{
    const int first = at.split * p.split_depth;
    const int depth = min(p.split_depth, p.depth - first);
    constexpr int units = shape::row_bytes / unit; /* in a row of a piece */
    const int pieces = (depth + units - 1) / units;
    piece_loader<shape, unit> loader;
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

template <class shape, template <class> class sums_of, typename T, int unit>
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
    multiply_tile<shape, unit>(p, at, ring, sums);
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

template <class shape, template <class> class sums_of, typename T, int unit>
cudaError_t run_tile(const cop_cuda_product *p, int tile, bool prepare, cudaStream_t stream)
{
    const cop_cuda_tile *menu = &cop_cuda_tiles[tile];
    if (menu->rows != shape::rows || menu->columns != shape::columns ||
        menu->chunks != shape::chunks || menu->stages != shape::stages)
        return cudaErrorInvalidValue;
    const int bytes = cop_cuda_tile_shared_bytes(menu);
    if (prepare)
        return COP_ALLOW_SHARED((product_kernel<shape, sums_of, T, unit>), bytes);
    const dim3 grid(p->by_tiles.divisor * (unsigned)p->count, (unsigned)p->splits);
    return COP_LAUNCH((product_kernel<shape, sums_of, T, unit>), grid, dim3(shape::threads), bytes,
                      stream, *p);
}

template <template <class> class sums_of, typename T, class largest>
cudaError_t run_product(const cop_cuda_product *p, int tile, bool prepare, cudaStream_t stream)
{
    switch (tile) {
    case 0:
        return run_tile<largest, sums_of, T, 16>(p, tile, prepare, stream);
    case 1:
        return run_tile<shape_128x64, sums_of, T, 16>(p, tile, prepare, stream);
    case 2:
        return run_tile<shape_64x64, sums_of, T, 16>(p, tile, prepare, stream);
    case 3:
        return run_tile<shape_64x32, sums_of, T, 16>(p, tile, prepare, stream);
    default:
        return cudaErrorInvalidValue;
    }
}

/* Narrow taps, of 8 bytes. */
template <template <class> class sums_of, typename T>
cudaError_t run_narrow_product(const cop_cuda_product *p, int tile, bool prepare,
                               cudaStream_t stream)
{
    switch (tile) {
    case 1:
        return run_tile<shape_128x64, sums_of, T, 8>(p, tile, prepare, stream);
    case 2:
        return run_tile<shape_64x64, sums_of, T, 8>(p, tile, prepare, stream);
    default:
        return cudaErrorInvalidValue;
    }
}

} // namespace cop

#endif
