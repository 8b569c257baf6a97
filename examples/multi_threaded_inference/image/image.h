// SPDX-License-Identifier: Apache-2.0
/**
 * Images: files of JPEG, PNG and BMP become 8-bit RGB.
 *
 * A file is examined before stb_image decodes it: what is truncated, corrupt, or of a kind that
 * would come out wrong is refused with the reason. Decoding takes at most 64 MB and 8 bytes per
 * pixel and channel, the file included.
 */
#ifndef EXAMPLE_IMAGE_H
#define EXAMPLE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

#define IMAGE_MAX_SIDE   32768
#define IMAGE_MAX_PIXELS ((int64_t)1 << 26)

/** Rows from the top, each `width` pixels of R, G, B, without padding. */
struct image {
    int width;
    int height;
    uint8_t *pixels;
};

enum image_format { IMAGE_UNKNOWN, IMAGE_JPEG, IMAGE_PNG, IMAGE_BMP };

/** What a file says about itself before its pixels are looked at. */
struct image_header {
    enum image_format format;
    int64_t width;
    int64_t height;
    int channels; /**< as stored, alpha included: 1 to 4 */
};

/** The format by the first bytes. */
enum image_format image_format_of(const uint8_t *bytes, size_t size);

/** Whether the limits above allow an image of this size; fills `failure` if not. */
bool image_size_allowed(int64_t width, int64_t height, struct failure *failure);

/**
 * Decodes an image. Alpha is dropped, grey becomes R = G = B, 16 bits become the upper 8.
 * @return true: `image` is to be given back with image_release; false: `failure` says why
 */
bool image_decode(const uint8_t *bytes, size_t size, struct image *image, struct failure *failure);

/** Reads and decodes a file. The failure names no path: the caller knows it. */
bool image_read(const char *path, struct image *image, struct failure *failure);

/** Frees the pixels and zeroes the struct. */
void image_release(struct image *image);

#endif
