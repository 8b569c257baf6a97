// SPDX-License-Identifier: Apache-2.0
#include "reduction.h"
#include "collectives.cuh"
#include "elements.cuh"
#include "indexing.cuh"

namespace cop
{

#define WARPS     8    /* outputs a block where a warp makes one */
#define WARP_ROW  1024 /* over more elements a block makes one */
#define ROW_BLOCK 256
#define COLUMNS   32  /* outputs of a block that lie side by side in src, */
#define PARTS     8   /* each made by so many threads */
#define FEW       256 /* outputs that leave a device idle that way */

/* The elements of src that belong to an output, and where its first one lies. */
template <typename Index> struct reduce_job {
    int alg;
    int64_t outputs, length;
    walk<Index, 1> kept, rest;
};

/* Sums and products are made in double, the largest and smallest in float. */
template <typename A> struct reducer {
    int alg;

    __device__ inline A start() const
    {
        return alg == COP_CUDA_REDUCE_MAX    ? static_cast<A>(-INFINITY)
               : alg == COP_CUDA_REDUCE_MIN  ? static_cast<A>(INFINITY)
               : alg == COP_CUDA_REDUCE_PROD ? static_cast<A>(1)
                                             : static_cast<A>(0);
    }
    /* NaN wins. */
    __device__ inline A operator()(A left, A right) const
    {
        switch (alg) {
        case COP_CUDA_REDUCE_MAX:
            return right > left || right != right ? right : left;
        case COP_CUDA_REDUCE_MIN:
            return right < left || right != right ? right : left;
        case COP_CUDA_REDUCE_PROD:
            return left * right;
        default:
            return left + right;
        }
    }
    __device__ inline float finish(A x, int64_t count) const
    {
        return static_cast<float>(alg == COP_CUDA_REDUCE_MEAN ? x / static_cast<A>(count) : x);
    }
};

/* Elements `first`, `first` + `step` … of an output. */
template <typename A, typename T, typename Index>
__device__ inline A reduce_some(const reduce_job<Index> &job, const reducer<A> &join, const T *src,
                                int64_t output, int64_t first, int64_t step)
{
    typename walk<Index, 1>::offset offset[1];
    job.kept.find(static_cast<Index>(output), offset);
    src += offset[0];
    A x = join.start();
    for (int64_t i = first; i < job.length; i += step) {
        job.rest.find(static_cast<Index>(i), offset);
        x = join(x, static_cast<A>(to_float(src[offset[0]])));
    }
    return x;
}

template <typename A, typename T, typename Index>
__global__ void reduce_warps_kernel(reduce_job<Index> job, const T *src, T *dst)
{
    const reducer<A> join = {job.alg};
    const int64_t output = static_cast<int64_t>(blockIdx.x) * WARPS + threadIdx.y;
    if (output >= job.outputs)
        return;
    const A x = join_warp(reduce_some(job, join, src, output, threadIdx.x, COP_WARP), join);
    if (threadIdx.x == 0)
        dst[output] = from_float<T>(join.finish(x, job.length));
}

template <typename A, typename T, typename Index>
__global__ void reduce_blocks_kernel(reduce_job<Index> job, const T *src, T *dst)
{
    COP_SHARED(A, space, [ROW_BLOCK / COP_WARP]);
    const reducer<A> join = {job.alg};
    const A x =
        join_block(reduce_some(job, join, src, blockIdx.x, threadIdx.x, ROW_BLOCK), join, space);
    if (threadIdx.x == 0)
        dst[blockIdx.x] = from_float<T>(join.finish(x, job.length));
}

template <typename A, typename T, typename Index>
__global__ void reduce_columns_kernel(reduce_job<Index> job, const T *src, T *dst)
{
    COP_SHARED(A, space, [PARTS][COLUMNS]);
    const reducer<A> join = {job.alg};
    const int64_t output = static_cast<int64_t>(blockIdx.x) * COLUMNS + threadIdx.x;
    const bool is_inside = output < job.outputs;
    space[threadIdx.y][threadIdx.x] =
        is_inside ? reduce_some(job, join, src, output, threadIdx.y, PARTS) : join.start();
    __syncthreads();
    if (threadIdx.y != 0 || !is_inside)
        return;
    A x = space[0][threadIdx.x];
    for (int i = 1; i < PARTS; i++)
        x = join(x, space[i][threadIdx.x]);
    dst[output] = from_float<T>(join.finish(x, job.length));
}

struct reduce_plan {
    int alg;
    block<1> kept, rest;
    int64_t outputs, length;
    bool is_kept_innermost;
};

template <typename A, typename T, typename Index>
static cudaError_t launch_reduce(const reduce_plan &plan, const void *from, void *to,
                                 cudaStream_t stream)
{
    reduce_job<Index> job = reduce_job<Index>();
    job.alg = plan.alg;
    job.outputs = plan.outputs;
    job.length = plan.length;
    job.kept.set(plan.kept);
    job.rest.set(plan.rest);
    const T *src = static_cast<const T *>(from);
    T *dst = static_cast<T *>(to);
    const bool is_long = plan.length > WARP_ROW;
    const bool is_by_columns = plan.is_kept_innermost && !(is_long && plan.outputs < FEW);
    unsigned blocks;
    if (!count_blocks(plan.outputs, is_by_columns ? COLUMNS : is_long ? 1 : WARPS, &blocks))
        return cudaErrorInvalidValue;
    if (is_by_columns)
        return COP_LAUNCH((reduce_columns_kernel<A, T, Index>), blocks, dim3(COLUMNS, PARTS), 0,
                          stream, job, src, dst);
    if (is_long)
        return COP_LAUNCH((reduce_blocks_kernel<A, T, Index>), blocks, ROW_BLOCK, 0, stream, job,
                          src, dst);
    return COP_LAUNCH((reduce_warps_kernel<A, T, Index>), blocks, dim3(COP_WARP, WARPS), 0, stream,
                      job, src, dst);
}

static void add_dimension(block<1> *to, int64_t dim, int64_t stride)
{
    to->dims[to->rank] = dim;
    to->strides[0][to->rank++] = stride;
}

/* Dimensions of 0 would only be in the way. */
static void finish_block(block<1> *one, int64_t count)
{
    if (count == 0)
        one->rank = 0;
    one->collapse();
}

static reduce_plan make_plan(const struct cop_cuda_reduce *self)
{
    reduce_plan plan = reduce_plan();
    int64_t strides[COP_CUDA_MAX_RANK];
    set_dense_strides(self->rank, self->dims, strides);
    plan.alg = self->alg;
    for (int i = 0; i < self->rank; i++) {
        add_dimension(self->is_reduced[i] ? &plan.rest : &plan.kept, self->dims[i], strides[i]);
        if (self->dims[i] > 1)
            plan.is_kept_innermost = !self->is_reduced[i];
    }
    plan.outputs = plan.kept.count();
    plan.length = plan.rest.count();
    finish_block(&plan.kept, plan.outputs);
    finish_block(&plan.rest, plan.length);
    return plan;
}

template <typename T>
static cudaError_t choose_reduce(const reduce_plan &plan, const void *src, void *dst,
                                 cudaStream_t stream)
{
    if (!plan.kept.is_small() || !plan.rest.is_small())
        return launch_reduce<double, T, uint64_t>(plan, src, dst, stream);
    const bool is_extreme = plan.alg == COP_CUDA_REDUCE_MAX || plan.alg == COP_CUDA_REDUCE_MIN;
    return is_extreme ? launch_reduce<float, T, uint32_t>(plan, src, dst, stream)
                      : launch_reduce<double, T, uint32_t>(plan, src, dst, stream);
}

} // namespace cop

cudaError_t cop_cuda_reduce(const struct cop_cuda_reduce *self, const void *src, void *dst,
                            cudaStream_t stream)
{
    if (!cop::are_dims(self->rank, self->dims) || self->alg < COP_CUDA_REDUCE_MEAN ||
        self->alg > COP_CUDA_REDUCE_PROD)
        return cudaErrorInvalidValue;
    const cop::reduce_plan plan = cop::make_plan(self);
    if (plan.outputs == 0)
        return cudaSuccess;
    return cop::with_type(self->type, [&](auto element) {
        return cop::choose_reduce<decltype(element)>(plan, src, dst, stream);
    });
}
