// SPDX-License-Identifier: Apache-2.0
/* Importing ONNX files that tests wrote, and a file that uses a little of everything. */
#ifndef TEST_SUPPORT_ONNX_FILES_H
#define TEST_SUPPORT_ONNX_FILES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "support/onnx_writer.h"

static inline void release_copy(void *user, const void *bytes)
{
    (void)bytes;
    free(user);
}

/* From memory of exactly that size, so that a sanitizer sees every read past the end. */
static inline cop_status import_bytes(const void *bytes, size_t size, struct graph **graph,
                                      cop_error *error)
{
    void *copy = malloc(size == 0 ? 1 : size);
    if (size > 0)
        memcpy(copy, bytes, size);
    struct source *source = NULL;
    const cop_bytes owned = {copy, size, release_copy, copy};
    *graph = NULL;
    cop_status status = cop_source_from_bytes(&owned, "test.onnx", &source, error);
    if (status == COP_STATUS_OK)
        status = cop_onnx_import(source, -1, COP_FILE_ACCESS_READ, graph, error);
    cop_source_release(&source);
    return status;
}

/* Imports a model and frees it; the graph must be freed by the caller. */
static inline struct graph *import_model(struct message model)
{
    cop_error error;
    struct graph *graph;
    const cop_status status = import_bytes(model.bytes, model.size, &graph, &error);
    message_free(&model);
    ck_assert_msg(status == COP_STATUS_OK, "%s", error.message);
    return graph;
}

/* The model must be refused with this status, and a message that contains `text`. */
static inline void expect_refused(struct message model, cop_status expected, const char *text)
{
    cop_error error;
    struct graph *graph;
    const cop_status status = import_bytes(model.bytes, model.size, &graph, &error);
    message_free(&model);
    ck_assert_msg(status != COP_STATUS_OK, "accepted, should say '%s'", text);
    ck_assert_msg(status == expected && strstr(error.message, text) != NULL,
                  "%s: %s, should be %s and say '%s'", cop_status_name(status), error.message,
                  cop_status_name(expected), text);
    ck_assert_ptr_null(graph);
}

/* A graph of one node on float32 inputs x [2,3], y [2,3], z [3] with the output `out`. */
static inline struct message one_node_graph(struct message *node)
{
    struct message graph = {0};
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(2, 3));
    onnx_add_input(&graph, "y", ONNX_FLOAT, DIMS(2, 3));
    onnx_add_input(&graph, "z", ONNX_FLOAT, DIMS(3));
    onnx_add_node(&graph, node);
    onnx_add_output(&graph, "out", ONNX_FLOAT, 0, NULL);
    return graph;
}

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

#endif
