// SPDX-License-Identifier: Apache-2.0
/* Filling arrays with numbers that are the same in every run, and comparing them. */
#ifndef TEST_SUPPORT_ARRAYS_H
#define TEST_SUPPORT_ARRAYS_H

#include <check.h>
#include <math.h>
#include <stdint.h>

/* Pseudo-random numbers (splitmix64, Steele et al. 2014); start with any state. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A whole number in least … most. */
static inline int64_t random_between(uint64_t *state, int64_t least, int64_t most)
{
    return least + (int64_t)(next_random(state) % (uint64_t)(most - least + 1));
}

/* Numbers between −1 and 1. */
static inline void fill_random(uint64_t *state, float *elements, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        elements[i] = (float)((double)(next_random(state) >> 40) / (1 << 23) - 1);
}

/* Fails unless every element differs by at most `tolerance` of the largest expected one, or of 1.
 */
static inline void check_close(const float *actual, const double *expected, int64_t count,
                               double tolerance)
{
    double largest = 1;
    for (int64_t i = 0; i < count; i++)
        if (fabs(expected[i]) > largest)
            largest = fabs(expected[i]);
    for (int64_t i = 0; i < count; i++)
        ck_assert_msg(fabs((double)actual[i] - expected[i]) <= tolerance * largest,
                      "element %lld is %.9g and should be %.9g", (long long)i, (double)actual[i],
                      expected[i]);
}

#endif
