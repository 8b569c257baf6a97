// SPDX-License-Identifier: Apache-2.0
#include "image/image_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"

#define SIGNATURE_BYTES    8
#define CHUNK_FRAME_BYTES  12 /* length, type, CRC */
#define MAX_CHUNK_BYTES    0x7fffffff
#define PALETTE_COLOURS    256
#define COLOUR_PALETTE     3
#define TYPE(a, b, c, d)   ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))
#define IS_ANCILLARY(type) ((type) >> 29 & 1)

struct chunk {
    uint32_t type;
    uint32_t size;
    const uint8_t *content;
};

struct png {
    const uint8_t *bytes;
    size_t size;
    uint32_t width, height;
    int depth, colour, interlaced;
    int samples; /* a pixel, as compressed */
    bool has_header, has_palette, has_end;
    size_t first_idat; /* offset of the first chunk with pixels, 0: none seen */
    bool idat_over;
};

/* The CRC of ISO 3309, a nibble at a time. */
static uint32_t crc_of(const uint8_t *bytes, size_t size)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* The chunk at `offset`, all of it inside the file. */
static bool read_chunk(const struct png *png, size_t offset, struct chunk *chunk,
                       struct failure *failure)
{
    if (png->size - offset < CHUNK_FRAME_BYTES)
        return failure_set(failure, "truncated: byte %zu is the last, and no end chunk", png->size);
    chunk->size = read_be32(png->bytes + offset);
    chunk->type = read_be32(png->bytes + offset + 4);
    chunk->content = png->bytes + offset + 8;
    if (chunk->size > MAX_CHUNK_BYTES)
        return failure_set(failure, "corrupt: a chunk of %" PRIu32 " bytes at byte %zu",
                           chunk->size, offset);
    if (png->size - offset - CHUNK_FRAME_BYTES < chunk->size)
        return failure_set(failure, "truncated: the chunk at byte %zu has %" PRIu32 " bytes",
                           offset, chunk->size);
    return true;
}

/* Damage in a chunk that may be left out changes no pixel. */
static bool check_crc(const struct chunk *chunk, size_t offset, struct failure *failure)
{
    if (IS_ANCILLARY(chunk->type))
        return true;
    uint32_t stored = read_be32(chunk->content + chunk->size);
    if (crc_of(chunk->content - 4, (size_t)chunk->size + 4) != stored)
        return failure_set(failure, "corrupt: the chunk at byte %zu contradicts its checksum",
                           offset);
    return true;
}

static bool depth_fits_colour(int depth, int colour)
{
    switch (colour) {
    case 0:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case COLOUR_PALETTE:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case 2:
    case 4:
    case 6:
        return depth == 8 || depth == 16;
    default:
        return false;
    }
}

static bool take_header(struct png *png, const struct chunk *chunk, struct failure *failure)
{
    static const int samples[] = {1, 0, 3, 1, 2, 0, 4};
    if (png->has_header || chunk->size != 13)
        return failure_set(failure, "corrupt: header chunk");
    png->has_header = true;
    png->width = read_be32(chunk->content);
    png->height = read_be32(chunk->content + 4);
    png->depth = chunk->content[8];
    png->colour = chunk->content[9];
    png->interlaced = chunk->content[12];
    if (!depth_fits_colour(png->depth, png->colour))
        return failure_set(failure, "corrupt: colour type %d with %d bits", png->colour,
                           png->depth);
    if (chunk->content[10] != 0 || chunk->content[11] != 0 || png->interlaced > 1)
        return failure_set(failure, "corrupt: compression %d, filter %d, interlace %d",
                           chunk->content[10], chunk->content[11], png->interlaced);
    png->samples = samples[png->colour];
    return image_size_allowed(png->width, png->height, failure);
}

static bool take_palette(struct png *png, const struct chunk *chunk, struct failure *failure)
{
    if (png->has_palette || png->first_idat)
        return failure_set(failure, "corrupt: a palette in the wrong place");
    if (chunk->size == 0 || chunk->size % 3 != 0 || chunk->size > 3 * PALETTE_COLOURS)
        return failure_set(failure, "corrupt: a palette of %" PRIu32 " bytes", chunk->size);
    png->has_palette = true;
    return true;
}

static bool take_pixels(struct png *png, size_t offset, struct failure *failure)
{
    if (png->idat_over)
        return failure_set(failure, "corrupt: the pixels are not in one place");
    if (png->colour == COLOUR_PALETTE && !png->has_palette)
        return failure_set(failure, "corrupt: no palette");
    if (!png->first_idat)
        png->first_idat = offset;
    return true;
}

static bool take_chunk(struct png *png, const struct chunk *chunk, size_t offset,
                       struct failure *failure)
{
    if (chunk->type == TYPE('C', 'g', 'B', 'I'))
        return failure_set(failure, "Apple's own variant is not supported");
    if (!png->has_header && chunk->type != TYPE('I', 'H', 'D', 'R'))
        return failure_set(failure, "corrupt: the header chunk is not the first");
    if (png->first_idat && chunk->type != TYPE('I', 'D', 'A', 'T'))
        png->idat_over = true;
    switch (chunk->type) {
    case TYPE('I', 'H', 'D', 'R'):
        return take_header(png, chunk, failure);
    case TYPE('P', 'L', 'T', 'E'):
        return take_palette(png, chunk, failure);
    case TYPE('I', 'D', 'A', 'T'):
        return take_pixels(png, offset, failure);
    case TYPE('I', 'E', 'N', 'D'):
        png->has_end = true;
        return png->first_idat || failure_set(failure, "corrupt: no pixels");
    default:
        return IS_ANCILLARY(chunk->type) ||
               failure_set(failure, "corrupt: unknown chunk %08" PRIx32 " at byte %zu", chunk->type,
                           offset);
    }
}

