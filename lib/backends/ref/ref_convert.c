// SPDX-License-Identifier: Apache-2.0
#include "backends/ref/ref_convert.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Elements are widened to one of three types in pieces of this many, then narrowed. */
#define PIECE 256

enum wide_kind { WIDE_FLOAT, WIDE_SIGNED, WIDE_UNSIGNED };

struct wide {
    enum wide_kind kind;
    union {
        double as_double[PIECE];
        int64_t as_signed[PIECE];
        uint64_t as_unsigned[PIECE];
    } elements;
};

/* Sources of both layouts: IEEE 754-2008 for binary16; bfloat16 is the upper half of binary32. */
static double widen_float16(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    double value = fraction * 0x1p-24;
    if (exponent == 31) {
        value = fraction == 0 ? (double)INFINITY : (double)NAN;
    } else if (exponent > 0) {
        const uint64_t bits = (uint64_t)(exponent - 15 + 1023) << 52 | (uint64_t)fraction << 42;
        memcpy(&value, &bits, sizeof value);
    }
    return half >> 15 != 0 ? -value : value;
}

static double widen_bfloat16(uint16_t upper)
{
    const uint32_t bits = (uint32_t)upper << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The nearest number of a 16-bit format with this many bits of fraction, ties to even. */
static uint16_t narrow_double(double value, int fraction_bits)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int exponent_bits = 15 - fraction_bits, largest = (1 << exponent_bits) - 1;
    const uint16_t sign = (uint16_t)(bits >> 48 & 0x8000);
    const uint16_t infinity = (uint16_t)(largest << fraction_bits);
    const uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    const int biased = (int)(bits >> 52 & 2047);
    if (biased == 2047 && fraction != 0)
        return (uint16_t)(sign | infinity | 1u << (fraction_bits - 1));
    const int exponent = biased - 1023 + largest / 2;
    if (exponent >= largest)
        return sign | infinity;
    int shift = 52 - fraction_bits;
    uint64_t significand = fraction | (uint64_t)(exponent > 0 ? exponent : 1) << 52;
    if (exponent <= 0) { /* subnormal in the small format */
        shift += 1 - exponent;
        significand = biased == 0 ? 0 : fraction | UINT64_C(1) << 52;
    }
    if (shift > 54)
        return sign;
    const uint64_t rest = significand & ((UINT64_C(1) << shift) - 1);
    const uint64_t half = UINT64_C(1) << (shift - 1);
    uint64_t rounded = significand >> shift;
    rounded += rest > half || (rest == half && (rounded & 1) != 0);
    return (uint16_t)(sign | rounded); /* a carry ends in the exponent, and there in infinity */
}

#define WIDEN(dtype, type, wide_kind_value, member, expression)                                    \
    case COP_DTYPE_##dtype:                                                                        \
        wide->kind = wide_kind_value;                                                              \
        for (int i = 0; i < count; i++) {                                                          \
            type element;                                                                          \
            memcpy(&element, src + (size_t)i * sizeof element, sizeof element);                    \
            wide->elements.member[i] = expression;                                                 \
        }                                                                                          \
        break;

static void widen(cop_dtype dtype, const unsigned char *src, int count, struct wide *wide)
{
    switch (dtype) {
        WIDEN(FLOAT32, float, WIDE_FLOAT, as_double, (double)element)
        WIDEN(FLOAT64, double, WIDE_FLOAT, as_double, element)
        WIDEN(FLOAT16, uint16_t, WIDE_FLOAT, as_double, widen_float16(element))
        WIDEN(BFLOAT16, uint16_t, WIDE_FLOAT, as_double, widen_bfloat16(element))
        WIDEN(INT8, int8_t, WIDE_SIGNED, as_signed, element)
        WIDEN(UINT8, uint8_t, WIDE_SIGNED, as_signed, element)
        WIDEN(INT16, int16_t, WIDE_SIGNED, as_signed, element)
        WIDEN(UINT16, uint16_t, WIDE_SIGNED, as_signed, element)
        WIDEN(INT32, int32_t, WIDE_SIGNED, as_signed, element)
        WIDEN(UINT32, uint32_t, WIDE_SIGNED, as_signed, element)
        WIDEN(INT64, int64_t, WIDE_SIGNED, as_signed, element)
        WIDEN(UINT64, uint64_t, WIDE_UNSIGNED, as_unsigned, element)
        WIDEN(BOOL, uint8_t, WIDE_SIGNED, as_signed, element != 0)
    case COP_DTYPE_UNKNOWN:
        break;
    }
}

