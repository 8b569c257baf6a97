// SPDX-License-Identifier: Apache-2.0
#include "image/image_check.h"

#include <inttypes.h>

#include "image/bytes.h"

#define FILE_HEADER_BYTES 14
#define CORE_HEADER_BYTES 12

struct bmp {
    const uint8_t *bytes;
    size_t size;
    uint32_t offset;       /* of the pixels */
    uint32_t header_bytes; /* of the header after the file header */
    uint32_t compression;
    uint32_t bits;
    uint32_t colours; /* in the palette, as the offset of the pixels leaves room for */
    int64_t width;
    int64_t height;
};

static bool read_size(struct bmp *bmp, struct failure *failure)
{
    const uint8_t *header = bmp->bytes + FILE_HEADER_BYTES;
    uint32_t planes;
    if (bmp->header_bytes == CORE_HEADER_BYTES) {
        bmp->width = read_le16(header + 4);
        bmp->height = read_le16(header + 6);
        planes = read_le16(header + 8);
        bmp->bits = read_le16(header + 10);
    } else {
        bmp->width = (int32_t)read_le32(header + 4);
        bmp->height = (int32_t)read_le32(header + 8);
        if (bmp->height < 0) /* rows from the top */
            bmp->height = -bmp->height;
        planes = read_le16(header + 12);
        bmp->bits = read_le16(header + 14);
        bmp->compression = read_le32(header + 16);
    }
    if (planes != 1)
        return failure_set(failure, "%" PRIu32 " planes, must be 1", planes);
    return image_size_allowed(bmp->width, bmp->height, failure);
}

static bool check_encoding(const struct bmp *bmp, struct failure *failure)
{
    if (bmp->bits != 1 && bmp->bits != 4 && bmp->bits != 8 && bmp->bits != 16 && bmp->bits != 24 &&
        bmp->bits != 32)
        return failure_set(failure, "%" PRIu32 " bits a pixel are not supported", bmp->bits);
    if (bmp->compression == 1 || bmp->compression == 2)
        return failure_set(failure, "run-length encoding is not supported");
    if (bmp->compression != 0 && bmp->compression != 3)
        return failure_set(failure, "compression %" PRIu32 " is not supported", bmp->compression);
    if (bmp->compression == 3 && bmp->bits != 16 && bmp->bits != 32)
        return failure_set(failure, "colour masks with %" PRIu32 " bits a pixel", bmp->bits);
    return true;
}

static int bit_count(uint32_t mask)
{
    int count = 0;
    for (; mask; mask &= mask - 1)
        count++;
    return count;
}

static bool is_contiguous(uint32_t mask)
{
    uint32_t lowest = mask & (~mask + 1);
    return mask != 0 && ((mask + lowest) & mask) == 0;
}

/* The masks of red, green and blue stand behind the first 40 bytes of every header that has them.
 */
static bool check_masks(const struct bmp *bmp, struct failure *failure)
{
    if (bmp->compression != 3)
        return true;
    if (bmp->header_bytes == 56)
        return failure_set(failure, "a 56-byte header with colour masks is not supported");
    if (bmp->size < FILE_HEADER_BYTES + 40 + 12)
        return failure_set(failure, "truncated: no colour masks");
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t mask = read_le32(bmp->bytes + FILE_HEADER_BYTES + 40 + 4 * i);
        if (!is_contiguous(mask) || bit_count(mask) > 8 || (mask & seen) ||
            (bmp->bits == 16 && mask > 0xffff))
            return failure_set(failure, "colour mask %08" PRIx32 " is not supported", mask);
        seen |= mask;
    }
    if (bmp->header_bytes == 108 || bmp->header_bytes == 124) {
        uint32_t alpha = read_le32(bmp->bytes + FILE_HEADER_BYTES + 52);
        if (bit_count(alpha) > 8)
            return failure_set(failure, "alpha mask %08" PRIx32 " is not supported", alpha);
    }
    return true;
}

/* What must stand between the headers and the pixels: stb_image derives the palette from the room.
 */
static bool check_offset(struct bmp *bmp, struct failure *failure)
{
    uint32_t start = FILE_HEADER_BYTES + bmp->header_bytes;
    if (bmp->compression == 3 && bmp->header_bytes == 40)
        start += 12;
    if (bmp->offset < start || bmp->offset > bmp->size)
        return failure_set(failure, "the pixels begin at byte %" PRIu32 " of %zu", bmp->offset,
                           bmp->size);
    if (bmp->bits >= 16)
        return bmp->offset == start ||
               failure_set(failure, "%" PRIu32 " bytes between header and pixels are not supported",
                           bmp->offset - start);
    if (bmp->header_bytes == CORE_HEADER_BYTES)
        return failure_set(failure, "an OS/2 palette is not supported");
    bmp->colours = (bmp->offset - start) / 4;
    if (bmp->colours < 1 || bmp->colours > 256)
        return failure_set(failure, "a palette of %" PRIu32 " colours", bmp->colours);
    return true;
}

static bool check_indices(const struct bmp *bmp, const uint8_t *row, int64_t y,
                          struct failure *failure)
{
    uint32_t mask = (1u << bmp->bits) - 1;
    if (bmp->colours > mask)
        return true;
    for (int64_t x = 0; x < bmp->width; x++) {
        uint32_t bit = (uint32_t)x * bmp->bits;
        uint32_t index = (uint32_t)row[bit / 8] >> (8 - bmp->bits - bit % 8) & mask;
        if (index >= bmp->colours)
            return failure_set(failure,
                               "pixel %" PRId64 " of stored row %" PRId64
                               " has a colour that the palette lacks",
                               x, y);
    }
    return true;
}

static bool check_pixels(const struct bmp *bmp, struct failure *failure)
{
    uint64_t row_bytes = ((uint64_t)bmp->width * bmp->bits + 7) / 8;
    uint64_t stride = (row_bytes + 3) & ~UINT64_C(3);
    uint64_t needed = stride * (uint64_t)(bmp->height - 1) + row_bytes;
    if (bmp->size - bmp->offset < needed)
        return failure_set(failure, "truncated: %zu bytes of pixels, %" PRIu64 " needed",
                           bmp->size - bmp->offset, needed);
    if (bmp->bits < 16)
        for (int64_t y = 0; y < bmp->height; y++)
            if (!check_indices(bmp, bmp->bytes + bmp->offset + stride * (uint64_t)y, y, failure))
                return false;
    return true;
}

bool bmp_check(const uint8_t *bytes, size_t size, struct image_header *header,
               struct failure *failure)
{
    struct bmp bmp = {.bytes = bytes, .size = size};
    if (size < FILE_HEADER_BYTES + 4)
        return failure_set(failure, "truncated: no header");
    bmp.offset = read_le32(bytes + 10);
    bmp.header_bytes = read_le32(bytes + FILE_HEADER_BYTES);
    if (bmp.header_bytes != CORE_HEADER_BYTES && bmp.header_bytes != 40 && bmp.header_bytes != 56 &&
        bmp.header_bytes != 108 && bmp.header_bytes != 124)
        return failure_set(failure, "a header of %" PRIu32 " bytes is not supported",
                           bmp.header_bytes);
    if (size < FILE_HEADER_BYTES + bmp.header_bytes)
        return failure_set(failure, "truncated: no header");
    if (!read_size(&bmp, failure) || !check_encoding(&bmp, failure) ||
        !check_masks(&bmp, failure) || !check_offset(&bmp, failure) || !check_pixels(&bmp, failure))
        return false;
    *header = (struct image_header){IMAGE_BMP, bmp.width, bmp.height, bmp.bits == 32 ? 4 : 3};
    return true;
}
