// SPDX-License-Identifier: Apache-2.0
/* What the files that build a graph from a symbol share. */
#ifndef MODEL_MXNET_MXNET_BUILD_PARTS_H
#define MODEL_MXNET_MXNET_BUILD_PARTS_H

#include "model/mxnet/mxnet_build.h"
#include "model/mxnet/mxnet_unsupported.h"
#include "model/mxnet/mxnet_visit.h"

/* What is known of one node of the symbol besides the values that it has become. */
struct node_state {
    int computed;        /* a variable as operators read it: floating-point types as float32 */
    bool is_unsupported; /* its outputs are the placeholder, or made as they are asked for */
};

struct mxnet_build {
    struct mxnet_symbol *symbol;
    const struct mxnet_binding *binding;
    struct mxnet_built *built;
    struct mxnet_visit visit;
    struct node_state *states;
    struct mxnet_unsupported unsupported;
    int placeholder; /* what consumers of unsupported outputs get; COP_NO_VALUE: none */
    int64_t split_outputs;
    cop_error *error; /* never NULL */
};

/* The value of one output as operators read it; UNSUPPORTED for one that only training has. */
cop_status cop_mxnet_find_output(struct mxnet_build *build, const struct mxnet_entry *entry,
                                 int *value);

/* Makes the symbol's heads outputs of the graph. */
cop_status cop_mxnet_add_heads(struct mxnet_build *build);

/* Gives inputs of one name, or of none, different ones. */
cop_status cop_mxnet_name_inputs(struct mxnet_build *build);

#endif
