// SPDX-License-Identifier: Apache-2.0
/*
 * Many small objects with one end of life. Zero-initialise, allocate, release.
 * Thread-safety: one thread at a time while allocating; what was allocated follows its own rules.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/shared.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t bytes; /* handed out so far */
};

/* Zeroed memory for `count` elements of `size` bytes, 16-byte aligned; NULL: out of memory. */
COP_SHARED void *cop_arena_alloc(struct arena *arena, size_t count, size_t size);

/* Zeroed integers, packed: many lists are short. */
COP_SHARED int *cop_arena_ints(struct arena *arena, size_t count);

/* A copy of `count` elements; `source` may be NULL only for none. */
COP_SHARED void *cop_arena_copy(struct arena *arena, const void *source, size_t count, size_t size);

/* Copies of strings. */
COP_SHARED char *cop_arena_text(struct arena *arena, const char *text);
COP_SHARED char *cop_arena_text_n(struct arena *arena, const char *text, size_t length);

COP_SHARED void cop_arena_release(struct arena *arena);

#endif
