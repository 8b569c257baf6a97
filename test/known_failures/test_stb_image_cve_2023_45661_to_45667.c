// SPDX-License-Identifier: Apache-2.0
/*
 * stb_image 2.27 and what is known against it: a wild read and double frees of GIFs
 * (CVE-2023-45661, 45664, 45666, 45667), an overflow of turning images of many frames over (45662),
 * and memory that nobody set (45663, TGA). What cannot be read safely is not compiled in and
 * refused before, by its first bytes; memory is zeroed, bounded, and every way of running out of it
 * ends with a reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "example/image_writer.h"
#include "example/pictures.h"
#include "image/image.h"
#include "image/stb_decoder.h"
#include "support/unit.h"

/* Animated, its frames larger than its screen, its colours beyond the palette. */
static void write_gif(struct writer *gif, uint32_t width, uint32_t height, int frames)
{
    gif->size = 0;
    write_bytes(gif, "GIF89a", 6);
    write_le(gif, width, 2), write_le(gif, height, 2);
    write_bytes(gif, "\x80\x00\x00\x00\x00\x00\xff\xff\xff", 9);
    for (int i = 0; i < frames; i++) {
        write_bytes(gif, "\x21\xf9\x04\x0d\x00\x00\x05\x00", 8); /* dispose to what was before */
        write_bytes(gif, "\x2c", 1);
        write_le(gif, 0, 4);
        write_le(gif, width + (uint32_t)i, 2), write_le(gif, height, 2);
        write_bytes(gif, "\x00\x02\x03\x4c\x01\xff\x00", 7);
    }
    write_bytes(gif, ";", 1);
}

static void write_tga(struct writer *tga, uint8_t kind, uint8_t bits)
{
    tga->size = 0;
    const uint8_t header[] = {0, kind == 1, kind, 0, 0, 2, 0, 24, 0, 0, 0, 0, 9, 0, 9, 0, bits, 0};
    write_bytes(tga, header, sizeof header);
    write_bytes(tga, "\x80\x01\x02", 3); /* far fewer pixels than 81 */
}

/* Refused by the check in front, and not known to the decoder behind it. */
static void expect_unknown(const char *name, const uint8_t *bytes, size_t size)
{
    struct image image;
    struct failure failure = {""};
    ck_assert_msg(!image_decode(bytes, size, &image, &failure), "%s", name);
    ck_assert_msg(strstr(failure.text, "no JPEG, PNG or BMP file") != NULL, "%s: %s", name,
                  failure.text);
    ck_assert_ptr_null(image.pixels);
    for (int channels = 3; channels <= 4; channels++) {
        int width, height;
        const char *reason = NULL;
        uint8_t *pixels =
            stb_decoder_decode(bytes, size, channels, 1 << 20, &width, &height, &reason);
        ck_assert_msg(pixels == NULL && reason != NULL && strstr(reason, "unknown image type"),
                      "%s: %s", name, reason == NULL ? "decoded" : reason);
    }
}

START_TEST(gifs_are_refused_before_they_are_decoded)
{
    static const uint32_t sizes[][2] = {{1, 1}, {7, 5}, {65535, 65535}, {0, 1}, {1, 0}};
    for (int i = 0; i < 5; i++)
        for (int frames = 0; frames < 8; frames++) {
            struct writer gif;
            write_gif(&gif, sizes[i][0], sizes[i][1], frames);
            expect_unknown("gif", gif.bytes, gif.size);
        }
}
END_TEST

START_TEST(tgas_and_other_formats_are_refused_before_they_are_decoded)
{
    static const uint8_t kinds[] = {1, 2, 3, 9, 10, 11}, bits[] = {8, 15, 16, 24, 32};
    static const struct {
        const char *name;
        char start[16];
    } others[] = {{"psd", "8BPS\0\1"},        {"hdr", "#?RADIANCE\n"}, {"pic", "\x53\x80\xf6\x34"},
                  {"pgm", "P5\n9 9\n255\n"},  {"ppm", "P6 9 9 255\n"}, {"webp", "RIFF\0\0\0\0WEBP"},
                  {"tiff", "II*\0\x8\0\0\0"}, {"ico", "\0\0\1\0\1\0"}};
    for (int i = 0; i < 30; i++) {
        struct writer tga;
        write_tga(&tga, kinds[i / 5], bits[i % 5]);
        expect_unknown("tga", tga.bytes, tga.size);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        uint8_t bytes[256] = {0};
        memcpy(bytes, others[i].start, sizeof others[i].start);
        expect_unknown(others[i].name, bytes, sizeof bytes);
    }
}
END_TEST

/* Memory that runs out at any point: a reason or the pixels, and under a sanitizer neither a leak
 * nor anything freed twice. */
START_TEST(running_out_of_memory_at_any_point_is_a_reason)
{
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        int decoded = 0;
        for (size_t limit = 0; limit < 60000 && decoded < 3; limit += 61) {
            int width = 0, height = 0;
            const char *reason = NULL;
            uint8_t *pixels = stb_decoder_decode(pictures[i].bytes, pictures[i].size, 3, limit,
                                                 &width, &height, &reason);
            ck_assert_msg((pixels == NULL) == (reason != NULL), "%s with %zu bytes",
                          pictures[i].name, limit);
            decoded += pixels != NULL;
            stb_decoder_free(pixels);
        }
        ck_assert_msg(decoded == 3, "%s", pictures[i].name);
    }
}
END_TEST

/* A JPEG whose scans leave coefficients unset is the same every time: nothing old shows through. */
START_TEST(pixels_do_not_depend_on_what_was_in_memory)
{
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        struct image first, second;
        ck_assert(image_decode(pictures[i].bytes, pictures[i].size, &first, NULL));
        for (int j = 0; j < 64; j++) { /* dirt for what malloc gives next */
            void *dirt = malloc((size_t)1 << (j % 16));
            memset(dirt, 0xa5, (size_t)1 << (j % 16));
            free(dirt);
        }
        ck_assert(image_decode(pictures[i].bytes, pictures[i].size, &second, NULL));
        ck_assert_mem_eq(first.pixels, second.pixels,
                         3 * (size_t)first.width * (size_t)first.height);
        image_release(&first);
        image_release(&second);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("stb_image", gifs_are_refused_before_they_are_decoded,
                     tgas_and_other_formats_are_refused_before_they_are_decoded,
                     running_out_of_memory_at_any_point_is_a_reason,
                     pixels_do_not_depend_on_what_was_in_memory);
}
