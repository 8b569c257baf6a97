// SPDX-License-Identifier: Apache-2.0
/* PNG and BMP files made for one question each. */
#include "image/image.h"

#include <string.h>

#include "image_writer.h"
#include "support/unit.h"

static void assert_pixels(const struct writer *writer, const uint8_t *expected, size_t size)
{
    struct image image;
    struct failure failure = {""};
    ck_assert_msg(image_decode(writer->bytes, writer->size, &image, &failure), "%s", failure.text);
    ck_assert_uint_eq(3 * (size_t)image.width * (size_t)image.height, size);
    ck_assert_mem_eq(image.pixels, expected, size);
    image_release(&image);
}

static void assert_refused(const struct writer *writer, const char *reason)
{
    struct image image;
    struct failure failure = {""};
    ck_assert_msg(!image_decode(writer->bytes, writer->size, &image, &failure),
                  "accepted, not '%s'", reason);
    ck_assert_msg(strstr(failure.text, reason) != NULL, "'%s' instead of '%s'", failure.text,
                  reason);
}

START_TEST(sixteen_bits_become_the_upper_eight)
{
    struct writer png;
    const uint8_t row[] = {0, 0x12, 0x34, 0xff, 0x00, 0x00, 0xff};
    begin_png(&png, 1, 1, 16, 2);
    write_idat(&png, row, sizeof(row));
    end_png(&png);
    assert_pixels(&png, (const uint8_t[]){0x12, 0xff, 0x00}, 3);
}
END_TEST

START_TEST(alpha_is_dropped_and_the_colour_stays_as_stored)
{
    struct writer png;
    const uint8_t row[] = {0, 10, 20, 30, 0, 40, 50, 60, 128};
    begin_png(&png, 2, 1, 8, 6);
    write_idat(&png, row, sizeof(row));
    end_png(&png);
    assert_pixels(&png, (const uint8_t[]){10, 20, 30, 40, 50, 60}, 6);
}
END_TEST

