// SPDX-License-Identifier: Apache-2.0
/* Unary, Binary and PRelu on the reference backend. */
#include <stdio.h>

#include "backends/ref_check.h"

static const float points[] = {-100, -3, -1, -0.5F, 0, 0.5F, 1, 2.5F, 3.5F, 100};
enum { POINTS = sizeof points / sizeof *points };

struct function {
    struct unary_attrs attrs;
    double expected[POINTS];
};

/* Values of the definitions, computed apart from this project (Python's math, 17 digits). */
static const struct function functions[] = {
#include "backends/unary_values.inc"
};

START_TEST(functions_have_their_values)
{
    bool seen[UNARY_ALG_COUNT] = {false};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const struct function *function = &functions[i];
        const struct op_call call = {.kind = OP_UNARY,
                                     .attrs = &function->attrs,
                                     .src_count = 1,
                                     .src = {TENSOR(FLOAT32, points, POINTS)}};
        struct op_result result = run_well(&call);
        const float *dst = result.dst[0].elements;
        seen[function->attrs.alg] = true;
        for (int j = 0; j < POINTS; j++) {
            const double expected = function->expected[j], actual = (double)dst[j];
            const bool same = isnan(expected) ? isnan(actual)
                              : isinf(expected)
                                  ? actual == expected
                                  : fabs(actual - expected) <= 1e-6 * fabs(expected) + 1e-37;
            ck_assert_msg(same, "%s of %g is %.9g and should be %.9g",
                          cop_unary_name(function->attrs.alg), (double)points[j], actual, expected);
        }
        op_result_free(&result);
    }
    for (int i = 0; i < UNARY_ALG_COUNT; i++)
        ck_assert_msg(seen[i], "no values of %s", cop_unary_name((enum unary_alg)i));
}
END_TEST

START_TEST(nan_stays_nan)
{
    const float src[] = {NAN};
    for (int i = 0; i < UNARY_ALG_COUNT; i++) {
        const struct unary_attrs attrs = {.alg = (enum unary_alg)i, .alpha = 1, .beta = 2};
        const struct op_call call = {
            .kind = OP_UNARY, .attrs = &attrs, .src_count = 1, .src = {TENSOR(FLOAT32, src, 1)}};
        struct op_result result = run_well(&call);
        ck_assert_msg(isnan(*(const float *)result.dst[0].elements), "%s",
                      cop_unary_name(attrs.alg));
        op_result_free(&result);
    }
}
END_TEST

static void check_unary_int32(struct unary_attrs attrs, const int32_t *src, const int32_t *expected)
{
    const struct op_call call = {
        .kind = OP_UNARY, .attrs = &attrs, .src_count = 1, .src = {TENSOR(INT32, src, 4)}};
    check_bytes(&call, 0, "[4]", COP_DTYPE_INT32, expected);
}

START_TEST(integers_wrap_around_and_clip)
{
    const int32_t src[] = {INT32_MIN, -7, 0, INT32_MAX};
    check_unary_int32((struct unary_attrs){.alg = UNARY_ABS}, src,
                      (int32_t[]){INT32_MIN, 7, 0, INT32_MAX});
    check_unary_int32((struct unary_attrs){.alg = UNARY_NEG}, src,
                      (int32_t[]){INT32_MIN, 7, 0, -INT32_MAX});
    check_unary_int32((struct unary_attrs){.alg = UNARY_SQUARE}, src, (int32_t[]){0, 49, 0, 1});
    check_unary_int32((struct unary_attrs){.alg = UNARY_SIGN}, src, (int32_t[]){-1, -1, 0, 1});
    check_unary_int32((struct unary_attrs){.alg = UNARY_RELU}, src,
                      (int32_t[]){0, 0, 0, INT32_MAX});
    check_unary_int32((struct unary_attrs){.alg = UNARY_CLIP, .alpha = -7.5F, .beta = 0.5F}, src,
                      (int32_t[]){-7, -7, 0, 0});
    check_unary_int32((struct unary_attrs){.alg = UNARY_CLIP, .alpha = -INFINITY, .beta = INFINITY},
                      src, src);
    check_unary_int32((struct unary_attrs){.alg = UNARY_CLIP, .alpha = NAN, .beta = NAN}, src, src);
    const struct unary_attrs tanh_attrs = {.alg = UNARY_TANH};
    const struct op_call call = {
        .kind = OP_UNARY, .attrs = &tanh_attrs, .src_count = 1, .src = {TENSOR(INT32, src, 4)}};
    check_refused(&call, COP_STATUS_UNSUPPORTED, "no Tanh in int32");
}
END_TEST

