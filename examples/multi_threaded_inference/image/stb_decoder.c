// SPDX-License-Identifier: Apache-2.0
#include "image/stb_decoder.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Every block is preceded by its size, padded so that the block stays aligned. */
#define PREFIX_BYTES 16

static _Thread_local size_t bytes_left;

static void *allocate(size_t size)
{
    if (size > bytes_left || size > SIZE_MAX - PREFIX_BYTES)
        return NULL;
    /* Zeroed, because version 2.27 reads coefficients that no scan has set. */
    unsigned char *block = calloc(1, size + PREFIX_BYTES);
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof(size));
    bytes_left -= size;
    return block + PREFIX_BYTES;
}

static void give_back(void *pointer)
{
    if (!pointer)
        return;
    unsigned char *block = (unsigned char *)pointer - PREFIX_BYTES;
    size_t size;
    memcpy(&size, block, sizeof(size));
    bytes_left += size;
    free(block);
}

static void *reallocate(void *pointer, size_t old_size, size_t new_size)
{
    void *moved = allocate(new_size);
    if (moved && pointer) {
        memcpy(moved, pointer, old_size < new_size ? old_size : new_size);
        give_back(pointer);
    }
    return moved;
}

#define STBI_MALLOC(size)                               allocate(size)
#define STBI_FREE(pointer)                              give_back(pointer)
#define STBI_REALLOC_SIZED(pointer, old_size, new_size) reallocate(pointer, old_size, new_size)
/* The sized form alone is used; the plain one must exist. */
#define STBI_REALLOC(pointer, new_size) reallocate(pointer, 0, new_size)

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_GIF
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS 32768
/* Its assertions guard against its own mistakes: a file must not end the program. */
#define STBI_ASSERT(condition) ((void)0)
#include <stb/stb_image.h>

uint8_t *stb_decoder_decode(const uint8_t *bytes, size_t size, int channels, size_t memory_limit,
                            int *width, int *height, const char **reason)
{
    if (size > INT_MAX) {
        *reason = "too large";
        return NULL;
    }
    bytes_left = memory_limit;
    int stored_channels;
    uint8_t *pixels =
        stbi_load_from_memory(bytes, (int)size, width, height, &stored_channels, channels);
    if (!pixels)
        *reason = stbi_failure_reason() ? stbi_failure_reason() : "not decodable";
    return pixels;
}

void stb_decoder_free(void *pixels)
{
    give_back(pixels);
}
