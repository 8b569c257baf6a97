// SPDX-License-Identifier: Apache-2.0
#include "pooling.h"
#include "elements.cuh"
#include "indexing.cuh"
#include "reduction.h"
#include "window.cuh"

#include <float.h>

namespace cop
{

#define THREADS 256

/*
 * Positions of dst in the order of memory: channel vectors (nhwc; else 1), w, h, d, images, which
 * are planes where the order is row-major. `step` is how far neighbours of a plane lie apart.
 */
template <typename Index> struct pooling_job {
    using offset = typename offset_of<Index>::type;

    int alg;
    bool count_include_pad, signed_lp;
    int64_t p;
    int64_t count;
    int64_t image, step; /* elements of src */
    divider<Index> vectors, dst[COP_CUDA_MAX_SPATIAL];
    window_axis<offset> axes[COP_CUDA_MAX_SPATIAL];
};

/* One window: where its image starts, and its taps along each axis. */
template <typename Index> struct place {
    int64_t start;
    reach<typename offset_of<Index>::type> taps[COP_CUDA_MAX_SPATIAL];
};

template <int N, typename Index>
__device__ inline place<Index> find_place(const pooling_job<Index> &job, Index position)
{
    using offset = typename offset_of<Index>::type;
    place<Index> found;
    Index rest = job.vectors.divide(position);
    const Index vector = position - rest * job.vectors.value;
    COP_UNROLL
    for (int i = COP_CUDA_MAX_SPATIAL - 1; i >= 0; i--) {
        const Index outer = job.dst[i].divide(rest);
        found.taps[i] =
            find_reach(job.axes[i], static_cast<offset>(rest - outer * job.dst[i].value));
        rest = outer;
    }
    found.start = static_cast<int64_t>(rest) * job.image + static_cast<int64_t>(vector) * N;
    return found;
}

template <typename Index> __device__ inline bool is_empty(const place<Index> &place)
{
    bool found = false;
    COP_UNROLL
    for (int i = 0; i < COP_CUDA_MAX_SPATIAL; i++)
        found |= place.taps[i].begin >= place.taps[i].end;
    return found;
}

/* Calls act with where every element of a window lies, in order. */
template <typename Index, typename Act>
__device__ inline void for_each_tap(const pooling_job<Index> &job, const place<Index> &place,
                                    Act act)
{
    using offset = typename offset_of<Index>::type;
    const window_axis<offset> *axes = job.axes;
    for (offset d = place.taps[0].begin; d < place.taps[0].end; d++)
        for (offset h = place.taps[1].begin; h < place.taps[1].end; h++) {
            const int64_t depth = place.taps[0].start + d * axes[0].dilation;
            const int64_t row = depth * axes[1].src + place.taps[1].start + h * axes[1].dilation;
            const int64_t first =
                row * axes[2].src + place.taps[2].start + place.taps[2].begin * axes[2].dilation;
            const int64_t step = job.step * axes[2].dilation;
            int64_t at = place.start + first * job.step;
            for (offset w = place.taps[2].begin; w < place.taps[2].end; w++, at += step)
                act(at);
        }
}

template <typename T> __device__ inline T lowest();
template <> __device__ inline float lowest<float>()
{
    return -FLT_MAX;
}
template <> __device__ inline half lowest<half>()
{
    return {0xfbff};
}
template <> __device__ inline bfloat16 lowest<bfloat16>()
{
    return {0xff7f};
}

template <typename T, int N, typename Index>
__global__ void pool_max_kernel(pooling_job<Index> job, const T *src, T *dst)
{
    const int64_t position = thread_position();
    if (position >= job.count)
        return;
    const place<Index> place = find_place<N>(job, static_cast<Index>(position));
    const float start = to_float(lowest<T>());
    float largest[N];
    COP_UNROLL
    for (int i = 0; i < N; i++)
        largest[i] = is_empty(place) ? start : -INFINITY;
    for_each_tap(job, place, [&](int64_t at) {
        float x[N];
        load(src + at, x);
        COP_UNROLL
        for (int i = 0; i < N; i++) /* NaN is larger than any, the first of equal ones stays */
            largest[i] =
                x[i] > largest[i] || (x[i] != x[i] && largest[i] == largest[i]) ? x[i] : largest[i];
    });
    store(dst + position * N, largest);
}

/* What a sum is divided by. */
template <typename Index>
__device__ inline float count_taps(const pooling_job<Index> &job, const place<Index> &place)
{
    float count = 1;
    COP_UNROLL
    for (int i = 0; i < COP_CUDA_MAX_SPATIAL; i++) {
        const auto &axis = job.axes[i];
        const auto &taps = place.taps[i];
        count *= static_cast<float>(job.count_include_pad
                                        ? axis.taps_before(axis.src + axis.pad_end, taps.start)
                                        : taps.end - taps.begin);
    }
    return count;
}

template <typename T, int N, typename Index>
__global__ void pool_sum_kernel(pooling_job<Index> job, const T *src, T *dst)
{
    const int64_t position = thread_position();
    if (position >= job.count)
        return;
    const place<Index> place = find_place<N>(job, static_cast<Index>(position));
    float sum[N] = {};
    for_each_tap(job, place, [&](int64_t at) {
        float x[N];
        load(src + at, x);
        COP_UNROLL
        for (int i = 0; i < N; i++)
            sum[i] += x[i];
    });
    if (job.alg == COP_CUDA_POOLING_AVERAGE && !is_empty(place)) {
        const float count = count_taps(job, place);
        COP_UNROLL
        for (int i = 0; i < N; i++)
            sum[i] /= count;
    }
    store(dst + position * N, sum);
}

/* Rare, and powers are large: one kernel for all types, in double. */
__global__ void pool_powers_kernel(pooling_job<uint64_t> job, int type, const void *src, void *dst)
{
    const int64_t position = thread_position();
    if (position >= job.count)
        return;
    const place<uint64_t> place = find_place<1>(job, static_cast<uint64_t>(position));
    const double p = static_cast<double>(job.p);
    double sum = 0;
    for_each_tap(job, place, [&](int64_t at) {
        const double x = static_cast<double>(load_any(type, src, at));
        const double size = job.signed_lp ? x : fabs(x);
        sum += job.p == 1 ? size : job.p == 2 ? size * size : pow(size, p);
    });
    const double root = job.p == 1 ? sum : job.p == 2 ? sqrt(sum) : pow(sum, 1 / p);
    store_any(type, dst, position, is_empty(place) ? 0.0f : static_cast<float>(root));
}

/* launchers */

template <typename Index>
static void fill_job(const struct cop_cuda_pooling *self, int n, pooling_job<Index> *job)
{
    const bool is_nhwc = self->order == COP_CUDA_NHWC;
    const struct cop_cuda_window &window = self->window;
    const int64_t vectors = is_nhwc ? self->channels / n : 1;
    const int64_t images = is_nhwc ? self->n : self->n * self->channels;
    *job = pooling_job<Index>();
    job->alg = self->alg;
    job->count_include_pad = self->count_include_pad;
    job->signed_lp = self->signed_lp;
    job->p = self->p;
    job->step = is_nhwc ? self->channels : 1;
    job->image = count_positions(window.src) * job->step;
    job->count = images * count_positions(window.dst) * vectors;
    job->vectors.set(vectors);
    for (int i = 0; i < COP_CUDA_MAX_SPATIAL; i++) {
        job->dst[i].set(window.dst[i]);
        job->axes[i].set(window, i);
    }
}

template <typename T, int N, typename Index>
static cudaError_t launch_pooling(const struct cop_cuda_pooling *self, const void *from, void *to,
                                  cudaStream_t stream)
{
    pooling_job<Index> job;
    fill_job(self, N, &job);
    const T *src = static_cast<const T *>(from);
    T *dst = static_cast<T *>(to);
    unsigned blocks;
    if (!count_blocks(job.count, THREADS, &blocks))
        return cudaErrorInvalidValue;
    if (job.alg == COP_CUDA_POOLING_MAX)
        return COP_LAUNCH((pool_max_kernel<T, N, Index>), blocks, THREADS, 0, stream, job, src,
                          dst);
    return COP_LAUNCH((pool_sum_kernel<T, N, Index>), blocks, THREADS, 0, stream, job, src, dst);
}

static cudaError_t launch_powers(const struct cop_cuda_pooling *self, const void *src, void *dst,
                                 cudaStream_t stream)
{
    pooling_job<uint64_t> job;
    fill_job(self, 1, &job);
    unsigned blocks;
    if (!is_type(self->type) || !count_blocks(job.count, THREADS, &blocks))
        return cudaErrorInvalidValue;
    return COP_LAUNCH(pool_powers_kernel, blocks, THREADS, 0, stream, job,
                      static_cast<int>(self->type), src, dst);
}

/* Whether the one window is all of src. */
static bool is_global(const struct cop_cuda_pooling *self)
{
    const struct cop_cuda_window &window = self->window;
    for (int i = 0; i < COP_CUDA_MAX_SPATIAL; i++)
        if (window.dst[i] != 1 || window.src[i] == 0 || window.kernel[i] != window.src[i] ||
            window.pads_begin[i] != 0 || window.pads_end[i] != 0 ||
            (window.dilations[i] != 1 && window.kernel[i] != 1))
            return false;
    return self->alg != COP_CUDA_POOLING_LP;
}

static cudaError_t reduce_planes(const struct cop_cuda_pooling *self, const void *src, void *dst,
                                 cudaStream_t stream)
{
    const bool is_nhwc = self->order == COP_CUDA_NHWC;
    struct cop_cuda_reduce reduce = {};
    reduce.type = self->type;
    reduce.alg = self->alg == COP_CUDA_POOLING_MAX       ? COP_CUDA_REDUCE_MAX
                 : self->alg == COP_CUDA_POOLING_AVERAGE ? COP_CUDA_REDUCE_MEAN
                                                         : COP_CUDA_REDUCE_SUM;
    reduce.rank = 3;
    reduce.dims[0] = is_nhwc ? self->n : self->n * self->channels;
    reduce.dims[1] = count_positions(self->window.src);
    reduce.dims[2] = is_nhwc ? self->channels : 1;
    reduce.is_reduced[1] = true;
    return cop_cuda_reduce(&reduce, src, dst, stream);
}

} // namespace cop

