// SPDX-License-Identifier: Apache-2.0
/* Products of matrices on the reference backend against sums in double precision. */
#include "backends/ref_check.h"

#define MAX_SIDE  20
#define MAX_INNER 600

static float left[4 * MAX_SIDE * MAX_INNER], right[4 * MAX_SIDE * MAX_INNER], extra[MAX_SIDE];
static double expected[4 * MAX_SIDE * MAX_SIDE];

struct sizes {
    int64_t m, n, k;
};

static struct sizes make_sizes(uint64_t *state)
{
    const struct sizes sizes = {random_between(state, 1, MAX_SIDE),
                                random_between(state, 1, MAX_SIDE),
                                random_between(state, 1, MAX_INNER)};
    fill_random(state, left, 4 * MAX_SIDE * MAX_INNER);
    fill_random(state, right, 4 * MAX_SIDE * MAX_INNER);
    fill_random(state, extra, MAX_SIDE);
    return sizes;
}

/* dst [m,n] of a [m,k] and b [k,n], either of them stored transposed. */
static void multiply(const struct sizes *s, const float *a, bool trans_a, const float *b,
                     bool trans_b, double *dst)
{
    for (int64_t i = 0; i < s->m; i++)
        for (int64_t j = 0; j < s->n; j++) {
            double sum = 0;
            for (int64_t l = 0; l < s->k; l++)
                sum += (double)a[trans_a ? l * s->m + i : i * s->k + l] *
                       (double)b[trans_b ? j * s->k + l : l * s->n + j];
            dst[i * s->n + j] = sum;
        }
}

static struct test_tensor matrix(const float *elements, int64_t rows, int64_t columns,
                                 bool transpose)
{
    return transpose ? TENSOR(FLOAT32, elements, columns, rows)
                     : TENSOR(FLOAT32, elements, rows, columns);
}

static const char *shape_text(int64_t m, int64_t n)
{
    static struct shape_text text;
    const struct shape shape = cop_shape_of(2, (int64_t[]){m, n});
    text = cop_shape_text(&shape);
    return text.text;
}

START_TEST(fully_connected_multiplies_by_transposed_weights)
{
    const struct no_attrs none = {0};
    uint64_t state = 4;
    for (int i = 0; i < 50; i++) {
        const struct sizes s = make_sizes(&state);
        const bool has_bias = i % 2 == 0;
        multiply(&s, left, false, right, true, expected);
        for (int64_t j = 0; j < s.m * s.n && has_bias; j++)
            expected[j] += (double)extra[j % s.n];
        const struct op_call call = {.kind = OP_FULLY_CONNECTED,
                                     .attrs = &none,
                                     .src_count = 3,
                                     .src = {matrix(left, s.m, s.k, false),
                                             matrix(right, s.k, s.n, true),
                                             !has_bias    ? ABSENT
                                             : i % 4 == 0 ? TENSOR(FLOAT32, extra, s.n)
                                                          : TENSOR(FLOAT32, extra, s.n, 1)}};
        check_floats(&call, shape_text(s.m, s.n), expected, 1e-6);
    }
}
END_TEST

START_TEST(fully_connected_keeps_leading_dimensions)
{
    const struct no_attrs none = {0};
    const float src[] = {1, 2, 3, 4, 5, 6, 7, 8}, weights[] = {1, 0, 0, 1, 1, 1};
    const struct op_call call = {
        .kind = OP_FULLY_CONNECTED,
        .attrs = &none,
        .src_count = 2,
        .src = {TENSOR(FLOAT32, src, 2, 2, 2), TENSOR(FLOAT32, weights, 3, 2)}};
    check_floats(&call, "[2,2,3]", (double[]){1, 2, 3, 3, 4, 7, 5, 6, 11, 7, 8, 15}, 0);
}
END_TEST

