// SPDX-License-Identifier: Apache-2.0
/*
 * Operators in the forms that opsets gave them, as graphs and as numbers. The ONNX project's cases
 * (test/conformance) cover the current forms with run-time inputs; here are the old ones,
 * constants, and what must be refused.
 */
#include <math.h>

#include <cachedop/cachedop.h>

#include "support/onnx_files.h"
#include "support/unit.h"

/* x [2,3] = 1 … 6, y [2,3] = 10 … 60, z [3] = 7 8 9. */
static const float xs[6] = {1, 2, 3, 4, 5, 6}, ys[6] = {10, 20, 30, 40, 50, 60}, zs[3] = {7, 8, 9};

/* The constants that nodes below may read. */
static void add_constants(struct message *graph)
{
    const float b32[6] = {1, 0, 0, 1, 1, 1}, low = 2, high = 5, pair[2] = {100, 200};
    const int64_t ones[4] = {1, 0, 0, 1}, axis = 1;
    const unsigned char no = 0, yes = 1;
    onnx_add_floats(graph, "B", DIMS(3, 2), b32);
    onnx_add_floats(graph, "Bt", DIMS(2, 3), b32);
    onnx_add_floats(graph, "bias", DIMS(2), pair);
    onnx_add_floats(graph, "low", 0, NULL, &low);
    onnx_add_floats(graph, "high", 0, NULL, &high);
    struct message tensors[] = {
        onnx_raw_tensor("pads", ONNX_INT64, DIMS(4), ones, sizeof ones),
        onnx_raw_tensor("axis", ONNX_INT64, DIMS(1), &axis, sizeof axis),
        onnx_raw_tensor("no", 9, 0, NULL, &no, 1),
        onnx_raw_tensor("yes", 9, 0, NULL, &yes, 1),
    };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        onnx_add_initializer(graph, &tensors[i]);
}

/* Takes the node over. */
static struct message node_model(struct message *node, int64_t opset)
{
    struct message graph = one_node_graph(node);
    add_constants(&graph);
    return onnx_model(&graph, opset);
}

static cop_ndarray *make_input(int rank, const int64_t *dims, const float *elements)
{
    cop_ndarray *array;
    cop_error error;
    ck_assert_int_eq(cop_ndarray_create(COP_DTYPE_FLOAT32, rank, dims, &array, &error),
                     COP_STATUS_OK);
    memcpy(cop_ndarray_data(array), elements, cop_ndarray_bytes(array));
    return array;
}

/* The model on x, y and z, on ref; the result is the caller's. */
static cop_ndarray *run_model(struct message model)
{
    cop_model *loaded = NULL;
    cop_cached_op *op = NULL;
    cop_ndarray *dst = NULL;
    cop_error error;
    cop_cached_op_options options = COP_CACHED_OP_OPTIONS_INIT;
    const cop_bytes bytes = {model.bytes, model.size, NULL, NULL};
    options.device.kind = COP_DEVICE_REF;
    ck_assert_msg(cop_model_load_bytes(COP_MODEL_FORMAT_ONNX, &bytes, NULL, NULL, &loaded,
                                       &error) == COP_STATUS_OK,
                  "%s", error.message);
    message_free(&model);
    ck_assert_msg(cop_cached_op_create(loaded, &options, &op, &error) == COP_STATUS_OK, "%s",
                  error.message);
    cop_ndarray *src[3] = {make_input(DIMS(2, 3), xs), make_input(DIMS(2, 3), ys),
                           make_input(DIMS(3), zs)};
    ck_assert_msg(cop_invoke(op, 3, src, 1, &dst, NULL, &error) == COP_STATUS_OK, "%s",
                  error.message);
    for (int i = 0; i < 3; i++)
        cop_ndarray_release(&src[i]);
    cop_cached_op_release(&op);
    cop_model_release(&loaded);
    return dst;
}

static void expect_numbers(struct message model, int rank, const int64_t *dims,
                           const float *expected)
{
    cop_ndarray *dst = run_model(model);
    const struct shape shape = cop_shape_of(cop_ndarray_rank(dst), cop_ndarray_shape(dst));
    const struct shape wanted = cop_shape_of(rank, dims);
    ck_assert_str_eq(cop_shape_text(&shape).text, cop_shape_text(&wanted).text);
    const float *elements = cop_ndarray_data(dst);
    for (int64_t i = 0; i < cop_shape_product(&shape, 0, rank); i++)
        ck_assert_msg(fabsf(elements[i] - expected[i]) <= 1e-5f * fabsf(expected[i]) + 1e-6f,
                      "element %lld is %g, not %g", (long long)i, (double)elements[i],
                      (double)expected[i]);
    cop_ndarray_release(&dst);
}

