// SPDX-License-Identifier: Apache-2.0
/* Collects everything of a symbol that this build cannot do, so that one message names it all. */
#ifndef MODEL_MXNET_MXNET_UNSUPPORTED_H
#define MODEL_MXNET_MXNET_UNSUPPORTED_H

#include "base/text.h"
#include "model/mxnet/symbol_json.h"

#define COP_MAX_UNSUPPORTED_OPERATORS 24
#define COP_MAX_UNSUPPORTED_USES      12

/* Zero-initialise; texts are borrowed from the symbol, `uses` is owned. */
struct mxnet_unsupported {
    const struct mxnet_node *operators[COP_MAX_UNSUPPORTED_OPERATORS]; /* first node of each */
    int operator_nodes[COP_MAX_UNSUPPORTED_OPERATORS];
    int operator_count;
    struct text uses; /* messages about attributes, separated by "; " */
    int use_count;
    int further; /* beyond those */
};

/* An operator that we do not have. */
void cop_unsupported_add_operator(struct mxnet_unsupported *list, const struct mxnet_node *node);

/* A message that names node and reason. */
void cop_unsupported_add_use(struct mxnet_unsupported *list, const char *message);

/* OK when nothing was added; otherwise UNSUPPORTED with everything, or OUT_OF_MEMORY. */
cop_status cop_unsupported_report(struct mxnet_unsupported *list, int symbol_version,
                                  cop_error *error);

void cop_unsupported_release(struct mxnet_unsupported *list);

#endif
