// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"

/* An arena of a few objects stays small; each chunk is as large as all before it. */
#define FIRST_CHUNK_BYTES 512
#define CHUNK_BYTES       16384

struct arena_chunk {
    struct arena_chunk *next;
    size_t capacity, used;
    _Alignas(16) unsigned char memory[];
};

static struct arena_chunk *add_chunk(struct arena *arena, size_t bytes)
{
    const size_t usual = arena->bytes < FIRST_CHUNK_BYTES ? FIRST_CHUNK_BYTES
                         : arena->bytes < CHUNK_BYTES     ? arena->bytes
                                                          : CHUNK_BYTES;
    const size_t capacity = bytes > usual ? bytes : usual;
    size_t total;
    if (!cop_add_size(capacity, sizeof(struct arena_chunk), &total))
        return NULL;
    struct arena_chunk *chunk = cop_alloc(1, total);
    if (chunk == NULL)
        return NULL;
    chunk->capacity = capacity;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

/* `alignment` is at most 16, which chunks have. */
static void *allocate(struct arena *arena, size_t bytes, size_t alignment)
{
    struct arena_chunk *chunk = arena->chunks;
    size_t begin = 0;
    if (cop_alloc_is_planned_failure())
        return NULL;
    if (chunk == NULL || !cop_align_size(chunk->used, alignment, &begin) ||
        begin > chunk->capacity || chunk->capacity - begin < bytes) {
        chunk = add_chunk(arena, bytes);
        begin = 0;
    }
    if (chunk == NULL)
        return NULL;
    arena->bytes += begin - chunk->used + bytes;
    chunk->used = begin + bytes;
    return chunk->memory + begin;
}

void *cop_arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!cop_mul_size(count, size, &bytes))
        return NULL;
    return allocate(arena, bytes, 16);
}

int *cop_arena_ints(struct arena *arena, size_t count)
{
    size_t bytes;
    if (!cop_mul_size(count, sizeof(int), &bytes))
        return NULL;
    return allocate(arena, bytes, sizeof(int));
}

void *cop_arena_copy(struct arena *arena, const void *source, size_t count, size_t size)
{
    void *block = cop_arena_alloc(arena, count, size);
    if (block != NULL && count * size > 0)
        memcpy(block, source, count * size);
    return block;
}

char *cop_arena_text_n(struct arena *arena, const char *text, size_t length)
{
    char *copy = length == SIZE_MAX ? NULL : allocate(arena, length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

char *cop_arena_text(struct arena *arena, const char *text)
{
    return cop_arena_text_n(arena, text, strlen(text));
}

void cop_arena_release(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        cop_free(chunk);
    }
    arena->bytes = 0;
}