START_TEST(gemm_scales_transposes_and_adds)
{
    uint64_t state = 5;
    for (int i = 0; i < 64; i++) {
        const struct sizes s = make_sizes(&state);
        const struct gemm_attrs attrs = {0.5F, -2, (i & 1) != 0, (i & 2) != 0};
        multiply(&s, left, attrs.trans_a, right, attrs.trans_b, expected);
        /* c is absent, a row, a column or one number */
        const int form = i >> 2 & 3;
        for (int64_t j = 0; j < s.m * s.n; j++)
            expected[j] = 0.5 * expected[j] - 2 * (form == 0   ? 0
                                                   : form == 1 ? (double)extra[j % s.n]
                                                   : form == 2 ? (double)extra[j / s.n]
                                                               : (double)extra[0]);
        const struct op_call call = {.kind = OP_GEMM,
                                     .attrs = &attrs,
                                     .src_count = 3,
                                     .src = {matrix(left, s.m, s.k, attrs.trans_a),
                                             matrix(right, s.k, s.n, attrs.trans_b),
                                             form == 0   ? ABSENT
                                             : form == 1 ? TENSOR(FLOAT32, extra, s.n)
                                             : form == 2 ? TENSOR(FLOAT32, extra, s.m, 1)
                                                         : SCALAR(FLOAT32, extra)}};
        check_floats(&call, shape_text(s.m, s.n), expected, 1e-6);
    }
}
END_TEST

START_TEST(matmul_multiplies_stacks_of_matrices)
{
    uint64_t state = 6;
    for (int i = 0; i < 16; i++) {
        const struct sizes s = make_sizes(&state);
        const struct matmul_attrs attrs = {(i & 1) != 0, (i & 2) != 0};
        /* a [2,1,…] and b [2,…]: dst [2,2,m,n] */
        for (int64_t j = 0; j < 4; j++)
            multiply(&s, left + j / 2 * s.m * s.k, attrs.trans_a, right + j % 2 * s.k * s.n,
                     attrs.trans_b, expected + j * s.m * s.n);
        struct op_call call = {.kind = OP_MATMUL, .attrs = &attrs, .src_count = 2};
        call.src[0] = attrs.trans_a ? TENSOR(FLOAT32, left, 2, 1, s.k, s.m)
                                    : TENSOR(FLOAT32, left, 2, 1, s.m, s.k);
        call.src[1] = attrs.trans_b ? TENSOR(FLOAT32, right, 2, s.n, s.k)
                                    : TENSOR(FLOAT32, right, 2, s.k, s.n);
        const struct shape shape = cop_shape_of(4, (int64_t[]){2, 2, s.m, s.n});
        check_floats(&call, cop_shape_text(&shape).text, expected, 1e-6);
    }
}
END_TEST

START_TEST(matmul_takes_vectors)
{
    const struct matmul_attrs attrs = {0};
    const float vector[] = {1, 2}, square[] = {1, 2, 3, 4}, other[] = {5, 6};
    struct op_call call = {.kind = OP_MATMUL,
                           .attrs = &attrs,
                           .src_count = 2,
                           .src = {TENSOR(FLOAT32, vector, 2), TENSOR(FLOAT32, square, 2, 2)}};
    check_floats(&call, "[2]", (double[]){7, 10}, 0);
    call.src[0] = TENSOR(FLOAT32, square, 2, 2), call.src[1] = TENSOR(FLOAT32, vector, 2);
    check_floats(&call, "[2]", (double[]){5, 11}, 0);
    call.src[0] = TENSOR(FLOAT32, other, 2);
    check_floats(&call, "[]", (double[]){17}, 0);
}
END_TEST

int main(void)
{
    return RUN_TESTS("ref matrix", fully_connected_multiplies_by_transposed_weights,
                     fully_connected_keeps_leading_dimensions, gemm_scales_transposes_and_adds,
                     matmul_multiplies_stacks_of_matrices, matmul_takes_vectors);
}
