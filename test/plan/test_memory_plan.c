// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "plan/memory_plan.h"
#include "support/unit.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"

static uint32_t random_state = 1;

static uint32_t draw(uint32_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % limit;
}

static size_t aligned(size_t bytes)
{
    return (bytes + COP_ALIGNMENT - 1) / COP_ALIGNMENT * COP_ALIGNMENT;
}

static struct memory_interval live(int first, int last, size_t bytes)
{
    return (struct memory_interval){first, last, bytes, COP_NO_ALIAS, 0, 0};
}

static int root_of(const struct memory_interval *intervals, int index)
{
    while (intervals[index].alias_of != COP_NO_ALIAS)
        index = intervals[index].alias_of;
    return index;
}

/* The most bytes that live at one step: no plan can do with less. */
static size_t lower_bound(const struct memory_interval *intervals, int count, int steps)
{
    size_t most = 0;
    for (int step = 0; step < steps; step++) {
        size_t bytes = 0;
        for (int i = 0; i < count; i++)
            if (intervals[i].alias_of == COP_NO_ALIAS && intervals[i].first <= step &&
                intervals[i].last >= step)
                bytes += aligned(intervals[i].bytes);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static void check_plan(const struct memory_interval *intervals, int count, size_t total)
{
    size_t sum = 0;
    for (int i = 0; i < count; i++) {
        const struct memory_interval *a = &intervals[i];
        if (a->first > a->last)
            continue;
        ck_assert_uint_le(a->offset + a->bytes, total);
        if (a->alias_of == COP_NO_ALIAS) {
            ck_assert_uint_eq(a->offset % COP_ALIGNMENT, 0);
            sum += aligned(a->bytes);
        } else {
            ck_assert_uint_eq(a->offset, intervals[a->alias_of].offset + a->alias_offset);
        }
        for (int j = 0; j < i; j++) {
            const struct memory_interval *b = &intervals[j];
            const bool together = a->first <= b->last && b->first <= a->last;
            const bool overlap =
                a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
            if (together && overlap && root_of(intervals, i) != root_of(intervals, j))
                ck_abort_msg("%d and %d overlap", i, j);
        }
    }
    ck_assert_uint_le(total, sum);
}

START_TEST(no_two_live_intervals_overlap_and_the_total_is_between_its_bounds)
{
    struct memory_interval intervals[300];
    for (int round = 0; round < 300; round++) {
        const int count = 1 + (int)draw(300), steps = 1 + (int)draw(200);
        for (int i = 0; i < count; i++) {
            const int first = (int)draw((uint32_t)steps);
            const int longest = 1 + (int)draw(draw(4) == 0 ? 200 : 4);
            const int last = first + longest > steps ? steps - 1 : first + longest - 1;
            intervals[i] = live(first, last, draw(5) == 0 ? draw(1000000) : draw(5000));
        }
        size_t total;
        ck_assert_int_eq(cop_memory_plan_solve(intervals, count, &total, NULL), COP_STATUS_OK);
        check_plan(intervals, count, total);
        ck_assert_uint_ge(total, lower_bound(intervals, count, steps));
    }
}
END_TEST

START_TEST(aliases_lie_where_they_were_told_and_keep_their_memory)
{
    struct memory_interval intervals[200];
    for (int round = 0; round < 200; round++) {
        const int count = 2 + (int)draw(198), steps = 60;
        for (int i = 0; i < count; i++) {
            const int first = (int)draw((uint32_t)steps), last = first + (int)draw(6);
            intervals[i] = live(first, last, 1 + draw(5000));
            if (i > 0 && draw(3) == 0) {
                struct memory_interval *alias = &intervals[i];
                alias->alias_of = (int)draw((uint32_t)i);
                alias->bytes = draw((uint32_t)intervals[alias->alias_of].bytes + 1);
                alias->alias_offset =
                    draw((uint32_t)(intervals[alias->alias_of].bytes - alias->bytes) + 1);
            }
        }
        size_t total;
        ck_assert_int_eq(cop_memory_plan_solve(intervals, count, &total, NULL), COP_STATUS_OK);
        /* A root is kept from its first to its last alias: check it as if it said so itself. */
        for (int i = 0; i < count; i++) {
            struct memory_interval *root = &intervals[root_of(intervals, i)];
            if (intervals[i].first < root->first)
                root->first = intervals[i].first;
            if (intervals[i].last > root->last)
                root->last = intervals[i].last;
        }
        check_plan(intervals, count, total);
    }
}
END_TEST

/* As in classifiers: maps shrink, and each block widens and narrows again. */
START_TEST(a_chain_of_a_network_takes_its_two_largest_neighbours)
{
    struct memory_interval intervals[90];
    for (int i = 0; i < 90; i++)
        intervals[i] = live(i, i + 1, ((size_t)3 << 20 >> (i / 18)) / (i % 3 == 0 ? 1 : 4));
    size_t total;
    ck_assert_int_eq(cop_memory_plan_solve(intervals, 90, &total, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(total, lower_bound(intervals, 90, 91));
}
END_TEST

START_TEST(a_chain_of_random_sizes_stays_near_its_two_largest_neighbours)
{
    enum { LENGTH = 1000 };
    static struct memory_interval intervals[LENGTH];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < LENGTH; i++)
            intervals[i] = live(i, i + 1, 64 * (1 + draw(100000)));
        size_t total;
        ck_assert_int_eq(cop_memory_plan_solve(intervals, LENGTH, &total, NULL), COP_STATUS_OK);
        const size_t bound = lower_bound(intervals, LENGTH, LENGTH + 1);
        ck_assert_msg(total <= bound + bound / 20, "%zu of at best %zu", total, bound);
    }
}
END_TEST

START_TEST(intervals_that_never_live_take_nothing)
{
    struct memory_interval intervals[] = {live(1, 0, 4096), live(0, 3, 0), live(2, 2, 10)};
    size_t total;
    ck_assert_int_eq(cop_memory_plan_solve(intervals, 3, &total, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(total, 64);
    ck_assert_int_eq(cop_memory_plan_solve(NULL, 0, &total, NULL), COP_STATUS_OK);
    ck_assert_uint_eq(total, 0);
}
END_TEST

START_TEST(circles_and_aliases_out_of_bounds_are_refused)
{
    size_t total;
    cop_error error;
    struct memory_interval circle[] = {{0, 1, 64, 1, 0, 0}, {0, 1, 64, 0, 0, 0}};
    ck_assert_int_eq(cop_memory_plan_solve(circle, 2, &total, &error), COP_STATUS_INTERNAL);
    struct memory_interval outside[] = {{0, 1, 64, COP_NO_ALIAS, 0, 0}, {0, 1, 64, 0, 1, 0}};
    ck_assert_int_eq(cop_memory_plan_solve(outside, 2, &total, &error), COP_STATUS_INTERNAL);
    struct memory_interval missing[] = {{0, 1, 64, 7, 0, 0}};
    ck_assert_int_eq(cop_memory_plan_solve(missing, 1, &total, &error), COP_STATUS_INTERNAL);
    struct memory_interval huge[] = {{0, 1, SIZE_MAX / 2, COP_NO_ALIAS, 0, 0},
                                     {0, 1, SIZE_MAX / 2, COP_NO_ALIAS, 0, 0}};
    ck_assert_int_eq(cop_memory_plan_solve(huge, 2, &total, &error), COP_STATUS_OUT_OF_MEMORY);
    huge[0].bytes = SIZE_MAX;
    ck_assert_int_eq(cop_memory_plan_solve(huge, 1, &total, &error), COP_STATUS_OUT_OF_MEMORY);
}
END_TEST

/* Long lives, a hundred thousand of them: what a hostile graph can ask for. */
START_TEST(a_hundred_thousand_intervals_are_placed_in_seconds)
{
    enum { COUNT = 100000 };
    struct memory_interval *intervals = malloc(COUNT * sizeof *intervals);
    const uint32_t longest[] = {3, 100, COUNT};
    for (int shape = 0; shape < 3; shape++) {
        size_t sum = 0, total;
        for (int i = 0; i < COUNT; i++) {
            intervals[i] = live(i, i + (int)draw(longest[shape]), 1 + draw(10000));
            sum += aligned(intervals[i].bytes);
        }
        const int64_t begin = cop_now_ns();
        ck_assert_int_eq(cop_memory_plan_solve(intervals, COUNT, &total, NULL), COP_STATUS_OK);
        const double seconds = (double)(cop_now_ns() - begin) * 1e-9;
        ck_assert_msg(seconds < 60, "%.1f s", seconds);
        ck_assert_uint_le(total, sum);
        /* Every pair would take too long; neighbours of a few dozen are looked at in full. */
        for (int pick = 0; pick < 50; pick++) {
            const struct memory_interval *a = &intervals[draw(COUNT)];
            for (int j = 0; j < COUNT; j++) {
                const struct memory_interval *b = &intervals[j];
                const bool together = a->first <= b->last && b->first <= a->last;
                if (a != b && together && a->offset < b->offset + b->bytes &&
                    b->offset < a->offset + a->bytes)
                    ck_abort_msg("%td and %d overlap", a - intervals, j);
            }
        }
    }
    free(intervals);
}
END_TEST

START_TEST(a_failed_allocation_is_reported_and_leaks_nothing)
{
    const size_t before = cop_alloc_counters().live_bytes;
    struct memory_interval intervals[] = {live(0, 2, 100), live(1, 3, 200), live(2, 4, 300)};
    size_t total;
    int failures = 0;
    cop_status status;
    do {
        cop_alloc_fail_after(failures, 0);
        status = cop_memory_plan_solve(intervals, 3, &total, NULL);
        cop_alloc_fail_after(-1, 0);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
        ck_assert(status == COP_STATUS_OK || status == COP_STATUS_OUT_OF_MEMORY);
        failures++;
    } while (status != COP_STATUS_OK);
    ck_assert_int_gt(failures, 3);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "memory_plan", no_two_live_intervals_overlap_and_the_total_is_between_its_bounds,
        aliases_lie_where_they_were_told_and_keep_their_memory,
        a_chain_of_a_network_takes_its_two_largest_neighbours,
        a_chain_of_random_sizes_stays_near_its_two_largest_neighbours,
        intervals_that_never_live_take_nothing, circles_and_aliases_out_of_bounds_are_refused,
        a_hundred_thousand_intervals_are_placed_in_seconds,
        a_failed_allocation_is_reported_and_leaks_nothing);
}
