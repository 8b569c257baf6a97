// SPDX-License-Identifier: Apache-2.0
#include "ir/op.h"
#include "support/infer.h"
#include "support/unit.h"

START_TEST(every_operator_has_a_definition)
{
    for (int i = 0; i < OP_KIND_COUNT; i++) {
        const struct op_def *def = cop_op_def((enum op_kind)i);
        ck_assert_ptr_nonnull(def->name);
        ck_assert(def->infer != NULL);
        ck_assert(def->attrs_bytes > 0);
        ck_assert(def->min_src >= 1 && (def->max_src < 0 || def->max_src >= def->min_src));
        ck_assert(def->min_dst >= 1 && (def->max_dst < 0 || def->max_dst >= def->min_dst));
    }
    ck_assert_str_eq(cop_op_def(OP_BATCH_NORMALIZATION)->name, "BatchNormalization");
}
END_TEST

START_TEST(functions_have_names)
{
    ck_assert_str_eq(cop_unary_name(UNARY_RELU), "Relu");
    ck_assert_str_eq(cop_unary_name(UNARY_ERF), "Erf");
    ck_assert_str_eq(cop_unary_name(UNARY_ALG_COUNT), "unknown");
    ck_assert_str_eq(cop_unary_name((enum unary_alg) - 1), "unknown");
    ck_assert_str_eq(cop_binary_name(BINARY_POW), "Pow");
    ck_assert_str_eq(cop_binary_name((enum binary_alg)1000), "unknown");
}
END_TEST

START_TEST(a_sum_among_the_post_ops_is_found)
{
    struct post_ops post_ops = {.count = 1, .entries = {{.kind = POST_OP_UNARY}}};
    ck_assert(!cop_post_ops_has_sum(&post_ops));
    post_ops.entries[post_ops.count++].kind = POST_OP_SUM;
    ck_assert(cop_post_ops_has_sum(&post_ops));
    post_ops.count = 1; /* what lies beyond the count does not count */
    ck_assert(!cop_post_ops_has_sum(&post_ops));
}
END_TEST

START_TEST(wrong_numbers_of_tensors_are_refused)
{
    const struct binary_attrs attrs = {.alg = BINARY_ADD};
    struct op_tensor src[3] = {KNOWN(2), KNOWN(2), KNOWN(2)}, dst[2] = {OPEN, OPEN};
    CHECK_REFUSED(COP_STATUS_MALFORMED_MODEL, "has 3 inputs, needs 2", OP_BINARY, &attrs, 3, src, 1,
                  dst);
    CHECK_REFUSED(COP_STATUS_MALFORMED_MODEL, "has 2 outputs, needs 1", OP_BINARY, &attrs, 2, src,
                  2, dst);
    src[1] = GONE;
    CHECK_REFUSED(COP_STATUS_MALFORMED_MODEL, "input 1 is required and absent", OP_BINARY, &attrs,
                  2, src, 1, dst);
}
END_TEST

START_TEST(impossible_tensors_are_refused)
{
    const struct unary_attrs attrs = {.alg = UNARY_RELU};
    struct op_tensor src = KNOWN(1, INT64_C(1) << 60), dst = OPEN;
    CHECK_REFUSED(COP_STATUS_MALFORMED_MODEL, "input 0 has the shape", OP_UNARY, &attrs, 1, &src, 1,
                  &dst);
    src = KNOWN(INT64_C(1) << 30, INT64_C(1) << 30);
    CHECK_REFUSED(COP_STATUS_UNSUPPORTED, "larger than any tensor", OP_UNARY, &attrs, 1, &src, 1,
                  &dst);
    src = KNOWN(-2);
    CHECK_REFUSED(COP_STATUS_MALFORMED_MODEL, "input 0 has the shape", OP_UNARY, &attrs, 1, &src, 1,
                  &dst);
    src.shape.rank = COP_MAX_RANK + 1;
    CHECK_REFUSED(COP_STATUS_UNSUPPORTED, "rank 9", OP_UNARY, &attrs, 1, &src, 1, &dst);
}
END_TEST

/* Two sound shapes whose broadcast is larger than any tensor may be. */
START_TEST(a_result_that_is_too_large_is_refused)
{
    const struct binary_attrs attrs = {.alg = BINARY_ADD};
    struct op_tensor src[] = {KNOWN(INT64_C(1) << 30, 1), KNOWN(1, INT64_C(1) << 30)}, dst = OPEN;
    CHECK_REFUSED(COP_STATUS_UNSUPPORTED, "output 0 [1073741824,1073741824]", OP_BINARY, &attrs, 2,
                  src, 1, &dst);
}
END_TEST

int main(void)
{
    return RUN_TESTS("op", every_operator_has_a_definition, functions_have_names,
                     a_sum_among_the_post_ops_is_found, wrong_numbers_of_tensors_are_refused,
                     impossible_tensors_are_refused, a_result_that_is_too_large_is_refused);
}
