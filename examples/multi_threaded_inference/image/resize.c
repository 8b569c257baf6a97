// SPDX-License-Identifier: Apache-2.0
#include "image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS 3

/* Each result along one axis is a weighted sum of neighbouring pixels. */
struct span {
    int first;
    int count;
    float *weights;
};

struct axis {
    struct span *spans;
    float *weights;
};

static void release_axis(struct axis *axis)
{
    free(axis->spans);
    free(axis->weights);
}

/* Result `i` covers [i, i + 1) * scale of the source, scale > 1. */
static void cover(struct span *span, int64_t i, double scale, int source)
{
    double begin = (double)i * scale, end = (double)(i + 1) * scale;
    int first = (int)floor(begin);
    int last = (int)ceil(end) - 1;
    if (last > source - 1)
        last = source - 1;
    span->first = first;
    span->count = 0;
    for (int k = first; k <= last; k++) {
        double low = begin > k ? begin : k, high = end < k + 1 ? end : k + 1;
        double weight = (high - low) / scale;
        /* What rounding alone makes of an edge that falls between two pixels. */
        if (weight < 1e-6 && span->count == 0 && k < last)
            span->first = k + 1;
        else if (weight >= 1e-6 || span->count == 0)
            span->weights[span->count++] = (float)weight;
    }
}

/* Result `i` lies at the source coordinate (i + 0.5) * scale - 0.5 between two centres. */
static void interpolate(struct span *span, int64_t i, double scale, int source)
{
    double position = ((double)i + 0.5) * scale - 0.5;
    double below = floor(position);
    float weight = (float)(position - below);
    if (below < 0) {
        below = 0;
        weight = 0;
    }
    span->first = (int)below;
    span->count = 1;
    span->weights[0] = 1;
    if (span->first < source - 1 && weight > 0) {
        span->count = 2;
        span->weights[0] = 1 - weight;
        span->weights[1] = weight;
    } else if (span->first > source - 1) {
        span->first = source - 1;
    }
}

/* Spans of results start .. start + count - 1 out of `target`, from `source` pixels. */
static bool make_axis(struct axis *axis, int source, int64_t target, int64_t start, int count)
{
    double scale = (double)source / (double)target;
    size_t width = scale > 1 ? (size_t)ceil(scale) + 2 : 2;
    axis->spans = calloc((size_t)count, sizeof(*axis->spans));
    axis->weights = calloc((size_t)count * width, sizeof(*axis->weights));
    if (!axis->spans || !axis->weights)
        return false;
    for (int i = 0; i < count; i++) {
        struct span *span = &axis->spans[i];
        span->weights = axis->weights + (size_t)i * width;
        if (scale > 1)
            cover(span, start + i, scale, source);
        else
            interpolate(span, start + i, scale, source);
    }
    return true;
}

static void resize_row(const struct image *image, const struct axis *columns, int count, int y,
                       float *row)
{
    const uint8_t *source = image->pixels + (size_t)y * (size_t)image->width * CHANNELS;
    for (int x = 0; x < count; x++) {
        const struct span *span = &columns->spans[x];
        const uint8_t *pixel = source + (size_t)span->first * CHANNELS;
        float sum[CHANNELS] = {0};
        for (int k = 0; k < span->count; k++)
            for (int c = 0; c < CHANNELS; c++)
                sum[c] += span->weights[k] * (float)*pixel++;
        memcpy(row + (size_t)x * CHANNELS, sum, sizeof(sum));
    }
}

/* Rows are needed in ascending order and at most one again, so the last two are kept. */
struct row_cache {
    float *rows[2];
    int kept[2];
};

static const float *cached_row(struct row_cache *cache, const struct image *image,
                               const struct axis *columns, int count, int y)
{
    int slot = y & 1;
    if (cache->kept[slot] != y) {
        resize_row(image, columns, count, y, cache->rows[slot]);
        cache->kept[slot] = y;
    }
    return cache->rows[slot];
}

/* Halves are rounded up, as integer arithmetic does it where an image shrinks by exactly two. */
static uint8_t to_byte(float value)
{
    float rounded = floorf(value + 0.5f);
    return (uint8_t)(rounded < 0 ? 0 : rounded > 255 ? 255 : rounded);
}

static void resize_rows(const struct image *image, const struct resize_window *window,
                        const struct axis *columns, const struct axis *rows, float *scratch,
                        uint8_t *out)
{
    size_t length = (size_t)window->columns * CHANNELS;
    float *sum = scratch;
    struct row_cache cache = {{scratch + length, scratch + 2 * length}, {-1, -1}};
    for (int y = 0; y < window->rows; y++, out += length) {
        const struct span *span = &rows->spans[y];
        memset(sum, 0, length * sizeof(*sum));
        for (int k = 0; k < span->count; k++) {
            const float *row = cached_row(&cache, image, columns, window->columns, span->first + k);
            for (size_t i = 0; i < length; i++)
                sum[i] += span->weights[k] * row[i];
        }
        for (size_t i = 0; i < length; i++)
            out[i] = to_byte(sum[i]);
    }
}

bool image_resize(const struct image *image, const struct resize_window *window,
                  uint8_t *window_pixels, struct failure *failure)
{
    struct axis columns = {0}, rows = {0};
    float *scratch = malloc(3 * (size_t)window->columns * CHANNELS * sizeof(*scratch));
    bool good = scratch &&
                make_axis(&columns, image->width, window->width, window->left, window->columns) &&
                make_axis(&rows, image->height, window->height, window->top, window->rows);
    if (good)
        resize_rows(image, window, &columns, &rows, scratch, window_pixels);
    else
        failure_set(failure, "out of memory");
    release_axis(&columns);
    release_axis(&rows);
    free(scratch);
    return good;
}
