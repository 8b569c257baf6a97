// SPDX-License-Identifier: Apache-2.0
#include "base/options.h"
#include "support/unit.h"

#include <string.h>

struct now {
    size_t struct_size;
    int first, second;
};

struct later {
    struct now now;
    long third;
};

static const struct now defaults = {sizeof defaults, 1, 2};

static cop_status read_into(struct now *options, const void *given, cop_error *error)
{
    *options = defaults;
    return cop_options_read(options, sizeof *options, given, "test_options", error);
}

START_TEST(a_struct_of_today_is_taken_whole)
{
    struct now options;
    const struct now given = {sizeof given, 5, 6};
    ck_assert_int_eq(read_into(&options, &given, NULL), COP_STATUS_OK);
    ck_assert(options.first == 5 && options.second == 6);
}
END_TEST

START_TEST(a_shorter_struct_leaves_the_rest_at_its_defaults)
{
    struct now options;
    const struct now given = {offsetof(struct now, second), 5, 6};
    ck_assert_int_eq(read_into(&options, &given, NULL), COP_STATUS_OK);
    ck_assert(options.first == 5 && options.second == 2);
    ck_assert_uint_eq(options.struct_size, sizeof options);
}
END_TEST

START_TEST(a_longer_struct_must_not_ask_for_what_is_unknown)
{
    struct now options;
    cop_error error;
    struct later given;
    memset(&given, 0, sizeof given);
    given.now = (struct now){sizeof given, 5, 6};
    ck_assert_int_eq(read_into(&options, &given, NULL), COP_STATUS_OK);
    given.third = 1;
    ck_assert_int_eq(read_into(&options, &given, &error), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "test_options"));
}
END_TEST

START_TEST(a_size_that_was_never_set_is_refused)
{
    static const size_t sizes[] = {0, 1, sizeof(size_t) - 1, 513, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct now options;
        const struct now given = {sizes[i], 5, 6};
        ck_assert_int_eq(read_into(&options, &given, NULL), COP_STATUS_INVALID_ARGUMENT);
        ck_assert(options.first == 1 && options.second == 2);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("options", a_struct_of_today_is_taken_whole,
                     a_shorter_struct_leaves_the_rest_at_its_defaults,
                     a_longer_struct_must_not_ask_for_what_is_unknown,
                     a_size_that_was_never_set_is_refused);
}
