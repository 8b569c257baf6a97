// SPDX-License-Identifier: Apache-2.0
#include "support/infer.h"
#include "support/unit.h"

#define INFER(attrs, src, dst) CHECK_INFER(OP_CONVOLUTION, attrs, 3, src, 1, &(dst))
#define REFUSED(part, attrs, src, dst)                                                             \
    CHECK_REFUSED(COP_STATUS_MALFORMED_MODEL, part, OP_CONVOLUTION, attrs, 3, src, 1, &(dst))

START_TEST(dst_follows_from_src_and_weights)
{
    const struct convolution_attrs attrs = {
        .strides = {2, 1}, .pads_begin = {3, 0}, .pads_end = {3, 2}, .dilations = {1, 2}};
    struct op_tensor src[] = {KNOWN(2, 3, 224, 100), KNOWN(64, 3, 7, 3), KNOWN(64)}, dst = OPEN;
    INFER(&attrs, src, dst);
    CHECK_SHAPE(dst, "[2,64,112,98]");
    ck_assert_int_eq(dst.dtype, COP_DTYPE_FLOAT32);
}
END_TEST

START_TEST(zeroed_attributes_are_the_plain_convolution)
{
    const struct convolution_attrs attrs = {0};
    struct op_tensor src[] = {KNOWN(1, 4, 9), KNOWN(5, 4, 3), GONE}, dst = OPEN;
    INFER(&attrs, src, dst);
    CHECK_SHAPE(dst, "[1,5,7]");
}
END_TEST

START_TEST(weights_and_bias_follow_from_src_and_attributes)
{
    const struct convolution_attrs attrs = {.kernel = {3, 3},
                                            .output_channels = 32,
                                            .groups = 2,
                                            .pads_begin = {1, 1},
                                            .pads_end = {1, 1}};
    struct op_tensor src[] = {KNOWN(1, 16, 8, 8), OPEN, OPEN}, dst = OPEN;
    INFER(&attrs, src, dst);
    CHECK_SHAPE(src[1], "[32,8,3,3]");
    CHECK_SHAPE(src[2], "[32]");
    CHECK_SHAPE(dst, "[1,32,8,8]");
    ck_assert_int_eq(src[1].dtype, COP_DTYPE_FLOAT32);
}
END_TEST

START_TEST(channels_of_src_follow_from_weights)
{
    const struct convolution_attrs attrs = {.groups = 4};
    struct op_tensor src[] = {OPEN, KNOWN(8, 3, 5, 5), GONE}, dst = OPEN;
    INFER(&attrs, src, dst);
    CHECK_SHAPE(src[0], "[?,12,?,?]");
    CHECK_SHAPE(dst, "[?,8,?,?]");
    ck_assert_int_eq(src[0].dtype, COP_DTYPE_FLOAT32);
}
END_TEST

START_TEST(nothing_known_is_no_error)
{
    const struct convolution_attrs attrs = {.kernel = {3, 3}};
    struct op_tensor src[] = {OPEN, OPEN, OPEN}, dst = OPEN;
    INFER(&attrs, src, dst);
    CHECK_SHAPE(dst, "unknown");
}
END_TEST

START_TEST(the_batch_goes_both_ways)
{
    const struct convolution_attrs attrs = {0};
    struct op_tensor src[] = {KNOWN(COP_UNKNOWN, 1, 4), KNOWN(1, 1, 1), GONE};
    struct op_tensor dst = KNOWN(7, COP_UNKNOWN, COP_UNKNOWN);
    INFER(&attrs, src, dst);
    CHECK_SHAPE(src[0], "[7,1,4]");
    CHECK_SHAPE(dst, "[7,1,4]");
}
END_TEST

START_TEST(auto_pad_decides_sizes)
{
    struct convolution_attrs attrs = {.strides = {2, 3}, .auto_pad = AUTO_PAD_SAME_UPPER};
    struct op_tensor src[] = {KNOWN(1, 1, 7, 7), KNOWN(1, 1, 3, 2), GONE}, dst = OPEN;
    INFER(&attrs, src, dst);
    CHECK_SHAPE(dst, "[1,1,4,3]");
    attrs.auto_pad = AUTO_PAD_VALID;
    attrs.pads_begin[0] = 5; /* not looked at */
    dst = OPEN;
    INFER(&attrs, src, dst);
    CHECK_SHAPE(dst, "[1,1,3,2]");
}
END_TEST

START_TEST(a_kernel_larger_than_its_input_is_refused)
{
    const struct convolution_attrs attrs = {.pads_begin = {1, 1}, .dilations = {1, 4}};
    struct op_tensor src[] = {KNOWN(1, 1, 8, 8), KNOWN(1, 1, 3, 4), GONE}, dst = OPEN;
    REFUSED("spans 13 along spatial axis 1, more than the padded input's 9", &attrs, src, dst);
}
END_TEST

