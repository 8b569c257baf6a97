// SPDX-License-Identifier: Apache-2.0
#include "reorder.h"
#include "elements.cuh"
#include "indexing.cuh"

namespace cop
{

#define THREADS   256
#define TILE      32
#define TILE_ROWS 8

__device__ inline float to_tf32(float x)
{
    return __uint_as_float(round_to_tf32(x));
}

/* the same order on both sides, nothing between the elements */

template <typename S, typename D, int N>
__device__ inline void convert(const S *src, bool round_tf32, D *dst)
{
    float x[N];
    load(src, x);
    COP_UNROLL
    for (int i = 0; i < N; i++)
        x[i] = round_tf32 ? to_tf32(x[i]) : x[i];
    store(dst, x);
}

template <typename S, typename D, int N>
__global__ void convert_kernel(int64_t count, bool round_tf32, const S *src, D *dst)
{
    int64_t at = thread_position() * N;
    if (at + N <= count) {
        convert<S, D, N>(src + at, round_tf32, dst + at);
        return;
    }
    for (; at < count; at++)
        convert<S, D, 1>(src + at, round_tf32, dst + at);
}

/* the same order, rows of another length; the rest of a row of dst is 0 */

struct row_job {
    int src_type, dst_type;
    bool round_tf32;
    int64_t count, channels, src_channels;
    divider<uint64_t> dst_channels;
};

__global__ void convert_rows_kernel(row_job job, const void *src, void *dst)
{
    const int64_t at = thread_position();
    if (at >= job.count)
        return;
    const uint64_t row = job.dst_channels.divide(static_cast<uint64_t>(at));
    const int64_t c = at - static_cast<int64_t>(row * job.dst_channels.value);
    float x = 0;
    if (c < job.channels)
        x = load_any(job.src_type, src, static_cast<int64_t>(row) * job.src_channels + c);
    store_any(job.dst_type, dst, at, job.round_tf32 ? to_tf32(x) : x);
}

/* another order, through shared memory */

/* n planes of src [rows, columns] become dst [columns, width ≥ rows], filled up with zeros. */
struct reorder_tile {
    int64_t rows, columns, width;
    int64_t src_pitch;
    divider<uint32_t> across, down; /* tiles of a plane of dst */
    bool round_tf32;
};

template <typename S, typename D>
__global__ void reorder_tiles_kernel(reorder_tile job, const S *src, D *dst)
{
    COP_SHARED(float, tile, [TILE][TILE + 1]);
    const uint32_t rest = job.across.divide(blockIdx.x), plane = job.down.divide(rest);
    const int64_t left = static_cast<int64_t>(blockIdx.x - rest * job.across.value) * TILE;
    const int64_t top = static_cast<int64_t>(rest - plane * job.down.value) * TILE;
    const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
    src += plane * job.rows * job.src_pitch;
    dst += plane * job.columns * job.width;
    for (int i = y; i < TILE; i += TILE_ROWS) {
        const bool is_inside = left + i < job.rows && top + x < job.columns;
        const float element =
            is_inside ? to_float(src[(left + i) * job.src_pitch + top + x]) : 0.0f;
        tile[i][x] = job.round_tf32 ? to_tf32(element) : element;
    }
    __syncthreads();
    for (int i = y; i < TILE; i += TILE_ROWS)
        if (top + i < job.columns && left + x < job.width)
            dst[(top + i) * job.width + left + x] = from_float<D>(tile[x][i]);
}

/* row-major images of a few channels to nhwc: a position a thread */

template <typename D, int C>
__global__ void reorder_pixels_kernel(int src_type, int64_t count, divider<uint32_t> plane,
                                      int channels, bool round_tf32, const void *src, D *dst)
{
    const int64_t at = thread_position();
    if (at >= count)
        return;
    const int64_t image = plane.divide(static_cast<uint32_t>(at));
    const int64_t size = static_cast<int64_t>(plane.value);
    const int64_t first = image * channels * size + (at - image * size);
    float x[C];
    COP_UNROLL
    for (int c = 0; c < C; c++) {
        x[c] = c < channels ? load_any(src_type, src, first + c * size) : 0.0f;
        x[c] = round_tf32 ? to_tf32(x[c]) : x[c];
    }
    constexpr int n = C * sizeof(D) > 16 ? 16 / sizeof(D) : C;
    COP_UNROLL
    for (int c = 0; c < C; c += n)
        store(dst + at * C + c, *reinterpret_cast<const float(*)[n]>(x + c));
}

/* launchers */

/* Checked, with both counts of channels, and with the same order on both sides where it is. */
struct plan {
    struct cop_cuda_reorder given;
    const void *src;
    void *dst;
    cudaStream_t stream;
};

template <typename S, typename D> static cudaError_t launch_convert(const plan &self, int64_t count)
{
    constexpr int n = 16 / (sizeof(S) > sizeof(D) ? sizeof(S) : sizeof(D));
    const bool is_vector =
        is_aligned(self.src, n * sizeof(S)) && is_aligned(self.dst, n * sizeof(D));
    unsigned blocks;
    if (!count_blocks(count, THREADS * (is_vector ? n : 1), &blocks))
        return cudaErrorInvalidValue;
    const S *src = static_cast<const S *>(self.src);
    D *dst = static_cast<D *>(self.dst);
    if (is_vector)
        return COP_LAUNCH((convert_kernel<S, D, n>), blocks, THREADS, 0, self.stream, count,
                          self.given.round_tf32, src, dst);
    return COP_LAUNCH((convert_kernel<S, D, 1>), blocks, THREADS, 0, self.stream, count,
                      self.given.round_tf32, src, dst);
}

static cudaError_t launch_rows(const plan &self, int64_t count)
{
    row_job job = row_job();
    job.src_type = self.given.src_type;
    job.dst_type = self.given.dst_type;
    job.round_tf32 = self.given.round_tf32;
    job.count = count;
    job.channels = self.given.channels;
    job.src_channels = self.given.src_channels;
    job.dst_channels.set(self.given.dst_channels);
    unsigned blocks;
    if (!count_blocks(count, THREADS, &blocks))
        return cudaErrorInvalidValue;
    return COP_LAUNCH(convert_rows_kernel, blocks, THREADS, 0, self.stream, job, self.src,
                      self.dst);
}

template <typename S, typename D> static cudaError_t launch_tiles(const plan &self)
{
    const struct cop_cuda_reorder &given = self.given;
    const bool is_to_nhwc = given.dst_order == COP_CUDA_NHWC;
    reorder_tile job = reorder_tile();
    job.rows = is_to_nhwc ? given.channels : given.plane;
    job.columns = is_to_nhwc ? given.plane : given.channels;
    job.width = is_to_nhwc ? given.dst_channels : given.plane;
    job.src_pitch = is_to_nhwc ? given.plane : given.src_channels;
    job.round_tf32 = given.round_tf32;
    const int64_t across = (job.width + TILE - 1) / TILE, down = (job.columns + TILE - 1) / TILE;
    unsigned blocks;
    if (!count_blocks(given.n * across * down, 1, &blocks))
        return cudaErrorInvalidValue;
    job.across.set(across);
    job.down.set(down);
    return COP_LAUNCH((reorder_tiles_kernel<S, D>), blocks, dim3(TILE, TILE_ROWS), 0, self.stream,
                      job, static_cast<const S *>(self.src), static_cast<D *>(self.dst));
}

template <typename D, int C> static cudaError_t launch_pixels(const plan &self)
{
    const struct cop_cuda_reorder &given = self.given;
    divider<uint32_t> plane;
    plane.set(given.plane);
    unsigned blocks;
    if (!count_blocks(given.n * given.plane, THREADS, &blocks))
        return cudaErrorInvalidValue;
    return COP_LAUNCH((reorder_pixels_kernel<D, C>), blocks, THREADS, 0, self.stream,
                      static_cast<int>(given.src_type), given.n * given.plane, plane,
                      static_cast<int>(given.channels), given.round_tf32, self.src,
                      static_cast<D *>(self.dst));
}

template <typename S, typename D> static cudaError_t launch_reorder(const plan &self)
{
    const struct cop_cuda_reorder &given = self.given;
    const int64_t count = given.n * given.plane * given.dst_channels;
    if (given.src_order == given.dst_order) {
        const bool is_dense =
            given.src_channels == given.channels && given.dst_channels == given.channels;
        return is_dense ? launch_convert<S, D>(self, count) : launch_rows(self, count);
    }
    if (given.dst_order == COP_CUDA_NHWC && given.n * given.plane <= INT32_MAX &&
        is_aligned(self.dst, 16)) {
        if (given.dst_channels == 4)
            return launch_pixels<D, 4>(self);
        if (given.dst_channels == 8)
            return launch_pixels<D, 8>(self);
    }
    return launch_tiles<S, D>(self);
}

static bool resolve_channels(enum cop_cuda_order order, int64_t channels, int64_t *stored)
{
    if (order == COP_CUDA_ROW_MAJOR || *stored == 0)
        *stored = channels;
    return *stored >= channels;
}

} // namespace cop

cudaError_t cop_cuda_reorder(const struct cop_cuda_reorder *self, const void *src, void *dst,
                             cudaStream_t stream)
{
    cop::plan plan = {*self, src, dst, stream};
    struct cop_cuda_reorder *given = &plan.given;
    if (given->n < 0 || given->channels < 0 || given->plane < 0 ||
        !cop::resolve_channels(given->src_order, given->channels, &given->src_channels) ||
        !cop::resolve_channels(given->dst_order, given->channels, &given->dst_channels))
        return cudaErrorInvalidValue;
    if (given->n == 0 || given->plane == 0 || given->dst_channels == 0)
        return cudaSuccess;
    given->round_tf32 &= given->dst_type == COP_CUDA_F32;
    /* Both orders are the same where there is one position, or one channel. */
    if (given->plane == 1 || given->channels == 1)
        given->src_order = given->dst_order;
    return cop::with_type(given->src_type, [&](auto from) {
        return cop::with_type(given->dst_type, [&](auto to) {
            return cop::launch_reorder<decltype(from), decltype(to)>(plan);
        });
    });
}
