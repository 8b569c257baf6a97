// SPDX-License-Identifier: Apache-2.0
/* Strided copies and fills. */
#include "movement.h"
#include "movement.cuh"

namespace cop
{

#define TILE      32
#define TILE_ROWS 8 /* of threads; each moves TILE / TILE_ROWS elements */
#define TILE_MIN  8 /* a shorter side is not worth a tile */

/* Sides of a copy. */
enum { SRC, DST };

template <typename E, typename Index>
__global__ void copy_kernel(walk<Index, 2> sides, int64_t count, const E *src, E *dst)
{
    const int64_t at = thread_position();
    if (at >= count)
        return;
    typename walk<Index, 2>::offset offsets[2];
    sides.find(static_cast<Index>(at), offsets);
    dst[offsets[DST]] = src[offsets[SRC]];
}

/*
 * Planes [rows, columns] of which dst is contiguous along the columns and src along the rows:
 * through shared memory both are read and written in runs.
 */
struct tile_job {
    int32_t rows, columns;
    int32_t src_row_step, src_column_step; /* the former is 1 or −1 */
    int32_t dst_row_step;
    divider<uint32_t> tiles_across, tiles_down;
    walk<uint32_t, 2> planes;
};

template <typename E> __global__ void copy_tiles_kernel(tile_job job, const E *src, E *dst)
{
    COP_SHARED(E, tile, [TILE][TILE + 1]);
    const uint32_t rest = job.tiles_across.divide(blockIdx.x);
    const uint32_t plane = job.tiles_down.divide(rest);
    const int32_t left = static_cast<int32_t>(blockIdx.x - rest * job.tiles_across.value) * TILE;
    const int32_t top = static_cast<int32_t>(rest - plane * job.tiles_down.value) * TILE;
    int32_t offsets[2];
    job.planes.find(plane, offsets);
    const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
    for (int i = y; i < TILE; i += TILE_ROWS)
        if (top + x < job.rows && left + i < job.columns)
            tile[x][i] =
                src[offsets[SRC] + (top + x) * job.src_row_step + (left + i) * job.src_column_step];
    __syncthreads();
    for (int i = y; i < TILE; i += TILE_ROWS)
        if (top + i < job.rows && left + x < job.columns)
            dst[offsets[DST] + (top + i) * job.dst_row_step + left + x] = tile[i][x];
}

/* Outermost first as dst has it. */
static void order_by_dst(block<2> *sides)
{
    for (int i = 1; i < sides->rank; i++)
        for (int j = i; j > 0 && sides->strides[DST][j - 1] < sides->strides[DST][j]; j--) {
            const int64_t dim = sides->dims[j], from = sides->strides[SRC][j],
                          to = sides->strides[DST][j];
            sides->dims[j] = sides->dims[j - 1];
            sides->strides[SRC][j] = sides->strides[SRC][j - 1];
            sides->strides[DST][j] = sides->strides[DST][j - 1];
            sides->dims[j - 1] = dim;
            sides->strides[SRC][j - 1] = from;
            sides->strides[DST][j - 1] = to;
        }
}

/* Pairs of elements become one as long as they lie together on both sides; gives their size. */
static int widen(block<2> *sides, int bytes, const void *src, const void *dst)
{
    const int last = sides->rank - 1;
    if (last < 0 || sides->strides[SRC][last] != 1 || sides->strides[DST][last] != 1)
        return bytes;
    for (; bytes < 16; bytes *= 2) {
        const size_t wide = static_cast<size_t>(bytes) * 2;
        bool is_even = sides->dims[last] % 2 == 0 && is_aligned(src, wide) && is_aligned(dst, wide);
        for (int i = 0; i < last; i++)
            is_even &= sides->strides[SRC][i] % 2 == 0 && sides->strides[DST][i] % 2 == 0;
        if (!is_even)
            return bytes;
        sides->dims[last] /= 2;
        for (int i = 0; i < last; i++) {
            sides->strides[SRC][i] /= 2;
            sides->strides[DST][i] /= 2;
        }
    }
    return bytes;
}

/* The dimension along which src is contiguous where tiles pay; −1: they do not. */
static int find_tile_row(const block<2> &sides)
{
    const int last = sides.rank - 1;
    if (last < 1 || !sides.is_small() || sides.strides[DST][last] != 1 ||
        sides.dims[last] < TILE_MIN)
        return -1;
    for (int i = 0; i < last; i++)
        if ((sides.strides[SRC][i] == 1 || sides.strides[SRC][i] == -1) &&
            sides.dims[i] >= TILE_MIN)
            return sides.strides[SRC][last] == 1 || sides.strides[SRC][last] == -1 ? -1 : i;
    return -1;
}

template <typename E>
static cudaError_t launch_tiles(block<2> sides, int row, const void *src, void *dst,
                                cudaStream_t stream)
{
    const int last = sides.rank - 1;
    tile_job job = tile_job();
    job.rows = static_cast<int32_t>(sides.dims[row]);
    job.columns = static_cast<int32_t>(sides.dims[last]);
    job.src_row_step = static_cast<int32_t>(sides.strides[SRC][row]);
    job.src_column_step = static_cast<int32_t>(sides.strides[SRC][last]);
    job.dst_row_step = static_cast<int32_t>(sides.strides[DST][row]);
    const int64_t across = (job.columns + TILE - 1) / TILE, down = (job.rows + TILE - 1) / TILE;
    job.tiles_across.set(across);
    job.tiles_down.set(down);
    sides.remove(last);
    sides.remove(row);
    job.planes.set(sides);
    const unsigned blocks = static_cast<unsigned>(across * down * sides.count());
    return COP_LAUNCH((copy_tiles_kernel<E>), blocks, dim3(TILE, TILE_ROWS), 0, stream, job,
                      static_cast<const E *>(src), static_cast<E *>(dst));
}

template <typename E, typename Index>
static cudaError_t launch_copy(const block<2> &sides, const void *src, void *dst,
                               cudaStream_t stream)
{
    walk<Index, 2> walked;
    walked.set(sides);
    unsigned blocks;
    if (!count_blocks(sides.count(), COP_MOVE_THREADS, &blocks))
        return cudaErrorInvalidValue;
    return COP_LAUNCH((copy_kernel<E, Index>), blocks, COP_MOVE_THREADS, 0, stream, walked,
                      sides.count(), static_cast<const E *>(src), static_cast<E *>(dst));
}

/* `count` whole elements of type E, and `tail` bytes more. */
template <typename E> __global__ void fill_kernel(pattern value, int64_t count, int tail, E *dst)
{
    const int64_t at = thread_position();
    if (at < count)
        dst[at] = value.as<E>();
    else if (at == count)
        for (int i = 0; i < tail; i++)
            reinterpret_cast<unsigned char *>(dst + count)[i] = value.bytes[i];
}

} // namespace cop

