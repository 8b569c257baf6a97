// SPDX-License-Identifier: Apache-2.0
/* The emulation itself: what it computes, and that it tells what kernels must not do. */
#include <math.h>
#include <signal.h>
#include <string.h>

#include "emulation_kernels.h"
#include "support/unit.h"

#ifndef COP_HAS_TSAN
#define COP_HAS_TSAN 0
#endif

START_TEST(threads_of_a_block_exchange_by_shuffles_and_shared_memory)
{
    float src[3 * 256], dst[3];
    for (int i = 0; i < 3 * 256; i++)
        src[i] = (float)(i % 100);
    ck_assert_int_eq(sum_blocks(src, dst, 3), cudaSuccess);
    for (int block = 0; block < 3; block++) {
        float expected = 0.0f;
        for (int i = 0; i < 256; i++)
            expected += src[256 * block + i];
        ck_assert_float_eq(dst[block], expected);
    }
}
END_TEST

START_TEST(a_barrier_makes_all_of_shared_memory_seen)
{
    int src[2 * 96], dst[2 * 96];
    for (int i = 0; i < 2 * 96; i++)
        src[i] = i;
    ck_assert_int_eq(reverse_blocks(src, dst, 2, true), cudaSuccess);
    for (int i = 0; i < 96; i++)
        ck_assert(dst[i] == 95 - i && dst[96 + i] == 96 + 95 - i);
}
END_TEST

/* ThreadSanitizer reports it and changes the exit status. */
START_TEST(a_missing_barrier_is_seen)
{
    int src[96], dst[96], wrong = 0;
    for (int i = 0; i < 96; i++)
        src[i] = i;
    ck_assert_int_eq(reverse_blocks(src, dst, 1, false), cudaSuccess);
    for (int i = 0; i < 96; i++)
        wrong += dst[i] != 95 - i;
    ck_assert_int_gt(wrong, 0);
    exit(EXIT_SUCCESS);
}
END_TEST

START_TEST(an_asynchronous_copy_is_seen_after_the_wait_and_no_sooner)
{
    float src[100], dst[128];
    for (int i = 0; i < 100; i++)
        src[i] = (float)i;
    ck_assert_int_eq(copy_through_shared(src, dst, 100, true), cudaSuccess);
    for (int i = 0; i < 128; i++)
        ck_assert_float_eq(dst[i], i < 100 ? (float)i : 0.0f);
    ck_assert_int_eq(copy_through_shared(src, dst, 100, false), cudaSuccess);
    for (int i = 0; i < 128; i++)
        ck_assert_float_nan(dst[i]);
}
END_TEST

START_TEST(the_matrix_unit_multiplies_what_the_loader_of_matrices_gives_it)
{
    for (int kind = 0; kind < 3; kind++) {
        const int k_count = kind == 2 ? 8 : 16;
        float values[24][16], dst[16][8];
        uint16_t pairs[24][16] __attribute__((aligned(16)));
        float singles[24][8] __attribute__((aligned(16)));
        for (int row = 0; row < 24; row++)
            for (int k = 0; k < k_count; k++) {
                const float x = (float)((row * 7 + k * 5) % 13 - 6);
                values[row][k] = x;
                if (kind == 2)
                    singles[row][k] = x;
                else
                    pairs[row][k] = kind == 0 ? convert_to_half(x) : convert_to_bfloat16(x);
            }
        const void *a = kind == 2 ? (void *)singles : (void *)pairs;
        ck_assert_int_eq(multiply_once(kind, a, (const char *)a + 16 * 32, &dst[0][0]),
                         cudaSuccess);
        for (int row = 0; row < 16; row++)
            for (int column = 0; column < 8; column++) {
                float expected = 0.0f;
                for (int k = 0; k < k_count; k++)
                    expected += values[row][k] * values[16 + column][k];
                ck_assert_float_eq(dst[row][column], expected);
            }
    }
}
END_TEST

START_TEST(the_loader_of_matrices_transposes)
{
    uint16_t src[64] __attribute__((aligned(16))), dst[64] __attribute__((aligned(16)));
    for (int i = 0; i < 64; i++)
        src[i] = (uint16_t)i;
    ck_assert_int_eq(transpose_matrix(src, dst), cudaSuccess);
    for (int i = 0; i < 64; i++)
        ck_assert_uint_eq(dst[i], src[i % 8 * 8 + i / 8]);
}
END_TEST

START_TEST(shared_memory_that_nobody_wrote_is_nan)
{
    float dst[32];
    ck_assert_int_eq(read_unwritten_shared(dst), cudaSuccess);
    for (int i = 0; i < 32; i++)
        ck_assert_float_nan(dst[i]);
}
END_TEST

START_TEST(more_shared_memory_needs_permission_before_the_launch)
{
    ck_assert_int_eq(ask_shared(48 * 1024, false), cudaSuccess);
    ck_assert_int_eq(ask_shared(64 * 1024, false), cudaErrorInvalidValue);
    ck_assert_int_eq(ask_shared(64 * 1024, true), cudaSuccess);
    ck_assert_int_eq(ask_shared(64 * 1024 + 1, false), cudaErrorInvalidValue);
    ck_assert_int_eq(ask_shared(228 * 1024, true), cudaErrorUnknown);
}
END_TEST

