// SPDX-License-Identifier: Apache-2.0
/**
 * Checks that run before stb_image sees a file.
 *
 * Each reads the whole file without decoding pixels and returns true only if stb_image decodes it
 * completely and correctly. `header` receives the size. Sources: ITU-T T.81 (JPEG), RFC 2083 (PNG),
 * RFC 1950 and 1951 (zlib, deflate), the BITMAPINFOHEADER family (BMP).
 */
#ifndef EXAMPLE_IMAGE_CHECK_H
#define EXAMPLE_IMAGE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "image/image.h"

bool jpeg_check(const uint8_t *bytes, size_t size, struct image_header *header,
                struct failure *failure);
bool bmp_check(const uint8_t *bytes, size_t size, struct image_header *header,
               struct failure *failure);

/**
 * @param palette  receives true where pixels are indices into a palette: stb_image does not check
 * them, so such a file is decoded from png_with_full_palette
 */
bool png_check(const uint8_t *bytes, size_t size, struct image_header *header, bool *palette,
               struct failure *failure);

/**
 * Copies a PNG that png_check accepted, with a palette of 256 colours: its own with alpha 255, the
 * rest with alpha 0, so that a pixel that refers to a missing colour shows in the decoded alpha.
 * @return malloc'ed bytes, or NULL when memory is short
 */
uint8_t *png_with_full_palette(const uint8_t *bytes, size_t size, size_t *full_size);

/** Reads one compressed stream piece by piece. */
struct inflate_source {
    const uint8_t *next;
    const uint8_t *end;
    /** Moves `next` and `end` to the following piece; false when there is none. */
    bool (*advance)(struct inflate_source *source);
};

/** Checks that a zlib stream is whole and decompresses to exactly `expected` bytes. */
bool inflate_check(struct inflate_source *source, uint64_t expected, struct failure *failure);

#endif
