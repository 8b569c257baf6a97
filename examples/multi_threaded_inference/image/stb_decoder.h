// SPDX-License-Identifier: Apache-2.0
/** stb_image, with memory that is zeroed and bounded. */
#ifndef EXAMPLE_STB_DECODER_H
#define EXAMPLE_STB_DECODER_H

#include <stddef.h>
#include <stdint.h>

/**
 * Decodes a JPEG, PNG or BMP.
 *
 * @param channels      3 or 4: how many each pixel of the result has
 * @param memory_limit  bytes that decoding may hold at once, the result included
 * @param reason        receives static text on failure
 * @return the pixels, to be given back with stb_decoder_free; NULL on failure
 */
uint8_t *stb_decoder_decode(const uint8_t *bytes, size_t size, int channels, size_t memory_limit,
                            int *width, int *height, const char **reason);

void stb_decoder_free(void *pixels);

#endif
