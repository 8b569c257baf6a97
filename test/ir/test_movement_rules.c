// SPDX-License-Identifier: Apache-2.0
/* Shape rules of the operators that move data. */
#include "ir/op.h"
#include "support/graphs.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static const struct shape no_dims = {.rank = 0};

static struct op_tensor tensor(struct shape shape)
{
    return (struct op_tensor){true, COP_DTYPE_FLOAT32, shape, NULL};
}

static struct op_tensor open_tensor(void)
{
    return (struct op_tensor){true, COP_DTYPE_UNKNOWN, cop_shape_unknown(), NULL};
}

static struct op_tensor list_of(int64_t count, const int64_t *entries)
{
    return (struct op_tensor){true, COP_DTYPE_INT64, SHAPE(count), entries};
}

#define LIST(...)                                                                                  \
    list_of((int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})

/* The result of a rule with one output: its shape, or the message. */
static const char *result(enum op_kind kind, const void *attrs, int src_count,
                          struct op_tensor *src)
{
    static struct shape_text text;
    static cop_error error;
    struct op_tensor dst = open_tensor();
    if (cop_op_infer(kind, attrs, src_count, src, 1, &dst, &error) != COP_STATUS_OK)
        return error.message;
    text = cop_shape_text(&dst.shape);
    return text.text;
}

#define RESULT(kind, attrs, ...)                                                                   \
    result(kind, attrs,                                                                            \
           (int)(sizeof((struct op_tensor[]){__VA_ARGS__}) / sizeof(struct op_tensor)),            \
           (struct op_tensor[]){__VA_ARGS__})

START_TEST(concat_adds_up_along_its_axis)
{
    const struct concat_attrs last = {-1}, beyond = {2};
    ck_assert_str_eq(
        RESULT(OP_CONCAT, &last, tensor(SHAPE(2, 3)), tensor(SHAPE(2, 0)), tensor(SHAPE(2, 4))),
        "[2,7]");
    ck_assert_str_eq(RESULT(OP_CONCAT, &last, tensor(SHAPE(-1, 3)), tensor(SHAPE(2, -1))), "[2,?]");
    ck_assert_str_eq(RESULT(OP_CONCAT, &last, tensor(SHAPE(2, 3)), tensor(SHAPE(3, 3))),
                     "an input [3,3] must be 2 along axis 0");
    ck_assert_str_eq(RESULT(OP_CONCAT, &beyond, tensor(SHAPE(2, 3))),
                     "the axis 2 is outside a rank of 2");
    ck_assert_str_eq(RESULT(OP_CONCAT, &last, tensor(SHAPE(INT64_MAX)), tensor(SHAPE(INT64_MAX))),
                     "input 0 has the shape [9223372036854775807]");
}
END_TEST

START_TEST(concat_tells_the_one_unknown_input)
{
    const struct concat_attrs attrs = {1};
    struct op_tensor src[] = {tensor(SHAPE(2, 3)), open_tensor()}, dst = tensor(SHAPE(2, 10));
    cop_error error;
    ck_assert_int_eq(cop_op_infer(OP_CONCAT, &attrs, 2, src, 1, &dst, &error), COP_STATUS_OK);
    ck_assert_str_eq(cop_shape_text(&src[1].shape).text, "[2,7]");
    ck_assert_int_eq(src[1].dtype, COP_DTYPE_FLOAT32);
}
END_TEST

static const char *split_result(const struct split_attrs *attrs, int src_count,
                                struct op_tensor *src)
{
    static char text[600];
    cop_error error;
    struct op_tensor dst[3] = {open_tensor(), open_tensor(), open_tensor()};
    if (cop_op_infer(OP_SPLIT, attrs, src_count, src, 3, dst, &error) != COP_STATUS_OK)
        strcpy(text, error.message);
    else
        snprintf(text, sizeof text, "%s %s %s", cop_shape_text(&dst[0].shape).text,
                 cop_shape_text(&dst[1].shape).text, cop_shape_text(&dst[2].shape).text);
    return text;
}

