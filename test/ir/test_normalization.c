// SPDX-License-Identifier: Apache-2.0
/* BatchNormalization, LRN, Softmax and the recipes that fold a batch normalization away. */
#include "support/infer.h"
#include "support/unit.h"

#define BAD COP_STATUS_MALFORMED_MODEL

START_TEST(statistics_are_vectors_along_the_axis)
{
    struct batch_normalization_attrs attrs = {.axis = 1};
    struct op_tensor src[] = {KNOWN(2, 3, 4), OPEN, OPEN, OPEN, OPEN}, dst = OPEN;
    CHECK_INFER(OP_BATCH_NORMALIZATION, &attrs, 5, src, 1, &dst);
    CHECK_SHAPE(dst, "[2,3,4]");
    for (int i = 1; i < 5; i++)
        CHECK_SHAPE(src[i], "[3]");
    attrs.axis = -1;
    CHECK_REFUSED(BAD, "scale [3] must be 4 along axis 0", OP_BATCH_NORMALIZATION, &attrs, 5, src,
                  1, &dst);
    attrs.axis = 3;
    CHECK_REFUSED(BAD, "normalization axis 3 is outside a rank of 3", OP_BATCH_NORMALIZATION,
                  &attrs, 5, src, 1, &dst);
}
END_TEST

START_TEST(channels_follow_from_any_statistic)
{
    const struct batch_normalization_attrs attrs = {.axis = 1};
    struct op_tensor src[] = {KNOWN(2, COP_UNKNOWN, 4), OPEN, OPEN, OPEN, KNOWN(9)}, dst = OPEN;
    CHECK_INFER(OP_BATCH_NORMALIZATION, &attrs, 5, src, 1, &dst);
    CHECK_SHAPE(src[0], "[2,9,4]");
    CHECK_SHAPE(src[1], "[9]");
    CHECK_SHAPE(dst, "[2,9,4]");
    src[2] = KNOWN(8);
    CHECK_REFUSED(BAD, "shift [8] must be 9", OP_BATCH_NORMALIZATION, &attrs, 5, src, 1, &dst);
}
END_TEST

START_TEST(float16_may_have_float32_statistics)
{
    const struct batch_normalization_attrs attrs = {.axis = 1};
    struct op_tensor src[] = {TYPED(FLOAT16, 2, 3), KNOWN(3), OPEN, OPEN, OPEN}, dst = OPEN;
    CHECK_INFER(OP_BATCH_NORMALIZATION, &attrs, 5, src, 1, &dst);
    ck_assert_int_eq(dst.dtype, COP_DTYPE_FLOAT16);
    ck_assert_int_eq(src[4].dtype, COP_DTYPE_FLOAT32);
    src[0] = TYPED(FLOAT64, 2, 3), dst = OPEN;
    CHECK_REFUSED(BAD, "scale is float32 and must be float64", OP_BATCH_NORMALIZATION, &attrs, 5,
                  src, 1, &dst);
}
END_TEST

START_TEST(lrn_and_softmax_keep_the_shape)
{
    const struct lrn_attrs lrn = {.size = 5};
    const struct softmax_attrs softmax = {.axis = -1};
    struct op_tensor src = KNOWN(2, 3, 4, 4), dst = OPEN;
    CHECK_INFER(OP_LRN, &lrn, 1, &src, 1, &dst);
    CHECK_SHAPE(dst, "[2,3,4,4]");
    dst = OPEN;
    CHECK_INFER(OP_SOFTMAX, &softmax, 1, &src, 1, &dst);
    CHECK_SHAPE(dst, "[2,3,4,4]");
    CHECK_REFUSED(BAD, "LRN over 0 channels", OP_LRN, (&(struct lrn_attrs){0}), 1, &src, 1, &dst);
    CHECK_REFUSED(BAD, "softmax axis 4", OP_SOFTMAX, (&(struct softmax_attrs){.axis = 4}), 1, &src,
                  1, &dst);
    src = KNOWN(3), dst = OPEN;
    CHECK_REFUSED(BAD, "src [3] has no channels", OP_LRN, &lrn, 1, &src, 1, &dst);
}
END_TEST

START_TEST(folds_join_vectors_with_weights)
{
    const struct fold_attrs attrs = {.axis = 0};
    struct op_tensor scale[] = {KNOWN(8, 3, 3, 3), KNOWN(8), OPEN}, dst = OPEN;
    CHECK_INFER(OP_FOLD_SCALE, &attrs, 3, scale, 1, &dst);
    CHECK_SHAPE(dst, "[8,3,3,3]");
    CHECK_SHAPE(scale[2], "[8]");
    scale[1] = KNOWN(3);
    CHECK_REFUSED(BAD, "scale [3] must be 8", OP_FOLD_SCALE, &attrs, 3, scale, 1, &dst);
    CHECK_REFUSED(BAD, "fold axis 4", OP_FOLD_SCALE, (&(struct fold_attrs){.axis = 4}), 3, scale, 1,
                  &dst);

    struct op_tensor shift[] = {OPEN, OPEN, OPEN, KNOWN(8), KNOWN(8)};
    dst = OPEN;
    CHECK_INFER(OP_FOLD_SHIFT, &attrs, 5, shift, 1, &dst);
    CHECK_SHAPE(dst, "[8]");
    CHECK_SHAPE(shift[0], "[8]");
    ck_assert_int_eq(dst.dtype, COP_DTYPE_FLOAT32);
    shift[4] = KNOWN(7);
    CHECK_REFUSED(BAD, "bias [7] must be 8", OP_FOLD_SHIFT, &attrs, 5, shift, 1, &dst);
    CHECK_INFER(OP_FOLD_SHIFT, &attrs, 4, shift, 1, &dst);
}
END_TEST

int main(void)
{
    return RUN_TESTS("normalization", statistics_are_vectors_along_the_axis,
                     channels_follow_from_any_statistic, float16_may_have_float32_statistics,
                     lrn_and_softmax_keep_the_shape, folds_join_vectors_with_weights);
}
