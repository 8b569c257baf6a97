// SPDX-License-Identifier: Apache-2.0
/*
 * What reading an image may cost: 64 MB and 8 bytes a pixel and channel, the file included. Each
 * file is read from disk by a process of its own, whose peak is measured; most are hostile: small
 * and full of promises, or large and empty.
 */
#include "image/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_writer.h"
#include "pictures.h"
#include "support/measure.h"
#include "support/unit.h"

static char path[] = "/tmp/test_image_memory_XXXXXX";
static FILE *file;

static void begin_file(void)
{
    strcpy(path + strlen(path) - 6, "XXXXXX");
    const int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    file = fdopen(descriptor, "wb");
    ck_assert_ptr_nonnull(file);
}

static void append(const void *bytes, size_t size)
{
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
}

static cop_status read_it(const void *user, cop_error *error)
{
    struct image image;
    struct failure failure = {""};
    (void)user;
    const bool good = image_read(path, &image, &failure);
    snprintf(error->message, sizeof error->message, "%.400s", failure.text);
    image_release(&image);
    return good ? COP_STATUS_OK : COP_STATUS_MALFORMED_MODEL;
}

/* `samples`: width × height × channels, as the file says or as much as is allowed. */
static void expect(const char *name, bool is_good, size_t samples)
{
    struct stat status;
    fclose(file);
    ck_assert_int_eq(stat(path, &status), 0);
    const struct measured result = measure(read_it, NULL);
    const size_t most = 64 * MEGABYTE + 8 * samples;
    printf("%s: %lld bytes, %s, peak %zu MB of %zu, %.2f s: %s\n", name, (long long)status.st_size,
           result.status == COP_STATUS_OK ? "read" : "refused", result.peak_bytes / MEGABYTE,
           most / MEGABYTE, result.seconds, result.error.message);
    unlink(path);
    ck_assert_msg((result.status == COP_STATUS_OK) == is_good, "%s: %s", name,
                  result.error.message);
    if (!IS_SANITIZED)
        ck_assert_uint_le(result.peak_bytes, most);
}

static void put_be(uint32_t value)
{
    append((const uint8_t[]){(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value},
           4);
}

static uint32_t crc_over(uint32_t crc, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return crc;
}

static void put_chunk(const char *type, const void *content, size_t size)
{
    put_be((uint32_t)size);
    append(type, 4);
    append(content, size);
    put_be(~crc_over(crc_over(0xffffffff, (const uint8_t *)type, 4), content, size));
}

static void put_png_header(uint32_t width, uint32_t height, uint8_t depth, uint8_t colour)
{
    struct writer writer;
    begin_png(&writer, width, height, depth, colour);
    append(writer.bytes, writer.size);
}

/* Rows of zeros in stored blocks of one length that repeats: as large as the pixels. */
static void put_stored_pixels(size_t size)
{
    static uint8_t block[65535 + 5];
    for (size_t done = 0; done < size;) {
        const size_t count = size - done < 65535 ? size - done : 65535;
        const bool is_first = done == 0, is_last = done + count == size;
        uint8_t *chunk = malloc(count + 16);
        size_t at = 0;
        if (is_first)
            memcpy(chunk, "\x78\x01", 2), at = 2;
        chunk[at++] = is_last;
        chunk[at++] = (uint8_t)count, chunk[at++] = (uint8_t)(count >> 8);
        chunk[at++] = (uint8_t)~count, chunk[at++] = (uint8_t)(~count >> 8);
        memcpy(chunk + at, block, count), at += count;
        if (is_last) { /* Adler-32 of zeros: their number above a 1 */
            const uint32_t sum = (uint32_t)(size % 65521) << 16 | 1;
            for (int i = 3; i >= 0; i--)
                chunk[at++] = (uint8_t)(sum >> (8 * i));
        }
        put_chunk("IDAT", chunk, at);
        free(chunk);
        done += count;
    }
}

START_TEST(a_small_png_that_promises_the_largest_image)
{
    static const uint8_t colours[] = {0, 2, 4, 6};
    for (int i = 0; i < 4; i++) {
        begin_file();
        put_png_header(32768, 2048, 16, colours[i]);
        put_chunk("IDAT", "\x78\x01\x03\x00\x00\x00\x00\x01", 8);
        put_chunk("IEND", "", 0);
        expect("promises", false, 0); /* refused, so the pixels are no excuse */
    }
}
END_TEST

START_TEST(large_pngs_of_every_kind)
{
    static const struct {
        uint8_t depth, colour, channels;
    } kinds[] = {{8, 0, 1}, {8, 2, 3}, {8, 6, 4}, {16, 2, 3}, {16, 6, 4}, {1, 0, 1}};
    const uint32_t width = 3000, height = 1000;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const size_t row = ((size_t)width * kinds[i].channels * kinds[i].depth + 7) / 8 + 1;
        begin_file();
        put_png_header(width, height, kinds[i].depth, kinds[i].colour);
        put_stored_pixels(row * height);
        put_chunk("IEND", "", 0);
        expect("PNG", true, (size_t)width * height * kinds[i].channels);
    }
}
END_TEST

/* 40 MB of chunks that mean nothing, and pixels that come in pieces of one byte. */
START_TEST(pngs_full_of_chunks)
{
    static uint8_t filling[1 << 16];
    begin_file();
    put_png_header(4, 4, 8, 2);
    for (int i = 0; i < 640; i++)
        put_chunk("tEXt", filling, sizeof filling);
    put_stored_pixels(4 * 13);
    put_chunk("IEND", "", 0);
    expect("text", true, 4 * 4 * 3);
    begin_file();
    put_png_header(4, 4, 8, 2);
    for (int i = 0; i < 1000000; i++)
        put_chunk("IDAT", "", 0);
    put_stored_pixels(4 * 13);
    put_chunk("IEND", "", 0);
    expect("empty pieces", true, 4 * 4 * 3);
}
END_TEST

