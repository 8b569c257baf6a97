// SPDX-License-Identifier: Apache-2.0
/*
 * Depthwise convolution in nhwc: four channels a thread. Windows of 3x3 and 5x5 with stride 1 and 2
 * are unrolled, and a thread makes a few neighbouring outputs, which share what they read.
 */
#include "direct_convolution.cuh"

namespace cop
{

#define THREADS      128
#define N            4
#define MANY_THREADS (1 << 15) /* enough for a device, so that each may do more */

/* One row of the kernel: `run` outputs from columns of src. */
template <typename T, int kernel, int stride, int run>
__device__ inline void convolve_row(const T *row, int32_t first, int32_t width, int32_t channels,
                                    const T *weights, float (&sums)[run][N])
{
    constexpr int columns = (run - 1) * stride + kernel;
    float x[columns][N];
    COP_UNROLL
    for (int i = 0; i < columns; i++) {
        const int32_t at = first + i;
        if (at >= 0 && at < width) {
            load(row + static_cast<int64_t>(at) * channels, x[i]);
            continue;
        }
        COP_UNROLL
        for (int j = 0; j < N; j++)
            x[i][j] = 0;
    }
    COP_UNROLL
    for (int k = 0; k < kernel; k++) {
        float y[N];
        load(weights + static_cast<int64_t>(k) * channels, y);
        COP_UNROLL
        for (int i = 0; i < run; i++) {
            COP_UNROLL
            for (int j = 0; j < N; j++)
                sums[i][j] = fmaf(x[i * stride + k][j], y[j], sums[i][j]);
        }
    }
}

template <typename T, int kernel, int stride, int run>
__global__ void depthwise_kernel(direct_job<uint32_t> job, const T *src, const T *weights,
                                 const float *bias, const T *added, T *dst)
{
    const int64_t position = thread_position();
    if (position >= job.count)
        return;
    const direct_place<uint32_t> place = find_direct_place(job, static_cast<uint32_t>(position));
    const int32_t c = place.vector * N, first = place.w * run, channels = job.dst_c;
    const window_axis<int32_t> &down = job.axes[1], &across = job.axes[2];
    const T *image = src + place.n * down.src * across.src * channels + c;
    float sums[run][N] = {};
    COP_UNROLL
    for (int k = 0; k < kernel; k++) {
        const int32_t h = place.h * stride - down.pad_begin + k;
        if (h >= 0 && h < down.src)
            convolve_row<T, kernel, stride, run>(
                image + static_cast<int64_t>(h) * across.src * channels,
                first * stride - across.pad_begin, across.src, channels,
                weights + static_cast<int64_t>(k) * kernel * channels + c, sums);
    }
    const int64_t row = place.n * job.dst_h.value + place.h;
    const int64_t out = (row * job.dst_w + first) * channels + c;
    COP_UNROLL
    for (int i = 0; i < run; i++)
        if (first + i < job.dst_w)
            finish_channels(job.post_ops, bias, c, added + out + i * channels,
                            dst + out + i * channels, sums[i]);
}

/* Any window, an output a thread. */
template <typename T>
__global__ void depthwise_any_kernel(direct_job<uint32_t> job, const T *src, const T *weights,
                                     const float *bias, const T *added, T *dst)
{
    const int64_t position = thread_position();
    if (position >= job.count)
        return;
    const direct_place<uint32_t> place = find_direct_place(job, static_cast<uint32_t>(position));
    const int32_t c = place.vector * N;
    const reach<int32_t> d_taps = find_reach(job.axes[0], place.d);
    const reach<int32_t> h_taps = find_reach(job.axes[1], place.h);
    const reach<int32_t> w_taps = find_reach(job.axes[2], place.w);
    float sums[N] = {};
    for (int32_t d = d_taps.begin; d < d_taps.end; d++)
        for (int32_t h = h_taps.begin; h < h_taps.end; h++) {
            const int64_t depth =
                place.n * job.axes[0].src + d_taps.start + d * job.axes[0].dilation;
            const int64_t row = depth * job.axes[1].src + h_taps.start + h * job.axes[1].dilation;
            for (int32_t w = w_taps.begin; w < w_taps.end; w++) {
                const int64_t at = row * job.axes[2].src + w_taps.start + w * job.axes[2].dilation;
                const int32_t tap = (d * job.axes[1].kernel + h) * job.axes[2].kernel + w;
                float x[N], y[N];
                load(src + at * job.dst_c + c, x);
                load(weights + static_cast<int64_t>(tap) * job.dst_c + c, y);
                COP_UNROLL
                for (int j = 0; j < N; j++)
                    sums[j] = fmaf(x[j], y[j], sums[j]);
            }
        }
    const int64_t row = (place.n * job.dst_d.value + place.d) * job.dst_h.value + place.h;
    const int64_t out = (row * job.dst_w + place.w) * job.dst_c + c;
    finish_channels(job.post_ops, bias, c, added + out, dst + out, sums);
}

/* launchers */

template <typename T>
using depthwise_function = void (*)(direct_job<uint32_t>, const T *, const T *, const float *,
                                    const T *, T *);

template <typename T>
static cudaError_t launch_depthwise(depthwise_function<T> kernel,
                                    const struct cop_cuda_direct_convolution *self, int run,
                                    const direct_args &args)
{
    direct_job<uint32_t> job;
    fill_direct_job(self, N, run, &job);
    unsigned blocks;
    (void)count_blocks(job.count, THREADS, &blocks); /* below 2^31 */
    return COP_LAUNCH(kernel, blocks, THREADS, 0, args.stream, job,
                      static_cast<const T *>(args.src), static_cast<const T *>(args.weights),
                      args.bias, static_cast<const T *>(args.added), static_cast<T *>(args.dst));
}

template <typename T, int kernel>
static cudaError_t choose_unrolled(const struct cop_cuda_direct_convolution *self, bool is_many,
                                   const direct_args &args)
{
    if (self->window.strides[1] == 1)
        return is_many ? launch_depthwise<T>(depthwise_kernel<T, kernel, 1, 4>, self, 4, args)
                       : launch_depthwise<T>(depthwise_kernel<T, kernel, 1, 1>, self, 1, args);
    return is_many ? launch_depthwise<T>(depthwise_kernel<T, kernel, 2, 2>, self, 2, args)
                   : launch_depthwise<T>(depthwise_kernel<T, kernel, 2, 1>, self, 1, args);
}

/* A square window of two dimensions, with stride 1 or 2 both ways. */
static bool is_unrolled(const struct cop_cuda_window &window)
{
    return window.src[0] == 1 && window.dst[0] == 1 && window.kernel[0] == 1 &&
           window.pads_begin[0] == 0 && window.kernel[1] == window.kernel[2] &&
           (window.kernel[1] == 3 || window.kernel[1] == 5) &&
           window.strides[1] == window.strides[2] && window.strides[1] <= 2 &&
           window.dilations[1] == 1 && window.dilations[2] == 1;
}

bool try_depthwise(const struct cop_cuda_direct_convolution *self, const direct_args &args,
                   cudaError_t *status)
{
    const struct cop_cuda_window &window = self->window;
    const int64_t src = self->n * self->groups * count_positions(window.src);
    const int64_t dst = self->n * self->groups * count_positions(window.dst);
    const size_t bytes = N * (self->type == COP_CUDA_F32 ? 4 : 2);
    if (self->order != COP_CUDA_NHWC || self->ic != 1 || self->oc != 1 || self->groups % N != 0 ||
        !is_aligned(args.src, bytes) || !is_aligned(args.weights, bytes) ||
        !is_aligned(args.added, bytes) || !is_aligned(args.dst, bytes) || src > INT32_MAX ||
        dst > INT32_MAX || !is_small_window(&window))
        return false;
    const int run = window.strides[1] == 1 ? 4 : 2;
    const bool is_many = dst / (N * run) >= MANY_THREADS;
    *status = with_type(self->type, [&](auto element) {
        using T = decltype(element);
        if (!is_unrolled(window))
            return launch_depthwise<T>(depthwise_any_kernel<T>, self, 1, args);
        return window.kernel[1] == 3 ? choose_unrolled<T, 3>(self, is_many, args)
                                     : choose_unrolled<T, 5>(self, is_many, args);
    });
    return true;
}

} // namespace cop