#define SPLIT(attrs, ...)                                                                          \
    split_result(attrs,                                                                            \
                 (int)(sizeof((struct op_tensor[]){__VA_ARGS__}) / sizeof(struct op_tensor)),      \
                 (struct op_tensor[]){__VA_ARGS__})

START_TEST(split_divides_evenly_or_as_told)
{
    const struct split_attrs attrs = {.axis = -1}, squeezed = {.axis = 1, .squeeze_axis = true};
    ck_assert_str_eq(SPLIT(&attrs, tensor(SHAPE(2, 9))), "[2,3] [2,3] [2,3]");
    ck_assert_str_eq(SPLIT(&squeezed, tensor(SHAPE(2, 3, 4))), "[2,4] [2,4] [2,4]");
    ck_assert_str_eq(SPLIT(&attrs, tensor(SHAPE(2, 9)), LIST(0, 7, 2)), "[2,0] [2,7] [2,2]");
    ck_assert_str_eq(SPLIT(&attrs, tensor(SHAPE(2, 9)), LIST(1, 7, 2)),
                     "src [2,9] must be 10 along axis 1");
    ck_assert_str_eq(SPLIT(&attrs, tensor(SHAPE(2, 9)), LIST(-1, 8, 2)), "output 0 has size -1");
    ck_assert_str_eq(SPLIT(&attrs, tensor(SHAPE(2, 9)), LIST(9)), "sizes [1] for 3 outputs");
    ck_assert_str_eq(SPLIT(&attrs, tensor(SHAPE(2, 8))),
                     "8 elements along axis 1 do not divide into 3 outputs");
    ck_assert_str_eq(SPLIT(&squeezed, tensor(SHAPE(2, 6))), "parts of 2 cannot lose axis 1");
}
END_TEST

START_TEST(slice_counts_as_numpy_does)
{
    const struct slice_attrs none = {0};
    const struct op_tensor src = tensor(SHAPE(10, 20));
    ck_assert_str_eq(RESULT(OP_SLICE, &none, src, LIST(1, 0), LIST(-1, 1000)), "[8,20]");
    ck_assert_str_eq(RESULT(OP_SLICE, &none, src, LIST(-1), LIST(INT64_MIN), LIST(1), LIST(-3)),
                     "[10,7]");
    ck_assert_str_eq(RESULT(OP_SLICE, &none, src, LIST(5), LIST(5), LIST(-2)), "[0,20]");
    ck_assert_str_eq(
        RESULT(OP_SLICE, &none, src, LIST(0), LIST(INT64_MAX), LIST(0), LIST(INT64_MAX)), "[1,20]");
    ck_assert_str_eq(
        RESULT(OP_SLICE, &none, src, LIST(INT64_MAX), LIST(INT64_MIN), LIST(0), LIST(INT64_MIN)),
        "[1,20]");
    ck_assert_str_eq(RESULT(OP_SLICE, &none, src, LIST(0), LIST(1), LIST(2)),
                     "sliced axis 2 is outside a rank of 2");
    ck_assert_str_eq(RESULT(OP_SLICE, &none, src, LIST(0, 0), LIST(1, 1), LIST(0, -2)),
                     "axis 0 is sliced twice");
    ck_assert_str_eq(RESULT(OP_SLICE, &none, src, LIST(0, 0), LIST(1)), "1 ends for 2 starts");
    ck_assert_str_eq(RESULT(OP_SLICE, &none, tensor(SHAPE(-1, 20)), LIST(0), LIST(1), LIST(1)),
                     "[?,1]");
    ck_assert_str_eq(RESULT(OP_SLICE, &none, src, open_tensor(), open_tensor()), "[?,?]");
}
END_TEST

