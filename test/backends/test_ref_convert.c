// SPDX-License-Identifier: Apache-2.0
/* Conversions between element types. */
#include <math.h>
#include <string.h>

#include "backends/ref/ref_convert.h"
#include "support/arrays.h"
#include "support/unit.h"

static double converted(cop_dtype from, const void *src, cop_dtype to)
{
    unsigned char element[8] = {0};
    double value;
    cop_ref_convert(from, src, to, element, 1);
    cop_ref_convert(to, element, COP_DTYPE_FLOAT64, &value, 1);
    return value;
}

static double from_double(double value, cop_dtype to)
{
    return converted(COP_DTYPE_FLOAT64, &value, to);
}

static double from_int64(int64_t value, cop_dtype to)
{
    return converted(COP_DTYPE_INT64, &value, to);
}

START_TEST(every_half_survives_the_way_through_wider_types)
{
    for (unsigned bits = 0; bits < 65536; bits++) {
        const uint16_t half = (uint16_t)bits;
        float single;
        double wide;
        uint16_t back, again;
        cop_ref_convert(COP_DTYPE_FLOAT16, &half, COP_DTYPE_FLOAT32, &single, 1);
        cop_ref_convert(COP_DTYPE_FLOAT16, &half, COP_DTYPE_FLOAT64, &wide, 1);
        cop_ref_convert(COP_DTYPE_FLOAT32, &single, COP_DTYPE_FLOAT16, &back, 1);
        cop_ref_convert(COP_DTYPE_FLOAT64, &wide, COP_DTYPE_FLOAT16, &again, 1);
        if ((bits & 0x7fff) > 0x7c00) {
            ck_assert(isnan(single) && isnan(wide) && (back & 0x7fff) > 0x7c00);
            continue;
        }
        ck_assert_uint_eq(back, half);
        ck_assert_uint_eq(again, half);
        ck_assert(single == (float)wide);
    }
}
END_TEST

/* By the definition: the nearest of the two neighbours, ties to the even one. */
START_TEST(halves_are_rounded_to_the_nearest_even)
{
    for (unsigned bits = 0; bits < 0x7bff; bits++) {
        const uint16_t low = (uint16_t)bits, high = (uint16_t)(bits + 1);
        double below, above;
        uint16_t rounded;
        cop_ref_convert(COP_DTYPE_FLOAT16, &low, COP_DTYPE_FLOAT64, &below, 1);
        cop_ref_convert(COP_DTYPE_FLOAT16, &high, COP_DTYPE_FLOAT64, &above, 1);
        const double middle = (below + above) / 2;
        const double trials[] = {middle, nextafter(middle, 0), nextafter(middle, 1e9), -middle};
        const uint16_t expected[] = {bits % 2 == 0 ? low : high, low, high,
                                     (uint16_t)((bits % 2 == 0 ? low : high) | 0x8000)};
        for (int i = 0; i < 4; i++) {
            cop_ref_convert(COP_DTYPE_FLOAT64, &trials[i], COP_DTYPE_FLOAT16, &rounded, 1);
            ck_assert_uint_eq(rounded, expected[i]);
        }
    }
    ck_assert(from_double(65519.99, COP_DTYPE_FLOAT16) == 65504);
    ck_assert(isinf(from_double(65520, COP_DTYPE_FLOAT16)));
    ck_assert(from_double(0x1p-25, COP_DTYPE_FLOAT16) == 0);
    ck_assert(from_double(0x1.8p-25, COP_DTYPE_FLOAT16) == 0x1p-24);
    ck_assert(from_double(0x1p-1000, COP_DTYPE_FLOAT16) == 0);
}
END_TEST

START_TEST(bfloat16_is_the_rounded_upper_half_of_float32)
{
    uint64_t state = 1;
    for (int i = 0; i < 100000; i++) {
        const uint32_t bits = (uint32_t)next_random(&state);
        float value;
        uint16_t upper;
        memcpy(&value, &bits, sizeof value);
        cop_ref_convert(COP_DTYPE_FLOAT32, &value, COP_DTYPE_BFLOAT16, &upper, 1);
        if (isnan(value)) {
            ck_assert((upper & 0x7fff) > 0x7f80);
            continue;
        }
        const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
        ck_assert_uint_eq(upper, rounded);
    }
}
END_TEST

