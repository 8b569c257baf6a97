// SPDX-License-Identifier: Apache-2.0
#include "ir/shape.h"
#include "support/unit.h"

#define SHAPE(...)                                                                                 \
    cop_shape_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                        \
                 (int64_t[]){__VA_ARGS__})

static void check_text(struct shape shape, const char *expected)
{
    ck_assert_str_eq(cop_shape_text(&shape).text, expected);
}

START_TEST(shapes_are_written_with_what_is_unknown)
{
    check_text(SHAPE(1, 3, 224, 224), "[1,3,224,224]");
    check_text(SHAPE(COP_UNKNOWN, 3), "[?,3]");
    check_text((struct shape){.rank = 0}, "[]");
    check_text(cop_shape_unknown(), "unknown");
    const int64_t large = INT64_MAX;
    check_text(SHAPE(large, large, large, large, large, large, large, large),
               "[9223372036854775807,9223372036854775807,9223372036854775807,9223372036854775807,"
               "9223372036854775807,9223372036854775807,9223372036854775807,9223372036854775807]");
}
END_TEST

static bool count(struct shape shape, int64_t *elements)
{
    return cop_shape_elements(&shape, elements);
}

START_TEST(elements_are_counted_up_to_the_limit)
{
    int64_t elements;
    ck_assert(count(SHAPE(2, 3, 4), &elements) && elements == 24);
    ck_assert(count((struct shape){.rank = 0}, &elements) && elements == 1);
    ck_assert(count(SHAPE(2, 0, 4), &elements) && elements == 0);
    /* 2^48 − 1 is the most. */
    ck_assert(count(SHAPE((INT64_C(1) << 24) - 1, (INT64_C(1) << 24) + 1), &elements));
    ck_assert(elements == (INT64_C(1) << 48) - 1);
    ck_assert(!count(SHAPE(INT64_C(1) << 24, INT64_C(1) << 24), &elements));
    ck_assert(!count(SHAPE(INT64_C(1) << 24, INT64_C(1) << 25), &elements));
    ck_assert(!count(SHAPE(INT64_C(1) << 40, INT64_C(1) << 40), &elements));
    ck_assert(!count(SHAPE(0, INT64_C(1) << 40, INT64_C(1) << 40), &elements));
    ck_assert(!count(SHAPE(COP_UNKNOWN), &elements));
    ck_assert(!count(cop_shape_unknown(), &elements));
}
END_TEST

START_TEST(bytes_follow_from_elements)
{
    const struct shape shape = SHAPE(3, 5);
    size_t bytes;
    ck_assert(cop_shape_bytes(&shape, COP_DTYPE_FLOAT64, &bytes) && bytes == 120);
    ck_assert(cop_shape_bytes(&shape, COP_DTYPE_BOOL, &bytes) && bytes == 15);
    const struct shape large = SHAPE(INT64_C(1) << 49);
    ck_assert(!cop_shape_bytes(&large, COP_DTYPE_INT8, &bytes));
}
END_TEST

START_TEST(shapes_merge_what_either_knows)
{
    struct shape into = cop_shape_unknown();
    const struct shape half = SHAPE(COP_UNKNOWN, 3), other = SHAPE(2, COP_UNKNOWN);
    bool changed = false;
    ck_assert(cop_shape_merge(&into, &half, &changed) && changed);
    check_text(into, "[?,3]");
    changed = false;
    ck_assert(cop_shape_merge(&into, &half, &changed) && !changed);
    ck_assert(cop_shape_merge(&into, &other, &changed) && changed);
    check_text(into, "[2,3]");
    const struct shape unknown = cop_shape_unknown(), wrong = SHAPE(2, 4), longer = SHAPE(2, 3, 1);
    changed = false;
    ck_assert(cop_shape_merge(&into, &unknown, NULL));
    ck_assert(!cop_shape_merge(&into, &wrong, &changed));
    ck_assert(!cop_shape_merge(&into, &longer, &changed));
    ck_assert(!changed);
    check_text(into, "[2,3]");
}
END_TEST

static void check_broadcast(struct shape a, struct shape b, const char *expected)
{
    for (int i = 0; i < 2; i++) {
        struct shape result;
        const bool fits = cop_shape_broadcast(i == 0 ? &a : &b, i == 0 ? &b : &a, &result);
        ck_assert_int_eq(fits, expected != NULL);
        if (fits)
            check_text(result, expected);
    }
}

START_TEST(shapes_broadcast_as_in_numpy_both_ways)
{
    check_broadcast(SHAPE(2, 1, 4), SHAPE(3, 1), "[2,3,4]");
    check_broadcast(SHAPE(2, 3), (struct shape){.rank = 0}, "[2,3]");
    check_broadcast(SHAPE(0), SHAPE(1), "[0]");
    check_broadcast(SHAPE(COP_UNKNOWN), SHAPE(5), "[5]");
    check_broadcast(SHAPE(COP_UNKNOWN), SHAPE(1), "[?]");
    check_broadcast(SHAPE(COP_UNKNOWN), SHAPE(0), "[?]");
    check_broadcast(cop_shape_unknown(), SHAPE(5), "unknown");
    check_broadcast(SHAPE(2), SHAPE(3), NULL);
    check_broadcast(SHAPE(0), SHAPE(3), NULL);
}
END_TEST

START_TEST(axes_count_from_either_end)
{
    int axis = 9;
    ck_assert(cop_axis_normalize(0, 3, &axis) && axis == 0);
    ck_assert(cop_axis_normalize(-1, 3, &axis) && axis == 2);
    ck_assert(cop_axis_normalize(-3, 3, &axis) && axis == 0);
    ck_assert(!cop_axis_normalize(3, 3, &axis));
    ck_assert(!cop_axis_normalize(-4, 3, &axis));
    ck_assert(!cop_axis_normalize(0, 0, &axis));
    ck_assert(!cop_axis_normalize(INT64_MIN, 3, &axis));
    ck_assert(!cop_axis_normalize(INT64_MAX, 3, &axis));
}
END_TEST

START_TEST(dtypes_have_names_and_sizes)
{
    ck_assert_str_eq(cop_dtype_name(COP_DTYPE_BFLOAT16), "bfloat16");
    ck_assert_uint_eq(cop_dtype_bytes(COP_DTYPE_BFLOAT16), 2);
    ck_assert_uint_eq(cop_dtype_bytes(COP_DTYPE_BOOL), 1);
    ck_assert_str_eq(cop_dtype_name((cop_dtype)99), "unknown");
    ck_assert_uint_eq(cop_dtype_bytes((cop_dtype)99), 0);
    ck_assert_uint_eq(cop_dtype_bytes(COP_DTYPE_UNKNOWN), 0);
}
END_TEST

int main(void)
{
    return RUN_TESTS("shape", shapes_are_written_with_what_is_unknown,
                     elements_are_counted_up_to_the_limit, bytes_follow_from_elements,
                     shapes_merge_what_either_knows, shapes_broadcast_as_in_numpy_both_ways,
                     axes_count_from_either_end, dtypes_have_names_and_sizes);
}
