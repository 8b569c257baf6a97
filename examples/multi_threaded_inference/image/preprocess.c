// SPDX-License-Identifier: Apache-2.0
#include "image/preprocess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/half.h"
#include "image/resize.h"

#define LEVELS 256

static const struct {
    const char *name;
    struct preprocessing preprocessing;
} presets[] = {
    {"imagenet", {false, 1.0 / 255, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, CROP_CENTER, 0}},
    {"caffe", {true, 1, {104, 117, 123}, {1, 1, 1}, CROP_CENTER, 0}},
    {"unit", {false, 1.0 / 127.5, {1, 1, 1}, {1, 1, 1}, CROP_CENTER, 0}},
    {"mxnet", {false, 1, {117, 117, 117}, {1, 1, 1}, CROP_CENTER, 0}},
    {"none", {false, 1, {0, 0, 0}, {1, 1, 1}, CROP_CENTER, 0}},
};

bool preprocess_preset(const char *name, struct preprocessing *preprocessing)
{
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
        if (strcmp(presets[i].name, name) == 0) {
            *preprocessing = presets[i].preprocessing;
            return true;
        }
    }
    return false;
}

static bool is_channels(int64_t dimension)
{
    return dimension == 1 || dimension == 3;
}

static bool dtype_is_supported(cop_dtype dtype)
{
    return dtype == COP_DTYPE_FLOAT32 || dtype == COP_DTYPE_FLOAT16 || dtype == COP_DTYPE_FLOAT64 ||
           dtype == COP_DTYPE_UINT8;
}

bool preprocess_layout(const cop_tensor_desc *desc, struct input_layout *layout,
                       struct failure *failure)
{
    if (desc->rank != 3 && desc->rank != 4)
        return failure_set(failure, "input '%s' has %d dimensions: no image", desc->name,
                           desc->rank);
    if (desc->rank == 4 && desc->shape[0] != 1)
        return failure_set(failure, "input '%s' takes a batch of %lld images, must be 1",
                           desc->name, (long long)desc->shape[0]);
    const int64_t *shape = desc->shape + desc->rank - 3;
    layout->channels_last = !is_channels(shape[0]) && is_channels(shape[2]);
    int64_t channels = shape[layout->channels_last ? 2 : 0];
    int64_t height = shape[layout->channels_last ? 0 : 1];
    int64_t width = shape[layout->channels_last ? 1 : 2];
    if (!is_channels(channels))
        return failure_set(failure, "input '%s' has %lld channels, must be 1 or 3", desc->name,
                           (long long)channels);
    if (!image_size_allowed(width, height, failure))
        return failure_prefix(failure, "the model's input");
    if (!dtype_is_supported(desc->dtype))
        return failure_set(failure, "input '%s' takes %s, which pixels are not turned into",
                           desc->name, cop_dtype_name(desc->dtype));
    layout->dtype = desc->dtype;
    layout->channels = (int)channels;
    layout->height = (int)height;
    layout->width = (int)width;
    return true;
}

bool preprocess_fits(const struct preprocessing *preprocessing, const struct input_layout *layout,
                     struct failure *failure)
{
    int side = preprocessing->short_side;
    if (preprocessing->crop == CROP_CENTER && side &&
        (side < layout->width || side < layout->height))
        return failure_set(failure, "a short side of %d is less than the model's input of %d x %d",
                           side, layout->width, layout->height);
    return true;
}

size_t preprocess_bytes(const struct input_layout *layout)
{
    return (size_t)layout->channels * (size_t)layout->height * (size_t)layout->width *
           cop_dtype_bytes(layout->dtype);
}

/* a * b / c, rounded to nearest. */
static int64_t scaled(int64_t a, int64_t b, int64_t c)
{
    return (2 * a * b + c) / (2 * c);
}