START_TEST(float64_keeps_its_digits)
{
    const double src[] = {0.1, -0.1}, expected[] = {0.1 * 0.1, -0.1 * -0.1};
    const struct unary_attrs attrs = {.alg = UNARY_SQUARE};
    const struct op_call call = {
        .kind = OP_UNARY, .attrs = &attrs, .src_count = 1, .src = {TENSOR(FLOAT64, src, 2)}};
    check_bytes(&call, 0, "[2]", COP_DTYPE_FLOAT64, expected);
}
END_TEST

static struct op_call make_binary(const struct binary_attrs *attrs, struct test_tensor a,
                                  struct test_tensor b)
{
    return (struct op_call){.kind = OP_BINARY, .attrs = attrs, .src_count = 2, .src = {a, b}};
}

START_TEST(binary_functions_have_their_values)
{
    const float a[] = {6, -8, 1, 2}, b[] = {3, 2, 4, -1};
    const float expected[BINARY_ALG_COUNT][4] = {
        [BINARY_ADD] = {9, -6, 5, 1},
        [BINARY_SUB] = {3, -10, -3, 3},
        [BINARY_MUL] = {18, -16, 4, -2},
        [BINARY_DIV] = {2, -4, 0.25F, -2},
        [BINARY_MAX] = {6, 2, 4, 2},
        [BINARY_MIN] = {3, -8, 1, -1},
        [BINARY_POW] = {216, 64, 1, 0.5F},
        [BINARY_MOD] = {0, 0, 1, 0},
        [BINARY_HYPOT] = {6.708204F, 8.246211F, 4.1231055F, 2.236068F},
        [BINARY_EQUAL] = {0, 0, 0, 0},
        [BINARY_NOT_EQUAL] = {1, 1, 1, 1},
        [BINARY_GREATER] = {1, 0, 0, 1},
        [BINARY_GREATER_EQUAL] = {1, 0, 0, 1},
        [BINARY_LESS] = {0, 1, 1, 0},
        [BINARY_LESS_EQUAL] = {0, 1, 1, 0},
        [BINARY_AND] = {1, 1, 1, 1},
        [BINARY_OR] = {1, 1, 1, 1},
        [BINARY_XOR] = {0, 0, 0, 0},
    };
    for (int i = 0; i < BINARY_ALG_COUNT; i++) {
        const struct binary_attrs attrs = {.alg = (enum binary_alg)i, .same_shape = true};
        const struct op_call call =
            make_binary(&attrs, TENSOR(FLOAT32, a, 4), TENSOR(FLOAT32, b, 4));
        check_bytes(&call, 0, "[4]", COP_DTYPE_FLOAT32, expected[i]);
    }
}
END_TEST

static void check_float(enum binary_alg alg, int count, const float *a, const float *b,
                        const float *expected)
{
    const struct binary_attrs attrs = {.alg = alg};
    const struct op_call call =
        make_binary(&attrs, TENSOR(FLOAT32, a, count), TENSOR(FLOAT32, b, count));
    char shape[16];
    snprintf(shape, sizeof shape, "[%d]", count);
    check_bytes(&call, 0, shape, COP_DTYPE_FLOAT32, expected); /* −0 is not 0 */
}

START_TEST(remainders_have_the_sign_of_the_divisor)
{
    check_float(BINARY_MOD, 10, (float[]){7, -7, 7, -7, -4, 4, -4, -0.0F, 5, 5.5F},
                (float[]){3, 3, -3, -3, 2, -2, -2, 2, 0, -2},
                (float[]){1, 2, -2, -1, 0, 0, -0.0F, -0.0F, 0, -0.5F});
    check_float(BINARY_MOD, 4, (float[]){1, -1, 1, -1},
                (float[]){INFINITY, INFINITY, -INFINITY, -INFINITY},
                (float[]){1, INFINITY, -INFINITY, -1});
}
END_TEST

