// SPDX-License-Identifier: Apache-2.0
/* A channel-wise addition after a convolution or a fully connected layer is its bias. */
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

/* The new bias: `added`, on top of the one there is. −1: out of memory. */
static int sum_biases(struct rewrite *rewrite, int bias, int added, int64_t channels)
{
    struct binary_attrs attrs;
    const struct shape vector = cop_shape_of(1, &channels);
    memset(&attrs, 0, sizeof attrs);
    attrs.alg = BINARY_ADD;
    const int first = cop_rewrite_vector(rewrite, added, channels);
    if (first < 0 || bias == COP_NO_VALUE)
        return first;
    const int second = cop_rewrite_vector(rewrite, bias, channels);
    return second < 0 ? -1
                      : cop_rewrite_append(rewrite, OP_BINARY, &attrs, &vector, 2,
                                           (const int[]){second, first});
}

static cop_status fold_addition(struct rewrite *rewrite, int index)
{
    struct graph *graph = rewrite->graph;
    const struct graph_node *node = &graph->nodes[index];
    const struct binary_attrs *attrs = node->attrs;
    if (attrs->alg != BINARY_ADD || attrs->align_left || node->post_ops.count > 0)
        return COP_STATUS_OK;
    const int side = cop_is_float_weight(graph, node->src[1]) ? 1 : 0;
    const int added = node->src[side];
    const struct graph_node *product = cop_rewrite_sole_producer(rewrite, node->src[1 - side]);
    if (product == NULL || !cop_is_plain_product(graph, product))
        return COP_STATUS_OK;
    const struct shape *shape = &graph->values[product->dst[0]].shape;
    const int axis = cop_product_channel_axis(graph, product);
    if (!cop_shape_equal(shape, &graph->values[node->dst[0]].shape) ||
        !is_channelwise(graph, added, shape, axis))
        return COP_STATUS_OK;
    const int producer = (int)(product - graph->nodes);
    const int bias = sum_biases(rewrite, cop_product_bias(product), added, shape->dims[axis]);
    if (bias < 0 || !cop_rewrite_set_src(rewrite, producer, 2, bias) ||
        !cop_rewrite_absorb(rewrite, &graph->nodes[producer], &graph->nodes[index]))
        return COP_STATUS_OUT_OF_MEMORY;
    return COP_STATUS_OK;
}

cop_status cop_pass_fold_bias(struct graph *graph, cop_error *error)
{
    struct rewrite rewrite;
    cop_status status = cop_rewrite_begin(&rewrite, graph, error);
    const int count = graph->node_count;
    for (int i = 0; i < count && status == COP_STATUS_OK; i++)
        if (graph->nodes[i].kind == OP_BINARY && !graph->nodes[i].is_dead)
            status = fold_addition(&rewrite, i);
    return cop_rewrite_end(&rewrite, status);
}
