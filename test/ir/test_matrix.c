// SPDX-License-Identifier: Apache-2.0
#include "support/infer.h"
#include "support/unit.h"

#define BAD COP_STATUS_MALFORMED_MODEL

static const struct no_attrs none = {0};

START_TEST(fully_connected_replaces_the_last_dimension)
{
    struct op_tensor src[] = {KNOWN(2, 3, 20), KNOWN(10, 20), KNOWN(10)}, dst = OPEN;
    CHECK_INFER(OP_FULLY_CONNECTED, &none, 3, src, 1, &dst);
    CHECK_SHAPE(dst, "[2,3,10]");
}
END_TEST

START_TEST(fully_connected_fills_in_what_is_open)
{
    struct op_tensor src[] = {KNOWN(2, 20), OPEN, KNOWN(10)}, dst = OPEN;
    CHECK_INFER(OP_FULLY_CONNECTED, &none, 3, src, 1, &dst);
    CHECK_SHAPE(src[1], "[10,20]");
    CHECK_SHAPE(dst, "[2,10]");
    struct op_tensor open[] = {OPEN, KNOWN(10, 20), OPEN}, known = KNOWN(5, COP_UNKNOWN);
    CHECK_INFER(OP_FULLY_CONNECTED, &none, 3, open, 1, &known);
    CHECK_SHAPE(open[0], "[5,20]");
    CHECK_SHAPE(open[2], "[10]");
    CHECK_SHAPE(known, "[5,10]");
}
END_TEST

START_TEST(fully_connected_takes_a_column_as_bias)
{
    struct op_tensor src[] = {KNOWN(2, 20), KNOWN(10, 20), KNOWN(10, 1)}, dst = OPEN;
    CHECK_INFER(OP_FULLY_CONNECTED, &none, 3, src, 1, &dst);
    CHECK_SHAPE(dst, "[2,10]");
    src[2] = KNOWN(10, 2);
    CHECK_REFUSED(BAD, "bias [10,2] must be 1 along axis 1", OP_FULLY_CONNECTED, &none, 3, src, 1,
                  &dst);
}
END_TEST

START_TEST(fully_connected_refuses_what_does_not_fit)
{
    struct op_tensor src[] = {KNOWN(2, 21), KNOWN(10, 20), GONE}, dst = OPEN;
    CHECK_REFUSED(BAD, "src [2,21] must be 20 along axis 1", OP_FULLY_CONNECTED, &none, 3, src, 1,
                  &dst);
    src[0] = RANK_0;
    CHECK_REFUSED(BAD, "scalar", OP_FULLY_CONNECTED, &none, 3, src, 1, &dst);
    src[0] = KNOWN(2, 20), src[1] = KNOWN(10, 20, 1);
    CHECK_REFUSED(BAD, "weights [10,20,1] must have 2 dimensions", OP_FULLY_CONNECTED, &none, 3,
                  src, 1, &dst);
}
END_TEST

START_TEST(gemm_transposes_either_side)
{
    for (int i = 0; i < 4; i++) {
        const struct gemm_attrs attrs = {1, 1, (i & 1) != 0, (i & 2) != 0};
        struct op_tensor src[] = {(i & 1) != 0 ? KNOWN(5, 3) : KNOWN(3, 5),
                                  (i & 2) != 0 ? KNOWN(7, COP_UNKNOWN) : KNOWN(COP_UNKNOWN, 7),
                                  KNOWN(7)};
        struct op_tensor dst = OPEN;
        CHECK_INFER(OP_GEMM, &attrs, 3, src, 1, &dst);
        CHECK_SHAPE(dst, "[3,7]");
        CHECK_SHAPE(src[1], (i & 2) != 0 ? "[7,5]" : "[5,7]");
    }
}
END_TEST

