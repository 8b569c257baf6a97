// SPDX-License-Identifier: Apache-2.0
/* Importing ONNX files that tests wrote. */
#ifndef TEST_SUPPORT_ONNX_FILES_H
#define TEST_SUPPORT_ONNX_FILES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "support/onnx_sample.h"

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

#endif
