// SPDX-License-Identifier: Apache-2.0
#include "collectives.cuh"
#include "elements.cuh"
#include "indexing.cuh"
#include "normalization.h"

namespace cop
{

#define ROW_WARPS     4    /* rows a block where a warp does one */
#define WARP_ROW      1024 /* longer rows are done by a block */
#define BLOCK_THREADS 512
#define COLUMNS       32 /* of a block where rows are strided, */
#define PARTS         8  /* each done by so many threads */

struct softmax_job {
    int64_t outer, length, inner;
    float scale; /* not negative */
    bool is_negated, is_log;
};

/* What weighs most is the largest, also with a negative temperature. */
__device__ inline float weigh(const softmax_job &job, float x)
{
    return job.is_negated ? -x : x;
}

/* The result for an element; `largest` and `sum` are those of its row. */
__device__ inline float finish(const softmax_job &job, float x, float largest, float sum)
{
    const float exponent = (weigh(job, x) - largest) * job.scale;
    return job.is_log ? exponent - logf(sum) : expf(exponent) / sum;
}

/* Some elements of a row: `first`, `first` + `step` … */
template <typename T>
__device__ inline float find_largest(const softmax_job &job, const T *row, int64_t first,
                                     int64_t step)
{
    float largest = -INFINITY;
    for (int64_t i = first; i < job.length; i += step)
        largest = larger()(largest, weigh(job, to_float(row[i * job.inner])));
    return largest;
}

template <typename T>
__device__ inline float find_sum(const softmax_job &job, const T *row, int64_t first, int64_t step,
                                 float largest)
{
    float sum = 0;
    for (int64_t i = first; i < job.length; i += step)
        sum += expf((weigh(job, to_float(row[i * job.inner])) - largest) * job.scale);
    return sum;
}

template <typename T> __global__ void softmax_warps_kernel(softmax_job job, const T *src, T *dst)
{
    const int64_t row = static_cast<int64_t>(blockIdx.x) * ROW_WARPS + threadIdx.y;
    if (row >= job.outer)
        return;
    src += row * job.length;
    dst += row * job.length;
    const int64_t lane = threadIdx.x;
    const float largest = join_warp(find_largest(job, src, lane, COP_WARP), larger());
    const float sum = join_warp(find_sum(job, src, lane, COP_WARP, largest), add());
    for (int64_t i = lane; i < job.length; i += COP_WARP)
        dst[i] = from_float<T>(finish(job, to_float(src[i]), largest, sum));
}

template <typename T> __global__ void softmax_blocks_kernel(softmax_job job, const T *src, T *dst)
{
    COP_SHARED(float, space, [BLOCK_THREADS / COP_WARP]);
    src += static_cast<int64_t>(blockIdx.x) * job.length;
    dst += static_cast<int64_t>(blockIdx.x) * job.length;
    const int64_t first = threadIdx.x, step = BLOCK_THREADS;
    const float largest = join_block(find_largest(job, src, first, step), larger(), space);
    const float sum = join_block(find_sum(job, src, first, step, largest), add(), space);
    for (int64_t i = first; i < job.length; i += step)
        dst[i] = from_float<T>(finish(job, to_float(src[i]), largest, sum));
}

/* What the PARTS threads of a column make together. All threads of the block have to come. */
template <typename Join>
__device__ inline float join_column(float x, Join join, float (&space)[PARTS][COLUMNS])
{
    space[threadIdx.y][threadIdx.x] = x;
    __syncthreads();
    x = space[0][threadIdx.x];
    for (int i = 1; i < PARTS; i++)
        x = join(x, space[i][threadIdx.x]);
    __syncthreads();
    return x;
}

template <typename T> __global__ void softmax_columns_kernel(softmax_job job, const T *src, T *dst)
{
    COP_SHARED(float, space, [PARTS][COLUMNS]);
    const int64_t column = static_cast<int64_t>(blockIdx.x) * COLUMNS + threadIdx.x;
    const bool is_inside = column < job.outer * job.inner;
    const int64_t outer = column / job.inner, inner = column % job.inner;
    const int64_t start = outer * job.length * job.inner + inner;
    const int64_t first = is_inside ? threadIdx.y : job.length;
    const float largest =
        join_column(find_largest(job, src + start, first, PARTS), larger(), space);
    const float sum = join_column(find_sum(job, src + start, first, PARTS, largest), add(), space);
    for (int64_t i = first; i < job.length; i += PARTS)
        dst[start + i * job.inner] =
            from_float<T>(finish(job, to_float(src[start + i * job.inner]), largest, sum));
}

template <typename T>
static cudaError_t launch_softmax(const softmax_job &job, const void *from, void *to,
                                  cudaStream_t stream)
{
    const T *src = static_cast<const T *>(from);
    T *dst = static_cast<T *>(to);
    unsigned blocks;
    if (job.inner > 1) {
        if (!count_blocks(job.outer * job.inner, COLUMNS, &blocks))
            return cudaErrorInvalidValue;
        return COP_LAUNCH((softmax_columns_kernel<T>), blocks, dim3(COLUMNS, PARTS), 0, stream, job,
                          src, dst);
    }
    const bool is_short = job.length <= WARP_ROW;
    if (!count_blocks(job.outer, is_short ? ROW_WARPS : 1, &blocks))
        return cudaErrorInvalidValue;
    if (is_short)
        return COP_LAUNCH((softmax_warps_kernel<T>), blocks, dim3(COP_WARP, ROW_WARPS), 0, stream,
                          job, src, dst);
    return COP_LAUNCH((softmax_blocks_kernel<T>), blocks, BLOCK_THREADS, 0, stream, job, src, dst);
}

} // namespace cop

cudaError_t cop_cuda_softmax(const struct cop_cuda_softmax *self, const void *src, void *dst,
                             cudaStream_t stream)
{
    if (self->outer < 0 || self->length < 0 || self->inner < 0)
        return cudaErrorInvalidValue;
    if (self->outer == 0 || self->length == 0 || self->inner == 0)
        return cudaSuccess;
    const float scale = self->temperature == 0 ? 1.0f : 1.0f / self->temperature;
    const cop::softmax_job job = {self->outer, self->length,
                                  self->inner, scale < 0 ? -scale : scale,
                                  scale < 0,   self->is_log};
    return cop::with_type(self->type, [&](auto element) {
        return cop::launch_softmax<decltype(element)>(job, src, dst, stream);
    });
}
