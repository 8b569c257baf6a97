// SPDX-License-Identifier: Apache-2.0
/* What the kernels of direct convolution share: their job, and how a result is finished. */
#ifndef KERNELS_DIRECT_CONVOLUTION_CUH
#define KERNELS_DIRECT_CONVOLUTION_CUH

#include "direct_convolution.h"
#include "elements.cuh"
#include "pointwise.cuh"
#include "window.cuh"

namespace cop
{

/* Sizes of one launch; what a thread makes is the kernel's own matter. */
template <typename Index> struct direct_job {
    using offset = typename offset_of<Index>::type;

    int64_t count;           /* threads that have something to do */
    offset ic, src_c, dst_c; /* channels of a group of src, of all of src and dst */
    offset taps;             /* elements of the kernel's plane */
    offset dst_w;
    divider<Index> vectors; /* output channels of a position, in vectors */
    divider<Index> across;  /* runs of outputs in a row of dst */
    divider<Index> dst_h, dst_d;
    divider<Index> oc; /* output channels of a group */
    window_axis<offset> axes[COP_CUDA_MAX_SPATIAL];
    cop_cuda_post_ops post_ops;
};

struct direct_args {
    const void *src, *weights;
    const float *bias;
    const void *added;
    void *dst;
    cudaStream_t stream;
};

/* Adds the bias of N channels from `c` on, applies the post-ops, and stores; nhwc. */
template <int N, typename T>
__device__ inline void finish_channels(const cop_cuda_post_ops &post_ops, const float *bias,
                                       int64_t c, const T *added, T *dst, float (&x)[N])
{
    float y[N] = {};
    if (bias != nullptr) {
        COP_UNROLL
        for (int i = 0; i < N; i++)
            x[i] += bias[c + i];
    }
    if (has_sum(post_ops))
        load(added, y);
    apply_post_ops(post_ops, x, y);
    store(dst, x);
}

/*
 * Fills in what does not depend on the kernel: a thread makes `vector` channels and `run` outputs
 * along w.
 */
template <typename Index>
inline void fill_direct_job(const struct cop_cuda_direct_convolution *self, int vector, int run,
                            direct_job<Index> *job)
{
    using offset = typename offset_of<Index>::type;
    const struct cop_cuda_window &window = self->window;
    const int64_t vectors = self->groups * self->oc / vector;
    const int64_t across = (window.dst[2] + run - 1) / run;
    *job = direct_job<Index>();
    job->count = self->n * window.dst[0] * window.dst[1] * across * vectors;
    job->ic = static_cast<offset>(self->ic);
    job->src_c = static_cast<offset>(self->groups * self->ic);
    job->dst_c = static_cast<offset>(self->groups * self->oc);
    job->taps = static_cast<offset>(count_positions(window.kernel));
    job->dst_w = static_cast<offset>(window.dst[2]);
    job->vectors.set(vectors);
    job->across.set(across);
    job->dst_h.set(window.dst[1]);
    job->dst_d.set(window.dst[0]);
    job->oc.set(self->oc);
    job->post_ops = self->post_ops;
    for (int i = 0; i < COP_CUDA_MAX_SPATIAL; i++)
        job->axes[i].set(window, i);
}

/* The position of a thread, outputs in the order of memory of nhwc. */
template <typename Index> struct direct_place {
    using offset = typename offset_of<Index>::type;
    offset vector, w, h, d; /* w counts runs */
    int64_t n;
};

template <typename Index>
__device__ inline direct_place<Index> find_direct_place(const direct_job<Index> &job,
                                                        Index position)
{
    using offset = typename offset_of<Index>::type;
    const Index runs = job.vectors.divide(position), rows = job.across.divide(runs);
    const Index depths = job.dst_h.divide(rows), n = job.dst_d.divide(depths);
    direct_place<Index> place;
    place.vector = static_cast<offset>(position - runs * job.vectors.value);
    place.w = static_cast<offset>(runs - rows * job.across.value);
    place.h = static_cast<offset>(rows - depths * job.dst_h.value);
    place.d = static_cast<offset>(depths - n * job.dst_d.value);
    place.n = static_cast<int64_t>(n);
    return place;
}

/* depthwise_convolution.cu; false: not one of its windows, or not aligned */
bool try_depthwise(const struct cop_cuda_direct_convolution *self, const direct_args &args,
                   cudaError_t *status);

} // namespace cop

#endif
