// SPDX-License-Identifier: Apache-2.0
/* Numbers as they lie in memory, and as float. */
#ifndef TEST_CUDA_FAKE_LIBRARIES_ELEMENTS_H
#define TEST_CUDA_FAKE_LIBRARIES_ELEMENTS_H

#include <cmath>
#include <cstdint>
#include <cstring>

namespace cop::fake_library
{

enum class element { f32, f16, bf16 };

inline size_t bytes_of(element type)
{
    return type == element::f32 ? 4 : 2;
}

inline uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To the nearest, ties to even, of the numbers whose last `dropped` bits are 0. */
inline uint32_t round_bits(uint32_t bits, int dropped)
{
    const uint32_t half = 1U << (dropped - 1), last = bits >> dropped & 1;
    return (bits + half - 1 + last) >> dropped << dropped;
}

inline float round_to_tf32(float value)
{
    return std::isfinite(value) ? of_bits(round_bits(bits_of(value), 13)) : value;
}

inline uint16_t to_bf16(float value)
{
    if (std::isnan(value))
        return 0x7fff;
    return static_cast<uint16_t>(round_bits(bits_of(value), 16) >> 16);
}

inline uint16_t to_f16(float value)
{
    const uint16_t sign = static_cast<uint16_t>(bits_of(value) >> 16 & 0x8000);
    const float size = std::fabs(value);
    if (std::isnan(value))
        return 0x7fff;
    if (size >= 65520.0F)
        return sign | 0x7c00;
    if (size < 0x1p-14F) /* multiples of 2^-24, of which 1024 is the first normal number */
        return sign | static_cast<uint16_t>(std::nearbyint(size * 0x1p24F));
    const uint32_t rounded = round_bits(bits_of(size), 13);
    return sign | static_cast<uint16_t>((rounded >> 13) - ((127 - 15) << 10));
}

inline float from_f16(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float size = exponent == 31 ? (fraction != 0 ? NAN : INFINITY)
                       : exponent == 0
                           ? std::ldexp(static_cast<float>(fraction), -24)
                           : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
    return (bits & 0x8000) != 0 ? -size : size;
}

inline float load(element type, const void *from, int64_t index)
{
    if (type == element::f32)
        return static_cast<const float *>(from)[index];
    const uint16_t bits = static_cast<const uint16_t *>(from)[index];
    return type == element::f16 ? from_f16(bits) : of_bits(uint32_t{bits} << 16);
}

inline void store(element type, void *to, int64_t index, float value)
{
    if (type == element::f32)
        static_cast<float *>(to)[index] = value;
    else
        static_cast<uint16_t *>(to)[index] = type == element::f16 ? to_f16(value) : to_bf16(value);
}

inline float gelu_tanh(float x)
{
    return 0.5F * x * (1 + std::tanh(0.7978845608F * (x + 0.044715F * x * x * x)));
}

} // namespace cop::fake_library

#endif