/* The kinds of all nodes, as "Transpose FullyConnected". */
static void expect_kinds(struct message model, const char *expected)
{
    char kinds[256] = "";
    struct graph *graph = import_model(model);
    for (int i = 0; i < graph->node_count; i++) {
        const size_t length = strlen(kinds);
        snprintf(kinds + length, sizeof kinds - length, "%s%s", i == 0 ? "" : " ",
                 cop_op_def(graph->nodes[i].kind)->name);
    }
    cop_graph_destroy(graph);
    ck_assert_str_eq(kinds, expected);
}

#define FLOATS(...) ((const float[]){__VA_ARGS__})

START_TEST(old_broadcasting_starts_at_an_axis)
{
    struct message node = onnx_node("Add", "add", "x bias", "out");
    onnx_attribute_int(&node, "broadcast", 1);
    onnx_attribute_int(&node, "axis", 0);
    expect_numbers(node_model(&node, 6), DIMS(2, 3), FLOATS(101, 102, 103, 204, 205, 206));
    node = onnx_node("Mul", "mul", "x z", "out");
    onnx_attribute_int(&node, "broadcast", 1);
    expect_numbers(node_model(&node, 6), DIMS(2, 3), FLOATS(7, 16, 27, 28, 40, 54));
    node = onnx_node("Sub", "sub", "y x", "out");
    expect_numbers(node_model(&node, 6), DIMS(2, 3), FLOATS(9, 18, 27, 36, 45, 54));
    node = onnx_node("Add", "add", "x bias", "out");
    onnx_attribute_int(&node, "axis", 0);
    onnx_attribute_int(&node, "broadcast", 1);
    expect_refused(node_model(&node, 7), COP_STATUS_UNSUPPORTED,
                   "'axis' is not known in this opset");
}
END_TEST

START_TEST(constant_weights_make_a_fully_connected_layer)
{
    struct message node = onnx_node("Gemm", "fc", "x B bias", "out");
    expect_kinds(node_model(&node, 11), "Transpose FullyConnected");
    node = onnx_node("Gemm", "fc", "x B bias", "out");
    expect_numbers(node_model(&node, 11), DIMS(2, 2), FLOATS(104, 205, 110, 211));
    node = onnx_node("Gemm", "fc", "x Bt bias", "out");
    onnx_attribute_int(&node, "transB", 1);
    expect_kinds(node_model(&node, 11), "FullyConnected");
    node = onnx_node("Gemm", "fc", "x Bt bias", "out");
    onnx_attribute_int(&node, "transB", 1);
    expect_numbers(node_model(&node, 11), DIMS(2, 2), FLOATS(101, 206, 104, 215));
    node = onnx_node("Gemm", "fc", "x B", "out");
    expect_numbers(node_model(&node, 13), DIMS(2, 2), FLOATS(4, 5, 10, 11));
}
END_TEST

START_TEST(other_products_stay_general)
{
    struct message node = onnx_node("Gemm", "gemm", "x B bias", "out");
    onnx_attribute_float(&node, "alpha", 2);
    expect_kinds(node_model(&node, 11), "Gemm");
    node = onnx_node("Gemm", "gemm", "x B bias", "out");
    onnx_attribute_float(&node, "alpha", 2);
    onnx_attribute_float(&node, "beta", 0.5f);
    expect_numbers(node_model(&node, 11), DIMS(2, 2), FLOATS(58, 110, 70, 122));
    node = onnx_node("Gemm", "gemm", "x y low", "out");
    onnx_attribute_int(&node, "transA", 1);
    onnx_attribute_int(&node, "broadcast", 1);
    expect_numbers(node_model(&node, 6), DIMS(3, 3),
                   FLOATS(172, 222, 272, 222, 292, 362, 272, 362, 452));
    node = onnx_node("Gemm", "gemm", "x B", "out");
    expect_refused(node_model(&node, 9), COP_STATUS_MALFORMED_MODEL, "has 2 inputs, needs 3");
}
END_TEST

