// SPDX-License-Identifier: Apache-2.0
#include "image/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pictures.h"
#include "support/unit.h"

static const uint8_t *pixel(const struct image *image, int x, int y)
{
    return image->pixels + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
}

static void assert_refused(const uint8_t *bytes, size_t size, const char *reason)
{
    struct image image;
    struct failure failure = {""};
    ck_assert_msg(!image_decode(bytes, size, &image, &failure), "accepted, not '%s'", reason);
    ck_assert_ptr_null(image.pixels);
    ck_assert_msg(strstr(failure.text, reason) != NULL, "'%s' instead of '%s'", failure.text,
                  reason);
}

START_TEST(every_kind_decodes_to_the_gradient_it_holds)
{
    for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
        const struct picture *picture = &pictures[i];
        struct image image;
        struct failure failure;
        ck_assert_msg(image_decode(picture->bytes, picture->size, &image, &failure), "%s: %s",
                      picture->name, failure.text);
        bool small = picture->name[0] == 'p';
        ck_assert_int_eq(image.width, small ? 11 : 21);
        ck_assert_int_eq(image.height, small ? 9 : 19);
        const uint8_t *first = pixel(&image, 0, 0);
        const uint8_t *last = pixel(&image, image.width - 1, image.height - 1);
        for (int c = 0; c < 2; c++)
            ck_assert_msg(last[c] > first[c] + 40, "%s: no gradient", picture->name);
        if (strstr(picture->name, "grey"))
            ck_assert(last[0] == last[1] && last[1] == last[2]);
        image_release(&image);
        ck_assert_ptr_null(image.pixels);
    }
}
END_TEST

START_TEST(png_pixels_are_exact)
{
    struct image image;
    ck_assert(image_decode(png_rgb, sizeof(png_rgb), &image, NULL));
    for (int y = 0; y < image.height; y++)
        for (int x = 0; x < image.width; x++) {
            const uint8_t expected[] = {(uint8_t)(12 * x), (uint8_t)(13 * y), (uint8_t)(x * y)};
            ck_assert_mem_eq(pixel(&image, x, y), expected, 3);
        }
    image_release(&image);
}
END_TEST

START_TEST(restarts_change_nothing_but_the_bytes)
{
    struct image with, without;
    ck_assert(image_decode(jpeg_restarts, sizeof(jpeg_restarts), &with, NULL));
    ck_assert(image_decode(jpeg_baseline, sizeof(jpeg_baseline), &without, NULL));
    for (int y = 0; y < with.height; y++)
        for (int x = 0; x < with.width; x++)
            ck_assert_int_le(abs(pixel(&with, x, y)[1] - pixel(&without, x, y)[1]), 60);
    image_release(&with);
    image_release(&without);
}
END_TEST

START_TEST(what_cannot_be_right_is_refused_with_the_reason)
{
    static const uint8_t gif[] = "GIF89a";
    assert_refused(gif, 0, "empty");
    assert_refused(gif, sizeof(gif), "no JPEG, PNG or BMP");
    assert_refused(jpeg_cmyk, sizeof(jpeg_cmyk), "CMYK");
}
END_TEST

/* The offset of the first marker `code`. */
static size_t find_marker(const uint8_t *bytes, size_t size, uint8_t code)
{
    for (size_t i = 0; i + 1 < size; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == code)
            return i;
    ck_abort_msg("no marker %02x", code);
    return 0;
}

/* Sets one byte of the baseline JPEG, `offset` behind the first marker `marker`. */
static void assert_damage_refused(uint8_t marker, size_t offset, uint8_t value, const char *reason)
{
    uint8_t damaged[sizeof(jpeg_baseline)];
    memcpy(damaged, jpeg_baseline, sizeof(damaged));
    damaged[find_marker(damaged, sizeof(damaged), marker) + offset] = value;
    assert_refused(damaged, sizeof(damaged), reason);
}

START_TEST(jpeg_variants_that_stb_image_lacks_are_named)
{
    assert_damage_refused(0xc0, 1, 0xc3, "lossless");
    assert_damage_refused(0xc0, 1, 0xc9, "arithmetic");
    assert_damage_refused(0xc0, 1, 0xc5, "hierarchical");
    assert_damage_refused(0xc0, 4, 12, "12 bits a sample");
    assert_damage_refused(0xc0, 6, 0, "empty");
    assert_damage_refused(0xc0, 7, 0xff, "more than 32768 a side");
}
END_TEST

