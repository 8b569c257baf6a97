// SPDX-License-Identifier: Apache-2.0
/* Batch normalization and local response normalization. */
#include "normalization.h"
#include "elements.cuh"
#include "indexing.cuh"
#include "pointwise.cuh"

namespace cop
{

#define THREADS         256
#define ROWS_PER_THREAD 4

struct moments {
    const float *scale, *shift, *mean, *variance; /* scale NULL: 1 */
    float epsilon;
};

template <typename Index> struct batch_normalization_job {
    int64_t vectors;                /* of N elements, or of N channels */
    int64_t rows;                   /* channels innermost: positions */
    divider<Index> inner, channels; /* in vectors: of a plane; channels */
    moments channel;
    cop_cuda_post_ops post_ops;
};

/* What one channel comes to: (x − mean) · factor + shift. */
struct channel_factors {
    float mean, factor, shift;
};

__device__ inline channel_factors find_factors(const moments &channel, int64_t c)
{
    const float scale = channel.scale == nullptr ? 1.0f : channel.scale[c];
    return {channel.mean[c], scale / sqrtf(channel.variance[c] + channel.epsilon),
            channel.shift[c]};
}

template <typename T, int N>
__device__ inline void normalize(const channel_factors (&channels)[N],
                                 const cop_cuda_post_ops &post_ops, const T *src, const T *added,
                                 T *dst)
{
    float x[N], y[N] = {};
    load(src, x);
    COP_UNROLL
    for (int i = 0; i < N; i++)
        x[i] = fmaf(x[i] - channels[i].mean, channels[i].factor, channels[i].shift);
    if (has_sum(post_ops))
        load(added, y);
    apply_post_ops(post_ops, x, y);
    store(dst, x);
}

/* Planes of one channel: N elements a thread. */
template <typename T, int N, typename Index>
__global__ void normalize_planes_kernel(batch_normalization_job<Index> job, const T *src,
                                        const T *added, T *dst)
{
    const int64_t position = thread_position();
    if (position >= job.vectors)
        return;
    const Index plane = job.inner.divide(static_cast<Index>(position));
    const Index c = plane - job.channels.divide(plane) * job.channels.value;
    const channel_factors factors = find_factors(job.channel, static_cast<int64_t>(c));
    channel_factors channels[N];
    COP_UNROLL
    for (int i = 0; i < N; i++)
        channels[i] = factors;
    normalize<T, N>(channels, job.post_ops, src + position * N, added + position * N,
                    dst + position * N);
}

/* Channels innermost: N channels at a few positions a thread. */
template <typename T, int N, typename Index>
__global__ void normalize_channels_kernel(batch_normalization_job<Index> job, const T *src,
                                          const T *added, T *dst)
{
    const int64_t position = thread_position();
    if (position >= job.vectors)
        return;
    const Index group = job.channels.divide(static_cast<Index>(position));
    const int64_t count = static_cast<int64_t>(job.channels.value) * N;
    const int64_t c =
        static_cast<int64_t>(static_cast<Index>(position) - group * job.channels.value) * N;
    channel_factors channels[N];
    COP_UNROLL
    for (int i = 0; i < N; i++)
        channels[i] = find_factors(job.channel, c + i);
    int64_t row = static_cast<int64_t>(group) * ROWS_PER_THREAD;
    for (int i = 0; i < ROWS_PER_THREAD && row < job.rows; i++, row++)
        normalize<T, N>(channels, job.post_ops, src + row * count + c, added + row * count + c,
                        dst + row * count + c);
}

/* The addresses of a launch. */
struct batch_normalization_args {
    moments channel;
    const void *src, *added;
    void *dst;
    cudaStream_t stream;
};

template <typename T, int N, typename Index>
static cudaError_t launch_normalize(const struct cop_cuda_batch_normalization *self,
                                    const batch_normalization_args &args)
{
    const bool is_innermost = self->inner == 1;
    batch_normalization_job<Index> job = batch_normalization_job<Index>();
    job.channel = args.channel;
    job.post_ops = self->post_ops;
    job.rows = self->outer;
    job.inner.set(is_innermost ? 1 : self->inner / N);
    job.channels.set(is_innermost ? self->channels / N : self->channels);
    const int64_t groups = (self->outer + ROWS_PER_THREAD - 1) / ROWS_PER_THREAD;
    job.vectors = is_innermost ? groups * (self->channels / N)
                               : self->outer * self->channels * (self->inner / N);
    unsigned blocks;
    if (!count_blocks(job.vectors, THREADS, &blocks))
        return cudaErrorInvalidValue;
    const T *src = static_cast<const T *>(args.src), *added = static_cast<const T *>(args.added);
    T *dst = static_cast<T *>(args.dst);
    if (is_innermost)
        return COP_LAUNCH((normalize_channels_kernel<T, N, Index>), blocks, THREADS, 0, args.stream,
                          job, src, added, dst);
    return COP_LAUNCH((normalize_planes_kernel<T, N, Index>), blocks, THREADS, 0, args.stream, job,
                      src, added, dst);
}

/* local response normalization: an element a thread */

template <typename Index> struct lrn_job {
    int64_t count, inner, channels;
    divider<Index> inner_divider, channels_divider;
    int64_t before, after; /* channels of the window on either side */
    float alpha, beta, bias;
};

template <typename T, typename Index>
__global__ void lrn_kernel(lrn_job<Index> job, const T *src, T *dst)
{
    const int64_t at = thread_position();
    if (at >= job.count)
        return;
    const Index row = job.inner_divider.divide(static_cast<Index>(at));
    const Index outer = job.channels_divider.divide(row);
    const int64_t c = static_cast<int64_t>(row - outer * job.channels_divider.value);
    const int64_t first = c < job.before ? -c : -job.before;
    const int64_t last = job.after < job.channels - c ? job.after : job.channels - 1 - c;
    float sum = 0;
    for (int64_t i = first; i <= last; i++) {
        const float x = to_float(src[at + i * job.inner]);
        sum = fmaf(x, x, sum);
    }
    const float base = fmaf(job.alpha, sum, job.bias);
    dst[at] = from_float<T>(to_float(src[at]) * powf(base, -job.beta));
}

template <typename T, typename Index>
static cudaError_t launch_lrn(const struct cop_cuda_lrn *self, const void *src, void *dst,
                              cudaStream_t stream)
{
    lrn_job<Index> job = lrn_job<Index>();
    job.count = self->outer * self->channels * self->inner;
    job.inner = self->inner;
    job.channels = self->channels;
    job.inner_divider.set(self->inner);
    job.channels_divider.set(self->channels);
    job.before = (self->size - 1) / 2;
    job.after = self->size - 1 - job.before;
    job.alpha =
        static_cast<float>(static_cast<double>(self->alpha) / static_cast<double>(self->size));
    job.beta = self->beta;
    job.bias = self->bias;
    unsigned blocks;
    if (!count_blocks(job.count, THREADS, &blocks))
        return cudaErrorInvalidValue;
    return COP_LAUNCH((lrn_kernel<T, Index>), blocks, THREADS, 0, stream, job,
                      static_cast<const T *>(src), static_cast<T *>(dst));
}

} // namespace cop

