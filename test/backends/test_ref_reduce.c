// SPDX-License-Identifier: Apache-2.0
/* Reduce and Arg on the reference backend. */
#include "backends/ref_check.h"

enum { COUNT = 2 * 3 * 4 * 5 };

static double reduce(enum reduce_alg alg, double sum, double x, bool is_first)
{
    if (is_first)
        return x;
    switch (alg) {
    case REDUCE_MAX:
        return fmax(sum, x);
    case REDUCE_MIN:
        return fmin(sum, x);
    case REDUCE_PROD:
        return sum * x;
    default:
        return sum + x;
    }
}

/* Every element of src goes to where its kept indices say. */
static int expect(const float *src, enum reduce_alg alg, unsigned mask, double *expected)
{
    const int dims[] = {2, 3, 4, 5};
    bool seen[COUNT] = {false};
    int kept = 1, reduced = 1;
    for (int i = 0; i < 4; i++)
        *((mask >> i & 1) != 0 ? &reduced : &kept) *= dims[i];
    for (int i = 0; i < COUNT; i++) {
        const int at[] = {i / 60, i / 20 % 3, i / 5 % 4, i % 5};
        int target = 0;
        for (int j = 0; j < 4; j++)
            if ((mask >> j & 1) == 0)
                target = target * dims[j] + at[j];
        expected[target] = reduce(alg, expected[target], (double)src[i], !seen[target]);
        seen[target] = true;
    }
    for (int i = 0; i < kept && alg == REDUCE_MEAN; i++)
        expected[i] /= reduced;
    return kept;
}

START_TEST(every_set_of_axes_is_reduced)
{
    float src[COUNT];
    uint64_t state = 9;
    fill_random(&state, src, COUNT);
    for (int alg = 0; alg <= REDUCE_PROD; alg++)
        for (unsigned mask = 0; mask < 16; mask++) {
            struct reduce_attrs attrs = {.alg = (enum reduce_alg)alg, .identity_if_no_axes = true};
            for (int i = 3; i >= 0; i--)
                if ((mask >> i & 1) != 0)
                    attrs.axes[attrs.axis_count++] = i % 2 == 0 ? i : i - 4;
            double expected[COUNT] = {0};
            const int count = expect(src, attrs.alg, mask, expected);
            const struct op_call call = {.kind = OP_REDUCE,
                                         .attrs = &attrs,
                                         .src_count = 1,
                                         .src = {TENSOR(FLOAT32, src, 2, 3, 4, 5)}};
            struct op_result result = run_well(&call);
            ck_assert_int_eq(count_elements(&result.dst[0]), count);
            check_close(result.dst[0].elements, expected, count, 1e-6);
            op_result_free(&result);
        }
}
END_TEST

START_TEST(integers_are_reduced_exactly)
{
    const int64_t large = INT64_C(1) << 60, src[] = {large + 1, 2, -3, large};
    struct reduce_attrs attrs = {.alg = REDUCE_SUM, .axis_count = 1, .axes = {1}};
    const struct op_call call = {
        .kind = OP_REDUCE, .attrs = &attrs, .src_count = 1, .src = {TENSOR(INT64, src, 2, 2)}};
    check_bytes(&call, 0, "[2]", COP_DTYPE_INT64, (int64_t[]){large + 3, large - 3});
    attrs.alg = REDUCE_MAX;
    check_bytes(&call, 0, "[2]", COP_DTYPE_INT64, (int64_t[]){large + 1, large});
    attrs.alg = REDUCE_MIN;
    check_bytes(&call, 0, "[2]", COP_DTYPE_INT64, (int64_t[]){2, -3});
    attrs.alg = REDUCE_PROD;
    check_bytes(&call, 0, "[2]", COP_DTYPE_INT64, (int64_t[]){2 * large + 2, -3 * large});
    attrs.alg = REDUCE_MEAN;
    check_bytes(&call, 0, "[2]", COP_DTYPE_INT64, (int64_t[]){(large + 3) / 2, (large - 3) / 2});
}
END_TEST