START_TEST(jpegs_without_their_tables_are_refused)
{
    assert_damage_refused(0xdb, 1, 0xe1, "without its quantization table");
    assert_damage_refused(0xc4, 1, 0xe1, "without its Huffman table");
    assert_damage_refused(0xc4, 5, 255, "Huffman table");
    assert_damage_refused(0xda, 5, 77, "scan header");
}
END_TEST

START_TEST(a_jpeg_cut_in_its_pixels_is_refused_even_with_an_end_marker)
{
    size_t scan = find_marker(jpeg_baseline, sizeof(jpeg_baseline), 0xda);
    for (size_t cut = scan + 14; cut < sizeof(jpeg_baseline) - 2; cut++) {
        uint8_t bytes[sizeof(jpeg_baseline)];
        memcpy(bytes, jpeg_baseline, cut);
        bytes[cut] = 0xff;
        bytes[cut + 1] = 0xd9;
        assert_refused(bytes, cut + 2, "");
    }
}
END_TEST

START_TEST(a_missing_restart_marker_is_refused)
{
    uint8_t bytes[sizeof(jpeg_restarts)];
    memcpy(bytes, jpeg_restarts, sizeof(bytes));
    size_t marker = find_marker(bytes, sizeof(bytes), 0xd1);
    bytes[marker + 1] = 0xd2;
    assert_refused(bytes, sizeof(bytes), "no restart marker 1");
}
END_TEST

START_TEST(files_are_read_and_what_is_no_file_is_refused)
{
    struct image image;
    struct failure failure;
    ck_assert(!image_read("/nonexistent.png", &image, &failure));
    ck_assert(strstr(failure.text, "No such file"));
    ck_assert(!image_read("/", &image, &failure));
    ck_assert(strstr(failure.text, "directory"));

    char directory[] = "/tmp/test_image_XXXXXX", path[64];
    ck_assert(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/pipe", directory);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert(!image_read(path, &image, &failure)); /* and does not wait for a writer */
    ck_assert(strstr(failure.text, "not a regular file"));
    unlink(path);

    FILE *file = fopen(path, "wb");
    ck_assert(file && fwrite(png_rgb, 1, sizeof(png_rgb), file) == sizeof(png_rgb));
    fclose(file);
    ck_assert(image_read(path, &image, &failure));
    ck_assert_int_eq(image.width, 11);
    image_release(&image);
    unlink(path);
    rmdir(directory);
}
END_TEST

START_TEST(a_file_too_large_for_its_pixels_is_not_read)
{
    char path[] = "/tmp/test_image_XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert(write(descriptor, png_rgb, sizeof(png_rgb)) == (ssize_t)sizeof(png_rgb));
    ck_assert_int_eq(ftruncate(descriptor, (off_t)1 << 40), 0); /* sparse */
    struct image image;
    struct failure failure;
    ck_assert(!image_read(path, &image, &failure));
    ck_assert(strstr(failure.text, "too many for what it holds"));
    close(descriptor);
    unlink(path);
}
END_TEST

START_TEST(sizes_are_limited)
{
    struct failure failure;
    ck_assert(image_size_allowed(IMAGE_MAX_SIDE, 2048, &failure));
    ck_assert(!image_size_allowed(IMAGE_MAX_SIDE, 2049, &failure));
    ck_assert(!image_size_allowed(IMAGE_MAX_SIDE + 1, 1, &failure));
    ck_assert(!image_size_allowed(1, IMAGE_MAX_SIDE + 1, &failure));
    ck_assert(!image_size_allowed(0, 1, &failure));
    ck_assert(!image_size_allowed(1, -1, &failure));
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "image", every_kind_decodes_to_the_gradient_it_holds, png_pixels_are_exact,
        restarts_change_nothing_but_the_bytes, what_cannot_be_right_is_refused_with_the_reason,
        jpeg_variants_that_stb_image_lacks_are_named, jpegs_without_their_tables_are_refused,
        a_jpeg_cut_in_its_pixels_is_refused_even_with_an_end_marker,
        a_missing_restart_marker_is_refused, files_are_read_and_what_is_no_file_is_refused,
        a_file_too_large_for_its_pixels_is_not_read, sizes_are_limited);
}
