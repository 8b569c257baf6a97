// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "base/arena.h"
#include "base/huge_pages.h"
#include "support/unit.h"

#include <string.h>

START_TEST(memory_is_zeroed_and_counted)
{
    const struct alloc_counters before = cop_alloc_counters();
    unsigned char *block = cop_alloc(3, 5);
    ck_assert_ptr_nonnull(block);
    for (int i = 0; i < 15; i++)
        ck_assert_int_eq(block[i], 0);
    const struct alloc_counters during = cop_alloc_counters();
    ck_assert_uint_eq(during.allocations, before.allocations + 1);
    ck_assert_uint_eq(during.live_bytes, before.live_bytes + 15);
    cop_free(block);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, before.live_bytes);
}
END_TEST

START_TEST(a_count_that_overflows_is_out_of_memory)
{
    ck_assert_ptr_null(cop_alloc(SIZE_MAX / 2, 3));
    ck_assert_ptr_null(cop_alloc(SIZE_MAX, 1));
    ck_assert_ptr_null(cop_alloc_aligned(SIZE_MAX));
    ck_assert_ptr_null(cop_alloc_aligned(SIZE_MAX - 60));
}
END_TEST

START_TEST(aligned_memory_is_aligned_whatever_its_size)
{
    for (size_t bytes = 0; bytes < 300; bytes += 7) {
        void *block = cop_alloc_aligned(bytes);
        ck_assert_uint_eq((uintptr_t)block % COP_ALIGNMENT, 0);
        memset(block, 1, bytes);
        cop_free(block);
    }
}
END_TEST

START_TEST(large_memory_may_become_huge_pages)
{
    for (size_t bytes = COP_HUGE_PAGE_BYTES - 1; bytes < 3 * COP_HUGE_PAGE_BYTES; bytes += 999983) {
        const size_t before = cop_alloc_counters().live_bytes;
        unsigned char *block = cop_alloc_aligned(bytes);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % COP_ALIGNMENT, 0);
        if (bytes >= COP_HUGE_PAGE_BYTES)
            ck_assert_uint_eq((uintptr_t)block % COP_HUGE_PAGE_BYTES, 0);
        memset(block, 1, bytes);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, before + bytes);
        cop_free(block);
    }
}
END_TEST

START_TEST(growing_keeps_what_was_there_and_zeroes_the_rest)
{
    char *block = cop_alloc(4, 1);
    memcpy(block, "abcd", 4);
    block = cop_realloc(block, 8, 1);
    ck_assert_mem_eq(block, "abcd\0\0\0\0", 8);
    cop_free(block);
}
END_TEST

START_TEST(the_planned_allocation_fails_once_or_for_ever)
{
    cop_alloc_fail_after(1, 0);
    void *first = cop_alloc(1, 1), *second = cop_alloc(1, 1), *third = cop_alloc(1, 1);
    ck_assert(first != NULL && second == NULL && third != NULL);
    cop_alloc_fail_after(1, 1);
    void *again = cop_alloc(1, 1);
    ck_assert(again != NULL && cop_alloc(1, 1) == NULL && cop_alloc_aligned(1) == NULL);
    cop_alloc_fail_after(-1, 0);
    cop_free(first), cop_free(third), cop_free(again);
}
END_TEST

START_TEST(an_arena_hands_out_disjoint_zeroed_blocks)
{
    struct arena arena = {0};
    unsigned char *blocks[100];
    for (int i = 0; i < 100; i++) {
        blocks[i] = cop_arena_alloc(&arena, (size_t)i * 37, 1);
        for (int j = 0; j < i * 37; j++)
            ck_assert_int_eq(blocks[i][j], 0);
        memset(blocks[i], i, (size_t)i * 37);
    }
    for (int i = 0; i < 100; i++)
        for (int j = 0; j < i * 37; j++)
            ck_assert_int_eq(blocks[i][j], i);
    cop_arena_release(&arena);
    ck_assert_ptr_null(cop_arena_alloc(&arena, SIZE_MAX, 2));
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "alloc", memory_is_zeroed_and_counted, a_count_that_overflows_is_out_of_memory,
        aligned_memory_is_aligned_whatever_its_size, large_memory_may_become_huge_pages,
        growing_keeps_what_was_there_and_zeroes_the_rest,
        the_planned_allocation_fails_once_or_for_ever, an_arena_hands_out_disjoint_zeroed_blocks);
}
