// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "support/unit.h"

#include <string.h>

START_TEST(json_strings_are_escaped_and_valid)
{
    struct text text = {0};
    cop_text_add_json(&text, "a\"b\\c\n\x7f \xc3\xa9 \xff\xc3");
    char *bytes = cop_text_take(&text);
    ck_assert_str_eq(bytes, "a\\\"b\\\\c\\u000a\\u007f \xc3\xa9 \\ufffd\\ufffd");
    cop_free(bytes);
}
END_TEST

START_TEST(an_allocation_failure_is_remembered)
{
    struct text text = {0};
    cop_text_add(&text, "%s", "first");
    cop_alloc_fail_after(0, 1);
    for (int i = 0; i < 100; i++)
        cop_text_add(&text, "%d ", i);
    cop_alloc_fail_after(-1, 0);
    ck_assert_ptr_null(cop_text_take(&text));
}
END_TEST

START_TEST(a_long_message_is_cut_at_a_character)
{
    char longer[2 * COP_ERROR_MESSAGE_BYTES];
    for (size_t i = 0; i + 2 < sizeof longer; i += 2)
        memcpy(longer + i, "\xc3\xa9", 3);
    cop_error error;
    ck_assert_int_eq(cop_fail(&error, COP_STATUS_IO, "x%s", longer), COP_STATUS_IO);
    const size_t length = strlen(error.message);
    ck_assert(length < sizeof error.message && length >= sizeof error.message - 3);
    ck_assert_int_eq((unsigned char)error.message[length - 1], 0xa9);
}
END_TEST

START_TEST(a_prefix_goes_in_front)
{
    cop_error error;
    (void)cop_fail(&error, COP_STATUS_IO, "bad %d", 5);
    ck_assert_int_eq(cop_error_prefix(&error, COP_STATUS_MALFORMED_MODEL, "%s: ", "file"),
                     COP_STATUS_MALFORMED_MODEL);
    ck_assert_str_eq(error.message, "file: bad 5");
    ck_assert_int_eq(error.status, COP_STATUS_MALFORMED_MODEL);
}
END_TEST

int main(void)
{
    return RUN_TESTS("text", json_strings_are_escaped_and_valid,
                     an_allocation_failure_is_remembered, a_long_message_is_cut_at_a_character,
                     a_prefix_goes_in_front);
}
