// SPDX-License-Identifier: Apache-2.0
#include "image/half.h"

#include <math.h>
#include <string.h>

uint16_t half_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    float size = fabsf(value);
    if (isnan(value))
        return sign | 0x7e00;
    if (size >= 65520.0f) /* half way behind the largest finite one */
        return sign | 0x7c00;
    /* Subnormal halves are multiples of 2^-24; rintf rounds ties to even. */
    if (size < 0x1p-14f)
        return sign | (uint16_t)rintf(size * 0x1p24f);
    bits &= 0x7fffffff;
    bits += 0xfff + (bits >> 13 & 1); /* rounds the 13 bits that go; may carry into the exponent */
    return sign | (uint16_t)((bits >> 13) - (112 << 10));
}

float half_to_float(uint16_t half)
{
    uint32_t exponent = half >> 10 & 31, fraction = half & 0x3ff;
    float size;
    if (exponent == 31)
        size = fraction ? NAN : INFINITY;
    else if (exponent == 0)
        size = (float)fraction * 0x1p-24f;
    else
        size = ldexpf((float)(fraction | 0x400), (int)exponent - 25);
    return half & 0x8000 ? -size : size;
}
