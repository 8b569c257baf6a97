// SPDX-License-Identifier: Apache-2.0
/* An input while it is changed: bytes with room to grow. */
#ifndef TEST_FUZZ_FUZZ_BYTES_H
#define TEST_FUZZ_FUZZ_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/mutate.h"

struct fuzz_bytes {
    unsigned char *bytes;
    size_t size, capacity;
};

struct fuzz_view {
    const unsigned char *bytes;
    size_t size;
};

/* Puts `with` in the place of bytes `begin` … `end` − 1; it may lie in the input itself. False: no
 * room, and nothing changed. */
static inline bool replace_range(struct fuzz_bytes *input, size_t begin, size_t end,
                                 const void *with, size_t size)
{
    if (begin > end || end > input->size || size > input->capacity - (input->size - (end - begin)))
        return false;
    unsigned char *copy = malloc(size + 1);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, with, size);
    memmove(input->bytes + begin + size, input->bytes + end, input->size - end);
    if (size > 0)
        memcpy(input->bytes + begin, copy, size);
    input->size += size - (end - begin);
    free(copy);
    return true;
}

/* A copy of a part of the input, to be freed. */
static inline unsigned char *copy_range(const struct fuzz_bytes *input, size_t begin, size_t end)
{
    unsigned char *copy = malloc(end - begin + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, input->bytes + begin, end - begin);
    return copy;
}

/* Two ranges change places; `a_end` <= `b_begin`. */
static inline void swap_ranges(struct fuzz_bytes *input, size_t a_begin, size_t a_end,
                               size_t b_begin, size_t b_end)
{
    const size_t size = b_end - a_begin;
    unsigned char *old = copy_range(input, a_begin, b_end), *at = input->bytes + a_begin;
    const size_t a = a_end - a_begin, b = b_end - b_begin, between = b_begin - a_end;
    memcpy(at, old + (b_begin - a_begin), b);
    memcpy(at + b, old + a, between);
    memcpy(at + b + between, old, a);
    if (a + b + between != size)
        abort();
    free(old);
}

/* A number that sums, products and comparisons break on. */
static inline uint64_t pick_number(uint64_t *state)
{
    static const uint64_t corners[] = {0,
                                       1,
                                       2,
                                       3,
                                       4,
                                       7,
                                       8,
                                       9,
                                       16,
                                       31,
                                       32,
                                       33,
                                       63,
                                       64,
                                       65,
                                       127,
                                       128,
                                       255,
                                       256,
                                       1023,
                                       1024,
                                       4096,
                                       65535,
                                       65536,
                                       65537,
                                       1000000,
                                       1000001,
                                       1 << 20,
                                       (1 << 20) + 1,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       UINT64_C(1) << 32,
                                       UINT64_C(1) << 47,
                                       (UINT64_C(1) << 48) - 1,
                                       UINT64_C(1) << 48,
                                       UINT64_C(1) << 61,
                                       UINT64_C(1) << 62,
                                       INT64_MAX,
                                       UINT64_C(1) << 63,
                                       UINT64_MAX,
                                       UINT64_MAX - 1,
                                       UINT64_MAX - 7};
    const uint64_t number = corners[next_choice(state, sizeof corners / sizeof *corners)];
    switch (next_choice(state, 6)) {
    case 0:
        return number + 1;
    case 1:
        return number - 1;
    case 2:
        return 0 - number;
    case 3:
        return next_choice(state, 8);
    default:
        return number;
    }
}

/* Bytes as any file: for what a format does not say. */
static inline void mutate_bytes(struct fuzz_bytes *input, uint64_t *state)
{
    if (input->size > 0)
        input->size = mutate(input->bytes, input->size, state);
}

#define PICK(list, state) ((list)[next_choice((state), sizeof(list) / sizeof *(list))])

#endif
