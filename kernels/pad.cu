// SPDX-License-Identifier: Apache-2.0
#include "movement.h"
#include "movement.cuh"

namespace cop
{

/* Positions first … last of src along an axis stay and lie `begin` later in dst. */
struct pad_axis {
    int64_t begin, first, last, src_stride;
};

template <typename Index> struct pad_job {
    int mode, rank;
    int64_t count;
    divider<Index> dst_dims[COP_CUDA_MAX_RANK];
    pad_axis axes[COP_CUDA_MAX_RANK];
    pattern value;
};

/* Where the element at a position of an axis comes from; −1: it is the value. */
__device__ inline int64_t find_source(const pad_axis &axis, int mode, int64_t at)
{
    int64_t from = at - axis.begin;
    if (from >= axis.first && from <= axis.last)
        return from;
    if (mode == COP_CUDA_PAD_CONSTANT || axis.first > axis.last)
        return -1;
    if (mode == COP_CUDA_PAD_REFLECT)
        from = from < axis.first ? 2 * axis.first - from : 2 * axis.last - from;
    return from < axis.first ? axis.first : from > axis.last ? axis.last : from;
}

template <typename E, typename Index>
__global__ void pad_kernel(pad_job<Index> job, const E *src, const E *device_value, E *dst)
{
    const int64_t position = thread_position();
    if (position >= job.count)
        return;
    Index rest = static_cast<Index>(position);
    int64_t offset = 0;
    bool is_inside = true;
    for (int i = job.rank - 1; i >= 0; i--) {
        const Index outer = job.dst_dims[i].divide(rest);
        const int64_t from = find_source(
            job.axes[i], job.mode, static_cast<int64_t>(rest - outer * job.dst_dims[i].value));
        is_inside &= from >= 0;
        offset += from * job.axes[i].src_stride;
        rest = outer;
    }
    if (is_inside)
        dst[position] = src[offset];
    else
        dst[position] = device_value != nullptr ? *device_value : job.value.template as<E>();
}

/* Neighbouring axes without pads are one. */
static void collapse(struct cop_cuda_pad *self)
{
    for (int i = self->rank - 2; i >= 0; i--) {
        if (self->begin[i] != 0 || self->end[i] != 0 || self->begin[i + 1] != 0 ||
            self->end[i + 1] != 0)
            continue;
        self->src_dims[i] *= self->src_dims[i + 1];
        self->dst_dims[i] *= self->dst_dims[i + 1];
        self->rank--;
        for (int j = i + 1; j < self->rank; j++) {
            self->src_dims[j] = self->src_dims[j + 1];
            self->dst_dims[j] = self->dst_dims[j + 1];
            self->begin[j] = self->begin[j + 1];
            self->end[j] = self->end[j + 1];
        }
    }
}

/* Elements become wider where an innermost axis without pads allows it. */
static int widen(struct cop_cuda_pad *self, const void *src, const void *dst)
{
    const int last = self->rank - 1;
    int bytes = self->element_bytes;
    if (last < 0 || self->begin[last] != 0 || self->end[last] != 0)
        return bytes;
    for (; bytes < 16 && self->src_dims[last] % 2 == 0; bytes *= 2) {
        const size_t wide = static_cast<size_t>(bytes) * 2;
        if (!is_aligned(src, wide) || !is_aligned(dst, wide))
            break;
        self->src_dims[last] /= 2;
        self->dst_dims[last] /= 2;
    }
    return bytes;
}

template <typename E, typename Index>
static cudaError_t launch_pad(const struct cop_cuda_pad &self, int64_t count, const void *src,
                              const void *device_value, void *dst, cudaStream_t stream)
{
    pad_job<Index> job = pad_job<Index>();
    job.mode = self.mode;
    job.rank = self.rank;
    job.count = count;
    job.value.set(self.element_bytes, self.value);
    int64_t strides[COP_CUDA_MAX_RANK];
    set_dense_strides(self.rank, self.src_dims, strides);
    for (int i = 0; i < self.rank; i++) {
        const int64_t cut = self.end[i] < 0 ? -self.end[i] : 0;
        job.dst_dims[i].set(self.dst_dims[i]);
        job.axes[i].begin = self.begin[i];
        job.axes[i].first = self.begin[i] < 0 ? -self.begin[i] : 0;
        job.axes[i].last = self.src_dims[i] - cut - 1;
        job.axes[i].src_stride = strides[i];
    }
    unsigned blocks;
    if (!count_blocks(count, COP_MOVE_THREADS, &blocks))
        return cudaErrorInvalidValue;
    return COP_LAUNCH((pad_kernel<E, Index>), blocks, COP_MOVE_THREADS, 0, stream, job,
                      static_cast<const E *>(src), static_cast<const E *>(device_value),
                      static_cast<E *>(dst));
}

static bool is_valid(const struct cop_cuda_pad *self)
{
    if (!are_dims(self->rank, self->src_dims) || !are_dims(self->rank, self->dst_dims) ||
        !is_element_size(self->element_bytes))
        return false;
    for (int i = 0; i < self->rank; i++)
        if (self->dst_dims[i] != self->begin[i] + self->src_dims[i] + self->end[i])
            return false;
    return true;
}

} // namespace cop

cudaError_t cop_cuda_pad(const struct cop_cuda_pad *given, const void *src,
                         const void *device_value, void *dst, cudaStream_t stream)
{
    if (!cop::is_valid(given))
        return cudaErrorInvalidValue;
    int64_t count = 1;
    for (int i = 0; i < given->rank; i++)
        count *= given->dst_dims[i];
    if (count == 0)
        return cudaSuccess;
    struct cop_cuda_pad self = *given;
    cop::collapse(&self);
    const int bytes = device_value == nullptr ? cop::widen(&self, src, dst) : self.element_bytes;
    count = count / (bytes / self.element_bytes);
    return cop::with_element(bytes, [&](auto element) {
        using E = decltype(element);
        return count <= INT32_MAX
                   ? cop::launch_pad<E, uint32_t>(self, count, src, device_value, dst, stream)
                   : cop::launch_pad<E, uint64_t>(self, count, src, device_value, dst, stream);
    });
}