START_TEST(clip_takes_attributes_constants_and_tensors)
{
    struct message node = onnx_node("Clip", "clip", "x", "out");
    onnx_attribute_float(&node, "min", 2);
    expect_numbers(node_model(&node, 6), DIMS(2, 3), FLOATS(2, 2, 3, 4, 5, 6));
    node = onnx_node("Clip", "clip", "x low high", "out");
    expect_kinds(node_model(&node, 11), "Unary");
    node = onnx_node("Clip", "clip", "x low high", "out");
    expect_numbers(node_model(&node, 11), DIMS(2, 3), FLOATS(2, 2, 3, 4, 5, 5));
    node = onnx_node("Clip", "clip", "x - high", "out");
    expect_numbers(node_model(&node, 13), DIMS(2, 3), FLOATS(1, 2, 3, 4, 5, 5));
    node = onnx_node("Clip", "clip", "y z x", "out");
    expect_kinds(node_model(&node, 13), "Binary Binary");
    node = onnx_node("Clip", "clip", "x", "out");
    expect_kinds(node_model(&node, 13), "Identity");
    node = onnx_node("Clip", "clip", "x", "out");
    onnx_attribute_float(&node, "min", 2);
    expect_refused(node_model(&node, 11), COP_STATUS_UNSUPPORTED, "attribute 'min'");
}
END_TEST

START_TEST(softmax_flattens_before_opset_13)
{
    struct message node = onnx_node("Softmax", "softmax", "x", "out");
    onnx_attribute_int(&node, "axis", 0);
    struct message model = node_model(&node, 11);
    cop_ndarray *dst = run_model(model);
    float sum = 0;
    for (int i = 0; i < 6; i++)
        sum += ((const float *)cop_ndarray_data(dst))[i];
    ck_assert_float_eq_tol(sum, 1, 1e-5);
    cop_ndarray_release(&dst);
    node = onnx_node("Softmax", "softmax", "x", "out");
    onnx_attribute_int(&node, "axis", 0);
    const float small = 1 / (1 + expf(3));
    expect_numbers(node_model(&node, 13), DIMS(2, 3),
                   FLOATS(small, small, small, 1 - small, 1 - small, 1 - small));
}
END_TEST

START_TEST(pads_slices_and_axes_come_as_attributes_or_inputs)
{
    struct message node = onnx_node("Pad", "pad", "x", "out");
    onnx_attribute_ints(&node, "pads", 4, (int64_t[]){1, 0, 0, -1});
    onnx_attribute_float(&node, "value", 9);
    expect_numbers(node_model(&node, 10), DIMS(3, 2), FLOATS(9, 9, 1, 2, 4, 5));
    node = onnx_node("Pad", "pad", "x pads low", "out");
    expect_numbers(node_model(&node, 13), DIMS(3, 4), FLOATS(2, 2, 2, 2, 1, 2, 3, 2, 4, 5, 6, 2));
    node = onnx_node("Slice", "slice", "x", "out");
    onnx_attribute_ints(&node, "starts", 2, (int64_t[]){-1, 0});
    onnx_attribute_ints(&node, "ends", 2, (int64_t[]){INT64_MAX, -1});
    expect_numbers(node_model(&node, 9), DIMS(1, 2), FLOATS(4, 5));
    node = onnx_node("Slice", "slice", "x axis axis axis", "out");
    expect_numbers(node_model(&node, 13), DIMS(2, 0), FLOATS(0));
    node = onnx_node("Unsqueeze", "up", "z", "out");
    onnx_attribute_ints(&node, "axes", 1, (int64_t[]){1});
    expect_numbers(node_model(&node, 11), DIMS(3, 1), zs);
    node = onnx_node("Unsqueeze", "up", "z axis", "out");
    expect_numbers(node_model(&node, 13), DIMS(3, 1), zs);
    node = onnx_node("ReduceSum", "sum", "x axis", "out");
    onnx_attribute_int(&node, "keepdims", 0);
    expect_numbers(node_model(&node, 13), DIMS(2), FLOATS(6, 15));
    node = onnx_node("ReduceSum", "sum", "x", "out");
    onnx_attribute_int(&node, "noop_with_empty_axes", 1);
    expect_numbers(node_model(&node, 13), DIMS(2, 3), xs);
    node = onnx_node("Unsqueeze", "up", "z", "out");
    expect_refused(node_model(&node, 11), COP_STATUS_MALFORMED_MODEL, "'axes' is missing");
}
END_TEST

START_TEST(splits_are_equal_or_sized)
{
    struct message node = onnx_node("Split", "split", "x", "out rest");
    onnx_attribute_int(&node, "axis", 1);
    onnx_attribute_ints(&node, "split", 2, (int64_t[]){1, 2});
    expect_numbers(node_model(&node, 11), DIMS(2, 1), FLOATS(1, 4));
    node = onnx_node("Split", "split", "x", "- out");
    expect_numbers(node_model(&node, 13), DIMS(1, 3), FLOATS(4, 5, 6));
    node = onnx_node("Split", "split", "x", "out rest");
    onnx_attribute_ints(&node, "split", 3, (int64_t[]){1, 1, 1});
    expect_refused(node_model(&node, 11), COP_STATUS_MALFORMED_MODEL, "3 sizes for 2 outputs");
}
END_TEST

