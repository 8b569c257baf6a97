// SPDX-License-Identifier: Apache-2.0
/* Shape inference multiplied and added numbers from the file until they wrapped around to small
 * ones. */
#include "support/load_onnx.h"
#include "support/unit.h"

#define LARGE (INT64_C(1) << 32) /* its square is 0 in 64 bits */

static struct message finish(struct message *graph, struct message *node)
{
    onnx_add_node(graph, node);
    onnx_add_output(graph, "y", ONNX_FLOAT, 0, NULL);
    return onnx_model(graph, 14);
}

START_TEST(inputs_whose_product_wraps_around)
{
    static const int64_t shapes[][3] = {{LARGE, LARGE, 1},
                                        {LARGE, LARGE, 4},
                                        {INT64_MAX, 2, 1},
                                        {INT64_MAX, INT64_MAX, INT64_MAX},
                                        {INT64_C(1) << 48, 2, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct message graph = {0}, node = onnx_node("Relu", "relu", "x", "y");
        onnx_add_input(&graph, "x", ONNX_FLOAT, 3, shapes[i]);
        struct message model = finish(&graph, &node);
        cop_error error; /* the caller might have given another shape: it is his argument */
        ck_assert_int_eq(compile_onnx(&model, NULL, &error), COP_STATUS_INVALID_ARGUMENT);
        ck_assert_msg(strstr(error.message, "input 'x'") != NULL, "%s", error.message);
    }
}
END_TEST

/* Small inputs whose results are not. */
START_TEST(results_whose_product_wraps_around)
{
    static const char *const ops[] = {"MatMul", "Add", "Reshape", "Pad", "Unsqueeze"};
    for (int i = 0; i < 5; i++) {
        struct message graph = {0}, node = onnx_node(ops[i], "large", i < 2 ? "x z" : "x c", "y");
        onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(INT64_C(1) << 40, 1));
        onnx_add_input(&graph, "z", ONNX_FLOAT, DIMS(1, INT64_C(1) << 40));
        if (i == 2)
            add_ints(&graph, "c", 3, (int64_t[]){LARGE, LARGE, INT64_C(1) << 40});
        if (i == 3)
            add_ints(&graph, "c", 4, (int64_t[]){0, INT64_MAX, 0, INT64_MAX});
        if (i == 4)
            add_ints(&graph, "c", 7, (int64_t[]){0, 1, 2, 3, 4, 5, 6});
        struct message model = finish(&graph, &node);
        expect_onnx_refused(&model, "large");
    }
}
END_TEST

/* Pads, kernels and dilations that span more than 64 bits can count. */
START_TEST(windows_whose_extent_wraps_around)
{
    static const char *const names[] = {"pads", "dilations", "kernel_shape", "strides"};
    static const int64_t values[] = {INT64_MAX, INT64_MAX / 2, INT64_C(1) << 62, INT64_MAX - 7};
    static const float weights[2 * 2 * 3 * 3] = {1};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            struct message graph = {0}, node = onnx_node("Conv", "wide", "x w", "y");
            onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1, 2, 8, 8));
            onnx_add_floats(&graph, "w", DIMS(2, 2, 3, 3), weights);
            onnx_attribute_ints(&node, names[i], i == 0 ? 4 : 2,
                                (int64_t[]){values[j], values[j], values[j], values[j]});
            struct message model = finish(&graph, &node);
            if (i == 3) { /* a large stride is one window */
                cop_error error;
                const cop_status status = compile_onnx(&model, NULL, &error);
                ck_assert(status == COP_STATUS_OK || strstr(error.message, "wide") != NULL);
            } else {
                expect_onnx_refused(&model, "wide");
            }
        }
}
END_TEST

/* Parts, bounds and axes at the ends of 64 bits; −INT64_MIN does not exist. */
START_TEST(indices_at_the_ends_of_64_bits)
{
    static const int64_t corners[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, INT64_MAX - 1, -5, 4};
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++) {
        static const char *const ops[] = {"Concat",    "Split",   "Softmax",    "Gather",
                                          "Unsqueeze", "Flatten", "LogSoftmax", "ReduceMean"};
        for (int j = 0; j < 8; j++) {
            struct message graph = {0},
                           node = onnx_node(ops[j], "axis", j == 3 ? "x zero" : "x", "y");
            onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 3, 4));
            add_ints(&graph, "zero", 1, (int64_t[]){0});
            if (j == 7 || j == 4)
                onnx_attribute_ints(&node, "axes", 1, &corners[i]);
            else
                onnx_attribute_int(&node, "axis", corners[i]);
            struct message model = finish(&graph, &node);
            expect_onnx_refused(&model, "axis");
        }
    }
}
END_TEST

/* Slices are clamped, whatever their numbers: the result is empty or whole, never outside. */
START_TEST(slices_at_the_ends_of_64_bits)
{
    static const int64_t corners[] = {INT64_MIN, INT64_MIN + 1, -5, -1, 0, 1, 5, INT64_MAX};
    const int count = (int)(sizeof corners / sizeof *corners);
    for (int i = 0; i < count * count * count; i++) {
        const int64_t start = corners[i % count], end = corners[i / count % count];
        const int64_t step = corners[i / count / count];
        float elements[4] = {1, 2, 3, 4};
        struct message graph = {0}, node = onnx_node("Slice", "slice", "x a b z s", "y");
        onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(4));
        add_ints(&graph, "a", 1, &start), add_ints(&graph, "b", 1, &end);
        add_ints(&graph, "z", 1, (int64_t[]){0}), add_ints(&graph, "s", 1, &step);
        struct message model = finish(&graph, &node);
        cop_cached_op *op = NULL;
        cop_error error;
        const cop_status status = compile_onnx(&model, &op, &error);
        ck_assert_msg(status == COP_STATUS_OK || step == 0, "%s", error.message);
        if (status != COP_STATUS_OK)
            continue;
        cop_ndarray *src = NULL, *dst = NULL;
        ck_assert_int_eq(
            cop_ndarray_wrap(elements, COP_DTYPE_FLOAT32, 1, (int64_t[]){4}, NULL, &src, NULL),
            COP_STATUS_OK);
        ck_assert_int_eq(cop_invoke(op, 1, &src, 1, &dst, NULL, &error), COP_STATUS_OK);
        const size_t kept = cop_ndarray_bytes(dst) / sizeof(float);
        ck_assert_uint_le(kept, 4);
        for (size_t j = 0; j < kept; j++) {
            const float element = ((const float *)cop_ndarray_data(dst))[j];
            ck_assert(element >= 1 && element <= 4);
        }
        cop_ndarray_release(&src), cop_ndarray_release(&dst);
        cop_cached_op_release(&op);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("shape overflows", inputs_whose_product_wraps_around,
                     results_whose_product_wraps_around, windows_whose_extent_wraps_around,
                     indices_at_the_ends_of_64_bits, slices_at_the_ends_of_64_bits);
}
