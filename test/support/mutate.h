// SPDX-License-Identifier: Apache-2.0
/* Damage to a file as a fuzzer does it, the same for the same state. */
#ifndef TEST_SUPPORT_MUTATE_H
#define TEST_SUPPORT_MUTATE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Pseudo-random numbers (splitmix64, Steele et al. 2014). */
static inline uint64_t next_choice(uint64_t *state, uint64_t count)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % count;
}

static inline size_t mutate_once(unsigned char *bytes, size_t size, uint64_t *state)
{
    const size_t at = (size_t)next_choice(state, size), from = (size_t)next_choice(state, size);
    const size_t room = size - (from > at ? from : at);
    switch (next_choice(state, 6)) {
    case 0:
        bytes[at] = (unsigned char)next_choice(state, 256);
        break;
    case 1:
        bytes[at] ^= (unsigned char)(1u << next_choice(state, 8));
        break;
    case 2: /* what sizes and lengths break on */
        bytes[at] = next_choice(state, 2) ? 0xff : 0x80;
        break;
    case 3:
        memmove(bytes + at, bytes + at + 1, size - at - 1);
        return size - 1;
    case 4: /* a part of the file over another */
        memmove(bytes + at, bytes + from, room < 16 ? room : (size_t)next_choice(state, 16) + 1);
        break;
    default: /* numbers off by one */
        bytes[at] = (unsigned char)(bytes[at] + (next_choice(state, 2) ? 1 : -1));
    }
    return size;
}

/* Changes `bytes` in a few places and returns the new size, which is not larger. */
static inline size_t mutate(unsigned char *bytes, size_t size, uint64_t *state)
{
    for (uint64_t left = 1 + next_choice(state, 6); left > 0 && size > 0; left--)
        size = mutate_once(bytes, size, state);
    return size;
}

#endif