START_TEST(channels_that_do_not_fit_are_refused)
{
    struct convolution_attrs attrs = {.groups = 2};
    struct op_tensor src[] = {KNOWN(1, 5, 8), KNOWN(4, 3, 3), GONE}, dst = OPEN;
    REFUSED("src [1,5,8] has 5 channels where weights [4,3,3] (groups: 2) need 6", &attrs, src,
            dst);
    src[0] = KNOWN(1, 5, 8), src[1] = KNOWN(4, COP_UNKNOWN, 3), dst = OPEN;
    REFUSED("5 input channels do not divide into 2 groups", &attrs, src, dst);
    src[0] = KNOWN(1, 6, 8), src[1] = KNOWN(5, 3, 3), dst = OPEN;
    REFUSED("5 output channels do not divide into 2 groups", &attrs, src, dst);
    attrs.output_channels = 8;
    src[0] = KNOWN(1, 6, 8), src[1] = KNOWN(4, 3, 3), dst = OPEN;
    REFUSED("weights [4,3,3] must be 8 along axis 0", &attrs, src, dst);
    attrs.output_channels = 0;
    src[0] = KNOWN(1, 6, 8), src[1] = KNOWN(4, 3, 3), src[2] = KNOWN(3), dst = OPEN;
    REFUSED("bias [3] must be 4 along axis 0", &attrs, src, dst);
}
END_TEST

START_TEST(ranks_that_do_not_fit_are_refused)
{
    const struct convolution_attrs attrs = {0};
    struct op_tensor src[] = {KNOWN(1, 1, 8), KNOWN(1, 1, 3, 3), GONE}, dst = OPEN;
    REFUSED("src [1,1,8] must have 4 dimensions", &attrs, src, dst);
    src[1] = KNOWN(1, 1), src[0] = KNOWN(1, 1);
    CHECK_REFUSED(COP_STATUS_UNSUPPORTED, "0 spatial dimensions", OP_CONVOLUTION, &attrs, 3, src, 1,
                  &dst);
}
END_TEST

START_TEST(attributes_without_meaning_are_refused)
{
    struct op_tensor src[] = {KNOWN(1, 1, 8), KNOWN(1, 1, 3), GONE}, dst = OPEN;
    REFUSED("stride -1 of spatial axis 0 is too small",
            (&(struct convolution_attrs){.strides = {-1}}), src, dst);
    REFUSED("dilation -2", (&(struct convolution_attrs){.dilations = {-2}}), src, dst);
    REFUSED("leading pad -1", (&(struct convolution_attrs){.pads_begin = {-1}}), src, dst);
    REFUSED("trailing pad -1", (&(struct convolution_attrs){.pads_end = {-1}}), src, dst);
    REFUSED("-3 groups", (&(struct convolution_attrs){.groups = -3}), src, dst);
    REFUSED("auto_pad 77", (&(struct convolution_attrs){.auto_pad = (enum auto_pad)77}), src, dst);
    REFUSED("stride 9223372036854775807 of spatial axis 0 is too large",
            (&(struct convolution_attrs){.strides = {INT64_MAX}}), src, dst);
    REFUSED("too large", (&(struct convolution_attrs){.dilations = {INT64_C(1) << 48}}), src, dst);
    REFUSED("kernel -1", (&(struct convolution_attrs){.kernel = {-1}}), src, dst);
    src[1] = KNOWN(1, 1, 0);
    REFUSED("kernel 0 of spatial axis 0 is too small", (&(struct convolution_attrs){0}), src, dst);
}
END_TEST

START_TEST(mixed_dtypes_are_refused)
{
    const struct convolution_attrs attrs = {0};
    struct op_tensor src[] = {KNOWN(1, 1, 8), TYPED(FLOAT16, 1, 1, 3), GONE}, dst = OPEN;
    REFUSED("weights is float16 and must be float32", &attrs, src, dst);
}
END_TEST

int main(void)
{
    return RUN_TESTS("convolution", dst_follows_from_src_and_weights,
                     zeroed_attributes_are_the_plain_convolution,
                     weights_and_bias_follow_from_src_and_attributes,
                     channels_of_src_follow_from_weights, nothing_known_is_no_error,
                     the_batch_goes_both_ways, auto_pad_decides_sizes,
                     a_kernel_larger_than_its_input_is_refused,
                     channels_that_do_not_fit_are_refused, ranks_that_do_not_fit_are_refused,
                     attributes_without_meaning_are_refused, mixed_dtypes_are_refused);
}
