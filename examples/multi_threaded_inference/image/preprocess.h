// SPDX-License-Identifier: Apache-2.0
/** Preprocessing: an image becomes the elements of a model's input. */
#ifndef EXAMPLE_PREPROCESS_H
#define EXAMPLE_PREPROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/dtype.h>

#include "failure.h"
#include "image/image.h"

#define PREPROCESS_MAX_CHANNELS 3

/** What a model's input looks like: one image, channels first or last. */
struct input_layout {
    cop_dtype dtype;
    int channels; /**< 3, or 1: luma */
    int height, width;
    bool channels_last;
};

enum crop_mode {
    CROP_CENTER,  /**< resize, then cut the middle out */
    CROP_STRETCH, /**< resize straight to the input's size, whatever that does to the proportions */
};

/** element = (pixel * scale - mean) / std, pixels being 0 to 255. */
struct preprocessing {
    bool bgr; /**< blue first; mean and std are in the order of the model's channels */
    double scale;
    double mean[PREPROCESS_MAX_CHANNELS];
    double std[PREPROCESS_MAX_CHANNELS];
    enum crop_mode crop;
    int short_side; /**< after resizing; 0: 256/224 of the input's size */
};

/** Finds "imagenet", "caffe", "unit", "mxnet" or "none"; false for another name. */
bool preprocess_preset(const char *name, struct preprocessing *preprocessing);

/**
 * Understands a shape of 3 dimensions (C, H, W or H, W, C) or 4 (a batch of 1 before them).
 * @return false: no image input, or a dtype that pixels are not turned into; `failure` says which
 */
bool preprocess_layout(const cop_tensor_desc *desc, struct input_layout *layout,
                       struct failure *failure);

/** Whether `short_side` leaves enough to crop; fills `failure` if not. */
bool preprocess_fits(const struct preprocessing *preprocessing, const struct input_layout *layout,
                     struct failure *failure);

/** Bytes that preprocess_image writes. */
size_t preprocess_bytes(const struct input_layout *layout);

/** Resizes, crops, normalises and converts; false when memory is short. */
bool preprocess_image(const struct image *image, const struct preprocessing *preprocessing,
                      const struct input_layout *layout, void *elements, struct failure *failure);

#endif
