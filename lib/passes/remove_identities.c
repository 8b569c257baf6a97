// SPDX-License-Identifier: Apache-2.0
/* Removes nodes that give back what they get, and joins pairs that are one. */
#include <string.h>

#include "base/error.h"
#include "passes/pass_list.h"
#include "passes/rewrite.h"

static bool is_identity_transpose(const struct transpose_attrs *attrs, int rank)
{
    for (int i = 0; i < rank; i++)
        if ((attrs->rank == 0 ? rank - 1 - i : attrs->perm[i]) != i)
            return false;
    return true;
}

/* The only run-time source comes out as it went in. Shapes are known to be the same. */
static bool is_identity_of_same_shape(const struct graph *graph, const struct graph_node *node)
{
    const struct graph_value *src = &graph->values[node->src[0]];
    switch (node->kind) {
    case OP_IDENTITY:
    case OP_RESHAPE:
    case OP_FLATTEN:
    case OP_SQUEEZE:
    case OP_UNSQUEEZE:
        return true;
    case OP_CAST:
        return src->dtype == graph->values[node->dst[0]].dtype;
    case OP_CONCAT:
        return node->src_count == 1;
    case OP_SPLIT:
        return node->dst_count == 1;
    case OP_TRANSPOSE:
        return is_identity_transpose(node->attrs, src->shape.rank);
    default:
        return false;
    }
}

static bool is_identity(const struct graph *graph, const struct graph_node *node)
{
    if (node->dst_count != 1 || node->src[0] == COP_NO_VALUE || node->post_ops->count > 0 ||
        graph->values[node->dst[0]].is_weight)
        return false;
    return cop_shape_equal(&graph->values[node->src[0]].shape,
                           &graph->values[node->dst[0]].shape) &&
           is_identity_of_same_shape(graph, node);
}

cop_status cop_pass_remove_identities(struct graph *graph, cop_error *error)
{
    struct rewrite rewrite;
    const cop_status status = cop_rewrite_begin(&rewrite, graph, error);
    for (int i = 0; i < graph->node_count && status == COP_STATUS_OK; i++)
        if (!graph->nodes[i].is_dead && is_identity(graph, &graph->nodes[i]))
            cop_rewrite_replace(&rewrite, &graph->nodes[i], graph->nodes[i].src[0]);
    return cop_rewrite_end(&rewrite, status);
}

static bool is_linear(const struct graph_node *node)
{
    return node->kind == OP_UNARY &&
           ((const struct unary_attrs *)node->attrs)->alg == UNARY_LINEAR &&
           node->post_ops->count == 0;
}

/* One more scale and shift in the place of two; false: they are not exact in one. */
static bool join_linear(const struct unary_attrs *first, const struct unary_attrs *second,
                        struct unary_attrs *joined)
{
    const double alpha = (double)second->alpha * (double)first->alpha;
    const double beta = (double)second->alpha * (double)first->beta + (double)second->beta;
    memset(joined, 0, sizeof *joined);
    joined->alg = UNARY_LINEAR;
    joined->alpha = (float)alpha;
    joined->beta = (float)beta;
    return (double)joined->alpha == alpha && (double)joined->beta == beta;
}

static void join_transposes(const struct transpose_attrs *first,
                            const struct transpose_attrs *second, int rank,
                            struct transpose_attrs *joined)
{
    memset(joined, 0, sizeof *joined);
    joined->rank = rank;
    for (int i = 0; i < rank; i++) {
        const int middle = second->rank == 0 ? rank - 1 - i : second->perm[i];
        joined->perm[i] = first->rank == 0 ? rank - 1 - middle : first->perm[middle];
    }
}

static bool is_reshape(const struct graph *graph, const struct graph_node *node)
{
    return (node->kind == OP_RESHAPE || node->kind == OP_FLATTEN || node->kind == OP_SQUEEZE ||
            node->kind == OP_UNSQUEEZE) &&
           node->post_ops->count == 0 && !graph->values[node->dst[0]].is_weight;
}

/* The second of two reshapes reads what the first one did; nobody else need read the first. */
static cop_status skip_first_reshape(struct rewrite *rewrite, struct graph_node *node)
{
    const struct graph *graph = rewrite->graph;
    const int producer = graph->values[node->src[0]].producer;
    const struct shape *shape = &graph->values[node->dst[0]].shape;
    struct reshape_attrs attrs;
    if (producer < 0 || graph->nodes[producer].is_dead ||
        !is_reshape(graph, &graph->nodes[producer]) || !is_reshape(graph, node))
        return COP_STATUS_OK;
    memset(&attrs, 0, sizeof attrs);
    attrs.allow_zero = true;
    attrs.count = shape->rank;
    for (int i = 0; i < shape->rank; i++)
        attrs.target[i] = shape->dims[i];
    for (int i = 1; i < node->src_count; i++)
        if (node->src[i] != COP_NO_VALUE)
            rewrite->uses[node->src[i]]--;
    node->src_count = 1;
    return cop_rewrite_set_attrs(rewrite, node, OP_RESHAPE, &attrs) &&
                   cop_rewrite_set_src(rewrite, (int)(node - graph->nodes), 0,
                                       graph->nodes[producer].src[0])
               ? COP_STATUS_OK
               : COP_STATUS_OUT_OF_MEMORY;
}

static cop_status join_with_producer(struct rewrite *rewrite, struct graph_node *node)
{
    if (node->src[0] != COP_NO_VALUE && is_reshape(rewrite->graph, node))
        return skip_first_reshape(rewrite, node);
    struct graph_node *first = cop_rewrite_sole_producer(rewrite, node->src[0]);
    bool is_kept = true;
    if (first == NULL || first->kind != node->kind)
        return COP_STATUS_OK;
    if (is_linear(node) && is_linear(first)) {
        struct unary_attrs joined;
        if (!join_linear(first->attrs, node->attrs, &joined))
            return COP_STATUS_OK;
        is_kept = cop_rewrite_set_attrs(rewrite, first, OP_UNARY, &joined) &&
                  cop_rewrite_absorb(rewrite, first, node);
    } else if (node->kind == OP_TRANSPOSE && node->post_ops->count + first->post_ops->count == 0) {
        struct transpose_attrs joined;
        join_transposes(first->attrs, node->attrs, rewrite->graph->values[node->src[0]].shape.rank,
                        &joined);
        is_kept = cop_rewrite_set_attrs(rewrite, first, OP_TRANSPOSE, &joined) &&
                  cop_rewrite_absorb(rewrite, first, node);
    }
    return is_kept ? COP_STATUS_OK : COP_STATUS_OUT_OF_MEMORY;
}

cop_status cop_pass_join_pairs(struct graph *graph, cop_error *error)
{
    struct rewrite rewrite;
    cop_status status = cop_rewrite_begin(&rewrite, graph, error);
    for (int i = 0; i < graph->node_count && status == COP_STATUS_OK; i++)
        if (!graph->nodes[i].is_dead && graph->nodes[i].src_count > 0)
            status = join_with_producer(&rewrite, &graph->nodes[i]);
    return cop_rewrite_end(&rewrite, status);
}
