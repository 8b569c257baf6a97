// SPDX-License-Identifier: Apache-2.0
/*
 * A channel-wise addition after a convolution or a fully connected layer is its bias, a
 * channel-wise factor goes into weights and bias: what exporters leave of a batch normalization.
 */
#include <string.h>

#include "passes/pass_list.h"
#include "passes/products.h"

/* True when `value` broadcasts along the channels of a result of this shape and nowhere else. */
static bool is_channelwise(const struct graph *graph, int value, const struct shape *result,
                           int channel_axis)
{
    if (!cop_is_float_weight(graph, value))
        return false;
    const struct shape *shape = &graph->values[value].shape;
    const int skipped = result->rank - shape->rank;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] != (i + skipped == channel_axis ? result->dims[channel_axis] : 1))
            return false;
    return shape->rank > 0 && skipped >= 0 && skipped <= channel_axis;
}

/* One of both vectors, or one broadcast over the other's shape; −1: out of memory. */
static int combine(struct rewrite *rewrite, enum binary_alg alg, int a, int b)
{
    struct binary_attrs attrs;
    const struct shape shape = rewrite->graph->values[a].shape;
    memset(&attrs, 0, sizeof attrs);
    attrs.alg = alg;
    return cop_rewrite_append(rewrite, OP_BINARY, &attrs, &shape, 2, (const int[]){a, b});
}

/* The bias, and `operand` added to or multiplied with it; −1: out of memory. */
static int fold_into_bias(struct rewrite *rewrite, enum binary_alg alg, int bias, int operand,
                          int64_t channels)
{
    const int vector = cop_rewrite_vector(rewrite, operand, channels);
    if (vector < 0 || bias == COP_NO_VALUE)
        return vector;
    const int old = cop_rewrite_vector(rewrite, bias, channels);
    return old < 0 ? -1 : combine(rewrite, alg, old, vector);
}

/* Weights times a factor per output channel; −1: out of memory. */
static int scale_weights(struct rewrite *rewrite, int weights, int factors)
{
    struct reshape_attrs attrs;
    struct shape column = rewrite->graph->values[weights].shape;
    memset(&attrs, 0, sizeof attrs);
    attrs.count = column.rank;
    attrs.allow_zero = true;
    for (int i = 0; i < column.rank; i++)
        attrs.target[i] = column.dims[i] = i == 0 ? column.dims[0] : 1;
    const int aligned = cop_rewrite_append(rewrite, OP_RESHAPE, &attrs, &column, 1, &factors);
    return aligned < 0 ? -1 : combine(rewrite, BINARY_MUL, weights, aligned);
}

static cop_status fold_operand(struct rewrite *rewrite, int index, int producer, int operand)
{
    struct graph *graph = rewrite->graph;
    const struct graph_node *product = &graph->nodes[producer];
    const enum binary_alg alg = ((const struct binary_attrs *)graph->nodes[index].attrs)->alg;
    const int64_t channels =
        graph->values[product->dst[0]].shape.dims[cop_product_channel_axis(graph, product)];
    const int old_bias = cop_product_bias(product), old_weights = product->src[1];
    if (alg == BINARY_MUL) {
        const int weights = scale_weights(rewrite, old_weights, operand);
        if (weights < 0 || !cop_rewrite_set_src(rewrite, producer, 1, weights))
            return COP_STATUS_OUT_OF_MEMORY;
    }
    if (alg == BINARY_ADD || old_bias != COP_NO_VALUE) {
        const int bias = fold_into_bias(rewrite, alg, old_bias, operand, channels);
        if (bias < 0 || !cop_rewrite_set_src(rewrite, producer, 2, bias))
            return COP_STATUS_OUT_OF_MEMORY;
    }
    return cop_rewrite_absorb(rewrite, &graph->nodes[producer], &graph->nodes[index])
               ? COP_STATUS_OK
               : COP_STATUS_OUT_OF_MEMORY;
}

static cop_status fold_binary(struct rewrite *rewrite, int index)
{
    const struct graph *graph = rewrite->graph;
    const struct graph_node *node = &graph->nodes[index];
    const struct binary_attrs *attrs = node->attrs;
    if ((attrs->alg != BINARY_ADD && attrs->alg != BINARY_MUL) || attrs->align_left ||
        node->post_ops->count > 0)
        return COP_STATUS_OK;
    const int side = cop_is_float_weight(graph, node->src[1]) ? 1 : 0;
    const struct graph_node *product = cop_rewrite_sole_producer(rewrite, node->src[1 - side]);
    if (product == NULL || !cop_is_plain_product(graph, product))
        return COP_STATUS_OK;
    const struct shape *shape = &graph->values[product->dst[0]].shape;
    if (!cop_shape_equal(shape, &graph->values[node->dst[0]].shape) ||
        !is_channelwise(graph, node->src[side], shape, cop_product_channel_axis(graph, product)))
        return COP_STATUS_OK;
    return fold_operand(rewrite, index, (int)(product - graph->nodes), node->src[side]);
}

cop_status cop_pass_fold_channelwise(struct graph *graph, cop_error *error)
{
    struct rewrite rewrite;
    cop_status status = cop_rewrite_begin(&rewrite, graph, error);
    const int count = graph->node_count;
    for (int i = 0; i < count && status == COP_STATUS_OK; i++)
        if (graph->nodes[i].kind == OP_BINARY && !graph->nodes[i].is_dead)
            status = fold_binary(&rewrite, i);
    return cop_rewrite_end(&rewrite, status);
}
