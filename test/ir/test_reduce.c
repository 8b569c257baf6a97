// SPDX-License-Identifier: Apache-2.0
#include "support/infer.h"
#include "support/unit.h"

#define BAD COP_STATUS_MALFORMED_MODEL

static void check_reduce(struct reduce_attrs attrs, struct op_tensor src, const char *expected)
{
    struct op_tensor dst = OPEN;
    CHECK_INFER(OP_REDUCE, &attrs, 1, &src, 1, &dst);
    CHECK_SHAPE(dst, expected);
}

START_TEST(reduced_axes_go_or_become_one)
{
    const struct op_tensor src = KNOWN(2, 3, 4);
    check_reduce((struct reduce_attrs){.axis_count = 2, .axes = {-1, 0}}, src, "[3]");
    check_reduce((struct reduce_attrs){.axis_count = 1, .axes = {1}, .keep_dims = true}, src,
                 "[2,1,4]");
    check_reduce((struct reduce_attrs){.axis_count = 1, .axes = {1}, .exclude = true}, src, "[3]");
    check_reduce((struct reduce_attrs){.axis_count = 1, .axes = {1}}, KNOWN(2, 3, COP_UNKNOWN),
                 "[2,?]");
    check_reduce((struct reduce_attrs){.axis_count = 1, .axes = {1}}, OPEN, "unknown");
}
END_TEST

START_TEST(no_axes_mean_all_or_none)
{
    const struct op_tensor src = KNOWN(2, 3, 4);
    check_reduce((struct reduce_attrs){0}, src, "[]");
    check_reduce((struct reduce_attrs){.exclude = true}, src, "[]");
    check_reduce((struct reduce_attrs){.rank_at_least_1 = true}, src, "[1]");
    check_reduce((struct reduce_attrs){.keep_dims = true}, src, "[1,1,1]");
    check_reduce((struct reduce_attrs){.identity_if_no_axes = true}, src, "[2,3,4]");
}
END_TEST

START_TEST(axes_may_come_as_an_input)
{
    const int64_t axes[] = {1, -1};
    struct reduce_attrs attrs = {.keep_dims = true, .axis_count = 1, .axes = {0}};
    struct op_tensor src[] = {KNOWN(2, 3, 4), TYPED(INT64, 2)}, dst = OPEN;
    CHECK_INFER(OP_REDUCE, &attrs, 2, src, 1, &dst);
    CHECK_SHAPE(dst, "[?,?,?]");
    src[1].value = axes;
    CHECK_INFER(OP_REDUCE, &attrs, 2, src, 1, &dst);
    CHECK_SHAPE(dst, "[2,1,1]");
    src[1] = TYPED(INT32, 2);
    CHECK_REFUSED(BAD, "axes is int32 and must be int64", OP_REDUCE, &attrs, 2, src, 1, &dst);
    src[1] = TYPED(INT64, 2, 1);
    CHECK_REFUSED(BAD, "axes [2,1] must have 1 dimensions", OP_REDUCE, &attrs, 2, src, 1, &dst);
}
END_TEST

START_TEST(axes_that_are_wrong_are_refused)
{
    struct op_tensor src = KNOWN(2, 3, 4), dst = OPEN;
    CHECK_REFUSED(BAD, "reduction axis 3 is outside a rank of 3", OP_REDUCE,
                  (&(struct reduce_attrs){.axis_count = 1, .axes = {3}}), 1, &src, 1, &dst);
    CHECK_REFUSED(BAD, "reduction axis -1 is named twice", OP_REDUCE,
                  (&(struct reduce_attrs){.axis_count = 2, .axes = {2, -1}}), 1, &src, 1, &dst);
    CHECK_REFUSED(BAD, "9 reduction axes", OP_REDUCE, (&(struct reduce_attrs){.axis_count = 9}), 1,
                  &src, 1, &dst);
    CHECK_REFUSED(BAD, "reduction 9", OP_REDUCE,
                  (&(struct reduce_attrs){.alg = (enum reduce_alg)9}), 1, &src, 1, &dst);
}
END_TEST

static void check_arg(struct arg_attrs attrs, const char *expected, cop_dtype dtype)
{
    struct op_tensor src = KNOWN(2, 3, 4), dst = OPEN;
    CHECK_INFER(OP_ARG, &attrs, 1, &src, 1, &dst);
    CHECK_SHAPE(dst, expected);
    ck_assert_int_eq(dst.dtype, dtype);
}

START_TEST(positions_lose_the_axis)
{
    check_arg((struct arg_attrs){.axis = -2}, "[2,4]", COP_DTYPE_INT64);
    check_arg((struct arg_attrs){.axis = 1, .keep_dims = true}, "[2,1,4]", COP_DTYPE_INT64);
    check_arg((struct arg_attrs){.flatten = true, .dst_dtype = COP_DTYPE_FLOAT32}, "[1]",
              COP_DTYPE_FLOAT32);
    struct op_tensor src = KNOWN(2, 0), dst = OPEN;
    CHECK_REFUSED(BAD, "src [2,0] has no elements to choose from", OP_ARG,
                  (&(struct arg_attrs){.axis = 1}), 1, &src, 1, &dst);
    CHECK_INFER(OP_ARG, (&(struct arg_attrs){.axis = 0}), 1, &src, 1, &dst);
    CHECK_SHAPE(dst, "[0]");
    CHECK_REFUSED(BAD, "search axis 2", OP_ARG, (&(struct arg_attrs){.axis = 2}), 1, &src, 1, &dst);
}
END_TEST

int main(void)
{
    return RUN_TESTS("reduce", reduced_axes_go_or_become_one, no_axes_mean_all_or_none,
                     axes_may_come_as_an_input, axes_that_are_wrong_are_refused,
                     positions_lose_the_axis);
}
