// SPDX-License-Identifier: Apache-2.0
/* What a cop_model is inside, and what importers are. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <cachedop/model.h>

#include "base/refcount.h"
#include "base/shared.h"
#include "base/source.h"
#include "graph/graph.h"

/* Something a higher layer keeps with a model, such as its packed weights; destroyed with it. */
struct model_attachment {
    void (*destroy)(struct model_attachment *attachment);
};

/* The constants of a model that are known by name (parameters.c). */
struct model_parameters {
    int *named;  /* all of them, values of the graph, by name; a name may stand for several */
    int *listed; /* one for each name whose elements nobody has read, as the file has them */
    int named_count, listed_count;
};

struct cop_model {
    struct refcount refs;
    struct graph *graph; /* immutable */
    struct model_parameters parameters;
    /* Written once by whoever comes first (compare-exchange, release), read by all (acquire). */
    _Atomic(struct model_attachment *) attachment;
};

/* A model of a graph, which is taken over, also on failure. */
COP_SHARED cop_status cop_model_create(struct graph *graph, cop_model **model, cop_error *error);

cop_status cop_model_parameters_create(struct graph *graph, struct model_parameters *parameters,
                                       cop_error *error);
void cop_model_parameters_free(struct model_parameters *parameters);

/* The constants of one name: `*count` values of the graph, side by side. */
const int *cop_model_parameters_find(const struct cop_model *model, const char *name, int *count);

/*
 * Importers: each turns untrusted bytes into a validated graph. The sources are borrowed (constants
 * retain them). `directory_fd` is where external data may lie, −1: nowhere.
 */
cop_status cop_onnx_import(struct source *model, int directory_fd, cop_file_access access,
                           struct graph **graph, cop_error *error);
cop_status cop_mxnet_import(struct source *symbol, struct source *params, struct graph **graph,
                            cop_error *error);

/*
 * Finds the two files of an MXNet model: `path` is PREFIX-symbol.json or PREFIX; `params_path` is
 * stated or NULL (PREFIX-NNNN.params with the highest number). The texts are to be freed with
 * cop_free.
 */
cop_status cop_mxnet_find_files(const char *path, const char *params_path, char **symbol_file,
                                char **params_file, cop_error *error);

#endif