START_TEST(palettes_are_looked_up_and_their_transparency_ignored)
{
    struct writer png;
    const uint8_t row[] = {0, 0x1b}; /* two bits each: 0 1 2 3 */
    const uint8_t colours[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    begin_png(&png, 4, 1, 2, 3);
    write_chunk(&png, "PLTE", colours, sizeof(colours));
    write_chunk(&png, "tRNS", "\0\0", 2);
    write_idat(&png, row, sizeof(row));
    end_png(&png);
    assert_pixels(&png, colours, sizeof(colours));
}
END_TEST

START_TEST(a_pixel_outside_the_palette_is_refused)
{
    struct writer png;
    const uint8_t rows[] = {0, 0, 1, 0, 1, 2};
    begin_png(&png, 2, 2, 8, 3);
    write_chunk(&png, "PLTE", "\1\2\3\4\5\6", 6);
    write_idat(&png, rows, sizeof(rows));
    end_png(&png);
    assert_refused(&png, "pixel 1, 1 has a colour that the palette lacks");
}
END_TEST

START_TEST(png_structure_is_checked)
{
    struct writer png;
    const uint8_t row[] = {0, 1, 2, 3};
    begin_png(&png, 1, 1, 8, 2);
    end_png(&png);
    assert_refused(&png, "no pixels");

    begin_png(&png, 1, 1, 8, 2);
    write_idat(&png, row, sizeof(row));
    assert_refused(&png, "truncated");

    begin_png(&png, 1, 1, 8, 2);
    write_idat(&png, row, sizeof(row) - 1);
    end_png(&png);
    assert_refused(&png, "3 bytes of pixels, 4 needed");

    begin_png(&png, 1, 1, 8, 0);
    write_idat(&png, row, sizeof(row));
    end_png(&png);
    assert_refused(&png, "more than 2 bytes");

    begin_png(&png, 1, 1, 4, 2);
    assert_refused(&png, "colour type 2 with 4 bits");

    begin_png(&png, 40000, 1, 8, 2);
    assert_refused(&png, "more than 32768");

    begin_png(&png, 1, 1, 8, 2);
    write_chunk(&png, "XYZA", "", 0);
    assert_refused(&png, "unknown chunk");

    begin_png(&png, 1, 1, 8, 2);
    write_idat(&png, row, sizeof(row));
    png.bytes[png.size - 1] ^= 1;
    end_png(&png);
    assert_refused(&png, "contradicts its checksum");
}
END_TEST

START_TEST(pixels_may_be_spread_over_chunks_even_empty_ones)
{
    struct writer whole, png;
    const uint8_t row[] = {0, 1, 2, 3};
    begin_png(&whole, 1, 1, 8, 2);
    size_t start = whole.size + 8;
    write_idat(&whole, row, sizeof(row));
    size_t size = whole.size - 4 - start;
    begin_png(&png, 1, 1, 8, 2);
    write_chunk(&png, "IDAT", "", 0);
    for (size_t i = 0; i < size; i++)
        write_chunk(&png, "IDAT", whole.bytes + start + i, 1);
    write_chunk(&png, "IDAT", "", 0);
    end_png(&png);
    assert_pixels(&png, row + 1, 3);
}
END_TEST

START_TEST(bmp_rows_go_up_or_down)
{
    struct writer bmp;
    const uint8_t pixels[] = {3, 2, 1, 0, 6, 5, 4, 0}; /* blue first, rows of four bytes */
    begin_bmp(&bmp, 1, 2, 24, 0, 54);
    write_bytes(&bmp, pixels, sizeof(pixels));
    assert_pixels(&bmp, (const uint8_t[]){4, 5, 6, 1, 2, 3}, 6);

    begin_bmp(&bmp, 1, -2, 24, 0, 54);
    write_bytes(&bmp, pixels, sizeof(pixels));
    assert_pixels(&bmp, (const uint8_t[]){1, 2, 3, 4, 5, 6}, 6);
}
END_TEST

START_TEST(bmp_palettes_and_masks_are_understood)
{
    struct writer bmp;
    begin_bmp(&bmp, 3, 1, 4, 0, 54 + 12);
    write_bytes(&bmp, "\3\2\1\0\6\5\4\0\11\10\7\0", 12);
    write_bytes(&bmp, "\x01\x20\0\0", 4);
    assert_pixels(&bmp, (const uint8_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9}, 9);

    begin_bmp(&bmp, 2, 1, 16, 3, 54 + 12);
    write_le(&bmp, 0xf800, 4);
    write_le(&bmp, 0x07e0, 4);
    write_le(&bmp, 0x001f, 4);
    write_le(&bmp, 0xf800, 2);
    write_le(&bmp, 0x07ff, 2);
    assert_pixels(&bmp, (const uint8_t[]){255, 0, 0, 0, 255, 255}, 6);
}
END_TEST

START_TEST(bmp_files_that_would_come_out_wrong_are_refused)
{
    struct writer bmp;
    begin_bmp(&bmp, 3, 1, 4, 0, 54 + 12);
    write_bytes(&bmp, "\3\2\1\0\6\5\4\0\11\10\7\0", 12);
    write_bytes(&bmp, "\x01\x30\0\0", 4);
    assert_refused(&bmp, "palette lacks");

    begin_bmp(&bmp, 2, 2, 24, 0, 54);
    write_bytes(&bmp, "\0\0\0\0\0\0\0\0\0\0\0\0\0", 13);
    assert_refused(&bmp, "truncated");

    begin_bmp(&bmp, 1, 1, 8, 1, 54 + 4);
    assert_refused(&bmp, "run-length");

    begin_bmp(&bmp, 1, INT32_MIN, 24, 0, 54);
    assert_refused(&bmp, "more than 32768");

    begin_bmp(&bmp, 1, 1, 5, 0, 54);
    assert_refused(&bmp, "5 bits");

    begin_bmp(&bmp, 1, 1, 24, 0, 1000);
    assert_refused(&bmp, "begin at byte 1000");

    begin_bmp(&bmp, 1, 1, 32, 3, 54 + 12);
    write_le(&bmp, 0xff0000, 4);
    write_le(&bmp, 0xff00, 4);
    write_le(&bmp, 0xff00, 4);
    write_le(&bmp, 0, 4);
    assert_refused(&bmp, "colour mask");
}
END_TEST

int main(void)
{
    return RUN_TESTS("image_written", sixteen_bits_become_the_upper_eight,
                     alpha_is_dropped_and_the_colour_stays_as_stored,
                     palettes_are_looked_up_and_their_transparency_ignored,
                     a_pixel_outside_the_palette_is_refused, png_structure_is_checked,
                     pixels_may_be_spread_over_chunks_even_empty_ones, bmp_rows_go_up_or_down,
                     bmp_palettes_and_masks_are_understood,
                     bmp_files_that_would_come_out_wrong_are_refused);
}
