// SPDX-License-Identifier: Apache-2.0
/* What passes ask of Convolution and FullyConnected: linear in src, with weights and a bias. */
#ifndef PASSES_PRODUCTS_H
#define PASSES_PRODUCTS_H

#include "passes/rewrite.h"

/* Float32, weights and bias (if any) known as weights, nothing fused yet. */
static inline bool cop_is_plain_product(const struct graph *graph, const struct graph_node *node)
{
    if ((node->kind != OP_CONVOLUTION && node->kind != OP_FULLY_CONNECTED) || node->is_dead ||
        node->post_ops->count > 0 || graph->values[node->dst[0]].is_weight ||
        graph->values[node->dst[0]].dtype != COP_DTYPE_FLOAT32)
        return false;
    return cop_is_float_weight(graph, node->src[1]) &&
           (node->src_count < 3 || node->src[2] == COP_NO_VALUE ||
            cop_is_float_weight(graph, node->src[2]));
}

static inline int cop_product_bias(const struct graph_node *node)
{
    return node->src_count > 2 ? node->src[2] : COP_NO_VALUE;
}

/* The dimension of the result that output channels lie along. */
static inline int cop_product_channel_axis(const struct graph *graph, const struct graph_node *node)
{
    return node->kind == OP_CONVOLUTION ? 1 : graph->values[node->dst[0]].shape.rank - 1;
}

#endif
