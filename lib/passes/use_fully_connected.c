// SPDX-License-Identifier: Apache-2.0
/* Gemm and MatMul with weights become FullyConnected: the form that backends pack. */
#include <string.h>

#include "passes/pass_list.h"
#include "passes/rewrite.h"

static const struct no_attrs no_attrs;

/* [k,oc] as [oc,k]. */
static int transpose_weights(struct rewrite *rewrite, int weights)
{
    const struct shape *shape = &rewrite->graph->values[weights].shape;
    const struct shape swapped = cop_shape_of(2, (const int64_t[]){shape->dims[1], shape->dims[0]});
    struct transpose_attrs attrs;
    memset(&attrs, 0, sizeof attrs);
    attrs.rank = 2;
    attrs.perm[0] = 1;
    return cop_rewrite_append(rewrite, OP_TRANSPOSE, &attrs, &swapped, 1, &weights);
}

static bool become_fully_connected(struct rewrite *rewrite, int index, bool is_transposed)
{
    const int weights = rewrite->graph->nodes[index].src[1];
    const int packed = is_transposed ? weights : transpose_weights(rewrite, weights);
    return packed >= 0 && cop_rewrite_set_src(rewrite, index, 1, packed) &&
           cop_rewrite_set_attrs(rewrite, &rewrite->graph->nodes[index], OP_FULLY_CONNECTED,
                                 &no_attrs);
}

/* A weight that is one number per output channel, whatever ones stand before it. */
static bool is_bias(const struct graph *graph, int value, int64_t oc)
{
    if (!cop_is_float_weight(graph, value))
        return false;
    const struct shape *shape = &graph->values[value].shape;
    return shape->rank >= 1 && shape->dims[shape->rank - 1] == oc &&
           cop_shape_product(shape, 0, shape->rank - 1) == 1;
}

static bool has_weight_matrix(const struct graph *graph, const struct graph_node *node)
{
    return cop_is_float_weight(graph, node->src[1]) &&
           graph->values[node->src[1]].shape.rank == 2 && !graph->values[node->dst[0]].is_weight &&
           node->post_ops->count == 0 && graph->values[node->src[0]].dtype == COP_DTYPE_FLOAT32;
}

static bool rewrite_gemm(struct rewrite *rewrite, int index)
{
    const struct graph *graph = rewrite->graph;
    const struct graph_node *node = &graph->nodes[index];
    const struct gemm_attrs *attrs = node->attrs;
    const int bias = node->src_count > 2 ? node->src[2] : COP_NO_VALUE;
    const int64_t oc = graph->values[node->dst[0]].shape.dims[1];
    const bool is_transposed = attrs->trans_b;
    if (!has_weight_matrix(graph, node) || attrs->trans_a || attrs->alpha != 1 ||
        (bias != COP_NO_VALUE && (attrs->beta != 1 || !is_bias(graph, bias, oc))))
        return true;
    const int vector = bias == COP_NO_VALUE ? bias : cop_rewrite_vector(rewrite, bias, oc);
    if (bias != COP_NO_VALUE && (vector < 0 || !cop_rewrite_set_src(rewrite, index, 2, vector)))
        return false;
    return become_fully_connected(rewrite, index, is_transposed);
}

static bool rewrite_matmul(struct rewrite *rewrite, int index)
{
    const struct graph *graph = rewrite->graph;
    const struct graph_node *node = &graph->nodes[index];
    const struct matmul_attrs *attrs = node->attrs;
    if (!has_weight_matrix(graph, node) || attrs->trans_a ||
        graph->values[node->src[0]].shape.rank < 2)
        return true;
    return become_fully_connected(rewrite, index, attrs->trans_b);
}

cop_status cop_pass_use_fully_connected(struct graph *graph, cop_error *error)
{
    struct rewrite rewrite;
    cop_status status = cop_rewrite_begin(&rewrite, graph, error);
    const int count = graph->node_count; /* recipes are appended meanwhile */
    for (int i = 0; i < count && status == COP_STATUS_OK; i++) {
        const enum op_kind kind = graph->nodes[i].kind;
        if (kind == OP_GEMM ? !rewrite_gemm(&rewrite, i)
                            : kind == OP_MATMUL && !rewrite_matmul(&rewrite, i))
            status = COP_STATUS_OUT_OF_MEMORY;
    }
    return cop_rewrite_end(&rewrite, status);
}