START_TEST(pads_add_and_cut)
{
    struct pad_attrs pads = {.rank = 2, .begin = {1, -2}, .end = {0, 3}};
    ck_assert_str_eq(RESULT(OP_PAD, &pads, tensor(SHAPE(2, 3))), "[3,4]");
    ck_assert_str_eq(RESULT(OP_PAD, &pads, tensor(SHAPE(2, 1))),
                     "pads -2 and 3 cut more than the 1 elements of axis 1");
    pads.mode = PAD_REFLECT;
    ck_assert_str_eq(RESULT(OP_PAD, &pads, tensor(SHAPE(2, 5))),
                     "3 elements of axis 1 cannot be reflected from 3");
    ck_assert_str_eq(RESULT(OP_PAD, &pads, tensor(SHAPE(2, 6))), "[3,7]");
    const struct pad_attrs from_input = {0};
    ck_assert_str_eq(RESULT(OP_PAD, &from_input, tensor(SHAPE(2, 3)), LIST(0, 1, 0, 1)), "[2,5]");
    ck_assert_str_eq(RESULT(OP_PAD, &from_input, tensor(SHAPE(2, 3)), LIST(0, 1)),
                     "src [2,3] must have 1 dimensions");
    ck_assert_str_eq(
        RESULT(OP_PAD, &from_input, tensor(SHAPE(2, 3)), LIST(INT64_MAX, 0, INT64_MAX, 0)),
        "pads 9223372036854775807 and 9223372036854775807 of axis 0 are out of range");
}
END_TEST

START_TEST(pad_and_transpose_go_backward)
{
    const struct pad_attrs pads = {.rank = 3, .begin = {0, 0, 1}, .end = {0, 0, 1}};
    const struct transpose_attrs perm = {.rank = 3, .perm = {1, 2, 0}};
    struct op_tensor src = open_tensor(), dst = tensor(SHAPE(-1, 3, 10));
    cop_error error;
    ck_assert_int_eq(cop_op_infer(OP_PAD, &pads, 1, &src, 1, &dst, &error), COP_STATUS_OK);
    ck_assert_str_eq(cop_shape_text(&src.shape).text, "[?,3,8]");
    src = open_tensor();
    ck_assert_int_eq(cop_op_infer(OP_TRANSPOSE, &perm, 1, &src, 1, &dst, &error), COP_STATUS_OK);
    ck_assert_str_eq(cop_shape_text(&src.shape).text, "[10,?,3]");
}
END_TEST

START_TEST(transpose_needs_a_permutation)
{
    const struct transpose_attrs twice = {.rank = 3, .perm = {1, 1, 0}}, all = {.rank = 0};
    const struct transpose_attrs beyond = {.rank = 3, .perm = {0, 1, 3}};
    ck_assert_str_eq(RESULT(OP_TRANSPOSE, &all, tensor(SHAPE(2, 3, 4))), "[4,3,2]");
    ck_assert_str_eq(RESULT(OP_TRANSPOSE, &twice, tensor(SHAPE(2, 3, 4))),
                     "axis 1 at position 1 makes no permutation of 3");
    ck_assert_str_eq(RESULT(OP_TRANSPOSE, &beyond, tensor(SHAPE(2, 3, 4))),
                     "axis 3 at position 2 makes no permutation of 3");
    ck_assert_str_eq(RESULT(OP_TRANSPOSE, &all, tensor(no_dims)), "[]");
}
END_TEST

