// SPDX-License-Identifier: Apache-2.0
/* CUDA's vectors, bit casts and arithmetic functions that C++ lacks, and number formats to the bit
 * as the device converts them. */
#ifndef TEST_CUDA_EMULATION_HOST_MATH_H
#define TEST_CUDA_EMULATION_HOST_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

struct alignas(8) float2 {
    float x, y;
};
struct float3 {
    float x, y, z;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

inline float2 make_float2(float x, float y)
{
    return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}
inline int2 make_int2(int x, int y)
{
    return {x, y};
}
inline int4 make_int4(int x, int y, int z, int w)
{
    return {x, y, z, w};
}
inline uint2 make_uint2(unsigned x, unsigned y)
{
    return {x, y};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w)
{
    return {x, y, z, w};
}

inline uint32_t __float_as_uint(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
inline float __uint_as_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
inline int __float_as_int(float x)
{
    return static_cast<int>(__float_as_uint(x));
}
inline float __int_as_float(int bits)
{
    return __uint_as_float(static_cast<uint32_t>(bits));
}
inline unsigned __umulhi(unsigned a, unsigned b)
{
    return static_cast<unsigned>(uint64_t{a} * b >> 32);
}
inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
inline int __clz(int x)
{
    return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x));
}
inline int __ffs(int x)
{
    return __builtin_ffs(x);
}
inline float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}
template <typename T> inline T __ldg(const T *at)
{
    return *at;
}

#define COP_MIN_MAX(type)                                                                          \
    inline type min(type a, type b)                                                                \
    {                                                                                              \
        return b < a ? b : a;                                                                      \
    }                                                                                              \
    inline type max(type a, type b)                                                                \
    {                                                                                              \
        return a < b ? b : a;                                                                      \
    }
COP_MIN_MAX(int)
COP_MIN_MAX(unsigned)
COP_MIN_MAX(long)
COP_MIN_MAX(long long)
COP_MIN_MAX(unsigned long)
#undef COP_MIN_MAX

namespace cop
{

inline float to_float(half x)
{
    const uint32_t sign = uint32_t{x.bits} >> 15 << 31;
    const uint32_t exponent = x.bits >> 10 & 31, fraction = x.bits & 1023;
    if (exponent == 31)
        return __uint_as_float(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0)
        return (sign != 0 ? -1.0f : 1.0f) * ldexpf(static_cast<float>(fraction), -24);
    return __uint_as_float(sign | (exponent + 112) << 23 | fraction << 13);
}

inline half float_to_half(float x)
{
    const uint32_t bits = __float_as_uint(x), size = bits & 0x7fffffff;
    const uint32_t sign = bits >> 31 << 15;
    if (size > 0x7f800000)
        return {0x7fff};
    if (size >= 0x477ff000) /* 65520 and more round to infinity */
        return {static_cast<uint16_t>(sign | 0x7c00)};
    if (size < 0x38800000) /* below 2^-14: a multiple of 2^-24, which a sum with 2^-1 rounds to */
        return {static_cast<uint16_t>(
            sign | (__float_as_uint(__uint_as_float(size) + 0.5f) - 0x3f000000))};
    const uint32_t rounded = size + 0xfff + (size >> 13 & 1);
    return {static_cast<uint16_t>(sign | ((rounded >> 13) - (112 << 10)))};
}

inline float to_float(bfloat16 x)
{
    return __uint_as_float(uint32_t{x.bits} << 16);
}

inline bfloat16 float_to_bfloat16(float x)
{
    const uint32_t bits = __float_as_uint(x);
    if (x != x)
        return {0x7fff};
    return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

/* The nearest float with 10 bits of fraction, ties away from zero. */
inline uint32_t round_to_tf32(float x)
{
    const uint32_t bits = __float_as_uint(x);
    return ((bits & 0x7f800000) == 0x7f800000 ? bits : bits + 0x1000) & ~uint32_t{0x1fff};
}

} // namespace cop

#endif
