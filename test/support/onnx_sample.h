// SPDX-License-Identifier: Apache-2.0
/* ONNX files that use a little of everything: the seeds of mutations. */
#ifndef TEST_SUPPORT_ONNX_SAMPLE_H
#define TEST_SUPPORT_ONNX_SAMPLE_H

#include "support/onnx_writer.h"

/*
 * A small convolution network with every way a tensor can be stored, symbolic dimensions, absent
 * inputs, constants in nodes, and fields that readers skip.
 */
static inline struct message sample_model(void)
{
    static const float weights[2 * 3 * 3 * 3] = {0.5f, -0.25f};
    static const float vector[2] = {1, 2};
    struct message graph = {0}, tensor, node;
    onnx_add_input(&graph, "image", ONNX_FLOAT, DIMS(-1, 3, 8, 8));
    onnx_add_floats(&graph, "w", DIMS(2, 3, 3, 3), weights);

    tensor = onnx_tensor("b", ONNX_FLOAT, DIMS(2)); /* packed floats */
    write_bytes(&tensor, 4, vector, sizeof vector);
    onnx_add_initializer(&graph, &tensor);
    tensor = onnx_tensor("scale", ONNX_FLOAT, DIMS(2)); /* floats one by one */
    write_float(&tensor, 4, 1.5f);
    write_float(&tensor, 4, -2);
    onnx_add_initializer(&graph, &tensor);
    tensor = onnx_tensor("shape", ONNX_INT64, DIMS(2)); /* packed varints, one negative */
    struct message varints = {0};
    write_varint(&varints, 0);
    write_varint(&varints, (uint64_t)-1);
    write_message(&tensor, 7, &varints);
    onnx_add_initializer(&graph, &tensor);
    tensor = onnx_tensor("half", ONNX_FLOAT16, 0, NULL); /* bits in int32_data */
    write_int(&tensor, 5, 0x3c00);
    onnx_add_initializer(&graph, &tensor);

    node = onnx_node("Conv", "conv", "image w b", "c");
    onnx_attribute_ints(&node, "pads", 4, (int64_t[]){1, 1, 1, 1});
    onnx_add_node(&graph, &node);
    node = onnx_node("BatchNormalization", "norm", "c scale b b scale", "n");
    onnx_attribute_float(&node, "epsilon", 1e-3f);
    onnx_add_node(&graph, &node);
    node = onnx_node("Clip", "clip", "n - half", "r");
    onnx_add_node(&graph, &node);
    node = onnx_node("MaxPool", "pool", "r", "p");
    onnx_attribute_ints(&node, "kernel_shape", 2, (int64_t[]){2, 2});
    onnx_attribute_ints(&node, "strides", 2, (int64_t[]){2, 2});
    onnx_attribute_text(&node, "auto_pad", "SAME_UPPER");
    onnx_add_node(&graph, &node);
    node = onnx_node("Reshape", "flat", "p shape", "f");
    onnx_add_node(&graph, &node);
    node = onnx_node("Constant", "two", "", "t");
    tensor = onnx_raw_tensor("", ONNX_FLOAT, 0, NULL, vector + 1, 4);
    onnx_attribute_tensor(&node, "value", &tensor);
    onnx_add_node(&graph, &node);
    node = onnx_node("Mul", "", "f t", "m");
    write_text(&node, 6, "a comment");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "m", ONNX_FLOAT, DIMS(-1, 32));
    onnx_add_output(&graph, "p", ONNX_FLOAT, DIMS(-1, 2, 4, 4));
    write_text(&graph, 2, "sample");

    struct message model = onnx_model(&graph, 13);
    write_text(&model, 2, "tests"); /* producer */
    write_int(&model, 900, 5);      /* an unknown field */
    return model;
}

/* A network that works on shapes: what exporters write for a reshape. */
static inline struct message shape_model(void)
{
    struct message graph = {0}, node, tensor;
    const int64_t minus_one = -1, axis = 0;
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 3, 4, 5));
    tensor = onnx_raw_tensor("rest", ONNX_INT64, DIMS(1), &minus_one, 8);
    onnx_add_initializer(&graph, &tensor);
    tensor = onnx_raw_tensor("zero", ONNX_INT64, DIMS(1), &axis, 8);
    onnx_add_initializer(&graph, &tensor);
    node = onnx_node("Shape", "shape", "x", "s");
    onnx_add_node(&graph, &node);
    node = onnx_node("Gather", "gather", "s zero", "g");
    onnx_add_node(&graph, &node);
    node = onnx_node("Concat", "concat", "g rest", "t");
    onnx_attribute_int(&node, "axis", 0);
    onnx_add_node(&graph, &node);
    node = onnx_node("Reshape", "reshape", "x t", "r");
    onnx_add_node(&graph, &node);
    node = onnx_node("Transpose", "transpose", "r", "u");
    onnx_attribute_ints(&node, "perm", 2, (int64_t[]){1, 0});
    onnx_add_node(&graph, &node);
    node = onnx_node("Slice", "slice", "u zero rest - rest", "v");
    onnx_add_node(&graph, &node);
    node = onnx_node("Split", "split", "r", "p q");
    onnx_attribute_int(&node, "axis", 1);
    onnx_attribute_ints(&node, "split", 2, (int64_t[]){30, 30});
    onnx_add_node(&graph, &node);
    node = onnx_node("Constant", "pads", "", "e");
    onnx_attribute_ints(&node, "value_ints", 4, (int64_t[]){2, 3, 4, 5});
    onnx_add_node(&graph, &node);
    node = onnx_node("Sum", "sum", "p q p", "o");
    onnx_add_node(&graph, &node);
    node = onnx_node("Pad", "pad", "o e", "w");
    onnx_add_node(&graph, &node);
    node = onnx_node("Softmax", "softmax", "w", "y");
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "y", ONNX_FLOAT, DIMS(8, 38));
    onnx_add_output(&graph, "v", ONNX_FLOAT, DIMS(1, 2));
    return onnx_model(&graph, 12);
}

#endif