/* The size after resizing, proportions kept: one side is exact, the other rounded. */
static void resized_size(const struct image *image, const struct preprocessing *preprocessing,
                         const struct input_layout *layout, int64_t *width, int64_t *height)
{
    int64_t target_width =
        preprocessing->short_side ? preprocessing->short_side : scaled(layout->width, 256, 224);
    int64_t target_height =
        preprocessing->short_side ? preprocessing->short_side : scaled(layout->height, 256, 224);
    /* The side that would otherwise become too short decides. */
    if (image->width * target_height < image->height * target_width) {
        *width = target_width;
        *height = scaled(image->height, target_width, image->width);
    } else {
        *height = target_height;
        *width = scaled(image->width, target_height, image->height);
    }
}

static struct resize_window window_of(const struct image *image,
                                      const struct preprocessing *preprocessing,
                                      const struct input_layout *layout)
{
    struct resize_window window = {.columns = layout->width, .rows = layout->height};
    if (preprocessing->crop == CROP_STRETCH) {
        window.width = layout->width;
        window.height = layout->height;
    } else {
        resized_size(image, preprocessing, layout, &window.width, &window.height);
        window.left = (window.width - layout->width) / 2;
        window.top = (window.height - layout->height) / 2;
    }
    return window;
}

/* Luma after ITU-R BT.601. */
static void to_luma(uint8_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *rgb = pixels + 3 * i;
        pixels[i] = (uint8_t)((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
    }
}

/* There are 256 pixel values, so each channel's elements are computed once for each of them. */
static void fill_levels(float levels[LEVELS], const struct preprocessing *preprocessing,
                        double mean, double std)
{
    for (int i = 0; i < LEVELS; i++)
        levels[i] = (float)((i * preprocessing->scale - mean) / std);
}

static void channel_levels(float levels[PREPROCESS_MAX_CHANNELS][LEVELS],
                           const struct preprocessing *p, const struct input_layout *layout)
{
    if (layout->channels == 1) {
        fill_levels(levels[0], p, (p->mean[0] + p->mean[1] + p->mean[2]) / 3,
                    (p->std[0] + p->std[1] + p->std[2]) / 3);
        return;
    }
    for (int c = 0; c < layout->channels; c++)
        fill_levels(levels[c], p, p->mean[c], p->std[c]);
}

static uint8_t byte_of(float value)
{
    float rounded = rintf(value);
    return (uint8_t)(rounded > 255 ? 255 : rounded >= 0 ? rounded : 0); /* NaN becomes 0 */
}

static void store(void *elements, cop_dtype dtype, size_t index, float value)
{
    switch (dtype) {
    case COP_DTYPE_FLOAT16:
        ((uint16_t *)elements)[index] = half_from_float(value);
        break;
    case COP_DTYPE_FLOAT64:
        ((double *)elements)[index] = value;
        break;
    case COP_DTYPE_UINT8:
        ((uint8_t *)elements)[index] = byte_of(value);
        break;
    default: /* preprocess_layout lets no other pass */
        ((float *)elements)[index] = value;
        break;
    }
}

static void store_pixels(const uint8_t *pixels, const struct preprocessing *preprocessing,
                         const struct input_layout *layout, void *elements)
{
    float levels[PREPROCESS_MAX_CHANNELS][LEVELS];
    channel_levels(levels, preprocessing, layout);
    size_t channels = (size_t)layout->channels;
    size_t count = (size_t)layout->height * (size_t)layout->width;
    for (size_t c = 0; c < channels; c++) {
        size_t stored = preprocessing->bgr ? channels - 1 - c : c;
        for (size_t i = 0; i < count; i++) {
            size_t index = layout->channels_last ? i * channels + c : c * count + i;
            store(elements, layout->dtype, index, levels[c][pixels[i * channels + stored]]);
        }
    }
}

bool preprocess_image(const struct image *image, const struct preprocessing *preprocessing,
                      const struct input_layout *layout, void *elements, struct failure *failure)
{
    struct resize_window window = window_of(image, preprocessing, layout);
    size_t count = (size_t)layout->height * (size_t)layout->width;
    uint8_t *pixels = malloc(count * 3);
    if (!pixels)
        return failure_set(failure, "out of memory");
    bool good = image_resize(image, &window, pixels, failure);
    if (good) {
        if (layout->channels == 1)
            to_luma(pixels, count);
        store_pixels(pixels, preprocessing, layout, elements);
    }
    free(pixels);
    return good;
}
