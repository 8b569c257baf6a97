// SPDX-License-Identifier: Apache-2.0
/** Writes PNG and BMP files into memory, right or wrong as a test wants them. */
#ifndef TEST_EXAMPLE_IMAGE_WRITER_H
#define TEST_EXAMPLE_IMAGE_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct writer {
    uint8_t bytes[4096];
    size_t size;
};

static inline void write_bytes(struct writer *writer, const void *bytes, size_t size)
{
    memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
}

static inline void write_be(struct writer *writer, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};
    write_bytes(writer, bytes, 4);
}

static inline void write_le(struct writer *writer, uint32_t value, size_t size)
{
    for (; size > 0; size--, value >>= 8)
        write_bytes(writer, &(uint8_t){(uint8_t)value}, 1);
}

static inline void write_chunk(struct writer *writer, const char *type, const void *content,
                               size_t size)
{
    write_be(writer, (uint32_t)size);
    size_t start = writer->size;
    write_bytes(writer, type, 4);
    write_bytes(writer, content, size);
    uint32_t crc = 0xffffffff;
    for (size_t i = start; i < writer->size; i++) {
        crc ^= writer->bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    write_be(writer, ~crc);
}

static inline void begin_png(struct writer *writer, uint32_t width, uint32_t height, uint8_t depth,
                             uint8_t colour)
{
    struct writer header = {.size = 0};
    write_be(&header, width);
    write_be(&header, height);
    const uint8_t rest[] = {depth, colour, 0, 0, 0};
    write_bytes(&header, rest, sizeof(rest));
    writer->size = 0;
    write_bytes(writer, "\x89PNG\r\n\x1a\n", 8);
    write_chunk(writer, "IHDR", header.bytes, header.size);
}

/* Pixels without compression: one stored block. */
static inline void write_idat(struct writer *writer, const uint8_t *rows, size_t size)
{
    struct writer stream = {.size = 0};
    write_bytes(&stream, "\x78\x01\x01", 3);
    write_le(&stream, (uint32_t)size, 2);
    write_le(&stream, (uint32_t)~size, 2);
    write_bytes(&stream, rows, size);
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + rows[i]) % 65521;
        b = (b + a) % 65521;
    }
    write_be(&stream, b << 16 | a);
    write_chunk(writer, "IDAT", stream.bytes, stream.size);
}

static inline void end_png(struct writer *writer)
{
    write_chunk(writer, "IEND", "", 0);
}

/* The file header and a BITMAPINFOHEADER; palette, masks and pixels follow. */
static inline void begin_bmp(struct writer *writer, int32_t width, int32_t height, uint32_t bits,
                             uint32_t compression, uint32_t offset)
{
    writer->size = 0;
    write_bytes(writer, "BM", 2);
    write_le(writer, 0, 4);
    write_le(writer, 0, 4);
    write_le(writer, offset, 4);
    write_le(writer, 40, 4);
    write_le(writer, (uint32_t)width, 4);
    write_le(writer, (uint32_t)height, 4);
    write_le(writer, 1, 2);
    write_le(writer, bits, 2);
    write_le(writer, compression, 4);
    for (int i = 0; i < 5; i++)
        write_le(writer, 0, 4);
}

#endif