START_TEST(bmps_that_are_large_or_say_so)
{
    static const uint32_t bits[] = {8, 24, 32};
    for (int i = 0; i < 3; i++) {
        struct writer head;
        const uint32_t palette = bits[i] == 8 ? 1024 : 0;
        const size_t row = ((size_t)3000 * bits[i] + 31) / 32 * 4;
        uint8_t *rows = calloc(1000, row);
        begin_file();
        begin_bmp(&head, 3000, 1000, bits[i], 0, 54 + palette);
        append(head.bytes, head.size);
        append(rows, palette);
        append(rows, 1000 * row);
        expect("BMP", true, (size_t)3000 * 1000 * (bits[i] == 8 ? 1 : bits[i] / 8));
        begin_file();
        begin_bmp(&head, 32768, 2048, bits[i], 0, 54 + palette);
        append(head.bytes, head.size);
        append(rows, 2048);
        expect("BMP that promises", false, 0);
        free(rows);
    }
}
END_TEST

/* The sizes in the header of a JPEG of 19 rows are raised: too few pixels follow. */
START_TEST(jpegs_that_promise)
{
    static const struct {
        const uint8_t *bytes;
        size_t size;
    } jpegs[] = {{jpeg_baseline, sizeof jpeg_baseline},
                 {jpeg_progressive, sizeof jpeg_progressive},
                 {jpeg_grey, sizeof jpeg_grey}};
    static const uint8_t sizes[][4] = {{0x08, 0x00, 0x80, 0x00}, {0x20, 0x00, 0x20, 0x00}};
    for (int i = 0; i < 6; i++) {
        uint8_t copy[1024];
        const size_t size = jpegs[i / 2].size;
        memcpy(copy, jpegs[i / 2].bytes, size);
        for (size_t at = 2; at + 9 < size; at++)
            if (copy[at] == 0xff && (copy[at + 1] == 0xc0 || copy[at + 1] == 0xc2)) {
                memcpy(copy + at + 5, sizes[i % 2], 4);
                break;
            }
        begin_file();
        append(copy, size);
        /* A progressive one is followed bit by bit, for which the check needs its coefficients. */
        expect("JPEG that promises", false, (size_t)8192 * 8192);
    }
}
END_TEST

/* A table with one code of one bit, which stands for zero: no difference, or the end of a block. */
static void put_tables(void)
{
    append("\xff\xdb\x00\x43\x00", 5);
    for (int i = 0; i < 64; i++)
        append("\x01", 1);
    for (int kind = 0; kind < 2; kind++) {
        append("\xff\xc4\x00\x14", 4);
        append(&(uint8_t){(uint8_t)(kind << 4)}, 1);
        append("\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        append("\x00", 1);
    }
}

/* A scan of `count` components whose blocks take `bits` bits each, all zero. */
static void put_scan(int first_component, int count, uint8_t first, uint8_t last, size_t bits)
{
    static const uint8_t zeros[4096];
    append("\xff\xda\x00", 3);
    append((const uint8_t[]){(uint8_t)(6 + 2 * count), (uint8_t)count}, 2);
    for (int i = 0; i < count; i++)
        append((const uint8_t[]){(uint8_t)(first_component + i), 0}, 2);
    append((const uint8_t[]){first, last, 0}, 3);
    for (size_t left = bits / 8; left > 0;) {
        const size_t piece = left < sizeof zeros ? left : sizeof zeros;
        append(zeros, piece);
        left -= piece;
    }
}

/* Grey all over: as small as a file of so many pixels can be, and as much to decode as any. */
START_TEST(large_jpegs_of_one_colour)
{
    const size_t side = 4096, blocks = side * side / 64;
    for (int is_progressive = 0; is_progressive < 2; is_progressive++) {
        begin_file();
        append("\xff\xd8", 2);
        put_tables();
        append(is_progressive ? "\xff\xc2\x00\x11\x08" : "\xff\xc0\x00\x11\x08", 5);
        append("\x10\x00\x10\x00\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00", 14);
        if (is_progressive) {
            put_scan(1, 3, 0, 0, 3 * blocks);
            for (int i = 1; i <= 3; i++)
                put_scan(i, 1, 1, 63, blocks);
        } else {
            put_scan(1, 3, 0, 63, 3 * 2 * blocks);
        }
        append("\xff\xd9", 2);
        expect(is_progressive ? "progressive JPEG" : "baseline JPEG", true, 3 * side * side);
    }
}
END_TEST

/* Much more file than image. */
START_TEST(files_larger_than_what_they_hold)
{
    static uint8_t filling[1 << 20];
    static const char *const starts[] = {"\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n", "BM", "GIF89a"};
    for (int i = 0; i < 4; i++)
        for (int megabytes = 45; megabytes <= 300; megabytes += 85) {
            begin_file();
            append(starts[i], strlen(starts[i]));
            for (int j = 0; j < megabytes; j++)
                append(filling, sizeof filling);
            expect("filling", false, 0);
        }
}
END_TEST

int main(void)
{
    return RUN_TESTS("image memory", a_small_png_that_promises_the_largest_image,
                     large_pngs_of_every_kind, pngs_full_of_chunks, bmps_that_are_large_or_say_so,
                     jpegs_that_promise, large_jpegs_of_one_colour,
                     files_larger_than_what_they_hold);
}
