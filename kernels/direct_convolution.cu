// SPDX-License-Identifier: Apache-2.0
#include "direct_convolution.cuh"

namespace cop
{

#define THREADS      128
#define RUN          4         /* outputs a thread, where there are enough */
#define MANY_THREADS (1 << 16) /* that keep a device busy */

/* nhwc: N output channels of one group at `run` neighbouring positions a thread. */
template <typename T, int N, int run, typename Index>
__global__ void convolve_channels_kernel(direct_job<Index> job, const T *src, const T *weights,
                                         const float *bias, const T *added, T *dst)
{
    using offset = typename offset_of<Index>::type;
    const int64_t position = thread_position();
    if (position >= job.count)
        return;
    const direct_place<Index> place = find_direct_place(job, static_cast<Index>(position));
    const offset c = place.vector * N, first = place.w * run;
    const offset group = static_cast<offset>(job.oc.divide(static_cast<Index>(c)));
    const window_axis<offset> &across = job.axes[2];
    const reach<offset> d_taps = find_reach(job.axes[0], place.d);
    const reach<offset> h_taps = find_reach(job.axes[1], place.h);
    float sums[run][N] = {};
    for (offset d = d_taps.begin; d < d_taps.end; d++)
        for (offset h = h_taps.begin; h < h_taps.end; h++) {
            const int64_t depth =
                place.n * job.axes[0].src + d_taps.start + d * job.axes[0].dilation;
            const int64_t row = depth * job.axes[1].src + h_taps.start + h * job.axes[1].dilation;
            const T *pixels = src + row * across.src * job.src_c + group * job.ic;
            for (offset w = 0; w < across.kernel; w++) {
                const offset tap = (d * job.axes[1].kernel + h) * across.kernel + w;
                const T *column = weights + static_cast<int64_t>(tap) * job.dst_c + c;
                offset at[run]; /* in src; −1: in the padding, or beyond the row */
                COP_UNROLL
                for (int i = 0; i < run; i++) {
                    at[i] = (first + i) * across.stride - across.pad_begin + w * across.dilation;
                    if (at[i] >= across.src || first + i >= job.dst_w)
                        at[i] = -1;
                }
                for (offset k = 0; k < job.ic; k++) {
                    float y[N];
                    load(column + static_cast<int64_t>(k) * job.taps * job.dst_c, y);
                    COP_UNROLL
                    for (int i = 0; i < run; i++) {
                        const float x =
                            at[i] < 0
                                ? 0.0f
                                : to_float(pixels[static_cast<int64_t>(at[i]) * job.src_c + k]);
                        COP_UNROLL
                        for (int j = 0; j < N; j++)
                            sums[i][j] = fmaf(x, y[j], sums[i][j]);
                    }
                }
            }
        }
    const int64_t row = (place.n * job.dst_d.value + place.d) * job.dst_h.value + place.h;
    const int64_t out = (row * job.dst_w + first) * job.dst_c + c;
    COP_UNROLL
    for (int i = 0; i < run; i++)
        if (first + i < job.dst_w)
            finish_channels(job.post_ops, bias, c, added + out + i * job.dst_c,
                            dst + out + i * job.dst_c, sums[i]);
}

/* Row-major: a block makes `channels` planes of one group, a position a thread. */
template <typename Index> struct plane_job {
    direct_job<Index> sizes; /* vectors: of planes; across: blocks of a plane */
    int64_t src_plane, dst_plane;
    divider<Index> dst_w;
};

template <typename T, int N, typename Index>
__device__ inline void convolve_position(const direct_job<Index> &job, const T *src,
                                         int64_t src_plane, const T *weights,
                                         const reach<typename offset_of<Index>::type> *taps,
                                         float (&sums)[N])
{
    using offset = typename offset_of<Index>::type;
    const window_axis<offset> *axes = job.axes;
    for (offset k = 0; k < job.ic; k++, src += src_plane)
        for (offset d = taps[0].begin; d < taps[0].end; d++)
            for (offset h = taps[1].begin; h < taps[1].end; h++) {
                const offset depth = taps[0].start + d * axes[0].dilation;
                const int64_t row = static_cast<int64_t>(depth) * axes[1].src + taps[1].start +
                                    h * axes[1].dilation;
                const T *pixels = src + row * axes[2].src + taps[2].start;
                const int64_t tap =
                    ((static_cast<int64_t>(k) * axes[0].kernel + d) * axes[1].kernel + h) *
                    axes[2].kernel;
                for (offset w = taps[2].begin; w < taps[2].end; w++) {
                    const float x = to_float(pixels[w * axes[2].dilation]);
                    float y[N];
                    load(weights + (tap + w) * job.dst_c, y);
                    COP_UNROLL
                    for (int j = 0; j < N; j++)
                        sums[j] = fmaf(x, y[j], sums[j]);
                }
            }
}

template <typename T, int N, typename Index>
__global__ void convolve_planes_kernel(plane_job<Index> job, const T *src, const T *weights,
                                       const float *bias, const T *added, T *dst)
{
    using offset = typename offset_of<Index>::type;
    const direct_job<Index> &sizes = job.sizes;
    const Index planes = sizes.across.divide(static_cast<Index>(blockIdx.x));
    const Index n = sizes.vectors.divide(planes);
    const int64_t chunk = static_cast<int64_t>(blockIdx.x - planes * sizes.across.value);
    const int64_t position = chunk * blockDim.x + threadIdx.x;
    if (position >= job.dst_plane)
        return;
    const offset c = static_cast<offset>(planes - n * sizes.vectors.value) * N;
    const Index rows = job.dst_w.divide(static_cast<Index>(position));
    const Index d = sizes.dst_h.divide(rows);
    const reach<offset> taps[COP_CUDA_MAX_SPATIAL] = {
        find_reach(sizes.axes[0], static_cast<offset>(d)),
        find_reach(sizes.axes[1], static_cast<offset>(rows - d * sizes.dst_h.value)),
        find_reach(sizes.axes[2],
                   static_cast<offset>(static_cast<Index>(position) - rows * job.dst_w.value))};
    const int64_t group = static_cast<int64_t>(sizes.oc.divide(static_cast<Index>(c)));
    src += (static_cast<int64_t>(n) * sizes.src_c + group * sizes.ic) * job.src_plane;
    float sums[N] = {}, y[N] = {};
    convolve_position<T, N, Index>(sizes, src, job.src_plane, weights + c, taps, sums);
    const int64_t first = (static_cast<int64_t>(n) * sizes.dst_c + c) * job.dst_plane + position;
    COP_UNROLL
    for (int i = 0; i < N; i++) {
        sums[i] += bias == nullptr ? 0.0f : bias[c + i];
        if (has_sum(sizes.post_ops))
            y[i] = to_float(added[first + i * job.dst_plane]);
    }
    apply_post_ops(sizes.post_ops, sums, y);
    COP_UNROLL
    for (int i = 0; i < N; i++)
        dst[first + i * job.dst_plane] = from_float<T>(sums[i]);
}

/* launchers */

template <typename T, int N, int run, typename Index>
static cudaError_t launch_channels(const struct cop_cuda_direct_convolution *self,
                                   const direct_args &args)
{
    direct_job<Index> job;
    fill_direct_job(self, N, run, &job);
    unsigned blocks;
    if (!count_blocks(job.count, THREADS, &blocks))
        return cudaErrorInvalidValue;
    return COP_LAUNCH((convolve_channels_kernel<T, N, run, Index>), blocks, THREADS, 0, args.stream,
                      job, static_cast<const T *>(args.src), static_cast<const T *>(args.weights),
                      args.bias, static_cast<const T *>(args.added), static_cast<T *>(args.dst));
}

template <typename T, int N, typename Index>
static cudaError_t launch_planes(const struct cop_cuda_direct_convolution *self,
                                 const direct_args &args)
{
    plane_job<Index> job = plane_job<Index>();
    fill_direct_job(self, N, 1, &job.sizes);
    job.src_plane = count_positions(self->window.src);
    job.dst_plane = count_positions(self->window.dst);
    job.dst_w.set(self->window.dst[2]);
    const int threads = job.dst_plane <= 32 ? 32 : job.dst_plane <= 64 ? 64 : THREADS;
    const int64_t chunks = (job.dst_plane + threads - 1) / threads;
    job.sizes.across.set(chunks);
    unsigned blocks;
    if (!count_blocks(self->n * static_cast<int64_t>(job.sizes.vectors.value) * chunks, 1, &blocks))
        return cudaErrorInvalidValue;
    return COP_LAUNCH((convolve_planes_kernel<T, N, Index>), blocks, static_cast<unsigned>(threads),
                      0, args.stream, job, static_cast<const T *>(args.src),
                      static_cast<const T *>(args.weights), args.bias,
                      static_cast<const T *>(args.added), static_cast<T *>(args.dst));
}

/* Elements of the largest tensor. */
static int64_t find_largest(const struct cop_cuda_direct_convolution *self)
{
    const int64_t src = self->n * self->groups * self->ic * count_positions(self->window.src);
    const int64_t dst = self->n * self->groups * self->oc * count_positions(self->window.dst);
    const int64_t weights =
        self->groups * self->oc * self->ic * count_positions(self->window.kernel);
    const int64_t larger = src > dst ? src : dst;
    return larger > weights ? larger : weights;
}

template <typename T>
static cudaError_t choose_direct(const struct cop_cuda_direct_convolution *self,
                                 const direct_args &args)
{
    const bool is_nhwc = self->order == COP_CUDA_NHWC;
    const int64_t outputs = self->n * self->groups * self->oc * count_positions(self->window.dst);
    if (find_largest(self) > INT32_MAX || !is_small_window(&self->window))
        return is_nhwc ? launch_channels<T, 1, 1, uint64_t>(self, args)
                       : launch_planes<T, 1, uint64_t>(self, args);
    const bool is_vector = self->oc % 4 == 0 && is_aligned(args.weights, 4 * sizeof(T));
    if (!is_nhwc)
        return is_vector ? launch_planes<T, 4, uint32_t>(self, args)
                         : launch_planes<T, 1, uint32_t>(self, args);
    if (!is_vector || !is_aligned(args.dst, 4 * sizeof(T)) ||
        !is_aligned(args.added, 4 * sizeof(T)))
        return launch_channels<T, 1, 1, uint32_t>(self, args);
    return self->window.dst[2] >= RUN && outputs / (4 * RUN) >= MANY_THREADS
               ? launch_channels<T, 4, RUN, uint32_t>(self, args)
               : launch_channels<T, 4, 1, uint32_t>(self, args);
}

} // namespace cop

cudaError_t cop_cuda_direct_convolution(const struct cop_cuda_direct_convolution *self,
                                        const void *src, const void *weights, const float *bias,
                                        const void *added, void *dst, cudaStream_t stream)
{
    if (self->n < 0 || self->groups < 0 || self->ic < 0 || self->oc < 0 ||
        !cop::is_window(&self->window))
        return cudaErrorInvalidValue;
    if (self->n * self->groups * self->oc * cop::count_positions(self->window.dst) == 0)
        return cudaSuccess;
    const cop::direct_args args = {src, weights, bias, added == nullptr ? dst : added, dst, stream};
    cudaError_t status;
    if (cop::try_depthwise(self, args, &status))
        return status;
    return cop::with_type(self->type, [&](auto element) {
        return cop::choose_direct<decltype(element)>(self, args);
    });
}
