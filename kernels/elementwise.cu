// SPDX-License-Identifier: Apache-2.0
#include "elementwise.h"
#include "elements.cuh"
#include "indexing.cuh"
#include "pointwise.cuh"

namespace cop
{

#define THREADS 256

/* One past the algorithms of two numbers. */
#define PRELU COP_CUDA_BINARY_COUNT

__device__ inline float apply_pair(int alg, float a, float b)
{
    if (alg == PRELU)
        return a < 0 ? a * b : a;
    return apply_binary(alg, a, b);
}

/* chains of functions */

template <typename T, int N>
__device__ inline void run_chain(const cop_cuda_post_ops &ops, const T *src, const T *added, T *dst)
{
    float x[N], y[N] = {};
    load(src, x);
    if (has_sum(ops))
        load(added, y);
    apply_post_ops(ops, x, y);
    store(dst, x);
}

template <typename T, int N>
__global__ void elementwise_kernel(cop_cuda_post_ops ops, int64_t count, const T *src,
                                   const T *added, T *dst)
{
    int64_t at = thread_position() * N;
    if (at + N <= count) {
        run_chain<T, N>(ops, src + at, added + at, dst + at);
        return;
    }
    for (; at < count; at++)
        run_chain<T, 1>(ops, src + at, added + at, dst + at);
}

template <typename T, int N>
static cudaError_t launch_elementwise(const struct cop_cuda_elementwise *self, const void *src,
                                      const void *added, void *dst, cudaStream_t stream)
{
    unsigned blocks;
    if (!count_blocks(self->count, THREADS * N, &blocks))
        return cudaErrorInvalidValue;
    /* Without a SUM `added` is not read; src keeps the address sums defined. */
    return COP_LAUNCH((elementwise_kernel<T, N>), blocks, THREADS, 0, stream, self->ops,
                      self->count, static_cast<const T *>(src),
                      static_cast<const T *>(added == nullptr ? src : added),
                      static_cast<T *>(dst));
}

/* two operands */

template <typename Index> struct pair_job {
    int alg;
    int a_type, b_type, dst_type;
    bool is_swapped;             /* a stands right of the operator */
    bool a_advances, b_advances; /* along the innermost dimension, rather than staying */
    int64_t count;               /* of elements */
    walk<Index, 2> sides;        /* of a and b, over vectors or elements of dst */
    cop_cuda_post_ops post_ops;
};

template <int N, typename T>
__device__ inline void load_side(const T *from, bool advances, float (&x)[N])
{
    if (advances) {
        load(from, x);
        return;
    }
    const float same = to_float(*from);
    COP_UNROLL
    for (int i = 0; i < N; i++)
        x[i] = same;
}

template <int N, typename Index, typename T, typename B>
__device__ inline void run_pairs(const pair_job<Index> &job, const T *a, const B *b, const T *added,
                                 T *dst)
{
    float x[N], y[N];
    load_side(a, job.a_advances, x);
    load_side(b, job.b_advances, y);
    COP_UNROLL
    for (int i = 0; i < N; i++)
        x[i] = job.is_swapped ? apply_pair(job.alg, y[i], x[i]) : apply_pair(job.alg, x[i], y[i]);
    if (has_sum(job.post_ops))
        load(added, y);
    apply_post_ops(job.post_ops, x, y);
    store(dst, x);
}

/* N elements a thread, which follow one another in dst; a side has them too or one for all. */
template <typename T, typename B, int N>
__global__ void pair_vectors_kernel(pair_job<uint32_t> job, const T *a, const B *b, const T *added,
                                    T *dst)
{
    const int64_t position = thread_position(), at = position * N;
    if (at >= job.count)
        return;
    int32_t offsets[2];
    job.sides.find(static_cast<uint32_t>(position), offsets);
    a += offsets[0], b += offsets[1];
    if (at + N <= job.count) {
        run_pairs<N>(job, a, b, added + at, dst + at);
        return;
    }
    for (int i = 0; at + i < job.count; i++)
        run_pairs<1>(job, a + (job.a_advances ? i : 0), b + (job.b_advances ? i : 0),
                     added + at + i, dst + at + i);
}

/* Any strides and types, an element a thread. */
template <typename Index>
__global__ void pair_elements_kernel(pair_job<Index> job, const void *a, const void *b,
                                     const void *added, void *dst)
{
    const int64_t at = thread_position();
    if (at >= job.count)
        return;
    typename walk<Index, 2>::offset offsets[2];
    job.sides.find(static_cast<Index>(at), offsets);
    float x[1] = {apply_pair(job.alg, load_any(job.a_type, a, offsets[0]),
                             load_any(job.b_type, b, offsets[1]))};
    float y[1] = {0};
    if (has_sum(job.post_ops))
        y[0] = load_any(job.dst_type, added, at);
    apply_post_ops(job.post_ops, x, y);
    store_any(job.dst_type, dst, at, x[0]);
}

/* What a launch of pairs is about, before the kernel is chosen. */
struct pairs {
    int alg;
    enum cop_cuda_type a_type, b_type, dst_type;
    block<2> sides;
    cop_cuda_post_ops post_ops;
    const void *a, *b, *added;
    void *dst;
    cudaStream_t stream;
};

template <typename Index> static void fill_job(const pairs &self, pair_job<Index> *job)
{
    *job = pair_job<Index>();
    job->alg = self.alg;
    job->a_type = self.a_type;
    job->b_type = self.b_type;
    job->dst_type = self.dst_type;
    job->count = self.sides.count();
    job->post_ops = self.post_ops;
}

template <typename Index> static cudaError_t launch_elements(const pairs &self)
{
    pair_job<Index> job;
    fill_job(self, &job);
    job.sides.set(self.sides);
    unsigned blocks;
    if (!count_blocks(job.count, THREADS, &blocks))
        return cudaErrorInvalidValue;
    return COP_LAUNCH((pair_elements_kernel<Index>), blocks, THREADS, 0, self.stream, job, self.a,
                      self.b, self.added, self.dst);
}

/* Whether a side can be read in vectors of N: it stays, or it advances from aligned addresses. */
static bool takes_vectors(const pairs &self, int side, const void *address, size_t vector_bytes,
                          int n)
{
    const int last = self.sides.rank - 1;
    const int64_t *strides = self.sides.strides[side];
    if (last < 0 || strides[last] == 0)
        return true;
    for (int i = 0; i < last; i++)
        if (strides[i] % n != 0)
            return false;
    return strides[last] == 1 && is_aligned(address, vector_bytes);
}

/* False: the vector kernel does not fit. */
template <typename T, typename B> static bool try_vectors(const pairs &self, cudaError_t *status)
{
    constexpr int n = 16 / (sizeof(B) > sizeof(T) ? sizeof(B) : sizeof(T));
    const int last = self.sides.rank - 1;
    const int64_t row = last < 0 ? 1 : self.sides.dims[last];
    if (!self.sides.is_small() || (last > 0 && row % n != 0) ||
        !is_aligned(self.dst, n * sizeof(T)) || !is_aligned(self.added, n * sizeof(T)) ||
        !takes_vectors(self, 0, self.a, n * sizeof(T), n) ||
        !takes_vectors(self, 1, self.b, n * sizeof(B), n))
        return false;
    pair_job<uint32_t> job;
    fill_job(self, &job);
    block<2> vectors = self.sides;
    if (last >= 0) {
        job.a_advances = vectors.strides[0][last] != 0;
        job.b_advances = vectors.strides[1][last] != 0;
        vectors.dims[last] = (row + n - 1) / n;
        vectors.strides[0][last] *= n;
        vectors.strides[1][last] *= n;
    }
    job.sides.set(vectors);
    job.is_swapped = self.alg < 0;
    if (job.is_swapped)
        job.alg = ~self.alg;
    unsigned blocks;
    (void)count_blocks(vectors.count(), THREADS, &blocks); /* below 2^31 */
    *status = COP_LAUNCH((pair_vectors_kernel<T, B, n>), blocks, THREADS, 0, self.stream, job,
                         static_cast<const T *>(self.a), static_cast<const B *>(self.b),
                         static_cast<const T *>(self.added), static_cast<T *>(self.dst));
    return true;
}

/* A parameter that stands left goes right, so that a has the type of dst; marked in alg. */
static pairs swap_sides(const pairs &self)
{
    pairs swapped = self;
    swapped.alg = ~self.alg;
    swapped.a_type = self.b_type;
    swapped.b_type = self.a_type;
    swapped.a = self.b;
    swapped.b = self.a;
    for (int i = 0; i < self.sides.rank; i++) {
        swapped.sides.strides[0][i] = self.sides.strides[1][i];
        swapped.sides.strides[1][i] = self.sides.strides[0][i];
    }
    return swapped;
}

static bool try_any_vectors(const pairs &given, cudaError_t *status)
{
    const pairs self = given.a_type != given.dst_type && given.b_type == given.dst_type
                           ? swap_sides(given)
                           : given;
    if (self.a_type != self.dst_type ||
        (self.b_type != self.dst_type && self.b_type != COP_CUDA_F32))
        return false;
    bool fits = false;
    const cudaError_t found = with_type(self.dst_type, [&](auto element) {
        using T = decltype(element);
        fits = self.b_type == self.dst_type ? try_vectors<T, T>(self, status)
                                            : try_vectors<T, float>(self, status);
        return cudaSuccess;
    });
    return found == cudaSuccess && fits;
}

static cudaError_t launch_pairs(pairs *self)
{
    for (int i = 0; i < self->sides.rank; i++)
        if (self->sides.dims[i] == 0)
            return cudaSuccess;
    if (!is_type(self->a_type) || !is_type(self->b_type) || !is_type(self->dst_type))
        return cudaErrorInvalidValue;
    self->sides.collapse();
    cudaError_t status = cudaSuccess;
    if (try_any_vectors(*self, &status))
        return status;
    return self->sides.is_small() ? launch_elements<uint32_t>(*self)
                                  : launch_elements<uint64_t>(*self);
}

} // namespace cop