/* Truncates into least … beyond − 1; `beyond` is the first number that is too large. */
static int64_t saturate(double value, int64_t least, double beyond)
{
    if (isnan(value))
        return 0;
    if (value <= (double)least)
        return least;
    if (value >= beyond)
        return beyond == 0x1p63 ? INT64_MAX : (int64_t)beyond - 1;
    return (int64_t)value;
}

static uint64_t saturate_unsigned(double value)
{
    return !(value > 0) ? 0 : value >= 0x1p64 ? UINT64_MAX : (uint64_t)value;
}

#define NARROW_FROM(wide_type, member, type, expression)                                           \
    for (int i = 0; i < count; i++) {                                                              \
        const wide_type value = wide->elements.member[i];                                          \
        const type element = (type)(expression);                                                   \
        memcpy(dst + (size_t)i * sizeof element, &element, sizeof element);                        \
    }

/* To an integer: saturating from floating point, dropping high bits otherwise. */
#define NARROW_INTEGER(dtype, type, least, beyond)                                                 \
    case COP_DTYPE_##dtype:                                                                        \
        if (wide->kind == WIDE_FLOAT)                                                              \
            NARROW_FROM(double, as_double, type, saturate(value, least, beyond))                   \
        else                                                                                       \
            NARROW_FROM(uint64_t, as_unsigned, type, value)                                        \
        break;

#define NARROW(dtype, type, from_double, from_signed, from_unsigned)                               \
    case COP_DTYPE_##dtype:                                                                        \
        if (wide->kind == WIDE_FLOAT)                                                              \
            NARROW_FROM(double, as_double, type, from_double)                                      \
        else if (wide->kind == WIDE_SIGNED)                                                        \
            NARROW_FROM(int64_t, as_signed, type, from_signed)                                     \
        else                                                                                       \
            NARROW_FROM(uint64_t, as_unsigned, type, from_unsigned)                                \
        break;

static void narrow(cop_dtype dtype, const struct wide *wide, int count, unsigned char *dst)
{
    switch (dtype) {
        NARROW(FLOAT32, float, value, value, value)
        NARROW(FLOAT64, double, value, value, value)
        NARROW(FLOAT16, uint16_t, narrow_double(value, 10), narrow_double((double)value, 10),
               narrow_double((double)value, 10))
        NARROW(BFLOAT16, uint16_t, narrow_double(value, 7), narrow_double((double)value, 7),
               narrow_double((double)value, 7))
        NARROW_INTEGER(INT8, int8_t, INT8_MIN, 0x1p7)
        NARROW_INTEGER(UINT8, uint8_t, 0, 0x1p8)
        NARROW_INTEGER(INT16, int16_t, INT16_MIN, 0x1p15)
        NARROW_INTEGER(UINT16, uint16_t, 0, 0x1p16)
        NARROW_INTEGER(INT32, int32_t, INT32_MIN, 0x1p31)
        NARROW_INTEGER(UINT32, uint32_t, 0, 0x1p32)
        NARROW_INTEGER(INT64, int64_t, INT64_MIN, 0x1p63)
        NARROW(UINT64, uint64_t, saturate_unsigned(value), value, value)
        NARROW(BOOL, uint8_t, value != 0, value != 0, value != 0)
    case COP_DTYPE_UNKNOWN:
        break;
    }
}

void cop_ref_convert(cop_dtype from, const void *src, cop_dtype to, void *dst, int64_t count)
{
    const size_t from_bytes = cop_dtype_bytes(from), to_bytes = cop_dtype_bytes(to);
    if (from == to && from != COP_DTYPE_BOOL) {
        if (src != dst && count > 0)
            memcpy(dst, src, (size_t)count * from_bytes);
        return;
    }
    for (int64_t at = 0; at < count; at += PIECE) {
        const int piece = count - at < PIECE ? (int)(count - at) : PIECE;
        struct wide wide;
        wide.kind = WIDE_SIGNED;
        widen(from, (const unsigned char *)src + (size_t)at * from_bytes, piece, &wide);
        narrow(to, &wide, piece, (unsigned char *)dst + (size_t)at * to_bytes);
    }
}
