// SPDX-License-Identifier: Apache-2.0
/*
 * That the threads that shared memory serves together never meet in one of its 32 banks of 4 bytes
 * with different words. Accesses of 16 bytes are served by 8 lanes, or by 16 that have at most 8
 * different addresses; of 8 bytes by 16 lanes, of 4 by 32.
 */
#include <stdbool.h>

#include "shared_accesses.h"
#include "support/unit.h"

/* The most different words of one bank among `count` accesses of `bytes` at these offsets. */
static int count_ways(const int *offsets, int count, int bytes)
{
    int words[32][64], used[32] = {0}, most = 0;
    for (int i = 0; i < count; i++)
        for (int byte = 0; byte < bytes; byte += 4) {
            const int word = (offsets[i] + byte) / 4, bank = word % 32;
            bool is_new = true;
            for (int j = 0; j < used[bank]; j++)
                is_new = is_new && words[bank][j] != word;
            if (is_new)
                words[bank][used[bank]++] = word;
            most = used[bank] > most ? used[bank] : most;
        }
    return most;
}

static void expect_free(const int *offsets, int count, int together, int bytes)
{
    for (int i = 0; i < count; i += together)
        ck_assert_int_eq(count_ways(offsets + i, together, bytes), 1);
}

START_TEST(copies_into_the_ring_do_not_conflict)
{
    for (int shape = 0; shape < SHARED_SHAPES; shape++) {
        int copy[1024], src[1024], weights[1024];
        const int threads = find_accesses(shape, copy, src, weights);
        ck_assert_int_ge(threads, 128);
        expect_free(copy, threads, 8, 16);
    }
}
END_TEST

START_TEST(loads_of_matrices_do_not_conflict)
{
    for (int shape = 0; shape < MATRIX_SHAPES; shape++) {
        int copy[1024], src[1024], weights[1024];
        const int threads = find_accesses(shape, copy, src, weights);
        expect_free(src, threads, 8, 16);
        expect_free(weights, threads, 8, 16);
    }
}
END_TEST

START_TEST(half_a_warp_loads_floats_at_once)
{
    for (int shape = MATRIX_SHAPES; shape < SHARED_SHAPES; shape++) {
        int copy[1024], src[1024], weights[1024];
        const int threads = find_accesses(shape, copy, src, weights);
        expect_free(src, threads, 16, 16);
        expect_free(weights, threads, 16, 16);
        for (int i = 0; i < threads; i++)
            ck_assert(src[i] == src[i ^ 1] && weights[i] == weights[i ^ 2]);
    }
}
END_TEST

START_TEST(sums_are_staged_and_taken_without_conflicts)
{
    for (int column = 0; column < 4; column++) {
        int stores[32], loads[2][32];
        for (int lane = 0; lane < 32; lane++) {
            const int row = lane / 4, pair = lane % 4;
            stores[lane] = 4 * (find_staged(row, 2 * column + pair / 2) + pair % 2 * 2);
            loads[0][lane] = 4 * find_staged(row, 2 * (lane % 4));
            loads[1][lane] = 4 * find_staged(row, 2 * (lane % 4) + 1);
        }
        expect_free(stores, 32, 16, 8);
        expect_free(loads[0], 32, 8, 16);
        expect_free(loads[1], 32, 8, 16);
    }
    for (int quad = 0; quad < 8; quad++) {
        int stores[32];
        for (int lane = 0; lane < 32; lane++)
            stores[lane] = 4 * (find_staged(lane / 4, quad) + lane % 4);
        expect_free(stores, 32, 32, 4);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("bank conflicts", copies_into_the_ring_do_not_conflict,
                     loads_of_matrices_do_not_conflict, half_a_warp_loads_floats_at_once,
                     sums_are_staged_and_taken_without_conflicts);
}