START_TEST(halves_are_rounded_to_nearest_even)
{
    static const struct {
        float x;
        uint16_t bits;
    } cases[] = {
        {0.0f, 0},
        {-0.0f, 0x8000},
        {1.0f, 0x3c00},
        {-2.0f, 0xc000},
        {65504.0f, 0x7bff},
        {65519.0f, 0x7bff},
        {65520.0f, 0x7c00},
        {-1e30f, 0xfc00},
        {INFINITY, 0x7c00},
        {NAN, 0x7fff},
        {0x1p-24f, 1},
        {0x1p-25f, 0},
        {0x1.8p-25f, 1},
        {0x3p-25f, 2},
        {0x1.ff8p-15f, 0x03ff},
        {0x1.ffcp-15f, 0x0400},
        {0x1p-14f, 0x0400},
        {1.0f + 0x1p-11f, 0x3c00},
        {1.0f + 0x3p-11f, 0x3c02},
        {1.0f + 0x1.002p-11f, 0x3c01},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_uint_eq(convert_to_half(cases[i].x), cases[i].bits);
    for (unsigned bits = 0; bits < 0x10000; bits++) {
        const float x = convert_from_half((uint16_t)bits);
        if (!isnan(x))
            ck_assert_uint_eq(convert_to_half(x), bits);
    }
}
END_TEST

START_TEST(bfloat16_and_tf32_are_rounded_as_the_device_does)
{
    ck_assert_uint_eq(convert_to_bfloat16(1.0f), 0x3f80);
    ck_assert_uint_eq(convert_to_bfloat16(1.0f + 0x1p-8f), 0x3f80);
    ck_assert_uint_eq(convert_to_bfloat16(1.0f + 0x3p-8f), 0x3f82);
    ck_assert_uint_eq(convert_to_bfloat16(0x1.fffffep127f), 0x7f80);
    ck_assert_uint_eq(convert_to_bfloat16(NAN), 0x7fff);
    ck_assert_uint_eq(convert_to_tf32(1.0f + 0x1p-11f), 0x3f802000);
    ck_assert_uint_eq(convert_to_tf32(-1.0f - 0x1p-11f), 0xbf802000);
    ck_assert_uint_eq(convert_to_tf32(1.0f + 0x1.ffcp-12f), 0x3f800000);
    ck_assert_uint_eq(convert_to_tf32(INFINITY), 0x7f800000);
    ck_assert_uint_eq(convert_to_tf32(NAN), 0x7fc00000);
}
END_TEST

START_TEST(a_barrier_that_some_threads_never_reach_ends_the_program)
{
    (void)!diverge_at_barrier();
}
END_TEST

START_TEST(threads_in_different_barriers_end_the_program)
{
    (void)!use_two_barriers();
}
END_TEST

START_TEST(a_shuffle_without_all_of_its_lanes_ends_the_program)
{
    (void)!shuffle_without_all();
}
END_TEST

START_TEST(a_write_beyond_shared_memory_ends_the_program)
{
    (void)!write_beyond_shared(100);
    exit(EXIT_SUCCESS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("emulation");
    TCase *cases = tcase_create("emulation");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, threads_of_a_block_exchange_by_shuffles_and_shared_memory);
    tcase_add_test(cases, a_barrier_makes_all_of_shared_memory_seen);
    tcase_add_exit_test(cases, a_missing_barrier_is_seen, COP_HAS_TSAN ? 66 : 0);
    tcase_add_test(cases, an_asynchronous_copy_is_seen_after_the_wait_and_no_sooner);
    tcase_add_test(cases, the_matrix_unit_multiplies_what_the_loader_of_matrices_gives_it);
    tcase_add_test(cases, the_loader_of_matrices_transposes);
    tcase_add_test(cases, shared_memory_that_nobody_wrote_is_nan);
    tcase_add_test(cases, more_shared_memory_needs_permission_before_the_launch);
    tcase_add_test(cases, halves_are_rounded_to_nearest_even);
    tcase_add_test(cases, bfloat16_and_tf32_are_rounded_as_the_device_does);
    tcase_add_test_raise_signal(cases, a_barrier_that_some_threads_never_reach_ends_the_program,
                                SIGABRT);
    tcase_add_test_raise_signal(cases, threads_in_different_barriers_end_the_program, SIGABRT);
    tcase_add_test_raise_signal(cases, a_shuffle_without_all_of_its_lanes_ends_the_program,
                                SIGABRT);
#if defined(__SANITIZE_ADDRESS__)
    tcase_add_exit_test(cases, a_write_beyond_shared_memory_ends_the_program, 1);
#else
    tcase_add_test_raise_signal(cases, a_write_beyond_shared_memory_ends_the_program, SIGABRT);
#endif
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
