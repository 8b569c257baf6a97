// SPDX-License-Identifier: Apache-2.0
/* Which taps of a window lie inside src; what pooling and direct convolution share. */
#ifndef KERNELS_WINDOW_CUH
#define KERNELS_WINDOW_CUH

#include "indexing.cuh"
#include "platform.cuh"
#include "types.h"

namespace cop
{

/* One spatial dimension. Offset is int32_t where all positions fit, else int64_t. */
template <typename Offset> struct window_axis {
    Offset src, kernel, stride, dilation, pad_begin, pad_end;

    void set(const cop_cuda_window &window, int i)
    {
        src = static_cast<Offset>(window.src[i]);
        kernel = static_cast<Offset>(window.kernel[i]);
        stride = static_cast<Offset>(window.strides[i]);
        dilation = static_cast<Offset>(window.dilations[i]);
        pad_begin = static_cast<Offset>(window.pads_begin[i]);
        pad_end = static_cast<Offset>(window.pads_end[i]);
    }

    /* Taps before the first that lies at `position` or behind it. */
    __device__ inline Offset taps_before(Offset position, Offset start) const
    {
        if (position <= start)
            return 0;
        const Offset taps =
            dilation == 1 ? position - start : (position - start + dilation - 1) / dilation;
        return taps < kernel ? taps : kernel;
    }
};

/* The taps begin … end − 1 are inside; tap 0 lies at `start`. */
template <typename Offset> struct reach {
    Offset start, begin, end;
};

template <typename Offset>
__device__ inline reach<Offset> find_reach(const window_axis<Offset> &axis, Offset dst)
{
    const Offset start = dst * axis.stride - axis.pad_begin;
    return {start, axis.taps_before(0, start), axis.taps_before(axis.src, start)};
}

inline bool is_window(const struct cop_cuda_window *window)
{
    for (int i = 0; i < COP_CUDA_MAX_SPATIAL; i++)
        if (window->src[i] < 0 || window->dst[i] < 0 || window->kernel[i] < 0 ||
            window->strides[i] < 1 || window->dilations[i] < 1)
            return false;
    return true;
}

/* Whether positions along every axis, with the padding, are far below 2^31. */
inline bool is_small_window(const struct cop_cuda_window *window)
{
    const int64_t limit = INT64_C(1) << 28;
    for (int i = 0; i < COP_CUDA_MAX_SPATIAL; i++)
        if (window->src[i] > limit || window->dst[i] > limit || window->strides[i] > limit ||
            window->pads_begin[i] > limit || window->pads_end[i] > limit ||
            window->pads_begin[i] < -limit || window->pads_end[i] < -limit ||
            window->kernel[i] > limit || window->dilations[i] > limit ||
            (window->dst[i] - 1) * window->strides[i] > limit ||
            window->kernel[i] * window->dilations[i] > limit)
            return false;
    return true;
}

inline int64_t count_positions(const int64_t *dims)
{
    return dims[0] * dims[1] * dims[2];
}

} // namespace cop

#endif
