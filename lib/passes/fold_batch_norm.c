// SPDX-License-Identifier: Apache-2.0
/*
 * Batch normalization next to a convolution or a fully connected layer is worked into its weights
 * and bias: with factor = scale / sqrt(variance + epsilon) per channel,
 *
 *   after:   weights · factor[oc],  (bias − mean) · factor + shift
 *   before:  weights · factor[ic],  bias + Σ weights[oc,ic,…] · (shift − mean · factor)[ic]
 *
 * Before is exact only where no padding is added after the normalization: padded zeros are not
 * normalized. Everything is a recipe over the model's weights.
 */
#include <string.h>

#include "passes/pass_list.h"
#include "passes/products.h"

struct normalization {
    int scale, shift, mean, variance;
    struct fold_attrs attrs;
    int64_t channels;
};

/* False: not a batch normalization over `axis` with weights as parameters. */
static bool read_normalization(const struct graph *graph, const struct graph_node *node, int axis,
                               struct normalization *norm)
{
    if (node->kind != OP_BATCH_NORMALIZATION || node->is_dead || node->post_ops->count > 0)
        return false;
    const struct batch_normalization_attrs *attrs = node->attrs;
    const struct shape *shape = &graph->values[node->dst[0]].shape;
    int own_axis;
    if (!cop_axis_normalize(attrs->axis, shape->rank, &own_axis) || own_axis != axis)
        return false;
    for (int i = 1; i < 5; i++)
        if (!cop_is_float_weight(graph, node->src[i]) ||
            graph->values[node->src[i]].shape.rank != 1)
            return false;
    memset(norm, 0, sizeof *norm);
    norm->scale = node->src[1], norm->shift = node->src[2];
    norm->mean = node->src[3], norm->variance = node->src[4];
    norm->attrs.epsilon = attrs->epsilon;
    norm->attrs.unit_scale = attrs->unit_scale;
    norm->channels = shape->dims[axis];
    return true;
}

/* Weights times the factor of each channel along `axis`; −1: out of memory. */
static int scale_weights(struct rewrite *rewrite, const struct normalization *norm, int weights,
                         int axis)
{
    struct fold_attrs attrs = norm->attrs;
    const struct shape shape = rewrite->graph->values[weights].shape;
    attrs.axis = axis;
    return cop_rewrite_append(rewrite, OP_FOLD_SCALE, &attrs, &shape, 3,
                              (const int[]){weights, norm->scale, norm->variance});
}

/* (bias − mean) · factor + shift; `bias` may be absent. */
static int shift_bias(struct rewrite *rewrite, const struct normalization *norm, int bias)
{
    const struct shape shape = cop_shape_of(1, &norm->channels);
    return cop_rewrite_append(
        rewrite, OP_FOLD_SHIFT, &norm->attrs, &shape, bias == COP_NO_VALUE ? 4 : 5,
        (const int[]){norm->scale, norm->shift, norm->mean, norm->variance, bias});
}

static cop_status fold_after(struct rewrite *rewrite, int index)
{
    struct graph *graph = rewrite->graph;
    struct normalization norm;
    const struct graph_node *product =
        cop_rewrite_sole_producer(rewrite, graph->nodes[index].src[0]);
    if (product == NULL || !cop_is_plain_product(graph, product) ||
        !read_normalization(graph, &graph->nodes[index], cop_product_channel_axis(graph, product),
                            &norm))
        return COP_STATUS_OK;
    const int producer = (int)(product - graph->nodes);
    const int old_bias = cop_product_bias(product);
    const int weights = scale_weights(rewrite, &norm, product->src[1], 0);
    const int vector = weights < 0 || old_bias == COP_NO_VALUE
                           ? old_bias
                           : cop_rewrite_vector(rewrite, old_bias, norm.channels);
    const bool has_vector = weights >= 0 && (vector >= 0 || old_bias == COP_NO_VALUE);
    const int bias = has_vector ? shift_bias(rewrite, &norm, vector) : -1;
    if (bias < 0 || !cop_rewrite_set_src(rewrite, producer, 1, weights) ||
        !cop_rewrite_set_src(rewrite, producer, 2, bias) ||
        !cop_rewrite_absorb(rewrite, &graph->nodes[producer], &graph->nodes[index]))
        return COP_STATUS_OUT_OF_MEMORY;
    return COP_STATUS_OK;
}

cop_status cop_pass_fold_batch_norm(struct graph *graph, cop_error *error)
{
    struct rewrite rewrite;
    cop_status status = cop_rewrite_begin(&rewrite, graph, error);
    const int count = graph->node_count;
    for (int i = 0; i < count && status == COP_STATUS_OK; i++)
        if (graph->nodes[i].kind == OP_BATCH_NORMALIZATION && !graph->nodes[i].is_dead)
            status = fold_after(&rewrite, i);
    return cop_rewrite_end(&rewrite, status);
}

