// SPDX-License-Identifier: Apache-2.0
/*
 * Every pass, in the order in which they run: what comes later relies on the form that earlier ones
 * leave. Each keeps what the graph computes, within rounding, walks it a fixed number of times, and
 * leaves it valid and sorted. Shapes of all values are known before and after.
 */
#ifndef PASSES_PASS_LIST_H
#define PASSES_PASS_LIST_H

#include "graph/graph.h"

#define COP_PASS_LIST(X)                                                                           \
    X(remove_unneeded)         /* nodes that no output needs */                                    \
    X(remove_identities)       /* nodes that give back what they get */                            \
    X(join_pairs)              /* scale after scale, reshape after reshape and the like */         \
    X(remove_identities)       /* what such pairs left */                                          \
    X(use_fully_connected)     /* general matrix products with weights */                          \
    X(use_global_pooling)      /* means over all positions */                                      \
    X(fold_padding)            /* zeros around a convolution's source */                           \
    X(fold_channelwise)        /* channel-wise factors and additions after a product */            \
    X(fold_batch_norm)         /* batch normalization after a product */                           \
    X(fold_leading_batch_norm) /* … and before one */                                            \
    X(fuse_post_ops)           /* residual additions and activations */                            \
    X(remove_unneeded)         /* recipes that were replaced */

typedef cop_status cop_pass(struct graph *graph, cop_error *error);

#define COP_PASS_DECLARATION(name) cop_pass cop_pass_##name;
COP_PASS_LIST(COP_PASS_DECLARATION)
#undef COP_PASS_DECLARATION

#endif