START_TEST(gemm_refuses_what_does_not_fit)
{
    const struct gemm_attrs attrs = {1, 1, false, false};
    struct op_tensor src[] = {KNOWN(3, 5), KNOWN(6, 7), GONE}, dst = OPEN;
    CHECK_REFUSED(BAD, "b [6,7] must be 5 along axis 0", OP_GEMM, &attrs, 3, src, 1, &dst);
    src[1] = KNOWN(5, 7), src[2] = KNOWN(2, 7);
    CHECK_REFUSED(BAD, "c [2,7] does not broadcast to [3,7]", OP_GEMM, &attrs, 3, src, 1, &dst);
    src[2] = KNOWN(4, 3, 7); /* dst may not grow */
    CHECK_REFUSED(BAD, "c [4,3,7] does not broadcast to [3,7]", OP_GEMM, &attrs, 3, src, 1, &dst);
    src[0] = KNOWN(1, 3, 5);
    CHECK_REFUSED(BAD, "a [1,3,5] must have 2 dimensions", OP_GEMM, &attrs, 3, src, 1, &dst);
}
END_TEST

static void check_matmul(struct matmul_attrs attrs, struct op_tensor a, struct op_tensor b,
                         const char *expected)
{
    struct op_tensor src[] = {a, b}, dst = OPEN;
    CHECK_INFER(OP_MATMUL, &attrs, 2, src, 1, &dst);
    CHECK_SHAPE(dst, expected);
}

START_TEST(matmul_follows_numpy)
{
    const struct matmul_attrs plain = {0};
    check_matmul(plain, KNOWN(3, 5), KNOWN(5, 7), "[3,7]");
    check_matmul(plain, KNOWN(5), KNOWN(5, 7), "[7]");
    check_matmul(plain, KNOWN(3, 5), KNOWN(5), "[3]");
    check_matmul(plain, KNOWN(5), KNOWN(5), "[]");
    check_matmul(plain, KNOWN(2, 1, 3, 5), KNOWN(4, 5, 7), "[2,4,3,7]");
    check_matmul(plain, KNOWN(COP_UNKNOWN, 3, 5), KNOWN(5, 7), "[?,3,7]");
    check_matmul(plain, KNOWN(6, 5), KNOWN(2, 5, COP_UNKNOWN), "[2,6,?]");
    check_matmul(plain, OPEN, KNOWN(5, 7), "unknown");
    check_matmul((struct matmul_attrs){.trans_a = true}, KNOWN(2, 5, 3), KNOWN(5, 7), "[2,3,7]");
    check_matmul((struct matmul_attrs){.trans_b = true}, KNOWN(3, 5), KNOWN(7, 5), "[3,7]");
}
END_TEST

START_TEST(matmul_refuses_what_does_not_fit)
{
    struct matmul_attrs attrs = {0};
    struct op_tensor src[] = {KNOWN(3, 5), KNOWN(6, 7)}, dst = OPEN;
    CHECK_REFUSED(BAD, "a [3,5] and b [6,7] do not fit", OP_MATMUL, &attrs, 2, src, 1, &dst);
    src[0] = KNOWN(2, 3, 6), src[1] = KNOWN(3, 6, 7);
    CHECK_REFUSED(BAD, "do not fit", OP_MATMUL, &attrs, 2, src, 1, &dst);
    src[0] = RANK_0;
    CHECK_REFUSED(BAD, "a [] is no matrix", OP_MATMUL, &attrs, 2, src, 1, &dst);
    attrs.trans_a = true;
    src[0] = KNOWN(6);
    CHECK_REFUSED(BAD, "a [6] is no matrix that can be transposed", OP_MATMUL, &attrs, 2, src, 1,
                  &dst);
    attrs.trans_a = false;
    src[1] = KNOWN(6, 7), dst = KNOWN(8);
    CHECK_REFUSED(BAD, "dst [8] should be [7]", OP_MATMUL, &attrs, 2, src, 1, &dst);
}
END_TEST

int main(void)
{
    return RUN_TESTS("matrix", fully_connected_replaces_the_last_dimension,
                     fully_connected_fills_in_what_is_open, fully_connected_takes_a_column_as_bias,
                     fully_connected_refuses_what_does_not_fit, gemm_transposes_either_side,
                     gemm_refuses_what_does_not_fit, matmul_follows_numpy,
                     matmul_refuses_what_does_not_fit);
}