START_TEST(reshape_follows_onnx)
{
    const struct reshape_attrs plain = {0}, zeros = {.allow_zero = true};
    ck_assert_str_eq(RESULT(OP_RESHAPE, &plain, tensor(SHAPE(2, 3, 4)), LIST(0, -1)), "[2,12]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &plain, tensor(SHAPE(-1, 3, 4)), LIST(0, -1)), "[?,12]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &plain, tensor(SHAPE(-1, 3, 4)), LIST(-1, 12)), "[?,12]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &plain, tensor(SHAPE(2, 3)), LIST(6, 1, 1)), "[6,1,1]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &zeros, tensor(SHAPE(0, 3)), LIST(3, 0)), "[3,0]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &plain, tensor(SHAPE(1)),
                            (struct op_tensor){true, COP_DTYPE_INT64, SHAPE(0), ""}),
                     "[]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &plain, tensor(SHAPE(2, 3)), LIST(-1, -1)),
                     "two dimensions of the target are to follow from the rest");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &plain, tensor(SHAPE(2, 3)), LIST(4)),
                     "dst [4] cannot hold the 6 elements of [2,3]");
    ck_assert_str_eq(
        RESULT(OP_RESHAPE, &plain, tensor(SHAPE(2, 3)), LIST(-1, 4)),
        "no size fits for the open dimension of the target: 6 elements of src [2,3] over 4");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &plain, tensor(SHAPE(2, 3)), LIST(2, 3, 0)),
                     "the target copies dimension 2 of src [2,3]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &plain, tensor(SHAPE(2, 3)), LIST(-2)),
                     "target dimension 0 is -2");
    ck_assert_str_eq(
        RESULT(OP_RESHAPE, &zeros, tensor(SHAPE(0, 3)), LIST(0, -1)),
        "no size fits for the open dimension of the target: 0 elements of src [0,3] over 0");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &plain, tensor(SHAPE(6)), LIST(INT64_MAX, INT64_MAX, -1)),
                     "9223372036854775807 times 9223372036854775807 overflows");
}
END_TEST

START_TEST(reshape_follows_mxnet)
{
    struct reshape_attrs attrs = {.is_mxnet = true};
    const struct op_tensor src = tensor(SHAPE(2, 3, 4));
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, src, LIST(4, 0, 2)), "[4,3,2]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, src, LIST(6, 1, -1)), "[6,1,4]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, src, LIST(-2, 1, 1)), "[2,3,4,1,1]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, src, LIST(-3, 4)), "[6,4]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, src, LIST(0, -3)), "[2,12]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, src, LIST(-4, 1, 2, -2)), "[1,2,3,4]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, src, LIST(2, -4, -1, 3, -2)), "[2,1,3,4]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, tensor(SHAPE(10, 5, 4)), LIST(-1, 0)), "[40,5]");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, src, LIST(-4, 5, -1, -2)),
                     "2 elements do not divide into 5 and 0");
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, src, LIST(-5)), "target entry 0 is -5");
    attrs.reverse = true;
    ck_assert_str_eq(RESULT(OP_RESHAPE, &attrs, tensor(SHAPE(10, 5, 4)), LIST(-1, 0)), "[50,4]");
}
END_TEST

START_TEST(flatten_splits_the_shape_in_two)
{
    const struct flatten_attrs first = {1}, end = {3}, last = {-1}, beyond = {4};
    ck_assert_str_eq(RESULT(OP_FLATTEN, &first, tensor(SHAPE(2, 3, 4))), "[2,12]");
    ck_assert_str_eq(RESULT(OP_FLATTEN, &end, tensor(SHAPE(2, 3, 4))), "[24,1]");
    ck_assert_str_eq(RESULT(OP_FLATTEN, &last, tensor(SHAPE(2, 3, 4))), "[6,4]");
    ck_assert_str_eq(RESULT(OP_FLATTEN, &first, tensor(SHAPE(5))), "[5,1]");
    ck_assert_str_eq(RESULT(OP_FLATTEN, &beyond, tensor(SHAPE(2, 3, 4))),
                     "flattened axis 4 is outside a rank of 3");
    struct op_tensor src = tensor(SHAPE(1, 5, -1)), dst = tensor(SHAPE(-1, 35));
    cop_error error;
    ck_assert_int_eq(cop_op_infer(OP_FLATTEN, &first, 1, &src, 1, &dst, &error), COP_STATUS_OK);
    ck_assert_str_eq(cop_shape_text(&src.shape).text, "[1,5,7]");
}
END_TEST