cudaError_t cop_cuda_pooling(const struct cop_cuda_pooling *self, const void *src, void *dst,
                             cudaStream_t stream)
{
    if (self->n < 0 || self->channels < 0 || !cop::is_window(&self->window))
        return cudaErrorInvalidValue;
    const int64_t outputs = self->n * self->channels * cop::count_positions(self->window.dst);
    const int64_t inputs = self->n * self->channels * cop::count_positions(self->window.src);
    if (outputs == 0)
        return cudaSuccess;
    if (cop::is_global(self))
        return cop::reduce_planes(self, src, dst, stream);
    if (self->alg == COP_CUDA_POOLING_LP)
        return cop::launch_powers(self, src, dst, stream);
    const bool is_small =
        outputs <= INT32_MAX && inputs <= INT32_MAX && cop::is_small_window(&self->window);
    const bool is_aligned = cop::is_aligned(src, 16) && cop::is_aligned(dst, 16);
    return cop::with_type(self->type, [&](auto element) {
        using T = decltype(element);
        constexpr int n = 16 / sizeof(T);
        if (!is_small)
            return cop::launch_pooling<T, 1, uint64_t>(self, src, dst, stream);
        if (is_aligned && self->order == COP_CUDA_NHWC && self->channels % n == 0)
            return cop::launch_pooling<T, n, uint32_t>(self, src, dst, stream);
        return cop::launch_pooling<T, 1, uint32_t>(self, src, dst, stream);
    });
}
