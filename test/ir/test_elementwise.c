// SPDX-License-Identifier: Apache-2.0
#include "ir/ops/alignment.h"
#include "support/infer.h"
#include "support/unit.h"

#define BAD COP_STATUS_MALFORMED_MODEL

START_TEST(a_function_keeps_the_shape_both_ways)
{
    const struct unary_attrs attrs = {.alg = UNARY_TANH};
    struct op_tensor src = KNOWN(2, COP_UNKNOWN), dst = TYPED(FLOAT32, COP_UNKNOWN, 3);
    CHECK_INFER(OP_UNARY, &attrs, 1, &src, 1, &dst);
    CHECK_SHAPE(src, "[2,3]");
    CHECK_SHAPE(dst, "[2,3]");
    dst = TYPED(FLOAT64, 2, 3);
    CHECK_REFUSED(BAD, "dst is float64 and must be float32", OP_UNARY, &attrs, 1, &src, 1, &dst);
    dst = KNOWN(2, 4);
    CHECK_REFUSED(BAD, "dst [2,4] should be [2,3]", OP_UNARY, &attrs, 1, &src, 1, &dst);
    CHECK_REFUSED(BAD, "function 99", OP_UNARY, (&(struct unary_attrs){.alg = (enum unary_alg)99}),
                  1, &src, 1, &dst);
}
END_TEST

static void check_binary(const struct binary_attrs *attrs, struct op_tensor a, struct op_tensor b,
                         const char *expected)
{
    struct op_tensor src[] = {a, b}, dst = OPEN;
    CHECK_INFER(OP_BINARY, attrs, 2, src, 1, &dst);
    CHECK_SHAPE(dst, expected);
}

START_TEST(sides_broadcast)
{
    const struct binary_attrs attrs = {.alg = BINARY_MUL};
    check_binary(&attrs, KNOWN(2, 1, 4), KNOWN(3, 1), "[2,3,4]");
    check_binary(&attrs, KNOWN(2, 3), RANK_0, "[2,3]");
    check_binary(&attrs, KNOWN(COP_UNKNOWN, 3), KNOWN(5, 1), "[5,3]");
    check_binary(&attrs, KNOWN(COP_UNKNOWN, 3), KNOWN(1, 3), "[?,3]");
    check_binary(&attrs, KNOWN(0, 3), KNOWN(1, 3), "[0,3]");
    check_binary(&attrs, OPEN, KNOWN(1, 3), "unknown");
    struct op_tensor src[] = {KNOWN(2, 3), KNOWN(2)}, dst = OPEN;
    CHECK_REFUSED(BAD, "a [2,3] and b [2] do not broadcast", OP_BINARY, &attrs, 2, src, 1, &dst);
    src[1] = TYPED(INT64, 3);
    CHECK_REFUSED(BAD, "b is int64 and must be float32", OP_BINARY, &attrs, 2, src, 1, &dst);
    CHECK_REFUSED(BAD, "function 99", OP_BINARY,
                  (&(struct binary_attrs){.alg = (enum binary_alg)99}), 2, src, 1, &dst);
}
END_TEST

START_TEST(the_left_form_places_b_at_an_axis)
{
    struct binary_attrs attrs = {.alg = BINARY_ADD, .align_left = true, .axis = 1};
    check_binary(&attrs, KNOWN(2, 3, 4, 5), KNOWN(3, 4), "[2,3,4,5]");
    check_binary(&attrs, KNOWN(2, 3, 4, 5), KNOWN(3), "[2,3,4,5]");
    check_binary(&attrs, KNOWN(2, 3, 4, 5), RANK_0, "[2,3,4,5]");
    attrs.axis = -2;
    check_binary(&attrs, KNOWN(2, 3, 4, 5), KNOWN(4, 5), "[2,3,4,5]");
    struct op_tensor src[] = {KNOWN(2, 3, 4, 5), KNOWN(4, 5, 1)}, dst = OPEN;
    CHECK_REFUSED(BAD, "do not broadcast", OP_BINARY, &attrs, 2, src, 1, &dst);
    attrs.axis = 0;
    src[0] = KNOWN(1, 3), src[1] = KNOWN(2, 3); /* a may not grow */
    CHECK_REFUSED(BAD, "do not broadcast", OP_BINARY, &attrs, 2, src, 1, &dst);
    attrs.axis = 7;
    src[1] = KNOWN(3);
    CHECK_REFUSED(BAD, "do not broadcast", OP_BINARY, &attrs, 2, src, 1, &dst);
}
END_TEST

START_TEST(without_broadcasting_each_tells_the_others)
{
    const struct binary_attrs attrs = {.alg = BINARY_ADD, .same_shape = true};
    struct op_tensor src[] = {KNOWN(COP_UNKNOWN, 3, COP_UNKNOWN), OPEN};
    struct op_tensor dst = KNOWN(COP_UNKNOWN, COP_UNKNOWN, 4);
    src[1].shape = cop_shape_of(3, (int64_t[]){2, COP_UNKNOWN, COP_UNKNOWN});
    CHECK_INFER(OP_BINARY, &attrs, 2, src, 1, &dst);
    CHECK_SHAPE(src[0], "[2,3,4]");
    CHECK_SHAPE(src[1], "[2,3,4]");
    CHECK_SHAPE(dst, "[2,3,4]");
    ck_assert_int_eq(src[1].dtype, COP_DTYPE_FLOAT32);
    src[1] = KNOWN(1, 3, 4);
    CHECK_REFUSED(BAD, "b [1,3,4] should be [2,3,4]", OP_BINARY, &attrs, 2, src, 1, &dst);
}
END_TEST

START_TEST(slopes_lie_along_channels_or_broadcast)
{
    struct prelu_attrs attrs = {.channel_slope = true};
    struct op_tensor src[] = {KNOWN(2, 3, 4, 5), OPEN}, dst = OPEN;
    CHECK_INFER(OP_PRELU, &attrs, 2, src, 1, &dst);
    CHECK_SHAPE(src[1], "[3]");
    CHECK_SHAPE(dst, "[2,3,4,5]");
    src[1] = KNOWN(1);
    CHECK_INFER(OP_PRELU, &attrs, 2, src, 1, &dst);
    src[1] = KNOWN(5);
    CHECK_REFUSED(BAD, "slope [5] must be 3 along axis 0", OP_PRELU, &attrs, 2, src, 1, &dst);
    attrs.channel_slope = false;
    CHECK_INFER(OP_PRELU, &attrs, 2, src, 1, &dst); /* along the last axis then */
    src[1] = KNOWN(3, 1, 1);
    CHECK_INFER(OP_PRELU, &attrs, 2, src, 1, &dst);
    src[1] = KNOWN(7, 1, 1, 1, 1);
    CHECK_REFUSED(BAD, "slope [7,1,1,1,1] does not broadcast", OP_PRELU, &attrs, 2, src, 1, &dst);
    attrs.channel_slope = true;
    src[0] = KNOWN(6), src[1] = OPEN, dst = OPEN;
    CHECK_INFER(OP_PRELU, &attrs, 2, src, 1, &dst);
    CHECK_SHAPE(src[1], "[6]");
}
END_TEST

int main(void)
{
    return RUN_TESTS("elementwise", a_function_keeps_the_shape_both_ways, sides_broadcast,
                     the_left_form_places_b_at_an_axis, without_broadcasting_each_tells_the_others,
                     slopes_lie_along_channels_or_broadcast);
}
