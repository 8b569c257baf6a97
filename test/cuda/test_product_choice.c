// SPDX-License-Identifier: Apache-2.0
/* Which kernel is chosen, and the arithmetic that stands for divisions. Host code only. */
#include <limits.h>
#include <string.h>

#include "convolution.h"
#include "matrix_product.h"
#include "support/unit.h"

static const struct cop_cuda_device devices[] = {
    {75, 40, 1590, 320}, {80, 108, 1410, 1555}, {86, 84, 1695, 936},
    {89, 58, 2040, 300}, {90, 132, 1755, 3350}, {90, 132, 1755, 4800},
};
enum { DEVICE_COUNT = sizeof devices / sizeof devices[0] };

static struct cop_cuda_convolution square(int math, int batch, int size, int ic, int oc, int kernel)
{
    return (struct cop_cuda_convolution){.math = (enum cop_cuda_math)math,
                                         .batch = batch,
                                         .ih = size,
                                         .iw = size,
                                         .oh = size,
                                         .ow = size,
                                         .groups = 1,
                                         .ic = ic,
                                         .oc = oc,
                                         .kh = kernel,
                                         .kw = kernel,
                                         .stride_h = 1,
                                         .stride_w = 1,
                                         .dilation_h = 1,
                                         .dilation_w = 1,
                                         .pad_top = kernel / 2,
                                         .pad_left = kernel / 2};
}

/* As a kernel divides. */
static int divide(int x, struct cop_cuda_divisor by)
{
    return by.multiplier == 0 ? x
                              : (int)(((uint64_t)(unsigned)x * by.multiplier >> 32) >> by.shift);
}

START_TEST(a_multiplication_divides_every_number_by_every_divisor)
{
    static const int samples[] = {0,       1,        2,       3,           5,      7,     48,
                                  49,      50,       1000,    12543,       12544,  65535, 65536,
                                  1 << 20, 16777215, 1 << 30, INT_MAX - 1, INT_MAX};
    const int count = sizeof samples / sizeof samples[0];
    for (int i = 0; i < count; i++)
        for (int divisor = 1; divisor < 4096; divisor++)
            ck_assert_int_eq(divide(samples[i], cop_cuda_divide_by(divisor)), samples[i] / divisor);
    for (int i = 1; i < count; i++) {
        const struct cop_cuda_divisor by = cop_cuda_divide_by(samples[i]);
        for (int j = 0; j < count; j++)
            ck_assert_int_eq(divide(samples[j], by), samples[j] / samples[i]);
        for (int x = 0; x < 1 << 30; x = x + x / 64 + 1)
            ck_assert_int_eq(divide(x, by), x / samples[i]);
    }
}
END_TEST

START_TEST(every_split_has_work_and_room_for_its_sums)
{
    static const int sizes[] = {1, 7, 14, 56}, channels[] = {3, 64, 512, 2048};
    for (int device = 0; device < DEVICE_COUNT; device++)
        for (int math = 0; math < COP_CUDA_MATH_COUNT; math++)
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++) {
                    const struct cop_cuda_convolution op =
                        square(math, 1 + i, sizes[i], channels[j], 60, 1 + j % 2 * 2);
                    struct cop_cuda_product_choice choice;
                    ck_assert(cop_cuda_convolution_choose(&op, &devices[device], &choice));
                    const struct cop_cuda_tile *tile = &cop_cuda_tiles[choice.tile];
                    const size_t row_bytes = cop_cuda_convolution_weights_bytes(&op) / 60;
                    const size_t piece_bytes = (size_t)tile->chunks * 16;
                    const int pieces = (int)((row_bytes + piece_bytes - 1) / piece_bytes);
                    const int each = (pieces + choice.splits - 1) / choice.splits;
                    ck_assert_int_lt(each * (choice.splits - 1), pieces);
                    const size_t sums = (size_t)(choice.splits > 1 ? choice.splits : 0);
                    ck_assert_uint_eq(choice.partial_bytes,
                                      sums * (size_t)(op.batch * op.oh * op.ow) * 64 * 4);
                    ck_assert_uint_eq(choice.workspace_bytes,
                                      choice.src_bytes + choice.partial_bytes);
                    ck_assert_int_gt(choice.estimated_ns, 0);
                }
}
END_TEST

