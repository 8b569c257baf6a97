// SPDX-License-Identifier: Apache-2.0
/* Scores, labels, JSON and statistics: what stands between a model's output and the user. */
#include "output/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/json.h"
#include "output/labels.h"
#include "output/statistics.h"
#include "support/unit.h"

START_TEST(logits_become_probabilities)
{
    const float logits[] = {1000, 1001, 999};
    double scores[3];
    ck_assert(results_scores(logits, COP_DTYPE_FLOAT32, 3, false, scores, NULL));
    ck_assert_double_eq_tol(scores[0] + scores[1] + scores[2], 1, 1e-12);
    ck_assert_double_eq_tol(scores[1] / scores[0], exp(1), 1e-9);
    ck_assert(results_scores(logits, COP_DTYPE_FLOAT32, 3, true, scores, NULL));
    ck_assert_double_eq(scores[1], 1001);
}
END_TEST

START_TEST(probabilities_stay_what_they_are)
{
    const float probabilities[] = {0.25f, 0.7f, 0.0495f};
    double scores[3];
    ck_assert(results_scores(probabilities, COP_DTYPE_FLOAT32, 3, false, scores, NULL));
    for (int i = 0; i < 3; i++)
        ck_assert_double_eq(scores[i], (double)probabilities[i]);
    const float negative[] = {-0.25f, 0.7f, 0.55f};
    ck_assert(results_scores(negative, COP_DTYPE_FLOAT32, 3, false, scores, NULL));
    ck_assert(scores[0] > 0);
}
END_TEST

START_TEST(scores_that_are_not_finite_are_refused)
{
    const float values[] = {1, NAN, 2}, infinite[] = {1, 2, INFINITY};
    double scores[3];
    struct failure failure;
    ck_assert(!results_scores(values, COP_DTYPE_FLOAT32, 3, false, scores, &failure));
    ck_assert(strstr(failure.text, "class 1"));
    ck_assert(!results_scores(infinite, COP_DTYPE_FLOAT32, 3, true, scores, &failure));
}
END_TEST

START_TEST(half_and_double_outputs_are_read)
{
    const uint16_t halves[] = {0x3c00, 0xc000};
    const double doubles[] = {1, -2};
    double scores[2];
    ck_assert(results_scores(halves, COP_DTYPE_FLOAT16, 2, true, scores, NULL));
    ck_assert(scores[0] == 1 && scores[1] == -2);
    ck_assert(results_scores(doubles, COP_DTYPE_FLOAT64, 2, true, scores, NULL));
    ck_assert(scores[0] == 1 && scores[1] == -2);
}
END_TEST

