// SPDX-License-Identifier: Apache-2.0
/*
 * Many small objects with one end of life. Zero-initialise, allocate, release.
 * Thread-safety: one thread at a time while allocating; what was allocated follows its own rules.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t bytes; /* handed out so far */
};

/* Zeroed memory for `count` elements of `size` bytes, 16-byte aligned; NULL: out of memory. */
void *cop_arena_alloc(struct arena *arena, size_t count, size_t size);

/* Zeroed integers, packed: many lists are short. */
int *cop_arena_ints(struct arena *arena, size_t count);

/* A copy of `count` elements; `source` may be NULL only for none. */
void *cop_arena_copy(struct arena *arena, const void *source, size_t count, size_t size);

/* Copies of strings. */
char *cop_arena_text(struct arena *arena, const char *text);
char *cop_arena_text_n(struct arena *arena, const char *text, size_t length);

void cop_arena_release(struct arena *arena);

#endif
