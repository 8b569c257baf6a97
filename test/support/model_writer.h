// SPDX-License-Identifier: Apache-2.0
/*
 * Writes MXNet models node by node, for programs that use the public headers alone. It calls no
 * function of the library itself, so that a program may open the library by hand.
 */
#ifndef TEST_SUPPORT_MODEL_WRITER_H
#define TEST_SUPPORT_MODEL_WRITER_H

#include <cachedop/cachedop.h>

#include <stdio.h>
#include <stdlib.h>

struct model_writer;

/* The values of all weights follow from `seed`. */
struct model_writer *model_writer_create(unsigned seed);
void model_writer_destroy(struct model_writer *writer);

/* Each returns the number of the node it adds. `shape` and `attributes` are as the symbol JSON has
 * them, such as "(1,16)" and "\"kernel\":\"(3,3)\""; NULL: none. */
int model_writer_input(struct model_writer *writer, const char *name, const char *shape);
int model_writer_weight(struct model_writer *writer, int rank, const int64_t *shape, float center,
                        float spread);
int model_writer_node(struct model_writer *writer, const char *op, const char *attributes,
                      int input_count, const int *inputs);

/* The two files; valid until the writer is destroyed. `heads` are the nodes that are outputs. */
void model_writer_finish(struct model_writer *writer, int head_count, const int *heads,
                         cop_bytes *graph, cop_bytes *weights);

/* Loads what was written and destroys the writer; ends the process when that fails. */
static inline cop_model *model_writer_load(struct model_writer *writer, int head_count,
                                           const int *heads)
{
    cop_bytes graph, weights;
    cop_model *model = NULL;
    cop_error error = {0};
    model_writer_finish(writer, head_count, heads, &graph, &weights);
    if (cop_model_load_bytes(COP_MODEL_FORMAT_MXNET, &graph, &weights, NULL, &model, &error) !=
        COP_STATUS_OK) {
        fprintf(stderr, "written model: %s\n", error.message);
        abort();
    }
    model_writer_destroy(writer);
    return model;
}

#endif