START_TEST(the_same_convolution_on_the_same_device_is_chosen_the_same)
{
    const struct cop_cuda_convolution op = square(COP_CUDA_MATH_F16, 2, 14, 256, 256, 3);
    struct cop_cuda_product_choice first, second;
    memset(&first, 1, sizeof first);
    memset(&second, 2, sizeof second);
    ck_assert(cop_cuda_convolution_choose(&op, &devices[4], &first));
    ck_assert(cop_cuda_convolution_choose(&op, &devices[4], &second));
    ck_assert_mem_eq(&first, &second, sizeof first);
}
END_TEST

START_TEST(small_pictures_are_split_and_large_batches_are_not)
{
    struct cop_cuda_product_choice small, large;
    const struct cop_cuda_convolution one = square(COP_CUDA_MATH_F16, 1, 7, 512, 512, 3);
    const struct cop_cuda_convolution many = square(COP_CUDA_MATH_F16, 64, 56, 256, 256, 3);
    ck_assert(cop_cuda_convolution_choose(&one, &devices[4], &small));
    ck_assert(cop_cuda_convolution_choose(&many, &devices[4], &large));
    ck_assert_int_gt(small.splits, 2);
    ck_assert_int_eq(large.splits, 1);
    ck_assert_int_eq(cop_cuda_tiles[large.tile].columns, 128);
    ck_assert_int_gt(large.estimated_ns, small.estimated_ns);
}
END_TEST

START_TEST(more_mathematics_takes_longer_and_exact_floats_longest)
{
    int64_t last = 0;
    static const int order[] = {COP_CUDA_MATH_F16, COP_CUDA_MATH_TF32, COP_CUDA_MATH_EXACT};
    for (int i = 0; i < 3; i++) {
        struct cop_cuda_product_choice choice;
        const struct cop_cuda_convolution op = square(order[i], 32, 28, 256, 256, 3);
        ck_assert(cop_cuda_convolution_choose(&op, &devices[1], &choice));
        ck_assert_int_gt(choice.estimated_ns, last);
        last = choice.estimated_ns;
    }
}
END_TEST

START_TEST(older_devices_multiply_floats_exactly_instead_of_tf32)
{
    ck_assert_int_eq(cop_cuda_math_for(COP_CUDA_MATH_TF32, 75), COP_CUDA_MATH_EXACT);
    ck_assert_int_eq(cop_cuda_math_for(COP_CUDA_MATH_TF32, 80), COP_CUDA_MATH_TF32);
    ck_assert_int_eq(cop_cuda_math_for(COP_CUDA_MATH_BF16, 75), COP_CUDA_MATH_BF16);
}
END_TEST

START_TEST(what_the_kernels_cannot_count_is_refused)
{
    struct cop_cuda_product_choice choice;
    struct cop_cuda_convolution op = square(COP_CUDA_MATH_EXACT, 1, 16384, 1, 1, 1);
    ck_assert(!cop_cuda_convolution_choose(&op, &devices[4], &choice));
    op = square(COP_CUDA_MATH_EXACT, 1, 8000, 1, 1, 1);
    ck_assert(cop_cuda_convolution_choose(&op, &devices[4], &choice));
    op.batch = 34; /* 2^31 pixels and a few */
    ck_assert(!cop_cuda_convolution_choose(&op, &devices[4], &choice));
    op = square(COP_CUDA_MATH_EXACT, 1, 100, 1, 1, 3);
    op.dilation_w = 8000;
    ck_assert(!cop_cuda_convolution_choose(&op, &devices[4], &choice));
    struct cop_cuda_matrix_product product = {.m = 1 << 30, .n = 1, .k = 1, .outer = 1, .inner = 1};
    ck_assert(!cop_cuda_matrix_product_choose(&product, &devices[4], &choice));
    product.m = 1 << 20;
    ck_assert(cop_cuda_matrix_product_choose(&product, &devices[4], &choice));
}
END_TEST

int main(void)
{
    return RUN_TESTS("product choice", a_multiplication_divides_every_number_by_every_divisor,
                     every_split_has_work_and_room_for_its_sums,
                     the_same_convolution_on_the_same_device_is_chosen_the_same,
                     small_pictures_are_split_and_large_batches_are_not,
                     more_mathematics_takes_longer_and_exact_floats_longest,
                     older_devices_multiply_floats_exactly_instead_of_tf32,
                     what_the_kernels_cannot_count_is_refused);
}
