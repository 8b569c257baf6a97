// SPDX-License-Identifier: Apache-2.0
/* How a vendor's library is looked for, and what is said where it is not found. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/shared_library.h"
#include "support/unit.h"

#define FOLDER "CACHEDOP_TEST_FOLDER"

static cop_error error;

static struct shared_library missing(void)
{
    return (struct shared_library){
        .title = "Vendor", .file = "libcachedop-no-such-library.so.1", .folder = FOLDER};
}

static void expect_not_found(const char *text)
{
    struct shared_library library = missing();
    ck_assert_int_eq(cop_shared_library_open(&library, &error), COP_STATUS_NOT_FOUND);
    ck_assert_ptr_null(library.opened);
    ck_assert_str_eq(library.path, "");
    ck_assert_ptr_nonnull(strstr(error.message, "Vendor: "));
    ck_assert_msg(strstr(error.message, text) != NULL, "%s", error.message);
}

START_TEST(a_library_that_is_nowhere_is_not_found_in_the_loaders_words)
{
    unsetenv(FOLDER);
    expect_not_found("libcachedop-no-such-library.so.1");
    setenv(FOLDER, "", 1);
    expect_not_found("libcachedop-no-such-library.so.1");
}
END_TEST

START_TEST(a_folder_must_be_an_absolute_path)
{
    setenv(FOLDER, "lib", 1);
    expect_not_found(FOLDER " is 'lib', which is no absolute path");
}
END_TEST

START_TEST(a_folder_without_the_library_is_named)
{
    setenv(FOLDER, "/no/such/folder", 1);
    expect_not_found("/no/such/folder/libcachedop-no-such-library.so.1");
}
END_TEST

START_TEST(a_folder_of_any_length_is_no_harm)
{
    char folder[2000];
    memset(folder, '/', sizeof folder - 1);
    folder[sizeof folder - 1] = '\0';
    setenv(FOLDER, folder, 1);
    expect_not_found("too long");
}
END_TEST

START_TEST(a_function_that_is_missing_is_named)
{
    struct shared_library library = {.title = "Vendor", .file = "libc.so.6"};
    size_t (*length)(const char *text) = 0;
    ck_assert_int_eq(cop_shared_library_open(&library, &error), COP_STATUS_OK);
    ck_assert_str_eq(library.path, "libc.so.6");
    ck_assert_int_eq(cop_shared_library_find(&library, "strlen", &length, &error), COP_STATUS_OK);
    ck_assert_uint_eq(length("four"), 4);
    ck_assert_int_eq(cop_shared_library_find(&library, "cachedop_no_such", &length, &error),
                     COP_STATUS_UNSUPPORTED);
    ck_assert(!length);
    ck_assert_str_eq(error.message, "Vendor: libc.so.6 has no function cachedop_no_such");
}
END_TEST

int main(void)
{
    return RUN_TESTS("shared library", a_library_that_is_nowhere_is_not_found_in_the_loaders_words,
                     a_folder_must_be_an_absolute_path, a_folder_without_the_library_is_named,
                     a_folder_of_any_length_is_no_harm, a_function_that_is_missing_is_named);
}
