// SPDX-License-Identifier: Apache-2.0
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/bytes.h"
#include "image/image_check.h"
#include "image/stb_decoder.h"

/* What a file may take beside the pixels it asks for, and what its decoder may: below 64 MB
 * together. */
#define DECODER_BYTES     ((size_t)12 << 20)
#define FILE_BYTES        ((size_t)48 << 20)
#define START_BYTES       32
#define MEMORY_PER_SAMPLE 8

enum image_format image_format_of(const uint8_t *bytes, size_t size)
{
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (size >= 2 && bytes[0] == 0xff && bytes[1] == 0xd8)
        return IMAGE_JPEG;
    if (size >= sizeof(png) && memcmp(bytes, png, sizeof(png)) == 0)
        return IMAGE_PNG;
    if (size >= 2 && bytes[0] == 'B' && bytes[1] == 'M')
        return IMAGE_BMP;
    return IMAGE_UNKNOWN;
}

bool image_size_allowed(int64_t width, int64_t height, struct failure *failure)
{
    if (width < 1 || height < 1)
        return failure_set(failure, "%lld x %lld pixels: empty", (long long)width,
                           (long long)height);
    if (width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE || width * height > IMAGE_MAX_PIXELS)
        return failure_set(failure, "%lld x %lld pixels: more than %d a side or %lld in all",
                           (long long)width, (long long)height, IMAGE_MAX_SIDE,
                           (long long)IMAGE_MAX_PIXELS);
    return true;
}

static bool check(const uint8_t *bytes, size_t size, struct image_header *header, bool *palette,
                  struct failure *failure)
{
    switch (image_format_of(bytes, size)) {
    case IMAGE_JPEG:
        return jpeg_check(bytes, size, header, failure) || failure_prefix(failure, "JPEG");
    case IMAGE_PNG:
        return png_check(bytes, size, header, palette, failure) || failure_prefix(failure, "PNG");
    case IMAGE_BMP:
        return bmp_check(bytes, size, header, failure) || failure_prefix(failure, "BMP");
    case IMAGE_UNKNOWN:
        break;
    }
    if (size == 0)
        return failure_set(failure, "the file is empty");
    return failure_set(failure, "no JPEG, PNG or BMP file");
}

static bool decode_checked(const uint8_t *bytes, size_t size, const struct image_header *header,
                           int channels, struct image *image, struct failure *failure)
{
    size_t samples = (size_t)(header->width * header->height) * (size_t)header->channels;
    const char *reason = NULL;
    image->pixels =
        stb_decoder_decode(bytes, size, channels, DECODER_BYTES + MEMORY_PER_SAMPLE * samples,
                           &image->width, &image->height, &reason);
    if (!image->pixels)
        return failure_set(failure, "cannot be decoded: %s", reason);
    if (image->width != header->width || image->height != header->height) {
        image_release(image);
        return failure_set(failure, "cannot be decoded: the size changed on the way");
    }
    return true;
}

/* Drops alpha in place; false if a pixel refers to a colour that the file's palette lacks. */
static bool drop_alpha(struct image *image, struct failure *failure)
{
    size_t count = (size_t)image->width * (size_t)image->height;
    uint8_t *rgb = image->pixels;
    for (size_t i = 0; i < count; i++, rgb += 3) {
        const uint8_t *rgba = image->pixels + 4 * i;
        if (rgba[3] == 0)
            return failure_set(failure, "pixel %zu, %zu has a colour that the palette lacks",
                               i % (size_t)image->width, i / (size_t)image->width);
        memmove(rgb, rgba, 3);
    }
    return true;
}

static bool decode_palette(const uint8_t *bytes, size_t size, const struct image_header *header,
                           struct image *image, struct failure *failure)
{
    size_t full_size;
    uint8_t *full = png_with_full_palette(bytes, size, &full_size);
    if (!full)
        return failure_set(failure, "out of memory");
    bool decoded = decode_checked(full, full_size, header, 4, image, failure);
    free(full);
    if (!decoded)
        return false;
    if (!drop_alpha(image, failure)) {
        image_release(image);
        return false;
    }
    return true;
}

bool image_decode(const uint8_t *bytes, size_t size, struct image *image, struct failure *failure)
{
    *image = (struct image){0};
    struct image_header header = {0};
    bool palette = false;
    if (!check(bytes, size, &header, &palette, failure))
        return false;
    if (palette)
        return decode_palette(bytes, size, &header, image, failure);
    return decode_checked(bytes, size, &header, 3, image, failure);
}

static bool read_fully(int descriptor, uint8_t *bytes, size_t size, struct failure *failure)
{
    while (size > 0) {
        ssize_t taken = read(descriptor, bytes, size);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken < 0)
            return failure_set(failure, "cannot be read: %s", strerror(errno));
        if (taken == 0)
            return failure_set(failure, "became shorter while it was read");
        bytes += taken;
        size -= (size_t)taken;
    }
    return true;
}

/* A large file is read only if its header asks for as many pixels. */
static bool file_size_allowed(const uint8_t *start, uint64_t size, struct failure *failure)
{
    uint64_t width = 0, height = 0, pixel_bytes = 0;
    if (size <= FILE_BYTES)
        return true;
    if (image_format_of(start, START_BYTES) == IMAGE_PNG) {
        width = read_be32(start + 16);
        height = read_be32(start + 20);
        pixel_bytes = start[25] == 6 ? 8 : start[25] == 2 ? 6 : 2; /* at most, by the colour type */
    } else if (image_format_of(start, START_BYTES) == IMAGE_BMP) {
        width = read_le32(start + 18);
        height = read_le32(start + 22);
        pixel_bytes = 4;
    }
    if (width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE ||
        size > FILE_BYTES + width * height * pixel_bytes)
        return failure_set(failure, "%llu bytes are too many for what it holds",
                           (unsigned long long)size);
    return true;
}

static bool read_descriptor(int descriptor, uint8_t **bytes, size_t *size, struct failure *failure)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return failure_set(failure, "cannot be read: %s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return failure_set(failure,
                           S_ISDIR(status.st_mode) ? "is a directory" : "is not a regular file");
    *size = (size_t)status.st_size;
    uint8_t start[START_BYTES] = {0};
    size_t start_size = *size < sizeof(start) ? *size : sizeof(start);
    if (!read_fully(descriptor, start, start_size, failure))
        return false;
    if (!file_size_allowed(start, *size, failure))
        return false;
    *bytes = malloc(*size ? *size : 1);
    if (!*bytes)
        return failure_set(failure, "out of memory: %zu bytes", *size);
    memcpy(*bytes, start, start_size);
    if (!read_fully(descriptor, *bytes + start_size, *size - start_size, failure)) {
        free(*bytes);
        return false;
    }
    return true;
}

bool image_read(const char *path, struct image *image, struct failure *failure)
{
    *image = (struct image){0};
    /* Not blocking: opening a pipe that nobody writes to must not hang. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return failure_set(failure, "cannot be opened: %s", strerror(errno));
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool read = read_descriptor(descriptor, &bytes, &size, failure);
    close(descriptor);
    if (!read)
        return false;
    bool decoded = image_decode(bytes, size, image, failure);
    free(bytes);
    return decoded;
}

void image_release(struct image *image)
{
    stb_decoder_free(image->pixels);
    *image = (struct image){0};
}
