// SPDX-License-Identifier: Apache-2.0
/*
 * Every element is widened to double, int64 or uint64 and then narrowed. NaN is handled as bits,
 * because the device's conversions forget its sign.
 */
#include "cast.h"
#include "elements.cuh"
#include "indexing.cuh"
#include "movement.h"

#include <string.h>

namespace cop
{

#define THREADS 256

enum wide_kind { WIDE_FLOAT, WIDE_SIGNED, WIDE_UNSIGNED };

struct wide {
    wide_kind kind;
    double real;
    uint64_t whole; /* int64 in two's complement where signed */
};

__device__ inline double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

__device__ inline uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#define DOUBLE_QUIET_NAN (UINT64_C(0x7ff8) << 48)

__device__ inline double widen_float(uint32_t bits)
{
    const float x = __uint_as_float(bits);
    if (x == x)
        return static_cast<double>(x);
    return double_of(static_cast<uint64_t>(bits >> 31) << 63 | DOUBLE_QUIET_NAN |
                     static_cast<uint64_t>(bits & 0x7fffff) << 29);
}

__device__ inline double widen_half(uint16_t bits)
{
    half x;
    x.bits = bits;
    if ((bits & 0x7fff) > 0x7c00)
        return double_of(static_cast<uint64_t>(bits >> 15) << 63 | DOUBLE_QUIET_NAN);
    return static_cast<double>(to_float(x));
}

__device__ inline uint32_t narrow_float(double x)
{
    const uint64_t bits = bits_of(x);
    if (x == x)
        return __float_as_uint(static_cast<float>(x));
    return static_cast<uint32_t>(bits >> 63) << 31 | 0x7fc00000u |
           static_cast<uint32_t>(bits >> 29 & 0x7fffff);
}

/*
 * The nearest number of a 16-bit format with this many bits of fraction, ties to even, rounded once
 * from double.
 */
__device__ inline uint16_t narrow_16(double x, int fraction_bits)
{
    const uint64_t bits = bits_of(x), fraction = bits & ((UINT64_C(1) << 52) - 1);
    const int largest = (1 << (15 - fraction_bits)) - 1,
              biased = static_cast<int>(bits >> 52 & 2047);
    const uint32_t sign = static_cast<uint32_t>(bits >> 48 & 0x8000);
    const uint32_t infinity = static_cast<uint32_t>(largest) << fraction_bits;
    if (x != x)
        return static_cast<uint16_t>(sign | infinity | 1u << (fraction_bits - 1));
    const int exponent = biased - 1023 + largest / 2;
    if (exponent >= largest)
        return static_cast<uint16_t>(sign | infinity);
    int shift = 52 - fraction_bits;
    uint64_t significand = fraction | static_cast<uint64_t>(exponent > 0 ? exponent : 1) << 52;
    if (exponent <= 0) { /* subnormal in the small format; so is a double's, far below */
        shift += 1 - exponent;
        significand = biased == 0 ? 0 : fraction | UINT64_C(1) << 52;
    }
    if (shift > 54)
        return static_cast<uint16_t>(sign);
    const uint64_t rest = significand & ((UINT64_C(1) << shift) - 1);
    const uint64_t middle = UINT64_C(1) << (shift - 1);
    uint64_t rounded = significand >> shift;
    rounded += rest > middle || (rest == middle && (rounded & 1) != 0) ? 1 : 0;
    return static_cast<uint16_t>(sign | rounded); /* a carry ends in the exponent */
}

template <typename T> __device__ inline wide widen_whole(const void *src, int64_t at)
{
    const T x = static_cast<const T *>(src)[at];
    return {WIDE_SIGNED, 0, static_cast<uint64_t>(static_cast<int64_t>(x))};
}

__device__ inline wide widen(int dtype, const void *src, int64_t at)
{
    switch (dtype) {
    case COP_CUDA_DTYPE_FLOAT32:
        return {WIDE_FLOAT, widen_float(static_cast<const uint32_t *>(src)[at]), 0};
    case COP_CUDA_DTYPE_FLOAT64:
        return {WIDE_FLOAT, static_cast<const double *>(src)[at], 0};
    case COP_CUDA_DTYPE_FLOAT16:
        return {WIDE_FLOAT, widen_half(static_cast<const uint16_t *>(src)[at]), 0};
    case COP_CUDA_DTYPE_BFLOAT16:
        return {WIDE_FLOAT,
                widen_float(static_cast<uint32_t>(static_cast<const uint16_t *>(src)[at]) << 16),
                0};
    case COP_CUDA_DTYPE_INT8:
        return widen_whole<int8_t>(src, at);
    case COP_CUDA_DTYPE_UINT8:
        return widen_whole<uint8_t>(src, at);
    case COP_CUDA_DTYPE_INT16:
        return widen_whole<int16_t>(src, at);
    case COP_CUDA_DTYPE_UINT16:
        return widen_whole<uint16_t>(src, at);
    case COP_CUDA_DTYPE_INT32:
        return widen_whole<int32_t>(src, at);
    case COP_CUDA_DTYPE_UINT32:
        return widen_whole<uint32_t>(src, at);
    case COP_CUDA_DTYPE_INT64:
        return widen_whole<int64_t>(src, at);
    case COP_CUDA_DTYPE_UINT64:
        return {WIDE_UNSIGNED, 0, static_cast<const uint64_t *>(src)[at]};
    default: /* BOOL */
        return {WIDE_SIGNED, 0, static_cast<const uint8_t *>(src)[at] != 0 ? UINT64_C(1) : 0};
    }
}

__device__ inline double as_real(const wide &x)
{
    return x.kind == WIDE_FLOAT    ? x.real
           : x.kind == WIDE_SIGNED ? static_cast<double>(static_cast<int64_t>(x.whole))
                                   : static_cast<double>(x.whole);
}

/* Rounded once, from an integer too. */
__device__ inline uint32_t as_float_bits(const wide &x)
{
    return x.kind == WIDE_FLOAT ? narrow_float(x.real)
           : x.kind == WIDE_SIGNED
               ? __float_as_uint(static_cast<float>(static_cast<int64_t>(x.whole)))
               : __float_as_uint(static_cast<float>(x.whole));
}

/* Truncated into least … beyond − 1; `beyond` is the first number that is too large. */
__device__ inline uint64_t saturate(double x, int64_t least, double beyond)
{
    if (x != x)
        return 0;
    if (x <= static_cast<double>(least))
        return static_cast<uint64_t>(least);
    if (x >= beyond)
        return beyond == 0x1p63 ? static_cast<uint64_t>(INT64_MAX)
                                : static_cast<uint64_t>(beyond) - 1;
    return static_cast<uint64_t>(static_cast<int64_t>(x));
}

__device__ inline uint64_t saturate_unsigned(double x)
{
    return !(x > 0) ? 0 : x >= 0x1p64 ? UINT64_MAX : static_cast<uint64_t>(x);
}

/* Between integers high bits are dropped. */
template <typename T>
__device__ inline void narrow_whole(const wide &x, int64_t least, double beyond, void *dst,
                                    int64_t at)
{
    const uint64_t whole = x.kind == WIDE_FLOAT ? saturate(x.real, least, beyond) : x.whole;
    static_cast<T *>(dst)[at] = static_cast<T>(whole);
}

__device__ inline void narrow(int dtype, const wide &x, void *dst, int64_t at)
{
    switch (dtype) {
    case COP_CUDA_DTYPE_FLOAT32:
        static_cast<uint32_t *>(dst)[at] = as_float_bits(x);
        break;
    case COP_CUDA_DTYPE_FLOAT64:
        static_cast<double *>(dst)[at] = as_real(x);
        break;
    case COP_CUDA_DTYPE_FLOAT16:
        static_cast<uint16_t *>(dst)[at] = narrow_16(as_real(x), 10);
        break;
    case COP_CUDA_DTYPE_BFLOAT16:
        static_cast<uint16_t *>(dst)[at] = narrow_16(as_real(x), 7);
        break;
    case COP_CUDA_DTYPE_INT8:
        narrow_whole<int8_t>(x, INT8_MIN, 0x1p7, dst, at);
        break;
    case COP_CUDA_DTYPE_UINT8:
        narrow_whole<uint8_t>(x, 0, 0x1p8, dst, at);
        break;
    case COP_CUDA_DTYPE_INT16:
        narrow_whole<int16_t>(x, INT16_MIN, 0x1p15, dst, at);
        break;
    case COP_CUDA_DTYPE_UINT16:
        narrow_whole<uint16_t>(x, 0, 0x1p16, dst, at);
        break;
    case COP_CUDA_DTYPE_INT32:
        narrow_whole<int32_t>(x, INT32_MIN, 0x1p31, dst, at);
        break;
    case COP_CUDA_DTYPE_UINT32:
        narrow_whole<uint32_t>(x, 0, 0x1p32, dst, at);
        break;
    case COP_CUDA_DTYPE_INT64:
        narrow_whole<int64_t>(x, INT64_MIN, 0x1p63, dst, at);
        break;
    case COP_CUDA_DTYPE_UINT64:
        static_cast<uint64_t *>(dst)[at] =
            x.kind == WIDE_FLOAT ? saturate_unsigned(x.real) : x.whole;
        break;
    default: /* BOOL */
        static_cast<uint8_t *>(dst)[at] = x.kind == WIDE_FLOAT ? x.real != 0 : x.whole != 0;
        break;
    }
}

__global__ void cast_kernel(int from, int to, int64_t count, const void *src, void *dst)
{
    const int64_t at = thread_position();
    if (at < count)
        narrow(to, widen(from, src, at), dst, at);
}

/* 0: no such type */
static int find_bytes(int dtype)
{
    static const char bytes[] = {0, 4, 8, 2, 2, 1, 1, 2, 2, 4, 4, 8, 8, 1};
    return dtype > 0 && dtype < static_cast<int>(sizeof bytes) ? bytes[dtype] : 0;
}

} // namespace cop

cudaError_t cop_cuda_cast(const struct cop_cuda_cast *self, const void *src, void *dst,
                          cudaStream_t stream)
{
    unsigned blocks;
    if (cop::find_bytes(self->from) == 0 || cop::find_bytes(self->to) == 0 || self->count < 0 ||
        !cop::count_blocks(self->count, THREADS, &blocks))
        return cudaErrorInvalidValue;
    if (self->count == 0)
        return cudaSuccess;
    if (self->from == self->to && self->from != COP_CUDA_DTYPE_BOOL) {
        if (src == dst)
            return cudaSuccess;
        struct cop_cuda_copy copy = {};
        copy.element_bytes = cop::find_bytes(self->from);
        copy.rank = 1;
        copy.dims[0] = self->count;
        copy.src_strides[0] = copy.dst_strides[0] = 1;
        return cop_cuda_copy(&copy, src, dst, stream);
    }
    return COP_LAUNCH(cop::cast_kernel, blocks, THREADS, 0, stream, self->from, self->to,
                      self->count, src, dst);
}
