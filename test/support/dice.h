// SPDX-License-Identifier: Apache-2.0
/* Threads of tests that do what they draw; what went wrong in one is asserted after it is joined.
 */
#ifndef TEST_SUPPORT_DICE_H
#define TEST_SUPPORT_DICE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct worker {
    unsigned seed;
    int number;
    int wrong;
};

static inline int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int dice(struct worker *worker, int sides)
{
    return rand_r(&worker->seed) % sides;
}

static inline void expect(struct worker *worker, bool is_right, const char *what)
{
    if (!is_right && worker->wrong++ == 0)
        fprintf(stderr, "wrong: %s\n", what);
}

#endif
