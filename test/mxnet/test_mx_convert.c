// SPDX-License-Identifier: Apache-2.0
/* Elements of one type to another, the 16-bit ones against a search for the nearest number. */
#include <math.h>

#include "backends/ref/ref_convert.h"
#include "model/mxnet/params.h"
#include "mxnet/array/mx_convert.h"
#include "mxnet/base/mx_dtype.h"
#include "mxnet/mx_arrays.h"
#include "support/dice.h"

static float to_float(int type, uint16_t bits)
{
    float value;
    cop_mx_convert(&bits, type, &value, MX_FLOAT32, 1);
    return value;
}

static uint16_t from_double(int type, double value)
{
    uint16_t bits;
    cop_mx_convert(&value, MX_FLOAT64, &bits, type, 1);
    return bits;
}

static void check_sixteen_bits(int type, uint16_t infinity)
{
    for (unsigned bits = 0; bits < infinity; bits++) {
        const double here = (double)to_float(type, (uint16_t)bits);
        const double above = bits + 1 == infinity
                                 ? here + (here - (double)to_float(type, (uint16_t)(bits - 1)))
                                 : (double)to_float(type, (uint16_t)(bits + 1));
        const double middle = here / 2 + above / 2;
        const unsigned even = bits % 2 == 0 ? bits : bits + 1;
        ck_assert_uint_eq(from_double(type, here), bits);
        ck_assert_uint_eq(from_double(type, -here), bits | 0x8000);
        ck_assert_uint_eq(from_double(type, middle), even);
        ck_assert_uint_eq(from_double(type, nextafter(middle, 0)), bits);
        ck_assert_uint_eq(from_double(type, nextafter(middle, INFINITY)), bits + 1);
    }
    ck_assert_uint_eq(from_double(type, (double)INFINITY), infinity);
    ck_assert_uint_eq(from_double(type, 1e300), infinity);
    ck_assert_uint_eq(from_double(type, -1e300), infinity | 0x8000);
    ck_assert(isinf(to_float(type, infinity)));
    ck_assert(isnan(to_float(type, from_double(type, (double)NAN))));
    ck_assert(signbit(to_float(type, 0x8000)));
}

START_TEST(every_half_goes_there_and_back_and_ties_go_to_even)
{
    check_sixteen_bits(MX_FLOAT16, 0x7c00);
}
END_TEST

START_TEST(every_bfloat_goes_there_and_back_and_ties_go_to_even)
{
    check_sixteen_bits(MX_BFLOAT16, 0x7f80);
}
END_TEST

static size_t bytes_of(int type)
{
    return cop_dtype_bytes(cop_mxnet_dtype(type));
}

/* Numbers that are hard for somebody, and random ones. */
static void fill(int type, unsigned char *bytes, size_t count)
{
    static const double hard[] = {0,    -0.0, 1,      -1,     1.5,     -2.5,    127,     128,
                                  255,  256,  300,    -129,   32768,   65535,   65536,   1e9,
                                  -1e9, 4e9,  5e9,    9e18,   2e19,    -1e19,   1e-8,    65520,
                                  3e38, 1e39, 0x1p53, 0x1p63, -0x1p63, 0.49999, 65519.9, 1e-45};
    struct worker worker = {.seed = (unsigned)type + 1};
    for (size_t i = 0; i < count; i++) {
        if (i < sizeof hard / sizeof hard[0])
            cop_ref_convert(COP_DTYPE_FLOAT64, &hard[i], cop_mxnet_dtype(type),
                            bytes + i * bytes_of(type), 1);
        else
            for (size_t k = 0; k < bytes_of(type); k++)
                bytes[i * bytes_of(type) + k] = (unsigned char)dice(&worker, 256);
    }
}

static bool is_nan(int type, const void *element)
{
    float value;
    cop_mx_convert(element, type, &value, MX_FLOAT32, 1);
    return isnan(value);
}

START_TEST(all_types_convert_as_the_operator_cast_does)
{
    enum { COUNT = 1000 };
    static unsigned char src[COUNT * 8], ours[COUNT * 8], theirs[COUNT * 8];
    for (int from = 0; from < MX_TYPE_COUNT; from++) {
        fill(from, src, COUNT);
        for (int to = 0; to < MX_TYPE_COUNT; to++) {
            if (from == to)
                continue; /* as it is, also a bool that is 2 */
            cop_mx_convert(src, from, ours, to, COUNT);
            cop_ref_convert(cop_mxnet_dtype(from), src, cop_mxnet_dtype(to), theirs, COUNT);
            for (size_t i = 0; i < COUNT; i++) {
                const void *a = ours + i * bytes_of(to), *b = theirs + i * bytes_of(to);
                if (memcmp(a, b, bytes_of(to)) != 0 && !(is_nan(to, a) && is_nan(to, b)))
                    ck_abort_msg("element %zu of %s to %s differs", i, cop_mx_type_name(from),
                                 cop_mx_type_name(to));
            }
        }
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("mx_convert", every_half_goes_there_and_back_and_ties_go_to_even,
                     every_bfloat_goes_there_and_back_and_ties_go_to_even,
                     all_types_convert_as_the_operator_cast_does);
}
