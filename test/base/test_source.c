// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "base/alloc.h"
#include "base/source.h"
#include "support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 40000

static char directory[] = "/tmp/cop-source-XXXXXX";
static char path[64];

static void make_file(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/weights", directory);
    FILE *file = fopen(path, "wb");
    for (int i = 0; i < SIZE; i++)
        fputc(i * 7 % 251, file);
    fclose(file);
}

static void remove_file(void)
{
    unlink(path);
    rmdir(directory);
}

static void assert_content(const unsigned char *bytes)
{
    for (int i = 0; i < SIZE; i++)
        ck_assert_int_eq(bytes[i], i * 7 % 251);
}

START_TEST(a_file_truncated_after_reading_does_not_matter)
{
    make_file();
    struct source *source = NULL;
    ck_assert_int_eq(cop_source_open(path, COP_FILE_ACCESS_READ, &source, NULL), COP_STATUS_OK);
    ck_assert_int_eq(truncate(path, 0), 0);
    assert_content(cop_source_bytes(source));
    cop_source_release(&source);
    remove_file();
}
END_TEST

START_TEST(dropped_bytes_come_back_from_an_unchanged_file)
{
    make_file();
    struct source *source = NULL;
    ck_assert_int_eq(cop_source_open(path, COP_FILE_ACCESS_READ, &source, NULL), COP_STATUS_OK);
    cop_source_drop(source, 100, SIZE - 100);
    const unsigned char *bytes = NULL;
    ck_assert_int_eq(cop_source_pin(source, 0, SIZE, &bytes, NULL), COP_STATUS_OK);
    assert_content(bytes);
    cop_source_drop(source, 0, SIZE); /* pinned: must not take anything away */
    assert_content(bytes);
    cop_source_unpin(source);
    cop_source_release(&source);
    remove_file();
}
END_TEST

START_TEST(dropped_bytes_of_a_changed_file_are_an_error)
{
    make_file();
    struct source *source = NULL;
    ck_assert_int_eq(cop_source_open(path, COP_FILE_ACCESS_READ, &source, NULL), COP_STATUS_OK);
    cop_source_drop(source, 0, SIZE);
    ck_assert_int_eq(truncate(path, SIZE / 2), 0);
    const unsigned char *bytes = NULL;
    cop_error error;
    ck_assert_int_eq(cop_source_pin(source, 0, SIZE, &bytes, &error), COP_STATUS_IO);
    ck_assert_ptr_nonnull(strstr(error.message, path));
    cop_source_release(&source);
    remove_file();
}
END_TEST

START_TEST(directories_fifos_and_missing_files_are_refused)
{
    make_file();
    struct source *source = NULL;
    cop_error error;
    ck_assert_int_eq(cop_source_open("/nowhere/at/all", COP_FILE_ACCESS_READ, &source, &error),
                     COP_STATUS_NOT_FOUND);
    ck_assert_int_eq(cop_source_open(directory, COP_FILE_ACCESS_READ, &source, &error),
                     COP_STATUS_IO);
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(cop_source_open(path, COP_FILE_ACCESS_READ, &source, &error), COP_STATUS_IO);
    ck_assert_ptr_null(source);
    remove_file();
}
END_TEST

START_TEST(external_files_stay_beneath_their_directory)
{
    make_file();
    char link_path[80];
    snprintf(link_path, sizeof link_path, "%s/link", directory);
    ck_assert_int_eq(symlink(path, link_path), 0);
    const int fd = open(directory, O_RDONLY | O_DIRECTORY);
    struct source *source = NULL;
    ck_assert_int_eq(cop_source_open_beneath(fd, "weights", COP_FILE_ACCESS_READ, &source, NULL),
                     COP_STATUS_OK);
    cop_source_release(&source);
    const char *const hostile[] = {"../etc/passwd", "/etc/passwd", "link", "a/../../x", "."};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        ck_assert_int_ne(
            cop_source_open_beneath(fd, hostile[i], COP_FILE_ACCESS_READ, &source, NULL),
            COP_STATUS_OK);
        ck_assert_ptr_null(source);
    }
    close(fd);
    unlink(link_path);
    remove_file();
}
END_TEST

static int release_count;
static void count_release(void *user, const void *data)
{
    (void)data;
    release_count++;
    *(int *)user = 1;
}

START_TEST(borrowed_bytes_are_released_exactly_once_also_on_failure)
{
    int was_released = 0;
    const cop_bytes bytes = {"abc", 3, count_release, &was_released};
    struct source *source = NULL;
    release_count = 0;
    ck_assert_int_eq(cop_source_from_bytes(&bytes, "memory", &source, NULL), COP_STATUS_OK);
    ck_assert_int_eq(release_count, 0);
    struct source *other = cop_source_retain(source);
    cop_source_release(&source);
    ck_assert_int_eq(release_count, 0);
    cop_source_release(&other);
    ck_assert_int_eq(release_count, 1);
    for (int k = 0; k < 2; k++) {
        cop_alloc_fail_after(k, 0);
        ck_assert_int_eq(cop_source_from_bytes(&bytes, "memory", &source, NULL),
                         COP_STATUS_OUT_OF_MEMORY);
        cop_alloc_fail_after(-1, 0);
        ck_assert_int_eq(release_count, 2 + k);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("source", a_file_truncated_after_reading_does_not_matter,
                     dropped_bytes_come_back_from_an_unchanged_file,
                     dropped_bytes_of_a_changed_file_are_an_error,
                     directories_fifos_and_missing_files_are_refused,
                     external_files_stay_beneath_their_directory,
                     borrowed_bytes_are_released_exactly_once_also_on_failure);
}
