// SPDX-License-Identifier: Apache-2.0
/* What surrounds the kernels of products: the sum of a split's partials, and arranging tensors. */
#include "product.cuh"

namespace cop
{

/* One thread for eight columns of a row. The order of the sum is that of the splits. */
template <typename T> __global__ void __launch_bounds__(256) sum_kernel(const cop_cuda_product p)
{
    const int at = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    const int line = divide(at, p.by_eights); /* row of all products */
    const int column = 8 * (at - line * (int)p.by_eights.divisor);
    const int product = divide(line, p.by_rows);
    const int row = line - product * p.rows;
    if (product >= p.count)
        return;
    const int stride = 8 * (int)p.by_eights.divisor;
    const int64_t plane = (int64_t)p.rows * stride;
    const float *from =
        p.partials + (int64_t)product * p.splits * plane + (int64_t)row * stride + column;
    column_writer<T> writer;
    float residual[8] = {}, sum[8] = {};
    writer.begin(p, product, column);
    writer.read_residual(p, row, residual);
    for (int split = 0; split < p.splits; split++, from += plane) {
        float values[8];
        read_columns(from, 8, true, values);
        COP_UNROLL
        for (int i = 0; i < 8; i++)
            sum[i] += values[i];
    }
    writer.write(p, row, residual, sum);
}

template <typename T> cudaError_t run_sum(const cop_cuda_product *p, cudaStream_t stream)
{
    const unsigned threads = p->by_eights.divisor * p->by_rows.divisor * (unsigned)p->count;
    return COP_LAUNCH((sum_kernel<T>), dim3((threads + 255) / 256), dim3(256), 0, stream, *p);
}

/* An element as the mathematics takes it. */
struct exact_rounding {
    typedef float element;
    static __device__ inline float round(float x)
    {
        return x;
    }
};
struct tf32_rounding {
    typedef float element;
    static __device__ inline float round(float x)
    {
        return __uint_as_float(round_to_tf32(x));
    }
};
template <typename T> struct narrow_rounding {
    typedef T element;
    static __device__ inline T round(float x)
    {
        return from_float<T>(x);
    }
    static __device__ inline T round(T x)
    {
        return x;
    }
};

struct arrangement {
    cop_cuda_arrangement order;
    int padded; /* columns of dst */
    int64_t elements;
};

/* One thread for each element of dst in turn. */
template <class rounding, typename S>
__global__ void __launch_bounds__(256)
    arrange_kernel(const arrangement p, const S *src, typename rounding::element *dst)
{
    const int64_t step = (int64_t)gridDim.x * blockDim.x;
    for (int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; at < p.elements; at += step) {
        const int64_t line = at / p.padded, tall = line / p.order.taps,
                      matrix = tall / p.order.rows;
        const int64_t column = at - line * p.padded, tap = line - tall * p.order.taps;
        const int64_t row = tall - matrix * p.order.rows;
        const int64_t outer = matrix / p.order.inner, inner = matrix - outer * p.order.inner;
        S x = S();
        if (column < p.order.columns)
            x = src[outer * p.order.outer_step + inner * p.order.inner_step +
                    row * p.order.row_stride + tap * p.order.tap_stride +
                    column * p.order.column_stride];
        dst[at] = rounding::round(x);
    }
}

template <class rounding, typename S>
cudaError_t run_arrange(const cop_cuda_arrangement *order, const void *src, void *dst,
                        cudaStream_t stream)
{
    arrangement p = {*order, 0, 0};
    p.padded = cop_cuda_chunks(order->math, order->columns) * cop_cuda_chunk(order->math);
    p.elements = (int64_t)order->count * order->rows * order->taps * p.padded;
    if (p.elements == 0)
        return cudaSuccess;
    const int64_t blocks = (p.elements + 255) / 256, most = 132 * 64;
    return COP_LAUNCH((arrange_kernel<rounding, S>),
                      dim3((unsigned)(blocks < most ? blocks : most)), dim3(256), 0, stream, p,
                      static_cast<const S *>(src), static_cast<typename rounding::element *>(dst));
}

} // namespace cop

cudaError_t cop_cuda_arrange(const struct cop_cuda_arrangement *self, const void *src, void *dst,
                             cudaStream_t stream)
{
    typedef cop::narrow_rounding<cop::half> half_rounding;
    typedef cop::narrow_rounding<cop::bfloat16> bfloat16_rounding;
    switch (self->math) {
    case COP_CUDA_MATH_EXACT:
        return cop::run_arrange<cop::exact_rounding, float>(self, src, dst, stream);
    case COP_CUDA_MATH_TF32:
        return self->is_float
                   ? cop::run_arrange<cop::tf32_rounding, float>(self, src, dst, stream)
                   : cop::run_arrange<cop::exact_rounding, float>(self, src, dst, stream);
    case COP_CUDA_MATH_F16:
        return self->is_float ? cop::run_arrange<half_rounding, float>(self, src, dst, stream)
                              : cop::run_arrange<half_rounding, cop::half>(self, src, dst, stream);
    case COP_CUDA_MATH_BF16:
        return self->is_float
                   ? cop::run_arrange<bfloat16_rounding, float>(self, src, dst, stream)
                   : cop::run_arrange<bfloat16_rounding, cop::bfloat16>(self, src, dst, stream);
    default:
        return cudaErrorInvalidValue;
    }
}

cudaError_t cop_cuda_product_sum(enum cop_cuda_math math, const struct cop_cuda_product *self,
                                 cudaStream_t stream)
{
    switch (math) {
    case COP_CUDA_MATH_F16:
        return cop::run_sum<cop::half>(self, stream);
    case COP_CUDA_MATH_BF16:
        return cop::run_sum<cop::bfloat16>(self, stream);
    default:
        return cop::run_sum<float>(self, stream);
    }
}