START_TEST(the_best_come_first_and_ties_keep_their_order)
{
    const double scores[] = {3, 9, 1, 9, 4};
    struct ranked_class top[8];
    size_t count = 3;
    results_rank(scores, 5, top, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert(top[0].index == 1 && top[1].index == 3 && top[2].index == 4);
    count = 8;
    results_rank(scores, 5, top, &count);
    ck_assert_uint_eq(count, 5);
    ck_assert(top[3].index == 0 && top[4].index == 2);
}
END_TEST

START_TEST(lists_of_scores_are_recognised)
{
    const cop_tensor_desc lists[] = {{"p", COP_DTYPE_FLOAT32, 2, {1, 10}},
                                     {"p", COP_DTYPE_FLOAT16, 4, {1, 10, 1, 1}},
                                     {"p", COP_DTYPE_FLOAT32, 1, {10}},
                                     {"p", COP_DTYPE_FLOAT32, 2, {1, 1}}};
    const cop_tensor_desc others[] = {{"p", COP_DTYPE_FLOAT32, 2, {2, 10}},
                                      {"p", COP_DTYPE_INT64, 2, {1, 10}},
                                      {"p", COP_DTYPE_FLOAT32, 0, {0}},
                                      {"p", COP_DTYPE_FLOAT32, 2, {1, 0}}};
    for (int i = 0; i < 4; i++) {
        ck_assert(results_is_class_list(&lists[i]));
        ck_assert(!results_is_class_list(&others[i]));
    }
    ck_assert_uint_eq(results_element_count(&lists[1]), 10);
}
END_TEST

static void assert_label(const struct labels *labels, size_t index, const char *expected)
{
    char buffer[LABEL_BYTES];
    ck_assert_str_eq(labels_name(labels, index, buffer), expected);
}

START_TEST(labels_are_plain_lines_or_synset_lines)
{
    static const char text[] =
        "n01440764 tench, Tinca tinca\r\nplain name  \n\nn12 short\nlast\n\n";
    struct labels labels;
    ck_assert(labels_parse(text, sizeof(text) - 1, &labels, NULL));
    ck_assert_uint_eq(labels.count, 5);
    assert_label(&labels, 0, "tench, Tinca tinca");
    assert_label(&labels, 1, "plain name");
    assert_label(&labels, 2, "class 2");
    assert_label(&labels, 3, "n12 short");
    assert_label(&labels, 4, "last");
    assert_label(&labels, 5, "class 5");
    labels_release(&labels);
    assert_label(&labels, 0, "class 0");
}
END_TEST

START_TEST(labels_that_are_no_text_are_refused)
{
    struct labels labels;
    struct failure failure;
    ck_assert(!labels_parse("a\0b", 3, &labels, &failure));
    ck_assert(!labels_parse(" \n", 2, &labels, &failure));
    ck_assert(!labels_parse("", 0, &labels, &failure));
    ck_assert(!labels_read("/nonexistent", &labels, &failure));
    ck_assert(strstr(failure.text, "/nonexistent: cannot be opened"));
    ck_assert(!labels_read("/", &labels, &failure));
}
END_TEST

static void assert_json(const char *text, const char *expected)
{
    char *written;
    size_t size;
    FILE *file = open_memstream(&written, &size);
    json_string(file, text);
    fclose(file);
    ck_assert_str_eq(written, expected);
    free(written);
}

START_TEST(json_strings_are_escaped_and_valid)
{
    assert_json("a\"b\\c\n\t\x01", "\"a\\\"b\\\\c\\n\\t\\u0001\"");
    assert_json("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb6",
                "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb6\"");
    /* Lone bytes, a long form, a surrogate, a value too large, a character cut short. */
    assert_json("\xff\xc0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
    assert_json("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
    assert_json("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
    assert_json("x\xe2\x82", "\"x\\ufffd\\ufffd\"");
}
END_TEST

START_TEST(json_numbers_read_back_the_same)
{
    static const double values[] = {0, 1, -0.1, 1.0 / 3, 1e300, 12.5, 5e-324};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char *written;
        size_t size;
        FILE *file = open_memstream(&written, &size);
        json_number(file, values[i]);
        fclose(file);
        ck_assert_double_eq(strtod(written, NULL), values[i]);
        free(written);
    }
    char *written;
    size_t size;
    FILE *file = open_memstream(&written, &size);
    json_number(file, INFINITY);
    fclose(file);
    ck_assert_str_eq(written, "null");
    free(written);
}
END_TEST

START_TEST(quantiles_are_within_a_percent)
{
    struct statistics *one = calloc(1, sizeof(*one)), *other = calloc(1, sizeof(*other));
    ck_assert_double_eq(statistics_quantile_ms(one, 0.5), 0);
    for (int64_t i = 1; i <= 1000; i++)
        statistics_add(i % 2 ? one : other, i * 1000000);
    statistics_merge(one, other);
    ck_assert_uint_eq(one->count, 1000);
    ck_assert_double_eq_tol(statistics_quantile_ms(one, 0.5), 500, 5);
    ck_assert_double_eq_tol(statistics_quantile_ms(one, 0.99), 990, 9.9);
    ck_assert_double_eq(statistics_largest_ms(one), 1000);
    ck_assert_double_le(statistics_quantile_ms(one, 1), 1000);
    statistics_add(one, -5);
    statistics_add(one, INT64_MAX);
    ck_assert_double_eq(statistics_largest_ms(one), (double)INT64_MAX / 1e6);
    free(one);
    free(other);
}
END_TEST

START_TEST(small_times_are_exact)
{
    struct statistics *statistics = calloc(1, sizeof(*statistics));
    for (int i = 0; i < 256; i++)
        statistics_add(statistics, i);
    for (int i = 1; i <= 256; i++)
        ck_assert_double_eq_tol(statistics_quantile_ms(statistics, i / 256.0), (i - 1) / 1e6,
                                1e-12);
    free(statistics);
}
END_TEST

int main(void)
{
    return RUN_TESTS("results", logits_become_probabilities, probabilities_stay_what_they_are,
                     scores_that_are_not_finite_are_refused, half_and_double_outputs_are_read,
                     the_best_come_first_and_ties_keep_their_order, lists_of_scores_are_recognised,
                     labels_are_plain_lines_or_synset_lines, labels_that_are_no_text_are_refused,
                     json_strings_are_escaped_and_valid, json_numbers_read_back_the_same,
                     quantiles_are_within_a_percent, small_times_are_exact);
}