cudaError_t cop_cuda_elementwise(const struct cop_cuda_elementwise *self, const void *src,
                                 const void *added, void *dst, cudaStream_t stream)
{
    if (self->count <= 0)
        return self->count == 0 ? cudaSuccess : cudaErrorInvalidValue;
    return cop::with_type(self->type, [&](auto element) {
        using T = decltype(element);
        const bool is_aligned =
            cop::is_aligned(src, 16) && cop::is_aligned(added, 16) && cop::is_aligned(dst, 16);
        return is_aligned
                   ? cop::launch_elementwise<T, 16 / sizeof(T)>(self, src, added, dst, stream)
                   : cop::launch_elementwise<T, 1>(self, src, added, dst, stream);
    });
}

cudaError_t cop_cuda_binary(const struct cop_cuda_binary *self, const void *a, const void *b,
                            const void *added, void *dst, cudaStream_t stream)
{
    if (!cop::are_dims(self->rank, self->dims) || self->alg < 0 ||
        self->alg >= COP_CUDA_BINARY_COUNT)
        return cudaErrorInvalidValue;
    cop::pairs pairs = {self->alg,
                        self->a_type,
                        self->b_type,
                        self->dst_type,
                        {},
                        self->post_ops,
                        a,
                        b,
                        added == nullptr ? dst : added,
                        dst,
                        stream};
    pairs.sides.rank = self->rank;
    for (int i = 0; i < self->rank; i++) {
        pairs.sides.dims[i] = self->dims[i];
        pairs.sides.strides[0][i] = self->a_strides[i];
        pairs.sides.strides[1][i] = self->b_strides[i];
    }
    return cop::launch_pairs(&pairs);
}

cudaError_t cop_cuda_prelu(const struct cop_cuda_prelu *self, const void *src, const void *slope,
                           void *dst, cudaStream_t stream)
{
    if (!cop::are_dims(self->rank, self->dims))
        return cudaErrorInvalidValue;
    cop::pairs pairs = {
        PRELU, self->type, self->slope_type, self->type, {}, cop_cuda_post_ops(), src, slope, dst,
        dst,   stream};
    pairs.sides.rank = self->rank;
    for (int i = 0; i < self->rank; i++) {
        pairs.sides.dims[i] = self->dims[i];
        pairs.sides.strides[1][i] = self->slope_strides[i];
    }
    cop::set_dense_strides(self->rank, self->dims, pairs.sides.strides[0]);
    return cop::launch_pairs(&pairs);
}
