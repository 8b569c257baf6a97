// SPDX-License-Identifier: Apache-2.0
#include "movement.h"
#include "movement.cuh"

namespace cop
{

template <typename Index> struct gather_job {
    int64_t count, length;
    divider<Index> inner, index_count;
    bool has_wide_indices, clip;
};

/* The index at a position, counted from the front; −1: there is no such element. */
template <typename Index>
__device__ inline int64_t read_index(const gather_job<Index> &job, const void *indices, int64_t at)
{
    int64_t index = job.has_wide_indices ? static_cast<const int64_t *>(indices)[at]
                                         : static_cast<const int32_t *>(indices)[at];
    if (job.clip)
        index = index < 0 ? 0 : index >= job.length ? job.length - 1 : index;
    else if (index < 0)
        index += job.length;
    return index >= 0 && index < job.length ? index : -1;
}

__device__ inline void report(int *bad_index, int64_t at)
{
    if (bad_index != nullptr)
        atomicMax(bad_index, at < INT32_MAX - 1 ? static_cast<int>(INT32_MAX - at) : 1);
}

template <typename E, typename Index>
__global__ void gather_kernel(gather_job<Index> job, const E *src, const void *indices, E *dst,
                              int *bad_index)
{
    const int64_t position = thread_position();
    if (position >= job.count)
        return;
    const Index row = job.inner.divide(static_cast<Index>(position));
    const Index outer = job.index_count.divide(row);
    const Index inner = static_cast<Index>(position) - row * job.inner.value;
    const Index at = row - outer * job.index_count.value;
    const int64_t index = read_index(job, indices, static_cast<int64_t>(at));
    if (index < 0) {
        dst[position] = E();
        if (outer == 0 && inner == 0)
            report(bad_index, static_cast<int64_t>(at));
        return;
    }
    dst[position] = src[(static_cast<int64_t>(outer) * job.length + index) *
                            static_cast<int64_t>(job.inner.value) +
                        static_cast<int64_t>(inner)];
}

/* Where there is nothing to move, indices are still looked at. */
__global__ void check_indices_kernel(gather_job<uint64_t> job, const void *indices, int *bad_index)
{
    const int64_t at = thread_position();
    if (at < job.count && read_index(job, indices, at) < 0)
        report(bad_index, at);
}

template <typename Index>
static bool fill_job(const struct cop_cuda_gather *self, int64_t inner, int64_t count,
                     gather_job<Index> *job, unsigned *blocks)
{
    *job = gather_job<Index>();
    job->count = count;
    job->length = self->length;
    job->inner.set(inner);
    job->index_count.set(self->index_count);
    job->has_wide_indices = self->has_wide_indices;
    job->clip = self->clip;
    return count_blocks(count, COP_MOVE_THREADS, blocks);
}

template <typename E, typename Index>
static cudaError_t launch_gather(const struct cop_cuda_gather *self, const void *src,
                                 const void *indices, void *dst, int *bad_index,
                                 cudaStream_t stream)
{
    const int64_t inner = self->inner * self->element_bytes / static_cast<int64_t>(sizeof(E));
    gather_job<Index> job;
    unsigned blocks;
    if (!fill_job(self, inner, self->outer * self->index_count * inner, &job, &blocks))
        return cudaErrorInvalidValue;
    return COP_LAUNCH((gather_kernel<E, Index>), blocks, COP_MOVE_THREADS, 0, stream, job,
                      static_cast<const E *>(src), indices, static_cast<E *>(dst), bad_index);
}

} // namespace cop

cudaError_t cop_cuda_gather(const struct cop_cuda_gather *self, const void *src,
                            const void *indices, void *dst, int *bad_index, cudaStream_t stream)
{
    if (!cop::is_element_size(self->element_bytes) || self->outer < 0 || self->length < 0 ||
        self->inner < 0 || self->index_count < 0)
        return cudaErrorInvalidValue;
    if (self->index_count == 0)
        return cudaSuccess;
    if (self->outer == 0 || self->inner == 0) {
        cop::gather_job<uint64_t> job;
        unsigned blocks;
        if (!cop::fill_job(self, 1, self->index_count, &job, &blocks))
            return cudaErrorInvalidValue;
        return COP_LAUNCH(cop::check_indices_kernel, blocks, COP_MOVE_THREADS, 0, stream, job,
                          indices, bad_index);
    }
    int bytes = self->element_bytes;
    const int64_t row_bytes = self->inner * bytes;
    while (bytes < 16 && row_bytes % (2 * bytes) == 0 &&
           cop::is_aligned(src, static_cast<size_t>(2 * bytes)) &&
           cop::is_aligned(dst, static_cast<size_t>(2 * bytes)))
        bytes *= 2;
    const int64_t count = self->outer * self->index_count * (row_bytes / bytes);
    return cop::with_element(bytes, [&](auto element) {
        using E = decltype(element);
        return count <= INT32_MAX
                   ? cop::launch_gather<E, uint32_t>(self, src, indices, dst, bad_index, stream)
                   : cop::launch_gather<E, uint64_t>(self, src, indices, dst, bad_index, stream);
    });
}
