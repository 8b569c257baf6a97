// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "base/alloc.h"
#include "base/error.h"
#include "base/source.h"
#include "support/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
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

/* What a reader reads from: counts, and fails from the `failing`-th read on. */
struct shelf {
    _Atomic int reads, releases;
    int failing;
};

static cop_status read_shelf(void *user, size_t offset, size_t size, void *dst, cop_error *error)
{
    struct shelf *shelf = user;
    if (atomic_fetch_add(&shelf->reads, 1) + 1 == shelf->failing)
        return cop_fail(error, COP_STATUS_IO, "the shelf is empty");
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)dst)[i] = (unsigned char)((offset + i) * 7 % 251);
    return COP_STATUS_OK;
}

static void release_shelf(void *user)
{
    atomic_fetch_add(&((struct shelf *)user)->releases, 1);
}

static struct source *open_shelf(struct shelf *shelf)
{
    const struct source_reader reader = {read_shelf, release_shelf, shelf};
    struct source *source = NULL;
    ck_assert_int_eq(cop_source_from_reader(&reader, SIZE, "shelf", &source, NULL), COP_STATUS_OK);
    return source;
}

START_TEST(what_a_reader_copies_is_there_while_it_is_pinned)
{
    struct shelf shelf = {0};
    struct source *source = open_shelf(&shelf);
    const unsigned char *bytes = NULL, *again = NULL;
    ck_assert_ptr_null(cop_source_bytes(source));
    ck_assert(!cop_source_is_stable(source));
    ck_assert_uint_eq(cop_source_size(source), SIZE);
    ck_assert_int_eq(shelf.reads, 0);
    const size_t before = cop_alloc_counters().live_bytes;
    ck_assert_int_eq(cop_source_pin(source, 0, SIZE, &bytes, NULL), COP_STATUS_OK);
    assert_content(bytes);
    ck_assert_int_eq(cop_source_pin(source, 100, 7, &again, NULL), COP_STATUS_OK);
    ck_assert_ptr_eq(again, bytes + 100);
    ck_assert_int_eq(shelf.reads, 1);
    cop_source_unpin(source);
    assert_content(bytes);
    cop_source_unpin(source);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
    ck_assert_int_eq(cop_source_pin(source, 0, SIZE, &bytes, NULL), COP_STATUS_OK);
    ck_assert_int_eq(shelf.reads, 2);
    cop_source_unpin(source);
    ck_assert_int_eq(shelf.releases, 0);
    cop_source_release(&source);
    ck_assert_int_eq(shelf.releases, 1);
}
END_TEST

START_TEST(a_reader_that_fails_or_finds_no_memory_leaves_nothing_pinned)
{
    struct shelf shelf = {.failing = 1};
    struct source *source = open_shelf(&shelf);
    const unsigned char *bytes = NULL;
    const size_t before = cop_alloc_counters().live_bytes;
    cop_error error;
    ck_assert_int_eq(cop_source_pin(source, 0, SIZE, &bytes, &error), COP_STATUS_IO);
    ck_assert_str_eq(error.message, "the shelf is empty");
    ck_assert_ptr_null(bytes);
    cop_alloc_fail_after(0, 0);
    ck_assert_int_eq(cop_source_pin(source, 0, SIZE, &bytes, &error), COP_STATUS_OUT_OF_MEMORY);
    cop_alloc_fail_after(-1, 0);
    ck_assert_ptr_nonnull(strstr(error.message, "shelf"));
    ck_assert_int_eq(cop_source_pin(source, 1, SIZE, &bytes, &error), COP_STATUS_INTERNAL);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
    ck_assert_int_eq(cop_source_pin(source, 0, SIZE, &bytes, &error), COP_STATUS_OK);
    assert_content(bytes);
    cop_source_unpin(source);
    cop_source_release(&source);
    ck_assert_int_eq(shelf.releases, 1);
}
END_TEST

START_TEST(a_reader_is_released_also_when_there_is_no_memory_for_its_source)
{
    struct shelf shelf = {0};
    const struct source_reader reader = {read_shelf, release_shelf, &shelf};
    struct source *source = NULL;
    for (int k = 0; k < 2; k++) {
        cop_alloc_fail_after(k, 0);
        ck_assert_int_eq(cop_source_from_reader(&reader, SIZE, "shelf", &source, NULL),
                         COP_STATUS_OUT_OF_MEMORY);
        cop_alloc_fail_after(-1, 0);
        ck_assert_ptr_null(source);
        ck_assert_int_eq(shelf.releases, k + 1);
    }
}
END_TEST

static void *pin_often(void *user)
{
    struct source *source = user;
    uintptr_t wrong = 0;
    for (int i = 0; i < 200; i++) {
        const unsigned char *bytes = NULL;
        if (cop_source_pin(source, 0, SIZE, &bytes, NULL) != COP_STATUS_OK)
            return (void *)(uintptr_t)1;
        for (int k = 0; k < SIZE; k += 997)
            wrong |= bytes[k] != k * 7 % 251;
        cop_source_unpin(source);
    }
    return (void *)wrong;
}

START_TEST(threads_that_pin_one_source_share_what_is_read)
{
    struct shelf shelf = {0};
    struct source *source = open_shelf(&shelf);
    const size_t before = cop_alloc_counters().live_bytes;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, pin_often, source);
    void *wrong[4];
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], &wrong[i]);
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_null(wrong[i]);
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, before);
    cop_source_release(&source);
    ck_assert_int_eq(shelf.releases, 1);
}
END_TEST

int main(void)
{
    return RUN_TESTS("source", a_file_truncated_after_reading_does_not_matter,
                     dropped_bytes_come_back_from_an_unchanged_file,
                     dropped_bytes_of_a_changed_file_are_an_error,
                     directories_fifos_and_missing_files_are_refused,
                     external_files_stay_beneath_their_directory,
                     borrowed_bytes_are_released_exactly_once_also_on_failure,
                     what_a_reader_copies_is_there_while_it_is_pinned,
                     a_reader_that_fails_or_finds_no_memory_leaves_nothing_pinned,
                     a_reader_is_released_also_when_there_is_no_memory_for_its_source,
                     threads_that_pin_one_source_share_what_is_read);
}
