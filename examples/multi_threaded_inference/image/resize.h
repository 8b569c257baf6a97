// SPDX-License-Identifier: Apache-2.0
/** Resizing with antialiasing. */
#ifndef EXAMPLE_RESIZE_H
#define EXAMPLE_RESIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"
#include "image/image.h"

/** A part of a resized image. The image is `width` x `height`, the part lies within. */
struct resize_window {
    int64_t width, height;
    int64_t left, top;
    int columns, rows;
};

/**
 * Resizes an image, computing only the window: a strip thousands of times longer than wide costs no
 * more than any other image.
 *
 * Along an axis that shrinks, each result is the mean of what it covers, fractions of pixels
 * included; along an axis that grows, it is interpolated linearly between pixel centres, the edge
 * repeated. Sums are float; results are rounded to 8 bits.
 *
 * @param window_pixels  receives `columns` x `rows` x 3 bytes
 * @return false when memory is short
 */
bool image_resize(const struct image *image, const struct resize_window *window,
                  uint8_t *window_pixels, struct failure *failure);

#endif