START_TEST(comparisons_are_those_of_ieee)
{
    const float a[] = {NAN, NAN, 1, -0.0F}, b[] = {NAN, 1, NAN, 0};
    const float never[] = {0, 0, 0, 0}, equal[] = {0, 0, 0, 1}, other[] = {1, 1, 1, 0};
    check_float(BINARY_EQUAL, 4, a, b, equal);
    check_float(BINARY_NOT_EQUAL, 4, a, b, other);
    check_float(BINARY_GREATER, 4, a, b, never);
    check_float(BINARY_GREATER_EQUAL, 4, a, b, equal);
    check_float(BINARY_LESS, 4, a, b, never);
    check_float(BINARY_LESS_EQUAL, 4, a, b, equal);
    check_float(BINARY_AND, 4, a, b, other);
    check_float(BINARY_OR, 4, a, b, other);
    check_float(BINARY_XOR, 4, a, b, never);
}
END_TEST

START_TEST(sides_broadcast)
{
    const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {10, 20}, one[] = {7};
    struct binary_attrs attrs = {.alg = BINARY_ADD};
    struct op_call call =
        make_binary(&attrs, TENSOR(FLOAT32, a, 1, 2, 3), TENSOR(FLOAT32, b, 2, 1, 1));
    check_floats(&call, "[2,2,3]", (double[]){11, 12, 13, 14, 15, 16, 21, 22, 23, 24, 25, 26}, 0);
    call = make_binary(&attrs, TENSOR(FLOAT32, b, 2, 1), TENSOR(FLOAT32, a, 2, 3));
    check_floats(&call, "[2,3]", (double[]){11, 12, 13, 24, 25, 26}, 0);
    call = make_binary(&attrs, SCALAR(FLOAT32, one), TENSOR(FLOAT32, a, 6));
    check_floats(&call, "[6]", (double[]){8, 9, 10, 11, 12, 13}, 0);
    call = make_binary(&attrs, SCALAR(FLOAT32, one), SCALAR(FLOAT32, one));
    check_floats(&call, "[]", (double[]){14}, 0);
    attrs.align_left = true;
    call = make_binary(&attrs, TENSOR(FLOAT32, a, 2, 3), TENSOR(FLOAT32, b, 2));
    check_floats(&call, "[2,3]", (double[]){11, 12, 13, 24, 25, 26}, 0);
    call = make_binary(&attrs, TENSOR(FLOAT32, a, 0, 3), TENSOR(FLOAT32, one, 1));
    check_floats(&call, "[0,3]", (double[]){0}, 0);
}
END_TEST

static void check_int64(enum binary_alg alg, const int64_t *a, const int64_t *b,
                        const int64_t *expected)
{
    const struct binary_attrs attrs = {.alg = alg};
    const struct op_call call = make_binary(&attrs, TENSOR(INT64, a, 4), TENSOR(INT64, b, 4));
    check_bytes(&call, 0, "[4]", COP_DTYPE_INT64, expected);
}

