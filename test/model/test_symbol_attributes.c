// SPDX-License-Identifier: Apache-2.0
#include "model/mxnet/symbol_attributes.h"
#include "support/unit.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

START_TEST(booleans_are_words_in_any_case_or_a_digit)
{
    static const char *const yes[] = {"True", "true", "TRUE", "tRuE", "1"};
    static const char *const no[] = {"False", "false", "FALSE", "0"};
    static const char *const neither[] = {"", "yes", "2", "01", " True", "True ", "None", "1.0"};
    bool value;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        ck_assert(cop_parse_bool(yes[i], &value) && value);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        ck_assert(cop_parse_bool(no[i], &value) && !value);
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++)
        ck_assert_msg(!cop_parse_bool(neither[i], &value), "'%s'", neither[i]);
}
END_TEST

START_TEST(integers_are_decimal_with_nothing_behind)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"64", 64},
        {" 64 ", 64},
        {"-1", -1},
        {"+7", 7},
        {"0", 0},
        {"007", 7},
        {"\t3\n", 3},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const bad[] = {"",
                                      " ",
                                      "64L",
                                      "6 4",
                                      "1.0",
                                      "1e3",
                                      "0x10",
                                      "--1",
                                      "-",
                                      "None",
                                      "abc",
                                      "(3)",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = 12345;
        ck_assert_msg(cop_parse_int(good[i].text, &value), "'%s'", good[i].text);
        ck_assert_int_eq(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value;
        ck_assert_msg(!cop_parse_int(bad[i], &value), "'%s'", bad[i]);
    }
}
END_TEST

START_TEST(floating_point_numbers_are_those_of_c)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1e-05", 1e-5}, {"2e-05", 2e-5},   {"0.9", 0.9},        {" 6 ", 6},
                {"-.5", -0.5},   {"inf", INFINITY}, {"-inf", -INFINITY}, {"1e-400", 0}};
    static const char *const bad[] = {"", "x", "1,5", "1.0f", "1e400", "None", "0.1.2"};
    double value;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(cop_parse_double(good[i].text, &value), "'%s'", good[i].text);
        ck_assert_msg(value == good[i].value, "'%s' is %g", good[i].text, value);
    }
    ck_assert(cop_parse_double("nan", &value) && isnan(value));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!cop_parse_double(bad[i], &value), "'%s'", bad[i]);
}
END_TEST

START_TEST(a_program_with_a_decimal_comma_reads_the_same_numbers)
{
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                          "nl_NL.UTF-8"};
    const char *set = NULL;
    for (size_t i = 0; i < sizeof locales / sizeof locales[0] && set == NULL; i++)
        set = setlocale(LC_NUMERIC, locales[i]);
    if (set == NULL)
        printf("skipped: no locale with a decimal comma is installed\n");
    double value;
    ck_assert(cop_parse_double("0.75", &value) && value == 0.75);
    ck_assert(!cop_parse_double("0,75", &value));
}
END_TEST

struct tuple_case {
    const char *text;
    bool allow_none;
    int count; /* −1: is no tuple */
    int64_t values[4];
};

START_TEST(tuples_follow_python_loosely)
{
    static const struct tuple_case cases[] = {
        {"(3, 3)", false, 2, {3, 3}},
        {"(3,3)", false, 2, {3, 3}},
        {"[3L, 3L]", false, 2, {3, 3}},
        {"(1, 2, 3, ]", false, 3, {1, 2, 3}},
        {"[1,2)", false, 2, {1, 2}},
        {" ( -1 , 2L , )  ", false, 2, {-1, 2}},
        {"()", false, 0, {0}},
        {"[]", false, 0, {0}},
        {"( )", false, 0, {0}},
        {"3", false, 1, {3}},
        {"3L", false, 1, {3}},
        {"(3,)", false, 1, {3}},
        {"(None, 5)", true, 2, {COP_TUPLE_NONE, 5}},
        {"(0, None, )", true, 2, {0, COP_TUPLE_NONE}},
        {"(None, 5)", false, -1, {0}},
        {"(3", false, -1, {0}},
        {"(3,", false, -1, {0}},
        {"3)", false, -1, {0}},
        {"(3 3)", false, -1, {0}},
        {"(3,,3)", false, -1, {0}},
        {"(,3)", false, -1, {0}},
        {"(3.0, 3)", false, -1, {0}},
        {"(3, 3) x", false, -1, {0}},
        {"((3, 3))", false, -1, {0}},
        {"", false, -1, {0}},
        {"(3LL)", false, -1, {0}},
        {"(9223372036854775808)", false, -1, {0}},
        {"(-9223372036854775808)", true, -1, {0}}, /* stands for None */
        {"Nonesense", false, -1, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attribute_tuple tuple;
        const bool is_tuple = cop_parse_tuple(cases[i].text, cases[i].allow_none, &tuple);
        ck_assert_msg(is_tuple == (cases[i].count >= 0), "'%s'", cases[i].text);
        if (!is_tuple)
            continue;
        ck_assert_msg(tuple.is_given && tuple.count == cases[i].count, "'%s'", cases[i].text);
        for (int k = 0; k < tuple.count; k++)
            ck_assert_msg(tuple.values[k] == cases[i].values[k], "'%s'", cases[i].text);
    }
    struct attribute_tuple none;
    ck_assert(cop_parse_tuple("None", false, &none) && !none.is_given && none.count == 0);
}
END_TEST

START_TEST(a_tuple_has_at_most_64_elements)
{
    char text[512] = "(";
    struct attribute_tuple tuple;
    for (int i = 0; i < COP_MAX_TUPLE; i++)
        strcat(text, "1,");
    strcat(text, ")");
    ck_assert(cop_parse_tuple(text, false, &tuple));
    ck_assert_int_eq(tuple.count, COP_MAX_TUPLE);
    strcpy(text + strlen(text) - 1, "1)");
    ck_assert(!cop_parse_tuple(text, false, &tuple));
}
END_TEST

static struct attribute_reader read_one(struct mxnet_attribute *attribute, struct mxnet_node *node,
                                        cop_error *error)
{
    *node = (struct mxnet_node){
        .op = "Convolution", .name = "conv0", .attributes = attribute, .attribute_count = 1};
    return (struct attribute_reader){node, error, COP_STATUS_OK};
}

START_TEST(a_message_names_node_operator_attribute_and_value)
{
    cop_error error;
    struct mxnet_node node;
    struct mxnet_attribute attribute = {.key = "kernel", .value = "(3,"};
    struct attribute_reader reader = read_one(&attribute, &node, &error);
    cop_attribute_tuple(&reader, "kernel", 1, 100, false);
    ck_assert_int_eq(cop_attributes_end(&reader), COP_STATUS_MALFORMED_MODEL);
    ck_assert_ptr_nonnull(
        strstr(error.message, "node 'conv0' (Convolution): attribute kernel='(3,'"));
}
END_TEST

START_TEST(a_number_outside_its_range_is_malformed)
{
    cop_error error;
    struct mxnet_node node;
    struct mxnet_attribute attribute = {.key = "num_filter", .value = "0"};
    struct attribute_reader reader = read_one(&attribute, &node, &error);
    cop_attribute_required_int(&reader, "num_filter", 1, 10);
    ck_assert_int_eq(reader.status, COP_STATUS_MALFORMED_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "num_filter='0': expected a number from 1 to 10"));
    attribute.value = "1e39";
    reader = read_one(&attribute, &node, &error);
    cop_attribute_float(&reader, "num_filter", 0);
    ck_assert_int_eq(reader.status, COP_STATUS_MALFORMED_MODEL);
}
END_TEST