cudaError_t cop_cuda_batch_normalization(const struct cop_cuda_batch_normalization *self,
                                         const void *src, const float *scale, const float *shift,
                                         const float *mean, const float *variance,
                                         const void *added, void *dst, cudaStream_t stream)
{
    if (self->outer < 0 || self->channels < 0 || self->inner < 0)
        return cudaErrorInvalidValue;
    const int64_t count = self->outer * self->channels * self->inner;
    if (count == 0)
        return cudaSuccess;
    const cop::batch_normalization_args args = {{self->unit_scale ? nullptr : scale, shift, mean,
                                                 variance, static_cast<float>(self->epsilon)},
                                                src,
                                                added == nullptr ? src : added,
                                                dst,
                                                stream};
    const bool is_aligned =
        cop::is_aligned(src, 16) && cop::is_aligned(args.added, 16) && cop::is_aligned(dst, 16);
    const int64_t row = self->inner == 1 ? self->channels : self->inner;
    return cop::with_type(self->type, [&](auto element) {
        using T = decltype(element);
        constexpr int n = 16 / sizeof(T);
        if (count > INT32_MAX)
            return cop::launch_normalize<T, 1, uint64_t>(self, args);
        if (is_aligned && row % n == 0)
            return cop::launch_normalize<T, n, uint32_t>(self, args);
        return cop::launch_normalize<T, 1, uint32_t>(self, args);
    });
}

cudaError_t cop_cuda_lrn(const struct cop_cuda_lrn *self, const void *src, void *dst,
                         cudaStream_t stream)
{
    if (self->outer < 0 || self->channels < 0 || self->inner < 0 || self->size < 1)
        return cudaErrorInvalidValue;
    const int64_t count = self->outer * self->channels * self->inner;
    if (count == 0)
        return cudaSuccess;
    return cop::with_type(self->type, [&](auto element) {
        using T = decltype(element);
        return count <= INT32_MAX ? cop::launch_lrn<T, uint32_t>(self, src, dst, stream)
                                  : cop::launch_lrn<T, uint64_t>(self, src, dst, stream);
    });
}