START_TEST(integers_have_results_for_every_input)
{
    const int64_t a[] = {INT64_MIN, 7, -7, 5}, b[] = {-1, 2, 2, 0};
    check_int64(BINARY_DIV, a, b, (int64_t[]){INT64_MIN, 3, -3, 0});
    check_int64(BINARY_ADD, a, b, (int64_t[]){INT64_MAX, 9, -5, 5});
    check_int64(BINARY_MUL, a, b, (int64_t[]){INT64_MIN, 14, -14, 0});
    check_int64(BINARY_SUB, b, a, (int64_t[]){INT64_MAX, -5, 9, -5});
    check_int64(BINARY_POW, (int64_t[]){2, -1, -1, 0}, (int64_t[]){10, -3, -4, -1},
                (int64_t[]){1024, -1, 1, 0});
    check_int64(BINARY_MOD, a, b, (int64_t[]){0, 1, 1, 0});
    check_int64(BINARY_MOD, (int64_t[]){7, -7, 6, INT64_MIN}, (int64_t[]){-3, -3, -3, 0},
                (int64_t[]){-2, -1, 0, 0});
    check_int64(BINARY_HYPOT, (int64_t[]){3, -8, 0, INT64_MAX}, (int64_t[]){4, 8, 0, INT64_MAX},
                (int64_t[]){5, 11, 0, INT64_MAX});
    check_int64(BINARY_GREATER, a, b, (int64_t[]){0, 1, 0, 1});
    check_int64(BINARY_XOR, a, b, (int64_t[]){0, 0, 0, 1});
    check_int64(BINARY_MAX, a, b, (int64_t[]){-1, 7, 2, 5});
    check_int64(BINARY_MIN, a, b, (int64_t[]){INT64_MIN, 2, -7, 0});

    const uint8_t c[] = {200, 3}, d[] = {100, 0};
    struct binary_attrs attrs = {.alg = BINARY_ADD};
    const struct op_call call = make_binary(&attrs, TENSOR(UINT8, c, 2), TENSOR(UINT8, d, 2));
    check_bytes(&call, 0, "[2]", COP_DTYPE_UINT8, (uint8_t[]){44, 3});
    attrs.alg = BINARY_DIV;
    check_bytes(&call, 0, "[2]", COP_DTYPE_UINT8, (uint8_t[]){2, 0});
    attrs.alg = BINARY_SUB;
    check_bytes(&call, 0, "[2]", COP_DTYPE_UINT8, (uint8_t[]){100, 3});
    const struct op_call half = make_binary(&attrs, TENSOR(BOOL, c, 2), TENSOR(BOOL, d, 2));
    check_refused(&half, COP_STATUS_UNSUPPORTED, "cannot do it in bool");
}
END_TEST

START_TEST(max_and_min_keep_nan)
{
    const float a[] = {NAN, 1, NAN, 1}, b[] = {1, NAN, 1, NAN};
    for (int i = 0; i < 2; i++) {
        const struct binary_attrs attrs = {.alg = i == 0 ? BINARY_MAX : BINARY_MIN};
        const struct op_call call =
            make_binary(&attrs, TENSOR(FLOAT32, a, 4), TENSOR(FLOAT32, b, 4));
        struct op_result result = run_well(&call);
        for (int j = 0; j < 4; j++)
            ck_assert(isnan(((const float *)result.dst[0].elements)[j]));
        op_result_free(&result);
    }
}
END_TEST

START_TEST(slopes_apply_to_negative_elements)
{
    const float src[] = {-1, 2, -3, -4, 5, -6}, slopes[] = {2, 10}, row[] = {1, 2, 3};
    struct prelu_attrs attrs = {.channel_slope = true};
    struct op_call call = {.kind = OP_PRELU,
                           .attrs = &attrs,
                           .src_count = 2,
                           .src = {TENSOR(FLOAT32, src, 1, 2, 3), TENSOR(FLOAT32, slopes, 2)}};
    check_floats(&call, "[1,2,3]", (double[]){-2, 2, -6, -40, 5, -60}, 0);
    call.src[1] = TENSOR(FLOAT32, slopes, 1);
    check_floats(&call, "[1,2,3]", (double[]){-2, 2, -6, -8, 5, -12}, 0);
    attrs.channel_slope = false;
    call.src[1] = TENSOR(FLOAT32, row, 3);
    check_floats(&call, "[1,2,3]", (double[]){-1, 2, -9, -4, 5, -18}, 0);
    call.src[1] = TENSOR(FLOAT32, slopes, 2, 1);
    check_floats(&call, "[1,2,3]", (double[]){-2, 2, -6, -40, 5, -60}, 0);
}
END_TEST

int main(void)
{
    return RUN_TESTS("ref elementwise", functions_have_their_values, nan_stays_nan,
                     integers_wrap_around_and_clip, float64_keeps_its_digits,
                     binary_functions_have_their_values, comparisons_are_those_of_ieee,
                     remainders_have_the_sign_of_the_divisor, sides_broadcast,
                     integers_have_results_for_every_input, max_and_min_keep_nan,
                     slopes_apply_to_negative_elements);
}
