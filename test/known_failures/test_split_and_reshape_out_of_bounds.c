// SPDX-License-Identifier: Apache-2.0
/*
 * Split read behind its list of sizes and Reshape behind its input, while shapes were inferred,
 * before any input had arrived: sizes and targets that do not fit are refused when the model is
 * compiled.
 */
#include "support/load_onnx.h"
#include "support/unit.h"

static struct message split(int output_count, int size_count, const int64_t *sizes, int64_t opset)
{
    struct message graph = {0};
    struct message node = onnx_node("Split", "split", opset < 13 ? "x" : "x sizes", "y0");
    for (int i = 1; i < output_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "y%d", i);
        write_text(&node, 2, name);
    }
    if (opset < 13)
        onnx_attribute_ints(&node, "split", size_count, sizes);
    else
        add_ints(&graph, "sizes", size_count, sizes);
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(6));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y0", ONNX_FLOAT, 0, NULL);
    return onnx_model(&graph, opset);
}

START_TEST(splits_whose_sizes_do_not_fit)
{
    static const struct {
        int outputs, sizes;
        int64_t values[4];
    } cases[] = {
        {3, 2, {3, 3}},
        {2, 3, {2, 2, 2}},
        {2, 2, {3, 4}},
        {2, 2, {7, -1}},
        {2, 2, {INT64_MAX, 7}},
        {2, 2, {INT64_MIN, 6}},
        {4, 1, {6}},
        {2, 0, {0}},
        {2, 2, {INT64_MAX, INT64_MAX}},
        {3, 3, {INT64_MAX, INT64_MAX, 8}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int64_t opset = 12; opset <= 13; opset++) {
            struct message model = split(cases[i].outputs, cases[i].sizes, cases[i].values, opset);
            expect_onnx_refused(&model, "split");
        }
    struct message right = split(2, 2, (int64_t[]){2, 4}, 13);
    cop_error error;
    ck_assert_msg(compile_onnx(&right, NULL, &error) == COP_STATUS_OK, "%s", error.message);
}
END_TEST

/* Sizes and targets of another type, of no elements, of a matrix: read as what they are, or
 * refused. */
START_TEST(lists_that_are_no_lists_of_integers)
{
    static const char *const ops[] = {"Split",     "Reshape", "Squeeze",
                                      "Unsqueeze", "Pad",     "ReduceSum"};
    static const float floats[2] = {3, 3};
    static const int64_t longs[4] = {3, 3, 3, 3};
    for (int i = 0; i < 6; i++)
        for (int kind = 0; kind < 4; kind++) {
            struct message graph = {0}, node = onnx_node(ops[i], "reader", "x list", "y");
            onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(6));
            struct message list =
                kind == 0   ? onnx_raw_tensor("list", ONNX_FLOAT, DIMS(2), floats, 8)
                : kind == 1 ? onnx_raw_tensor("list", ONNX_INT64, DIMS(2, 2), longs, 32)
                : kind == 2 ? onnx_raw_tensor("list", ONNX_INT32, DIMS(2), longs, 8)
                            : onnx_raw_tensor("list", ONNX_INT64, 0, NULL, longs, 8);
            onnx_add_initializer(&graph, &list);
            onnx_add_node(&graph, &node);
            onnx_add_output(&graph, "y", ONNX_FLOAT, 0, NULL);
            struct message model = onnx_model(&graph, 13);
            cop_cached_op *op = NULL;
            cop_error error;
            const cop_status status = compile_onnx(&model, &op, &error);
            if (status == COP_STATUS_OK) { /* 3 and 0 in 32 bits, read as such */
                cop_tensor_desc desc;
                ck_assert_msg(i == 4 && kind == 2, "%s accepted list %d", ops[i], kind);
                ck_assert_int_eq(cop_cached_op_output(op, 0, &desc, NULL), COP_STATUS_OK);
                ck_assert_int_eq(desc.shape[0], 6 + 3);
                cop_cached_op_release(&op);
                continue;
            }
            ck_assert_msg(strstr(error.message, "reader") != NULL, "%s", error.message);
        }
}
END_TEST

START_TEST(reshapes_that_do_not_fit)
{
    static const int64_t targets[][3] = {{7, 1, 1},          {-1, -1, 6},       {-2, 3, 1},
                                         {4, -1, 1},         {0, 0, 0},         {6, 6, 6},
                                         {INT64_MAX, 2, -1}, {INT64_MIN, 1, 1}, {2, 3, 0}};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct message graph = {0}, node = onnx_node("Reshape", "reshape", "x t", "y");
        onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(6));
        add_ints(&graph, "t", 3, targets[i]);
        onnx_add_node(&graph, &node);
        onnx_add_output(&graph, "y", ONNX_FLOAT, 0, NULL);
        struct message model = onnx_model(&graph, 13);
        expect_onnx_refused(&model, "reshape");
    }
}
END_TEST

/* A target longer than any rank, and one that copies a dimension which is not there. */
START_TEST(reshapes_to_more_dimensions_than_there_can_be)
{
    for (int count = 9; count < 40; count += 5) {
        int64_t target[40];
        for (int i = 0; i < count; i++)
            target[i] = i == 0 ? 6 : 1;
        struct message graph = {0}, node = onnx_node("Reshape", "reshape", "x t", "y");
        onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(6));
        add_ints(&graph, "t", count, target);
        onnx_add_node(&graph, &node);
        onnx_add_output(&graph, "y", ONNX_FLOAT, 0, NULL);
        struct message model = onnx_model(&graph, 13);
        expect_onnx_refused(&model, "reshape");
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("split and reshape", splits_whose_sizes_do_not_fit,
                     lists_that_are_no_lists_of_integers, reshapes_that_do_not_fit,
                     reshapes_to_more_dimensions_than_there_can_be);
}
