// SPDX-License-Identifier: Apache-2.0
/*
 * Residual additions and activations become post-ops of what makes their source. Nodes are taken in
 * order, so that convolution, addition and activation end up in one.
 */
#include "passes/pass_list.h"
#include "passes/products.h"

/* Activations that every fast backend can apply to a result before it is stored. */
static bool is_post_op(const struct unary_attrs *attrs)
{
    switch (attrs->alg) {
    case UNARY_RELU:
    case UNARY_LEAKY_RELU:
    case UNARY_ELU:
    case UNARY_SIGMOID:
    case UNARY_TANH:
    case UNARY_CLIP:
    case UNARY_GELU:
    case UNARY_SELU:
    case UNARY_SOFTPLUS:
    case UNARY_HARD_SIGMOID:
    case UNARY_LINEAR:
        return true;
    case UNARY_HARD_SWISH: /* the usual one; others are not everywhere */
        return attrs->alpha == 1.0f / 6.0f && attrs->beta == 0.5f;
    default:
        return false;
    }
}

static bool has_activation(const struct graph_node *node)
{
    for (int i = 0; i < node->post_ops->count; i++)
        if (node->post_ops->entries[i].kind == POST_OP_UNARY)
            return true;
    return false;
}

/*
 * Whether this activation may follow what the node does already. One is all that exporters write,
 * and of two oneDNN 2.6 computes the second with the numbers of the first where the function is the
 * same.
 */
static bool takes_activation(const struct graph *graph, const struct graph_node *node,
                             const struct unary_attrs *attrs)
{
    if (graph->values[node->dst[0]].dtype != COP_DTYPE_FLOAT32 ||
        node->post_ops->count == COP_MAX_POST_OPS || has_activation(node))
        return false;
    if (node->kind == OP_BINARY)
        return ((const struct binary_attrs *)node->attrs)->alg == BINARY_ADD;
    if (node->kind == OP_BATCH_NORMALIZATION)
        return attrs->alg == UNARY_RELU && node->post_ops->count == 0;
    return node->kind == OP_CONVOLUTION || node->kind == OP_FULLY_CONNECTED;
}

static cop_status fuse_activation(struct rewrite *rewrite, struct graph_node *node)
{
    const struct unary_attrs *attrs = node->attrs;
    struct graph_node *producer = cop_rewrite_sole_producer(rewrite, node->src[0]);
    if (producer == NULL || node->post_ops->count > 0 || !is_post_op(attrs) ||
        !takes_activation(rewrite->graph, producer, attrs))
        return COP_STATUS_OK;
    const struct post_op activation = {.kind = POST_OP_UNARY, .unary = *attrs};
    return cop_rewrite_add_post_op(rewrite, producer, &activation) &&
                   cop_rewrite_absorb(rewrite, producer, node)
               ? COP_STATUS_OK
               : COP_STATUS_OUT_OF_MEMORY;
}

/* The product that can add this side of an addition to its result as the first post-op. */
static struct graph_node *product_of(const struct rewrite *rewrite, const struct graph_node *node,
                                     int side)
{
    const struct graph *graph = rewrite->graph;
    struct graph_node *producer = cop_rewrite_sole_producer(rewrite, node->src[side]);
    const struct graph_value *other = &graph->values[node->src[1 - side]];
    const struct shape *shape = &graph->values[node->dst[0]].shape;
    if (producer == NULL || !cop_is_plain_product(graph, producer) || other->is_weight ||
        other->dtype != COP_DTYPE_FLOAT32 || !cop_shape_equal(&other->shape, shape) ||
        !cop_shape_equal(&graph->values[node->src[side]].shape, shape))
        return NULL;
    return producer;
}

static cop_status fuse_addition(struct rewrite *rewrite, int index)
{
    struct graph *graph = rewrite->graph;
    struct graph_node *node = &graph->nodes[index];
    if (((const struct binary_attrs *)node->attrs)->alg != BINARY_ADD || node->post_ops->count > 0)
        return COP_STATUS_OK;
    struct graph_node *first = product_of(rewrite, node, 0), *second = product_of(rewrite, node, 1);
    /* The later one adds to what the earlier one left; its own result then needs no memory. */
    struct graph_node *product = second == NULL || first > second ? first : second;
    if (product == NULL)
        return COP_STATUS_OK;
    const int added = node->src[product == first ? 1 : 0];
    /* Behind a place for the bias, so that a source stands where it always does. */
    const int place = product->src_count < 3 ? 3 : product->src_count;
    if (!cop_rewrite_set_src(rewrite, (int)(product - graph->nodes), place, added) ||
        !cop_rewrite_absorb(rewrite, product, node) ||
        !cop_rewrite_add_post_op(rewrite, product, &(struct post_op){.kind = POST_OP_SUM}))
        return COP_STATUS_OUT_OF_MEMORY;
    return COP_STATUS_OK;
}

cop_status cop_pass_fuse_post_ops(struct graph *graph, cop_error *error)
{
    struct rewrite rewrite;
    cop_status status = cop_rewrite_begin(&rewrite, graph, error);
    for (int i = 0; i < graph->node_count && status == COP_STATUS_OK; i++) {
        struct graph_node *node = &graph->nodes[i];
        if (node->is_dead || graph->values[node->dst[0]].is_weight)
            continue;
        if (node->kind == OP_UNARY)
            status = fuse_activation(&rewrite, node);
        else if (node->kind == OP_BINARY)
            status = fuse_addition(&rewrite, i);
    }
    return cop_rewrite_end(&rewrite, status);
}
