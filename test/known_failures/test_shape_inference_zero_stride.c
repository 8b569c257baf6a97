// SPDX-License-Identifier: Apache-2.0
/* Shape inference divided by strides of zero, and by other numbers that a file gives. */
#include "support/load_onnx.h"
#include "support/unit.h"

/* One node on x [1,2,8,8] with a list of numbers as an attribute. */
static struct message one_node(const char *op, const char *inputs, const char *attribute,
                               const int64_t *values)
{
    static const float weights[2 * 2 * 3 * 3] = {1};
    struct message graph = {0}, node = onnx_node(op, "window", inputs, "y");
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1, 2, 8, 8));
    onnx_add_floats(&graph, "w", DIMS(2, 2, 3, 3), weights);
    if (strcmp(op, "Conv") != 0 && strcmp(attribute, "kernel_shape") != 0)
        onnx_attribute_ints(&node, "kernel_shape", 2, (int64_t[]){3, 3});
    onnx_attribute_ints(&node, attribute, 2, values);
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, 0, NULL);
    return onnx_model(&graph, 13);
}

/* Zero, negative and the corners of 64 bits: refused with the node's name. */
START_TEST(windows_with_impossible_strides_dilations_and_kernels)
{
    static const char *const ops[] = {"Conv", "MaxPool", "AveragePool", "LpPool"};
    static const char *const attributes[] = {"strides", "dilations", "kernel_shape"};
    static const int64_t values[][2] = {{0, 0},         {1, 0},         {0, 1},
                                        {-1, 1},        {INT64_MIN, 1}, {INT64_MIN, INT64_MIN},
                                        {INT64_MAX, 0}, {1, -INT64_MAX}};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++)
            for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
                if (i > 1 && j == 1) /* not of these operators before opset 19 */
                    continue;
                struct message model =
                    one_node(ops[i], i == 0 ? "x w" : "x", attributes[j], values[k]);
                expect_onnx_refused(&model, "window");
            }
}
END_TEST

/* A stride larger than the input is right: one window. */
START_TEST(huge_strides_are_one_window)
{
    struct message model = one_node("MaxPool", "x", "strides", (int64_t[]){INT64_MAX, INT64_MAX});
    cop_cached_op *op = NULL;
    cop_error error;
    cop_tensor_desc desc;
    const cop_status status = compile_onnx(&model, &op, &error);
    if (status != COP_STATUS_OK) {
        ck_assert_msg(strstr(error.message, "window") != NULL, "%s", error.message);
        return;
    }
    ck_assert_int_eq(cop_cached_op_output(op, 0, &desc, NULL), COP_STATUS_OK);
    ck_assert_int_eq(desc.shape[2], 1);
    ck_assert_int_eq(desc.shape[3], 1);
    cop_cached_op_release(&op);
}
END_TEST

START_TEST(other_numbers_that_are_divided_by)
{
    static const float weights[2 * 2 * 3 * 3] = {1};
    static const int64_t groups[] = {0, -1, 3, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 5; i++) {
        struct message graph = {0}, node = onnx_node("Conv", "grouped", "x w", "y");
        onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1, 2, 8, 8));
        onnx_add_floats(&graph, "w", DIMS(2, 2, 3, 3), weights);
        onnx_attribute_int(&node, "group", groups[i]);
        onnx_add_node(&graph, &node);
        onnx_add_output(&graph, "y", ONNX_FLOAT, 0, NULL);
        struct message model = onnx_model(&graph, 13);
        expect_onnx_refused(&model, "grouped");
    }
    /* A step of zero, and a reshape that divides by what is zero. */
    struct message graph = {0}, node = onnx_node("Slice", "step", "x a b a z", "y");
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(4));
    add_ints(&graph, "a", 1, (int64_t[]){0});
    add_ints(&graph, "b", 1, (int64_t[]){4});
    add_ints(&graph, "z", 1, (int64_t[]){0});
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, 0, NULL);
    struct message model = onnx_model(&graph, 13);
    expect_onnx_refused(&model, "step");
    struct message other = {0};
    node = onnx_node("Reshape", "rest", "x t", "y");
    onnx_attribute_int(&node, "allowzero", 1);
    onnx_add_input(&other, "x", ONNX_FLOAT, DIMS(4));
    add_ints(&other, "t", 2, (int64_t[]){0, -1});
    onnx_add_node(&other, &node);
    onnx_add_output(&other, "y", ONNX_FLOAT, 0, NULL);
    model = onnx_model(&other, 14);
    expect_onnx_refused(&model, "rest");
}
END_TEST

int main(void)
{
    return RUN_TESTS("zero stride", windows_with_impossible_strides_dilations_and_kernels,
                     huge_strides_are_one_window, other_numbers_that_are_divided_by);
}