cudaError_t cop_cuda_copy(const struct cop_cuda_copy *self, const void *src, void *dst,
                          cudaStream_t stream)
{
    if (!cop::are_dims(self->rank, self->dims) || !cop::is_element_size(self->element_bytes))
        return cudaErrorInvalidValue;
    cop::block<2> sides = {};
    sides.rank = self->rank;
    for (int i = 0; i < self->rank; i++) {
        if (self->dims[i] == 0)
            return cudaSuccess;
        sides.dims[i] = self->dims[i];
        sides.strides[cop::SRC][i] = self->src_strides[i];
        sides.strides[cop::DST][i] = self->dst_strides[i];
    }
    cop::order_by_dst(&sides);
    sides.collapse();
    const int bytes = cop::widen(&sides, self->element_bytes, src, dst);
    return cop::with_element(bytes, [&](auto element) {
        using E = decltype(element);
        const int row = sizeof(E) > 8 ? -1 : cop::find_tile_row(sides);
        if (row >= 0)
            return cop::launch_tiles<E>(sides, row, src, dst, stream);
        return sides.is_small() ? cop::launch_copy<E, uint32_t>(sides, src, dst, stream)
                                : cop::launch_copy<E, uint64_t>(sides, src, dst, stream);
    });
}

cudaError_t cop_cuda_fill(int element_bytes, int64_t count, const void *value, void *dst,
                          cudaStream_t stream)
{
    if (!cop::is_element_size(element_bytes) || count < 0)
        return cudaErrorInvalidValue;
    if (count == 0)
        return cudaSuccess;
    cop::pattern pattern;
    pattern.set(element_bytes, value);
    const int64_t bytes = count * element_bytes;
    return cop::with_element(cop::is_aligned(dst, 16) ? 16 : element_bytes, [&](auto element) {
        using E = decltype(element);
        const int64_t whole = bytes / static_cast<int64_t>(sizeof(E));
        const int tail = static_cast<int>(bytes % static_cast<int64_t>(sizeof(E)));
        unsigned blocks;
        if (!cop::count_blocks(whole + 1, COP_MOVE_THREADS, &blocks))
            return cudaErrorInvalidValue;
        return COP_LAUNCH((cop::fill_kernel<E>), blocks, COP_MOVE_THREADS, 0, stream, pattern,
                          whole, tail, static_cast<E *>(dst));
    });
}
