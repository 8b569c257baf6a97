// SPDX-License-Identifier: Apache-2.0
#include "mxnet/array/mx_convert.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "model/mxnet/params.h"
#include "mxnet/base/mx_dtype.h"

/* A number between the two types: integers stay exact. */
struct number {
    enum { NUMBER_REAL, NUMBER_SIGNED, NUMBER_UNSIGNED } kind;
    double real;
    int64_t whole;
    uint64_t natural;
};

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float half_to_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31;
    const uint32_t mantissa = half & 1023;
    if (exponent == 0)
        return (sign ? -1.0F : 1.0F) * (float)mantissa * 0x1p-24F;
    return float_of(sign | (exponent == 31 ? 255U : exponent + 112) << 23 | mantissa << 13);
}

/* Rounds a double once: by way of float it would be rounded twice. */
static uint16_t double_to_half(double value)
{
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    const double size = fabs(value);
    int exponent;
    if (isnan(value))
        return sign | 0x7e00;
    if (size >= 65520)
        return sign | 0x7c00;
    if (size < 0x1p-14) /* fixed point, and the carry makes the smallest normal number */
        return sign | (uint16_t)nearbyint(size * 0x1p24);
    frexp(size, &exponent); /* size = m · 2^exponent, 0.5 <= m < 1 */
    const double mantissa = nearbyint(ldexp(size, 11 - exponent)); /* 1024 to 2048 */
    return sign | (uint16_t)((exponent + 13) * 1024 + (int)mantissa);
}

static uint16_t double_to_bfloat(double value)
{
    /* To float with the last bit sticky, so that the second rounding sees what the first left out.
     */
    float nearest = (float)value;
    if (isnan(value))
        return (uint16_t)(bits_of(nearest) >> 16 | 64);
    uint32_t bits = bits_of(nearest);
    if ((double)nearest != value && isfinite(nearest)) {
        if (fabs((double)nearest) > fabs(value))
            bits--;
        bits |= 1;
    }
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static struct number real(double value)
{
    return (struct number){.kind = NUMBER_REAL, .real = value};
}

static struct number whole(int64_t value)
{
    return (struct number){.kind = NUMBER_SIGNED, .whole = value};
}

static struct number natural(uint64_t value)
{
    return (struct number){.kind = NUMBER_UNSIGNED, .natural = value};
}

#define AT(type) (((const type *)src)[i])
static struct number load(const void *src, int type, size_t i)
{
    switch ((enum mx_type_flag)type) {
    case MX_FLOAT32:
        return real((double)AT(float));
    case MX_FLOAT64:
        return real(AT(double));
    case MX_FLOAT16:
        return real((double)half_to_float(AT(uint16_t)));
    case MX_BFLOAT16:
        return real((double)float_of((uint32_t)AT(uint16_t) << 16));
    case MX_UINT8:
        return natural(AT(uint8_t));
    case MX_BOOL:
        return natural(AT(uint8_t) != 0);
    case MX_INT8:
        return whole(AT(int8_t));
    case MX_INT16:
        return whole(AT(int16_t));
    case MX_INT32:
        return whole(AT(int32_t));
    case MX_INT64:
        return whole(AT(int64_t));
    case MX_UINT16:
        return natural(AT(uint16_t));
    case MX_UINT32:
        return natural(AT(uint32_t));
    case MX_UINT64:
        return natural(AT(uint64_t));
    default:
        return real(0);
    }
}
#undef AT

static double as_real(struct number number)
{
    if (number.kind == NUMBER_REAL)
        return number.real;
    return number.kind == NUMBER_SIGNED ? (double)number.whole : (double)number.natural;
}

/* Of integers the caller drops what does not fit, as C does. */
static int64_t as_whole(struct number number, int64_t least, int64_t most)
{
    if (number.kind == NUMBER_UNSIGNED)
        return (int64_t)number.natural;
    if (number.kind == NUMBER_SIGNED)
        return number.whole;
    if (isnan(number.real))
        return 0;
    return number.real <= (double)least  ? least
           : number.real >= (double)most ? most
                                         : (int64_t)number.real;
}

static uint64_t as_natural(struct number number, uint64_t most)
{
    if (number.kind == NUMBER_UNSIGNED)
        return number.natural;
    if (number.kind == NUMBER_SIGNED)
        return (uint64_t)number.whole;
    if (!(number.real > 0)) /* NaN, too */
        return 0;
    return number.real >= (double)most ? most : (uint64_t)number.real;
}

/* Rounds once also from 64-bit integers: those convert to float directly. */
static float as_float(struct number number)
{
    if (number.kind == NUMBER_REAL)
        return (float)number.real;
    return number.kind == NUMBER_SIGNED ? (float)number.whole : (float)number.natural;
}

#define AT(type) (((type *)dst)[i])
static void store(struct number number, void *dst, int type, size_t i)
{
    switch ((enum mx_type_flag)type) {
    case MX_FLOAT32:
        AT(float) = as_float(number);
        break;
    case MX_FLOAT64:
        AT(double) = as_real(number);
        break;
    case MX_FLOAT16:
        AT(uint16_t) = double_to_half(as_real(number));
        break;
    case MX_BFLOAT16:
        AT(uint16_t) = double_to_bfloat(as_real(number));
        break;
    case MX_BOOL:
        AT(uint8_t) = as_real(number) != 0;
        break;
    case MX_UINT8:
        AT(uint8_t) = (uint8_t)as_natural(number, UINT8_MAX);
        break;
    case MX_INT8:
        AT(int8_t) = (int8_t)as_whole(number, INT8_MIN, INT8_MAX);
        break;
    case MX_INT16:
        AT(int16_t) = (int16_t)as_whole(number, INT16_MIN, INT16_MAX);
        break;
    case MX_INT32:
        AT(int32_t) = (int32_t)as_whole(number, INT32_MIN, INT32_MAX);
        break;
    case MX_INT64:
        AT(int64_t) = as_whole(number, INT64_MIN, INT64_MAX);
        break;
    case MX_UINT16:
        AT(uint16_t) = (uint16_t)as_natural(number, UINT16_MAX);
        break;
    case MX_UINT32:
        AT(uint32_t) = (uint32_t)as_natural(number, UINT32_MAX);
        break;
    case MX_UINT64:
        AT(uint64_t) = as_natural(number, UINT64_MAX);
        break;
    default:
        break;
    }
}
#undef AT

void cop_mx_convert(const void *src, int src_type, void *dst, int dst_type, size_t count)
{
    if (src_type == dst_type) {
        memcpy(dst, src, count * cop_dtype_bytes(cop_mxnet_dtype(src_type)));
        return;
    }
    for (size_t i = 0; i < count; i++)
        store(load(src, src_type, i), dst, dst_type, i);
}
