// SPDX-License-Identifier: Apache-2.0
/* Image files of the example program: the checks in front of stb_image, and stb_image behind them.
 */
#include <stdio.h>

#include "example/image_writer.h"
#include "example/pictures.h"
#include "fuzz/fuzz_target.h"
#include "image/image.h"

struct fuzz_counts fuzz_counts;

void fuzz_one(const uint8_t *bytes, size_t size)
{
    /* A small file may rightly describe an image of 2^26 pixels, of which the decoders' work is
     * known; only the time would not be. */
    struct image image;
    struct failure failure = {""};
    if (!image_decode(bytes, size, &image, &failure)) {
        if (image.pixels != NULL || failure.text[0] == '\0')
            abort();
        if (getenv("COP_FUZZ_VERBOSE") != NULL)
            fprintf(stderr, "%s\n", failure.text);
        return;
    }
    fuzz_counts.accepted++;
    const size_t count = 3 * (size_t)image.width * (size_t)image.height;
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += image.pixels[i];
    if (sum == 1 && count == 0)
        abort(); /* so that the pixels are read */
    image_release(&image);
}

static unsigned char *copy_bytes(const void *bytes, size_t bytes_size, size_t *size)
{
    unsigned char *copy = malloc(bytes_size);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, bytes_size);
    *size = bytes_size;
    return copy;
}

/* One of each depth, with a palette where there is one. */
static void write_bitmap(struct writer *bmp, uint32_t bits)
{
    const uint32_t palette = bits < 16 ? 1u << bits : 0;
    begin_bmp(bmp, 5, 4, bits, 0, 54 + 4 * palette);
    for (uint32_t i = 0; i < palette; i++)
        write_le(bmp, i * 0x10305, 4);
    const size_t row = ((5 * (size_t)bits + 31) / 32) * 4;
    for (size_t i = 0; i < 4 * row; i++)
        write_le(bmp, (uint32_t)(i * 37 & 255), 1);
}

unsigned char *fuzz_seed(int index, size_t *size)
{
    static const uint32_t bits[] = {1, 4, 8, 16, 24, 32};
    const int picture_count = (int)(sizeof pictures / sizeof *pictures);
    struct writer file;
    if (index < picture_count)
        return copy_bytes(pictures[index].bytes, pictures[index].size, size);
    if (index == picture_count)
        return copy_bytes(jpeg_cmyk, sizeof jpeg_cmyk, size);
    if (index - picture_count > (int)(sizeof bits / sizeof *bits))
        return NULL;
    write_bitmap(&file, bits[index - picture_count - 1]);
    return copy_bytes(file.bytes, file.size, size);
}