START_TEST(sums_and_means_take_any_number)
{
    struct message node = onnx_node("Sum", "sum", "x y z", "out");
    expect_numbers(node_model(&node, 8), DIMS(2, 3), FLOATS(18, 30, 42, 51, 63, 75));
    node = onnx_node("Mean", "mean", "x y", "out");
    expect_numbers(node_model(&node, 8), DIMS(2, 3), FLOATS(5.5f, 11, 16.5f, 22, 27.5f, 33));
    node = onnx_node("Sum", "sum", "x", "out");
    expect_kinds(node_model(&node, 8), "Identity");
    node = onnx_node("Sum", "sum", "", "out");
    expect_refused(node_model(&node, 8), COP_STATUS_MALFORMED_MODEL, "has 0 inputs");
}
END_TEST

START_TEST(what_only_training_needs_is_ignored_or_refused)
{
    struct message node = onnx_node("Dropout", "drop", "x low no", "out");
    expect_kinds(node_model(&node, 13), "Identity");
    node = onnx_node("Dropout", "drop", "x low yes", "out");
    expect_refused(node_model(&node, 13), COP_STATUS_UNSUPPORTED, "training mode");
    node = onnx_node("Dropout", "drop", "x", "out mask");
    onnx_attribute_float(&node, "ratio", 0.25f);
    expect_kinds(node_model(&node, 7), "Identity Fill");
    node = onnx_node("BatchNormalization", "norm", "x z z z z", "out m v a b");
    expect_refused(node_model(&node, 7), COP_STATUS_UNSUPPORTED, "has 5 outputs");
    node = onnx_node("BatchNormalization", "norm", "x z z z z", "out");
    onnx_attribute_int(&node, "spatial", 0);
    expect_refused(node_model(&node, 7), COP_STATUS_UNSUPPORTED, "'spatial' is 0");
    node = onnx_node("BatchNormalization", "norm", "x z z z z", "out");
    onnx_attribute_int(&node, "training_mode", 1);
    expect_refused(node_model(&node, 14), COP_STATUS_UNSUPPORTED, "'training_mode' is 1");
}
END_TEST