/* Every source channel meets every output channel, and no zeros are added. */
static bool takes_leading(const struct graph_node *product)
{
    if (product->kind == OP_FULLY_CONNECTED)
        return true;
    const struct convolution_attrs *attrs = product->attrs;
    bool has_pads = attrs->auto_pad != AUTO_PAD_EXPLICIT && attrs->auto_pad != AUTO_PAD_VALID;
    for (int i = 0; i < COP_MAX_SPATIAL && attrs->auto_pad == AUTO_PAD_EXPLICIT; i++)
        has_pads |= attrs->pads_begin[i] != 0 || attrs->pads_end[i] != 0;
    return !has_pads && attrs->groups <= 1;
}

/* Σ weights[oc,ic,…] · offsets[ic] for each oc; −1: out of memory. */
static int project(struct rewrite *rewrite, int weights, int offsets)
{
    const struct shape shape = rewrite->graph->values[weights].shape;
    const struct shape vector = cop_shape_of(1, shape.dims);
    struct shape aligned = {.rank = shape.rank};
    struct reshape_attrs reshape;
    struct binary_attrs multiply;
    struct reduce_attrs sum;
    memset(&reshape, 0, sizeof reshape), memset(&multiply, 0, sizeof multiply);
    memset(&sum, 0, sizeof sum);
    reshape.count = shape.rank;
    reshape.allow_zero = true;
    multiply.alg = BINARY_MUL;
    sum.alg = REDUCE_SUM;
    sum.axis_count = shape.rank - 1;
    for (int i = 0; i < shape.rank; i++)
        aligned.dims[i] = reshape.target[i] = i == 1 ? shape.dims[1] : 1;
    for (int i = 1; i < shape.rank; i++)
        sum.axes[i - 1] = i;
    const int row = cop_rewrite_append(rewrite, OP_RESHAPE, &reshape, &aligned, 1, &offsets);
    const int products = row < 0 ? -1
                                 : cop_rewrite_append(rewrite, OP_BINARY, &multiply, &shape, 2,
                                                      (const int[]){weights, row});
    return products < 0 ? -1 : cop_rewrite_append(rewrite, OP_REDUCE, &sum, &vector, 1, &products);
}

static int add_vectors(struct rewrite *rewrite, int a, int b, int64_t length)
{
    struct binary_attrs add;
    const struct shape vector = cop_shape_of(1, &length);
    memset(&add, 0, sizeof add);
    const int first = cop_rewrite_vector(rewrite, a, length);
    return first < 0
               ? -1
               : cop_rewrite_append(rewrite, OP_BINARY, &add, &vector, 2, (const int[]){first, b});
}

static cop_status fold_before(struct rewrite *rewrite, int index)
{
    struct graph *graph = rewrite->graph;
    struct normalization norm;
    const struct graph_node *product = &graph->nodes[index];
    const struct graph_node *before = cop_rewrite_sole_producer(rewrite, product->src[0]);
    if (before == NULL || !cop_is_plain_product(graph, product) || !takes_leading(product))
        return COP_STATUS_OK;
    const int axis =
        product->kind == OP_CONVOLUTION ? 1 : graph->values[product->src[0]].shape.rank - 1;
    if (!read_normalization(graph, before, axis, &norm))
        return COP_STATUS_OK;
    const int normalized = (int)(before - graph->nodes), old_bias = cop_product_bias(product);
    const int old_weights = product->src[1];
    const int64_t channels = graph->values[old_weights].shape.dims[0];
    const int weights = scale_weights(rewrite, &norm, old_weights, 1);
    const int offsets = weights < 0 ? -1 : shift_bias(rewrite, &norm, COP_NO_VALUE);
    int bias = offsets < 0 ? -1 : project(rewrite, old_weights, offsets);
    if (bias >= 0 && old_bias != COP_NO_VALUE)
        bias = add_vectors(rewrite, old_bias, bias, channels);
    const int src = graph->nodes[normalized].src[0];
    if (bias < 0 || !cop_rewrite_set_src(rewrite, index, 1, weights) ||
        !cop_rewrite_set_src(rewrite, index, 2, bias) ||
        !cop_rewrite_take_over(rewrite, &graph->nodes[index], &graph->nodes[normalized]))
        return COP_STATUS_OUT_OF_MEMORY;
    graph->nodes[index].src[0] = src;
    return COP_STATUS_OK;
}

cop_status cop_pass_fold_leading_batch_norm(struct graph *graph, cop_error *error)
{
    struct rewrite rewrite;
    cop_status status = cop_rewrite_begin(&rewrite, graph, error);
    const int count = graph->node_count;
    for (int i = 0; i < count && status == COP_STATUS_OK; i++)
        if (!graph->nodes[i].is_dead &&
            (graph->nodes[i].kind == OP_CONVOLUTION || graph->nodes[i].kind == OP_FULLY_CONNECTED))
            status = fold_before(&rewrite, i);
    return cop_rewrite_end(&rewrite, status);
}