START_TEST(a_required_attribute_that_is_missing_is_malformed)
{
    cop_error error;
    struct mxnet_node node;
    struct mxnet_attribute attribute = {.key = "other", .value = "1"};
    struct attribute_reader reader = read_one(&attribute, &node, &error);
    cop_attribute_required_int(&reader, "num_filter", 1, 10);
    ck_assert_int_eq(reader.status, COP_STATUS_MALFORMED_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "attribute num_filter is missing"));
}
END_TEST

START_TEST(an_attribute_that_nobody_asked_for_is_not_supported)
{
    cop_error error;
    struct mxnet_node node;
    struct mxnet_attribute attribute = {.key = "flavour", .value = "sweet"};
    struct attribute_reader reader = read_one(&attribute, &node, &error);
    ck_assert_int_eq(cop_attributes_end(&reader), COP_STATUS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "flavour='sweet'"));
    reader = read_one(&attribute, &node, &error);
    cop_attributes_ignore(&reader, "colour flavour smell");
    ck_assert_int_eq(cop_attributes_end(&reader), COP_STATUS_OK);
    attribute = (struct mxnet_attribute){.key = "__flavour__", .value = "sweet"};
    reader = read_one(&attribute, &node, &error);
    ck_assert_int_eq(cop_attributes_end(&reader), COP_STATUS_OK);
    attribute.key = "____"; /* too short to hide something */
    reader = read_one(&attribute, &node, &error);
    ck_assert_int_eq(cop_attributes_end(&reader), COP_STATUS_UNSUPPORTED);
}
END_TEST

START_TEST(enumerations_are_exact)
{
    static const char *const names[] = {"max", "avg", NULL};
    cop_error error;
    struct mxnet_node node;
    struct mxnet_attribute attribute = {.key = "pool_type", .value = "avg"};
    struct attribute_reader reader = read_one(&attribute, &node, &error);
    ck_assert_int_eq(cop_attribute_enum(&reader, "pool_type", 0, names), 1);
    ck_assert_int_eq(cop_attribute_enum(&reader, "absent", 7, names), 7);
    attribute.value = "Avg";
    ck_assert_int_eq(cop_attribute_enum(&reader, "pool_type", 0, names), -1);
    ck_assert_int_eq(reader.status, COP_STATUS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "max, avg"));
}
END_TEST

START_TEST(optional_numbers_may_be_none_or_long)
{
    cop_error error;
    struct mxnet_node node;
    struct mxnet_attribute attribute = {.key = "end", .value = "None"};
    struct attribute_reader reader = read_one(&attribute, &node, &error);
    int64_t value = 5;
    ck_assert(!cop_attribute_optional_int(&reader, "end", 0, 10, &value));
    ck_assert_int_eq(value, 5);
    attribute.value = "7L";
    ck_assert(cop_attribute_optional_int(&reader, "end", 0, 10, &value));
    ck_assert_int_eq(value, 7);
    attribute.value = "seven";
    ck_assert(!cop_attribute_optional_int(&reader, "end", 0, 10, &value));
    ck_assert_int_eq(reader.status, COP_STATUS_MALFORMED_MODEL);
}
END_TEST

int main(void)
{
    return RUN_TESTS(
        "symbol attributes", booleans_are_words_in_any_case_or_a_digit,
        integers_are_decimal_with_nothing_behind, floating_point_numbers_are_those_of_c,
        a_program_with_a_decimal_comma_reads_the_same_numbers, tuples_follow_python_loosely,
        a_tuple_has_at_most_64_elements, a_message_names_node_operator_attribute_and_value,
        a_number_outside_its_range_is_malformed, a_required_attribute_that_is_missing_is_malformed,
        an_attribute_that_nobody_asked_for_is_not_supported, enumerations_are_exact,
        optional_numbers_may_be_none_or_long);
}
