// SPDX-License-Identifier: Apache-2.0
#include "matrix_vector.h"
#include "collectives.cuh"
#include "elements.cuh"
#include "pointwise.cuh"

namespace cop
{

#define MAX_WARPS 8
#define VECTORS_A_THREAD                                                                           \
    4 /* fewer warps where a row is too short for each thread to have these                        \
       */

struct product_job {
    int m;
    int64_t n, k;
    cop_cuda_post_ops post_ops;
};

/* The part of a thread in `rows` rows of weights times all of src. */
template <typename T, int M, int rows, int N>
__device__ inline void multiply_part(const product_job &job, const T *src, const T *weights,
                                     int64_t first, float (&sums)[M][rows])
{
    COP_UNROLL
    for (int i = 0; i < M * rows; i++)
        sums[i / rows][i % rows] = 0;
    const int64_t step = static_cast<int64_t>(blockDim.x) * N;
    for (int64_t at = static_cast<int64_t>(threadIdx.x) * N; at < job.k; at += step) {
        float w[rows][N];
        COP_UNROLL
        for (int row = 0; row < rows; row++) /* rows that are not there repeat the last */
            load(weights + (first + row < job.n ? first + row : job.n - 1) * job.k + at, w[row]);
        COP_UNROLL
        for (int m = 0; m < M; m++) {
            float x[N];
            load(src + (m < job.m ? m : job.m - 1) * job.k + at, x);
            COP_UNROLL
            for (int row = 0; row < rows; row++) {
                COP_UNROLL
                for (int i = 0; i < N; i++)
                    sums[m][row] = fmaf(x[i], w[row][i], sums[m][row]);
            }
        }
    }
}

template <typename T>
__device__ inline void finish(const product_job &job, int m, int64_t column, float sum,
                              const float *bias, const T *added, T *dst)
{
    const int64_t at = m * job.n + column;
    float x[1] = {bias == nullptr ? sum : sum + bias[column]}, y[1] = {0};
    if (has_sum(job.post_ops))
        load(added + at, y);
    apply_post_ops(job.post_ops, x, y);
    store(dst + at, x);
}

/* A block makes `rows` columns of dst; its threads share k in pieces of N elements. */
template <typename T, int M, int rows, int N>
__global__ void matrix_vector_kernel(product_job job, const T *src, const T *weights,
                                     const float *bias, const T *added, T *dst)
{
    COP_SHARED(float, parts, [MAX_WARPS][M][rows]);
    const int64_t first = static_cast<int64_t>(blockIdx.x) * rows;
    float sums[M][rows];
    multiply_part<T, M, rows, N>(job, src, weights, first, sums);
    const unsigned warp = threadIdx.x / COP_WARP, lane = threadIdx.x % COP_WARP;
    COP_UNROLL
    for (int m = 0; m < M; m++) {
        COP_UNROLL
        for (int row = 0; row < rows; row++) {
            const float sum = join_warp(sums[m][row], add());
            if (lane == 0)
                parts[warp][m][row] = sum;
        }
    }
    __syncthreads();
    const int m = static_cast<int>(threadIdx.x) / rows, row = static_cast<int>(threadIdx.x) % rows;
    if (m >= job.m || first + row >= job.n)
        return;
    float sum = parts[0][m][row];
    for (unsigned i = 1; i < blockDim.x / COP_WARP; i++)
        sum += parts[i][m][row];
    finish(job, m, first + row, sum, bias, added, dst);
}

struct product_args {
    const void *src, *weights;
    const float *bias;
    const void *added;
    void *dst;
    cudaStream_t stream;
};

template <typename T, int M, int rows, int N>
static cudaError_t launch_product(const product_job &job, const product_args &args)
{
    static_assert(M * rows <= COP_WARP, "one warp finishes all sums");
    unsigned blocks;
    if (!count_blocks(job.n, rows, &blocks))
        return cudaErrorInvalidValue;
    const int64_t wanted = job.k / (N * COP_WARP * VECTORS_A_THREAD);
    const int warps = wanted < 1 ? 1 : wanted > MAX_WARPS ? MAX_WARPS : static_cast<int>(wanted);
    return COP_LAUNCH((matrix_vector_kernel<T, M, rows, N>), blocks,
                      static_cast<unsigned>(warps * COP_WARP), 0, args.stream, job,
                      static_cast<const T *>(args.src), static_cast<const T *>(args.weights),
                      args.bias, static_cast<const T *>(args.added), static_cast<T *>(args.dst));
}

template <typename T>
static cudaError_t choose_product(const product_job &job, const product_args &args)
{
    constexpr int n = 16 / sizeof(T);
    if (job.k % n != 0 || !is_aligned(args.src, 16) || !is_aligned(args.weights, 16))
        return job.m == 1 ? launch_product<T, 1, 1, 1>(job, args)
                          : launch_product<T, 8, 2, 1>(job, args);
    if (job.m == 1)
        return launch_product<T, 1, 1, n>(job, args);
    if (job.m == 2)
        return launch_product<T, 2, 2, n>(job, args);
    return job.m <= 4 ? launch_product<T, 4, 2, n>(job, args)
                      : launch_product<T, 8, 2, n>(job, args);
}

} // namespace cop

cudaError_t cop_cuda_matrix_vector(const struct cop_cuda_matrix_vector *self, const void *src,
                                   const void *weights, const float *bias, const void *added,
                                   void *dst, cudaStream_t stream)
{
    if (self->m < 0 || self->m > COP_CUDA_MATRIX_VECTOR_MAX_M || self->n < 0 || self->k < 0)
        return cudaErrorInvalidValue;
    if (self->m == 0 || self->n == 0)
        return cudaSuccess;
    const cop::product_job job = {static_cast<int>(self->m), self->n, self->k, self->post_ops};
    const cop::product_args args = {src, weights, bias, added == nullptr ? dst : added,
                                    dst, stream};
    return cop::with_type(self->type, [&](auto element) {
        return cop::choose_product<decltype(element)>(job, args);
    });
}