START_TEST(attributes_that_make_no_sense_are_refused)
{
    static const struct {
        const char *op, *attribute;
        int count;
        int64_t values[4];
        const char *reason;
    } cases[] = {
        {"MaxPool", "kernel_shape", 2, {0, 2}, "'kernel_shape' has the element 0"},
        {"MaxPool", "kernel_shape", 4, {1, 1, 1, 1}, "has 4 elements, at most 3"},
        {"MaxPool", "strides", 2, {1, 1}, "'kernel_shape' is missing"},
        {"MaxPool", "pads", 3, {1, 1, 1}, "'pads' has 3 elements"},
        {"Transpose", "perm", 2, {0, 2}, "'perm' has the element 2"},
        {"Squeeze", "axes", 2, {-9, INT64_MIN}, "axis"},
        {"Softmax", "axis", 1, {0}, "'axis' is of type 7, not 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message node = onnx_node(cases[i].op, "node", "x", "out");
        onnx_attribute_ints(&node, cases[i].attribute, cases[i].count, cases[i].values);
        struct message model = node_model(&node, 11);
        cop_error error;
        struct graph *graph;
        const cop_status status = import_bytes(model.bytes, model.size, &graph, &error);
        if (status == COP_STATUS_OK) /* ranks are known later */
            ck_assert_str_eq(cases[i].op, "Squeeze");
        else
            ck_assert_msg(strstr(error.message, cases[i].reason) != NULL, "%s", error.message);
        cop_graph_destroy(graph);
        message_free(&model);
    }
    struct message node = onnx_node("Pad", "pad", "x pads", "out");
    onnx_attribute_text(&node, "mode", "wrap");
    expect_refused(node_model(&node, 13), COP_STATUS_UNSUPPORTED, "attribute 'mode' is 'wrap'");
    node = onnx_node("Relu", "relu", "x", "out");
    onnx_attribute_int(&node, "a", 1);
    onnx_attribute_int(&node, "a", 1);
    expect_refused(node_model(&node, 13), COP_STATUS_MALFORMED_MODEL, "for the second time");
}
END_TEST

START_TEST(constants_come_in_many_forms)
{
    struct message node = onnx_node("Constant", "constant", "", "out");
    onnx_attribute_float(&node, "value_float", 2.5f);
    expect_numbers(node_model(&node, 12), 0, NULL, FLOATS(2.5f));
    node = onnx_node("Constant", "constant", "", "out");
    onnx_attribute_float(&node, "value_float", 2.5f);
    expect_refused(node_model(&node, 11), COP_STATUS_MALFORMED_MODEL, "'value' is missing");
    node = onnx_node("Constant", "constant", "", "out");
    onnx_attribute_text(&node, "value_string", "words");
    expect_refused(node_model(&node, 12), COP_STATUS_UNSUPPORTED, "attribute 'value_string'");
}
END_TEST

START_TEST(opset_18_and_later_take_axes_as_inputs)
{
    struct message node = onnx_node("ReduceMean", "mean", "x axis", "out");
    onnx_attribute_int(&node, "keepdims", 0);
    expect_numbers(node_model(&node, 18), DIMS(2), FLOATS(2, 5));
    node = onnx_node("ReduceL2", "norm", "x axis", "out");
    expect_numbers(node_model(&node, 18), DIMS(2, 1), FLOATS(3.7416574f, 8.7749644f));
    node = onnx_node("ReduceL1", "norm", "x", "out");
    onnx_attribute_int(&node, "keepdims", 0);
    expect_numbers(node_model(&node, 21), 0, NULL, FLOATS(21));
    node = onnx_node("ReduceMax", "max", "x", "out");
    onnx_attribute_ints(&node, "axes", 1, (int64_t[]){1});
    expect_refused(node_model(&node, 18), COP_STATUS_UNSUPPORTED, "attribute 'axes' is not known");
    node = onnx_node("Split", "split", "x", "out rest");
    onnx_attribute_int(&node, "num_outputs", 2);
    expect_numbers(node_model(&node, 18), DIMS(1, 3), FLOATS(1, 2, 3));
    node = onnx_node("Split", "split", "x", "out rest");
    onnx_attribute_int(&node, "num_outputs", 3);
    expect_refused(node_model(&node, 18), COP_STATUS_MALFORMED_MODEL, "'num_outputs' is not 2");
    node = onnx_node("Pad", "pad", "x pads low axis", "out");
    expect_refused(node_model(&node, 18), COP_STATUS_UNSUPPORTED, "input 'axes'");
    node = onnx_node("Mish", "mish", "z", "out");
    expect_numbers(node_model(&node, 18), DIMS(3), FLOATS(6.9999888f, 7.9999982f, 8.9999997f));
    node = onnx_node("Gelu", "gelu", "x", "out");
    expect_numbers(node_model(&node, 20), DIMS(2, 3),
                   FLOATS(0.8413447f, 1.9544997f, 2.9959502f, 3.9998733f, 4.9999986f, 6));
    node = onnx_node("Gelu", "gelu", "x", "out");
    onnx_attribute_text(&node, "approximate", "tanh");
    expect_refused(node_model(&node, 20), COP_STATUS_UNSUPPORTED, "'approximate' is 'tanh'");
}
END_TEST

START_TEST(weights_shared_through_identities_stay_weights)
{
    struct message graph = {0}, node = onnx_node("Gemm", "fc", "x W", "out");
    graph = one_node_graph(&node);
    struct message ordered = {0}, identity = onnx_node("Identity", "share", "B", "W");
    onnx_add_node(&ordered, &identity);
    write_raw(&ordered, graph.bytes, graph.size);
    message_free(&graph);
    add_constants(&ordered);
    expect_kinds(onnx_model(&ordered, 13), "Transpose FullyConnected");
}
END_TEST

START_TEST(an_operator_that_is_younger_than_the_opset_is_refused)
{
    struct message node = onnx_node("HardSwish", "swish", "x", "out");
    expect_refused(node_model(&node, 13), COP_STATUS_UNSUPPORTED,
                   "HardSwish (node 'swish', opset 13): the operator's form in this opset");
}
END_TEST

int main(void)
{
    return RUN_TESTS("onnx operators", old_broadcasting_starts_at_an_axis,
                     constant_weights_make_a_fully_connected_layer, other_products_stay_general,
                     clip_takes_attributes_constants_and_tensors, softmax_flattens_before_opset_13,
                     pads_slices_and_axes_come_as_attributes_or_inputs, splits_are_equal_or_sized,
                     sums_and_means_take_any_number, what_only_training_needs_is_ignored_or_refused,
                     attributes_that_make_no_sense_are_refused, constants_come_in_many_forms,
                     opset_18_and_later_take_axes_as_inputs,
                     weights_shared_through_identities_stay_weights,
                     an_operator_that_is_younger_than_the_opset_is_refused);
}