START_TEST(floating_point_saturates_to_integers)
{
    ck_assert(from_double(-1.9, COP_DTYPE_INT32) == -1);
    ck_assert(from_double(1.9, COP_DTYPE_UINT8) == 1);
    ck_assert(from_double(-0.9, COP_DTYPE_UINT8) == 0);
    ck_assert(from_double(-5, COP_DTYPE_UINT64) == 0);
    ck_assert(from_double(300, COP_DTYPE_UINT8) == 255);
    ck_assert(from_double(1e30, COP_DTYPE_INT8) == 127);
    ck_assert(from_double(-INFINITY, COP_DTYPE_INT16) == -32768);
    ck_assert(from_double(2147483648.0, COP_DTYPE_INT32) == 2147483647.0);
    ck_assert(from_double(2147483647.0, COP_DTYPE_INT32) == 2147483647.0);
    for (cop_dtype dtype = COP_DTYPE_INT8; dtype <= COP_DTYPE_UINT64; dtype++)
        ck_assert(from_double(NAN, dtype) == 0);
    int64_t wide;
    uint64_t unsigned_wide;
    const double huge = 1e300;
    cop_ref_convert(COP_DTYPE_FLOAT64, &huge, COP_DTYPE_INT64, &wide, 1);
    cop_ref_convert(COP_DTYPE_FLOAT64, &huge, COP_DTYPE_UINT64, &unsigned_wide, 1);
    ck_assert(wide == INT64_MAX && unsigned_wide == UINT64_MAX);
}
END_TEST

START_TEST(integers_drop_their_high_bits)
{
    ck_assert(from_int64(200, COP_DTYPE_INT8) == -56);
    ck_assert(from_int64(-1, COP_DTYPE_UINT16) == 65535);
    ck_assert(from_int64(INT64_C(1) << 40, COP_DTYPE_INT32) == 0);
    ck_assert(from_int64(-1, COP_DTYPE_UINT64) == 0x1p64);
    ck_assert(from_int64(16777217, COP_DTYPE_FLOAT32) == 16777216);
    ck_assert(isinf(from_int64(70000, COP_DTYPE_FLOAT16)));
}
END_TEST

START_TEST(everything_but_zero_is_true)
{
    const unsigned char odd = 7;
    ck_assert(from_double(0.25, COP_DTYPE_BOOL) == 1);
    ck_assert(from_double(NAN, COP_DTYPE_BOOL) == 1);
    ck_assert(from_double(-0.0, COP_DTYPE_BOOL) == 0);
    ck_assert(from_int64(256, COP_DTYPE_BOOL) == 1);
    ck_assert(converted(COP_DTYPE_BOOL, &odd, COP_DTYPE_BOOL) == 1);
}
END_TEST

START_TEST(long_arrays_are_converted_whole_and_in_place)
{
    static int32_t in_place[1001];
    static float expected[1001];
    static double wide[1001];
    for (int i = 0; i < 1001; i++)
        expected[i] = (float)(in_place[i] = i * 3 - 7);
    cop_ref_convert(COP_DTYPE_INT32, in_place, COP_DTYPE_FLOAT64, wide, 1001);
    cop_ref_convert(COP_DTYPE_INT32, in_place, COP_DTYPE_FLOAT32, in_place, 1001);
    ck_assert_int_eq(memcmp(in_place, expected, sizeof expected), 0);
    for (int i = 0; i < 1001; i++)
        ck_assert(wide[i] == (double)expected[i]);
}
END_TEST

int main(void)
{
    return RUN_TESTS("conversions", every_half_survives_the_way_through_wider_types,
                     halves_are_rounded_to_the_nearest_even,
                     bfloat16_is_the_rounded_upper_half_of_float32,
                     floating_point_saturates_to_integers, integers_drop_their_high_bits,
                     everything_but_zero_is_true, long_arrays_are_converted_whole_and_in_place);
}
