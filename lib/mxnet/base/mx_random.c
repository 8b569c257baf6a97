// SPDX-License-Identifier: Apache-2.0
#include "mxnet/base/mx_random.h"

#include <math.h>
#include <stdatomic.h>

/* The seed of the next stream. Written by whoever seeds or opens (relaxed: only the value counts).
 */
static _Atomic uint64_t next_seed = 5489;

void cop_mx_random_seed(uint64_t seed)
{
    atomic_store_explicit(&next_seed, seed, memory_order_relaxed);
}

/* SplitMix64 (Steele, Lea and Flood 2014): spreads neighbouring seeds over all bits. */
static uint64_t spread(uint64_t *at)
{
    uint64_t value = *at += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

struct mx_random cop_mx_random_open(void)
{
    struct mx_random random = {.has_spare = false};
    const uint64_t seed = atomic_fetch_add_explicit(&next_seed, 1, memory_order_relaxed);
    uint64_t at = seed * UINT64_C(0xd1342543de82ef95);
    for (int i = 0; i < 4; i++)
        random.state[i] = spread(&at);
    return random;
}

static uint64_t rotate(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

static uint64_t next(struct mx_random *random)
{
    uint64_t *s = random->state;
    const uint64_t result = rotate(s[0] + s[3], 23) + s[0], shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

double cop_mx_random_uniform(struct mx_random *random)
{
    return (double)(next(random) >> 11) * 0x1p-53;
}

/* Box and Muller (1958). */
double cop_mx_random_normal(struct mx_random *random)
{
    if (random->has_spare) {
        random->has_spare = false;
        return random->spare;
    }
    const double radius = sqrt(-2 * log(1 - cop_mx_random_uniform(random)));
    const double angle = 2 * M_PI * cop_mx_random_uniform(random);
    random->spare = radius * sin(angle);
    random->has_spare = true;
    return radius * cos(angle);
}
