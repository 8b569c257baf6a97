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
    int unit, units; /* elements that a thread writes; units in a row of dst */
    int units_per_tap;
    bool is_transposed; /* neighbours in src are in successive rows */
    unsigned threads;   /* one for each unit of dst */
    cop_cuda_divisor by_units, by_rows, by_inner, by_units_per_tap;
};

/* Writes one unit of dst, of 16 or 8 bytes. */
template <class rounding, typename S>
__device__ inline void arrange_unit(const arrangement &p, const S *row, int unit,
                                    typename rounding::element *dst)
{
    typedef typename rounding::element T;
    constexpr int most = 16 / (int)sizeof(T);
    const int tap = divide(unit, p.by_units_per_tap);
    const int column = (unit - tap * p.units_per_tap) * most;
    union {
        uint4 words;
        uint2 half;
        T values[most];
    } result;
    COP_UNROLL
    for (int i = 0; i < most; i++) {
        S x = S();
        if (column + i < p.order.columns)
            x = row[tap * p.order.tap_stride + (column + i) * p.order.column_stride];
        result.values[i] = rounding::round(x);
    }
    if (p.unit == most)
        *reinterpret_cast<uint4 *>(dst) = result.words;
    else
        *reinterpret_cast<uint2 *>(dst) = result.half;
}

template <class rounding, typename S>
__global__ void __launch_bounds__(256)
    arrange_kernel(const arrangement p, const S *src, typename rounding::element *dst)
{
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= p.threads)
        return;
    int row, unit; /* row of all matrices */
    if (p.is_transposed) {
        const int column = divide((int)at, p.by_rows); /* of units of all matrices */
        const int matrix = divide(column, p.by_units);
        row = (int)at - column * p.order.rows + matrix * p.order.rows;
        unit = column - matrix * p.units;
    } else {
        row = divide((int)at, p.by_units);
        unit = (int)at - row * p.units;
    }
    const int matrix = divide(row, p.by_rows), outer = divide(matrix, p.by_inner);
    const S *from = src + outer * p.order.outer_step +
                    (matrix - outer * p.order.inner) * p.order.inner_step +
                    (row - matrix * p.order.rows) * p.order.row_stride;
    dst += ((int64_t)row * p.units + unit) * p.unit;
    arrange_unit<rounding, S>(p, from, unit, dst);
}

template <class rounding, typename S>
cudaError_t run_arrange(const cop_cuda_arrangement *order, const void *src, void *dst,
                        cudaStream_t stream)
{
    const int chunk = cop_cuda_chunk(order->math);
    arrangement p = {};
    p.order = *order;
    p.unit = order->padded < chunk ? order->padded : chunk;
    p.units_per_tap = order->padded < chunk ? 1 : order->padded / chunk;
    p.units = order->padded == 0 ? 0 : order->taps * p.units_per_tap;
    p.is_transposed = order->row_stride == 1;
    p.threads = (unsigned)order->count * (unsigned)order->rows * (unsigned)p.units;
    p.by_units = cop_cuda_divide_by(p.units);
    p.by_rows = cop_cuda_divide_by(order->rows);
    p.by_inner = cop_cuda_divide_by(order->inner);
    p.by_units_per_tap = cop_cuda_divide_by(p.units_per_tap);
    if (p.threads == 0)
        return cudaSuccess;
    return COP_LAUNCH((arrange_kernel<rounding, S>), dim3((p.threads + 255) / 256), dim3(256), 0,
                      stream, p, static_cast<const S *>(src),
                      static_cast<typename rounding::element *>(dst));
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