static bool walk_chunks(struct png *png, struct failure *failure)
{
    size_t offset = SIGNATURE_BYTES;
    while (!png->has_end) {
        struct chunk chunk = {0};
        if (!read_chunk(png, offset, &chunk, failure) || !check_crc(&chunk, offset, failure) ||
            !take_chunk(png, &chunk, offset, failure))
            return false;
        offset += CHUNK_FRAME_BYTES + (size_t)chunk.size;
    }
    return true;
}

static uint64_t pass_bytes(const struct png *png, uint64_t width, uint64_t height)
{
    if (width == 0 || height == 0)
        return 0;
    uint64_t row_bits = width * (uint64_t)png->samples * (uint64_t)png->depth;
    return height * (1 + (row_bits + 7) / 8);
}

/* What the pixels decompress to: a filter byte before each row; seven small images if interlaced.
 */
static uint64_t decompressed_bytes(const struct png *png)
{
    static const uint32_t x_start[] = {0, 4, 0, 2, 0, 1, 0}, x_step[] = {8, 8, 4, 4, 2, 2, 1};
    static const uint32_t y_start[] = {0, 0, 4, 0, 2, 0, 1}, y_step[] = {8, 8, 8, 4, 4, 2, 2};
    if (!png->interlaced)
        return pass_bytes(png, png->width, png->height);
    uint64_t bytes = 0;
    for (int i = 0; i < 7; i++)
        bytes += pass_bytes(png, (png->width + x_step[i] - 1 - x_start[i]) / x_step[i],
                            (png->height + y_step[i] - 1 - y_start[i]) / y_step[i]);
    return bytes;
}

/* Chunks of pixels follow one another; walk_chunks has checked their frames. */
static bool next_idat(struct inflate_source *source)
{
    const uint8_t *frame = source->end + 4;
    if (read_be32(frame + 4) != TYPE('I', 'D', 'A', 'T'))
        return false;
    source->next = frame + 8;
    source->end = source->next + read_be32(frame);
    return true;
}

bool png_check(const uint8_t *bytes, size_t size, struct image_header *header, bool *palette,
               struct failure *failure)
{
    struct png png = {.bytes = bytes, .size = size};
    if (!walk_chunks(&png, failure))
        return false;
    const uint8_t *frame = bytes + png.first_idat;
    struct inflate_source source = {frame + 8, frame + 8 + read_be32(frame), next_idat};
    if (!inflate_check(&source, decompressed_bytes(&png), failure))
        return false;
    *header = (struct image_header){IMAGE_PNG, png.width, png.height, png.samples};
    *palette = png.colour == COLOUR_PALETTE;
    return true;
}

static uint8_t *put_chunk(uint8_t *out, uint32_t type, const uint8_t *content, uint32_t size)
{
    write_be32(out, size);
    write_be32(out + 4, type);
    memcpy(out + 8, content, size);
    write_be32(out + 8 + size, crc_of(out + 4, (size_t)size + 4));
    return out + CHUNK_FRAME_BYTES + size;
}

static uint8_t *put_full_palette(uint8_t *out, const struct chunk *chunk)
{
    uint8_t colours[3 * PALETTE_COLOURS] = {0};
    uint8_t alpha[PALETTE_COLOURS] = {0};
    memcpy(colours, chunk->content, chunk->size);
    memset(alpha, 255, chunk->size / 3);
    out = put_chunk(out, TYPE('P', 'L', 'T', 'E'), colours, sizeof(colours));
    return put_chunk(out, TYPE('t', 'R', 'N', 'S'), alpha, sizeof(alpha));
}

uint8_t *png_with_full_palette(const uint8_t *bytes, size_t size, size_t *full_size)
{
    const struct png png = {.bytes = bytes, .size = size};
    uint8_t *full = malloc(size + 2 * CHUNK_FRAME_BYTES + 4 * PALETTE_COLOURS);
    if (!full)
        return NULL;
    memcpy(full, bytes, SIGNATURE_BYTES);
    uint8_t *out = full + SIGNATURE_BYTES;
    struct chunk chunk = {0};
    for (size_t offset = SIGNATURE_BYTES; chunk.type != TYPE('I', 'E', 'N', 'D');
         offset += CHUNK_FRAME_BYTES + (size_t)chunk.size) {
        if (!read_chunk(&png, offset, &chunk, NULL))
            break; /* not reached: png_check has read them all */
        if (chunk.type == TYPE('P', 'L', 'T', 'E')) {
            out = put_full_palette(out, &chunk);
        } else if (!IS_ANCILLARY(chunk.type)) {
            memcpy(out, bytes + offset, CHUNK_FRAME_BYTES + (size_t)chunk.size);
            out += CHUNK_FRAME_BYTES + (size_t)chunk.size;
        }
    }
    *full_size = (size_t)(out - full);
    return full;
}