START_TEST(nothing_reduces_to_the_neutral_element)
{
    const float src[] = {0};
    struct reduce_attrs attrs = {.alg = REDUCE_SUM, .axis_count = 1, .axes = {1}};
    const struct op_call call = {
        .kind = OP_REDUCE, .attrs = &attrs, .src_count = 1, .src = {TENSOR(FLOAT32, src, 2, 0)}};
    check_floats(&call, "[2]", (double[]){0, 0}, 0);
    attrs.alg = REDUCE_PROD;
    check_floats(&call, "[2]", (double[]){1, 1}, 0);
}
END_TEST

START_TEST(axes_that_are_known_late_are_refused)
{
    const float src[] = {1, 2, 3, 4};
    const int64_t axes[] = {-1};
    const struct reduce_attrs attrs = {.alg = REDUCE_SUM, .keep_dims = true};
    struct op_call call = {.kind = OP_REDUCE,
                           .attrs = &attrs,
                           .src_count = 2,
                           .src = {TENSOR(FLOAT32, src, 2, 2), TENSOR(INT64, axes, 1)}};
    call.src[1].is_known = true;
    check_floats(&call, "[2,1]", (double[]){3, 7}, 0);
    call.src[1].is_known = false;
    check_refused(&call, COP_STATUS_INTERNAL, "does not follow");
}
END_TEST

static void check_arg(struct arg_attrs attrs, const float *src, const char *shape,
                      const int64_t *expected)
{
    const struct op_call call = {
        .kind = OP_ARG, .attrs = &attrs, .src_count = 1, .src = {TENSOR(FLOAT32, src, 2, 3)}};
    check_bytes(&call, 0, shape, COP_DTYPE_INT64, expected);
}

START_TEST(the_first_or_last_of_equal_elements_is_found)
{
    const float src[] = {1, 3, 3, 5, 0, 0};
    check_arg((struct arg_attrs){.axis = 1}, src, "[2]", (int64_t[]){1, 0});
    check_arg((struct arg_attrs){.axis = 1, .select_last = true}, src, "[2]", (int64_t[]){2, 0});
    check_arg((struct arg_attrs){.axis = 1, .is_min = true}, src, "[2]", (int64_t[]){0, 1});
    check_arg((struct arg_attrs){.axis = 1, .is_min = true, .select_last = true}, src, "[2]",
              (int64_t[]){0, 2});
    check_arg((struct arg_attrs){.axis = 0, .keep_dims = true}, src, "[1,3]", (int64_t[]){1, 0, 0});
    check_arg((struct arg_attrs){.flatten = true}, src, "[1]", (int64_t[]){3});
    const float strange[] = {1, NAN, 9, -INFINITY, INFINITY, NAN};
    check_arg((struct arg_attrs){.axis = 1}, strange, "[2]", (int64_t[]){1, 2});
    check_arg((struct arg_attrs){.axis = 1, .is_min = true}, strange, "[2]", (int64_t[]){1, 2});
}
END_TEST

START_TEST(positions_have_the_dtype_asked_for)
{
    const int32_t src[] = {INT32_MIN, 7, INT32_MAX};
    struct arg_attrs attrs = {.dst_dtype = COP_DTYPE_FLOAT32};
    const struct op_call call = {
        .kind = OP_ARG, .attrs = &attrs, .src_count = 1, .src = {TENSOR(INT32, src, 3)}};
    check_bytes(&call, 0, "[]", COP_DTYPE_FLOAT32, (float[]){2});
    attrs.dst_dtype = COP_DTYPE_INT32;
    check_bytes(&call, 0, "[]", COP_DTYPE_INT32, (int32_t[]){2});
    attrs.dst_dtype = COP_DTYPE_BOOL;
    check_refused(&call, COP_STATUS_UNSUPPORTED, "cannot do it in bool");
}
END_TEST

int main(void)
{
    return RUN_TESTS("ref reduce", every_set_of_axes_is_reduced, integers_are_reduced_exactly,
                     nothing_reduces_to_the_neutral_element, axes_that_are_known_late_are_refused,
                     the_first_or_last_of_equal_elements_is_found,
                     positions_have_the_dtype_asked_for);
}
