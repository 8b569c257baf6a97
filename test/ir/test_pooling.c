// SPDX-License-Identifier: Apache-2.0
#include "ir/ops/window.h"
#include "support/infer.h"
#include "support/unit.h"

static void check_pool(const struct pooling_attrs *attrs, struct op_tensor src,
                       const char *expected)
{
    struct op_tensor dst = OPEN;
    CHECK_INFER(OP_POOLING, attrs, 1, &src, 1, &dst);
    CHECK_SHAPE(dst, expected);
}

#define REFUSED(part, attrs, src, dst_count, dst)                                                  \
    CHECK_REFUSED(COP_STATUS_MALFORMED_MODEL, part, OP_POOLING, attrs, 1, &(src), dst_count, dst)

START_TEST(sizes_are_rounded_down_or_up)
{
    struct pooling_attrs attrs = {
        .spatial_rank = 2, .kernel = {3, 3}, .strides = {2, 2}, .pads_begin = {1, 0}};
    check_pool(&attrs, KNOWN(2, 5, 112, 112), "[2,5,56,55]");
    attrs.ceil_mode = true;
    check_pool(&attrs, KNOWN(2, 5, 112, 112), "[2,5,56,56]");
    check_pool(&attrs, KNOWN(2, 5, 111, 111), "[2,5,56,55]");
}
END_TEST

/* Positions 0, 3, 6 and, hanging over by MXNet's `full`, 9: beyond src and its leading pad. */
START_TEST(a_last_window_outside_is_dropped_on_request)
{
    struct pooling_attrs attrs = {.spatial_rank = 1,
                                  .kernel = {2},
                                  .strides = {3},
                                  .pads_begin = {1},
                                  .pads_end = {1},
                                  .ceil_mode = true};
    check_pool(&attrs, KNOWN(1, 1, 8), "[1,1,4]");
    attrs.drop_last_outside = true;
    check_pool(&attrs, KNOWN(1, 1, 8), "[1,1,3]");
    check_pool(&attrs, KNOWN(1, 1, 9), "[1,1,4]"); /* starts on the last element */
}
END_TEST

START_TEST(global_pooling_ignores_the_rest)
{
    const struct pooling_attrs attrs = {.is_global = true,
                                        .alg = POOLING_AVERAGE,
                                        .kernel = {-7},
                                        .strides = {-1},
                                        .spatial_rank = 0};
    check_pool(&attrs, KNOWN(2, 5, 7, 9), "[2,5,1,1]");
    check_pool(&attrs, KNOWN(2, COP_UNKNOWN, COP_UNKNOWN), "[2,?,1]");
    check_pool(&attrs, OPEN, "unknown");
}
END_TEST

START_TEST(partial_shapes_go_both_ways)
{
    const struct pooling_attrs attrs = {.spatial_rank = 2, .kernel = {2, 2}, .strides = {2, 2}};
    struct op_tensor src = OPEN, dst = KNOWN(COP_UNKNOWN, 3, COP_UNKNOWN, COP_UNKNOWN);
    CHECK_INFER(OP_POOLING, &attrs, 1, &src, 1, &dst);
    CHECK_SHAPE(src, "[?,3,?,?]");
    src.shape.dims[2] = 8;
    CHECK_INFER(OP_POOLING, &attrs, 1, &src, 1, &dst);
    CHECK_SHAPE(dst, "[?,3,4,?]");
}
END_TEST

START_TEST(indices_are_int64_of_the_same_shape)
{
    const struct pooling_attrs attrs = {.spatial_rank = 1, .kernel = {2}};
    struct op_tensor src = KNOWN(1, 2, 5), dst[] = {OPEN, OPEN};
    CHECK_INFER(OP_POOLING, &attrs, 1, &src, 2, dst);
    CHECK_SHAPE(dst[1], "[1,2,4]");
    ck_assert_int_eq(dst[1].dtype, COP_DTYPE_INT64);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    struct op_tensor src = KNOWN(1, 1, 5), dst[] = {OPEN, OPEN};
    REFUSED("kernel 0", (&(struct pooling_attrs){.spatial_rank = 1}), src, 1, dst);
    REFUSED("must have 4 dimensions", (&(struct pooling_attrs){.spatial_rank = 2}), src, 1, dst);
    REFUSED("LP pooling with p 0",
            (&(struct pooling_attrs){.spatial_rank = 1, .kernel = {2}, .alg = POOLING_LP}), src, 1,
            dst);
    REFUSED("only maximum pooling has a second output",
            (&(struct pooling_attrs){.spatial_rank = 1, .kernel = {2}, .alg = POOLING_SUM}), src, 2,
            dst);
    REFUSED("spans 6", (&(struct pooling_attrs){.spatial_rank = 1, .kernel = {6}}), src, 1, dst);
    REFUSED("pooling 9", (&(struct pooling_attrs){.alg = (enum pooling_alg)9}), src, 1, dst);
    CHECK_REFUSED(COP_STATUS_UNSUPPORTED, "4 spatial dimensions", OP_POOLING,
                  (&(struct pooling_attrs){.spatial_rank = 4}), 1, &src, 1, dst);
    src = KNOWN(1, 1, 0);
    REFUSED("plane is empty", (&(struct pooling_attrs){.is_global = true}), src, 1, dst);
    src = KNOWN(3, 4);
    CHECK_REFUSED(COP_STATUS_UNSUPPORTED, "needs 1 to 3 spatial", OP_POOLING,
                  (&(struct pooling_attrs){.is_global = true}), 1, &src, 1, dst);
}
END_TEST

START_TEST(same_pads_are_shared_out)
{
    struct pooling_attrs attrs = {
        .spatial_rank = 1, .kernel = {4}, .strides = {3}, .auto_pad = AUTO_PAD_SAME_UPPER};
    const struct shape src = cop_shape_of(3, (int64_t[]){1, 1, 7});
    struct window_geometry geometry;
    cop_error error;
    ck_assert_int_eq(cop_window_pooling(&attrs, &src, &geometry, &error), COP_STATUS_OK);
    ck_assert_int_eq(geometry.dst[0], 3); /* needs 2 · 3 + 4 = 10, so 3 of padding */
    ck_assert_int_eq(geometry.pads_begin[0], 1);
    ck_assert_int_eq(geometry.pads_end[0], 2);
    attrs.auto_pad = AUTO_PAD_SAME_LOWER;
    ck_assert_int_eq(cop_window_pooling(&attrs, &src, &geometry, &error), COP_STATUS_OK);
    ck_assert_int_eq(geometry.pads_begin[0], 2);
    ck_assert_int_eq(geometry.pads_end[0], 1);
}
END_TEST

int main(void)
{
    return RUN_TESTS("pooling", sizes_are_rounded_down_or_up,
                     a_last_window_outside_is_dropped_on_request, global_pooling_ignores_the_rest,
                     partial_shapes_go_both_ways, indices_are_int64_of_the_same_shape,
                     nonsense_is_refused, same_pads_are_shared_out);
}