START_TEST(squeeze_drops_and_unsqueeze_adds_ones)
{
    const struct axes_attrs all = {0}, second = {.count = 1, .axes = {1}};
    const struct axes_attrs ends = {.count = 2, .axes = {0, -1}};
    const struct axes_attrs twice = {.count = 2, .axes = {0, -4}};
    const struct axes_attrs mxnet = {.rank_at_least_1 = true};
    ck_assert_str_eq(RESULT(OP_SQUEEZE, &mxnet, tensor(SHAPE(1, 1))), "[1]");
    ck_assert_str_eq(RESULT(OP_SQUEEZE, &mxnet, tensor(SHAPE(1, 2))), "[2]");
    ck_assert_str_eq(RESULT(OP_SQUEEZE, &all, tensor(SHAPE(1, 1))), "[]");
    ck_assert_str_eq(RESULT(OP_SQUEEZE, &all, tensor(SHAPE(1, 2, 1))), "[2]");
    ck_assert_str_eq(RESULT(OP_SQUEEZE, &ends, tensor(SHAPE(1, 2, 1))), "[2]");
    ck_assert_str_eq(RESULT(OP_SQUEEZE, &all, tensor(SHAPE(1, 2, 1)), LIST(2)), "[1,2]");
    ck_assert_str_eq(RESULT(OP_SQUEEZE, &second, tensor(SHAPE(1, 2, 1))),
                     "src [1,2,1] must be 1 along axis 1");
    ck_assert_str_eq(RESULT(OP_UNSQUEEZE, &ends, tensor(SHAPE(2, 3))), "[1,2,3,1]");
    ck_assert_str_eq(RESULT(OP_UNSQUEEZE, &twice, tensor(SHAPE(2, 3))), "axis -4 is named twice");
    ck_assert_str_eq(RESULT(OP_UNSQUEEZE, &second, tensor(no_dims)),
                     "the axis 1 is outside a rank of 1");
    ck_assert_str_eq(RESULT(OP_UNSQUEEZE, &ends, tensor(SHAPE(1, 1, 1, 1, 1, 1, 1))),
                     "the result has more than 8 dimensions");
}
END_TEST

START_TEST(gather_puts_the_indices_in_place_of_the_axis)
{
    const struct gather_attrs last = {.axis = -1};
    const struct op_tensor scalar = {true, COP_DTYPE_INT64, no_dims, NULL};
    const struct op_tensor matrix = {true, COP_DTYPE_INT32, SHAPE(5, 6), NULL};
    ck_assert_str_eq(RESULT(OP_GATHER, &last, tensor(SHAPE(2, 3)), scalar), "[2]");
    ck_assert_str_eq(RESULT(OP_GATHER, &last, tensor(SHAPE(2, 3)), matrix), "[2,5,6]");
    ck_assert_str_eq(RESULT(OP_GATHER, &last, tensor(SHAPE(2, 3)), tensor(SHAPE(1))),
                     "indices are float32 and must be int64 or int32");
}
END_TEST

START_TEST(shape_of_a_range_of_dimensions)
{
    const struct shape_attrs all = {0, INT64_MAX}, last = {-1, INT64_MAX}, crossed = {2, 1};
    ck_assert_str_eq(RESULT(OP_SHAPE, &all, tensor(SHAPE(2, -1, 4))), "[3]");
    ck_assert_str_eq(RESULT(OP_SHAPE, &last, tensor(SHAPE(2, 3, 4))), "[1]");
    ck_assert_str_eq(RESULT(OP_SHAPE, &crossed, tensor(SHAPE(2, 3, 4))), "[0]");
    ck_assert_str_eq(RESULT(OP_SHAPE, &all, open_tensor()), "[?]");
}
END_TEST

int main(void)
{
    return RUN_TESTS("movement rules", concat_adds_up_along_its_axis,
                     concat_tells_the_one_unknown_input, split_divides_evenly_or_as_told,
                     slice_counts_as_numpy_does, pads_add_and_cut, pad_and_transpose_go_backward,
                     transpose_needs_a_permutation, reshape_follows_onnx, reshape_follows_mxnet,
                     flatten_splits_the_shape_in_two, squeeze_drops_and_unsqueeze_adds_ones,
                     gather_puts_the_indices_in_place_of_the_axis, shape_of_a_range_of_dimensions);
}
