// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "runtime/engine/processors.h"
#include "support/unit.h"

#include <sched.h>
#include <unistd.h>

START_TEST(there_is_at_least_one_and_no_more_than_the_machine_has)
{
    const int count = cop_usable_processors();
    ck_assert_int_ge(count, 1);
    ck_assert_int_le(count, (int)sysconf(_SC_NPROCESSORS_CONF));
}
END_TEST

START_TEST(the_affinity_of_the_process_counts)
{
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &all)) {
            CPU_SET(i, &one);
            break;
        }
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(cop_usable_processors(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof all, &all), 0);
}
END_TEST

int main(void)
{
    return RUN_TESTS("processors", there_is_at_least_one_and_no_more_than_the_machine_has,
                     the_affinity_of_the_process_counts);
}
