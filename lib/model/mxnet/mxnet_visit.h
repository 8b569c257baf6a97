// SPDX-License-Identifier: Apache-2.0
/* Which nodes of a symbol inference needs, in which order, and what their variables are for. */
#ifndef MODEL_MXNET_MXNET_VISIT_H
#define MODEL_MXNET_MXNET_VISIT_H

#include "model/mxnet/mxnet_operators.h"

/* What a visit finds out about one node. */
struct visited_node {
    const struct mxnet_operator *op; /* NULL: a variable, or an operator that we do not have */
    int parameter_of;                /* a variable's first use as a parameter; −1: none */
    unsigned char parameter_slot;
    unsigned char stage; /* while it is visited */
    bool is_auxiliary;
};

/* Zero-initialise, visit, release. */
struct mxnet_visit {
    const struct mxnet_symbol *symbol;
    struct visited_node *nodes; /* one a node of the symbol */
    int *order;                 /* nodes that are needed, every one after its inputs */
    int order_count;
};

/* @return OK; MALFORMED_MODEL: a cycle; OUT_OF_MEMORY. `visit` is to be released in any case */
cop_status cop_mxnet_visit(struct mxnet_visit *visit, const struct mxnet_symbol *symbol,
                           cop_error *error);
void cop_mxnet_visit_release(struct mxnet_visit *visit);

/* What an input of a node is for; SLOT_TENSOR where nothing is known of the operator. */
enum slot_role cop_mxnet_visit_role(const struct mxnet_visit *visit, int node, int input);

/* … and a variable: as what it is used first. */
enum slot_role cop_mxnet_visit_use(const struct mxnet_visit *visit, int variable);

#endif
