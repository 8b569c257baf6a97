// SPDX-License-Identifier: Apache-2.0
/*
 * Every pass. Each keeps what the graph computes, within rounding, walks it a fixed number of
 * times, and leaves it valid and sorted. Shapes of all values are known before and after.
 */
#ifndef PASSES_PASS_LIST_H
#define PASSES_PASS_LIST_H

#include "graph/graph.h"

typedef cop_status cop_pass(struct graph *graph, cop_error *error);

cop_pass cop_pass_remove_unneeded;         /* nodes that no output needs */
cop_pass cop_pass_remove_identities;       /* nodes that give back what they get */
cop_pass cop_pass_join_pairs;              /* scale after scale, transpose after transpose */
cop_pass cop_pass_use_fully_connected;     /* general matrix products with weights */
cop_pass cop_pass_use_global_pooling;      /* means over all positions */
cop_pass cop_pass_fold_padding;            /* zeros around a convolution's source */
cop_pass cop_pass_fold_bias;               /* channel-wise additions after a product */
cop_pass cop_pass_fold_batch_norm;         /* batch normalization after a product */
cop_pass cop_pass_fold_leading_batch_norm; /* … and before one */
cop_pass cop_pass_fuse_post_ops;           /* residual additions and activations */

#endif
