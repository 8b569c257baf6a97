// SPDX-License-Identifier: Apache-2.0
/* Odd and malformed files from elsewhere, where COP_TEST_DATA has them: right, or refused with a
 * reason. */
#include "image/image.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/unit.h"

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), ending_length = strlen(ending);
    return length >= ending_length && strcmp(text + length - ending_length, ending) == 0;
}

static bool contains_any(const char *text, const char *const *words)
{
    for (; words && *words; words++)
        if (strstr(text, *words))
            return true;
    return false;
}

/* Opens a folder of the data, or says that it is skipped. */
static DIR *open_folder(const char *name, char path[1024])
{
    const char *data = getenv("COP_TEST_DATA");
    snprintf(path, 1024, "%s/%s", data ? data : "", name);
    DIR *folder = opendir(path);
    if (!folder)
        printf("SKIP: no folder %s\n", path);
    return folder;
}

/* Every image of a folder decodes, but those whose names contain a word of `refused`. */
static void check_folder(const char *name, const char *const *refused, bool all_refused)
{
    char path[1024], file[2048];
    DIR *folder = open_folder(name, path);
    int count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (!ends_with(entry->d_name, ".png") && !ends_with(entry->d_name, "jpg") &&
            !ends_with(entry->d_name, "jpeg"))
            continue;
        struct image image;
        struct failure failure = {""};
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        bool good = image_read(file, &image, &failure);
        bool expected = !all_refused && !contains_any(entry->d_name, refused);
        ck_assert_msg(good == expected, "%s: %s", file, good ? "accepted" : failure.text);
        if (good)
            image_release(&image);
        count++;
    }
    if (folder) {
        closedir(folder);
        ck_assert_int_gt(count, 0);
    }
}

START_TEST(valid_files_decode)
{
    check_folder("decode_png/primary", NULL, false);
    check_folder("decode_png/primary_check", NULL, false);
    check_folder("decode_png/unused", NULL, false);
    check_folder("decode_png/16bit", NULL, false);
    check_folder("decode_jpeg/bench", NULL, false);
    check_folder("decode_jpeg/icc", NULL, false);
    check_folder("photos", NULL, false);
    check_folder("decode_misc", (const char *const[]){"truncated", NULL}, false);
}
END_TEST

START_TEST(corrupt_and_foreign_files_are_refused)
{
    check_folder("decode_png/corrupt", NULL, true);
    check_folder("decode_png/iphone", NULL, true);
}
END_TEST

START_TEST(cmyk_and_lossless_jpegs_are_refused_and_the_others_decode)
{
    static const char *const refused[] = {"sel1-8bit.jpg", "sel1.jpg",   "sel2.jpg", "16bit.jpg",
                                          "MR4.jpg",       "cmyk-2.jpg", "ycck.jpg", NULL};
    check_folder("decode_jpeg/reftest", refused, false);
}
END_TEST

START_TEST(malformed_jpegs_are_refused_but_one_that_is_whole)
{
    char path[1024];
    DIR *folder = open_folder("decode_jpeg/malformed", path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char file[2048];
        struct image image;
        struct failure failure = {""};
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        if (!ends_with(file, ".jpg"))
            continue;
        bool whole = strstr(file, "316be81dfdeeb942e904feb3a77f4f83") != NULL;
        ck_assert_msg(image_read(file, &image, &failure) == whole, "%s %s", file, failure.text);
        if (whole)
            image_release(&image);
    }
    if (folder)
        closedir(folder);
}
END_TEST

/* Decoders may round differently, and interpolate the colours of images of a few pixels
 * differently. */
static void compare_pair(const char *jpeg, const char *png)
{
    struct image decoded, expected;
    if (!image_read(jpeg, &decoded, NULL))
        return;
    if (image_read(png, &expected, NULL)) {
        ck_assert(decoded.width == expected.width && decoded.height == expected.height);
        bool tiny = decoded.width < 5;
        size_t size = 3 * (size_t)decoded.width * (size_t)decoded.height;
        for (size_t i = 0; i < size && !tiny; i++)
            ck_assert_msg(abs(decoded.pixels[i] - expected.pixels[i]) <= 3, "%s, byte %zu", jpeg,
                          i);
        image_release(&expected);
    }
    image_release(&decoded);
}

START_TEST(reference_jpegs_have_the_pixels_of_their_pngs)
{
    char path[1024];
    DIR *folder = open_folder("decode_jpeg/reftest", path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char jpeg[2048], png[2048];
        if (!ends_with(entry->d_name, ".jpg"))
            continue;
        snprintf(jpeg, sizeof(jpeg), "%s/%s", path, entry->d_name);
        snprintf(png, sizeof(png), "%s/%.*s.png", path, (int)strlen(entry->d_name) - 4,
                 entry->d_name);
        compare_pair(jpeg, png);
    }
    if (folder)
        closedir(folder);
}
END_TEST

int main(void)
{
    return RUN_TESTS("image_files", valid_files_decode, corrupt_and_foreign_files_are_refused,
                     cmyk_and_lossless_jpegs_are_refused_and_the_others_decode,
                     malformed_jpegs_are_refused_but_one_that_is_whole,
                     reference_jpegs_have_the_pixels_of_their_pngs);
}
