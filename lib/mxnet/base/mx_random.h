// SPDX-License-Identifier: Apache-2.0
/*
 * Random numbers for arrays: xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom
 * number generators", 2021), a stream of its own for every array that is filled, so that threads do
 * not wait for each other.
 *
 * Thread-safety: seeding and opening synchronized; an open stream is one thread's.
 */
#ifndef MXNET_BASE_MX_RANDOM_H
#define MXNET_BASE_MX_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct mx_random {
    uint64_t state[4];
    bool has_spare; /* normal numbers are made in pairs */
    double spare;
};

/* All streams opened from now on follow from the seed and the order in which they are opened. */
void cop_mx_random_seed(uint64_t seed);

struct mx_random cop_mx_random_open(void);
double cop_mx_random_uniform(struct mx_random *random); /* 0 <= x < 1 */
double cop_mx_random_normal(struct mx_random *random);  /* mean 0, deviation 1 */

#endif
