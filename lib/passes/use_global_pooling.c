// SPDX-License-Identifier: Apache-2.0
/* The mean over all positions of [n,c,spatial…] is global average pooling. */
#include <string.h>

#include "base/error.h"
#include "passes/pass_list.h"
#include "passes/rewrite.h"

/* True when exactly the dimensions from 2 on are reduced. */
static bool reduces_positions(const struct graph *graph, const struct graph_node *node)
{
    const struct reduce_attrs *attrs = node->attrs;
    const struct shape *src = &graph->values[node->src[0]].shape;
    const struct shape *dst = &graph->values[node->dst[0]].shape;
    uint32_t reduced = 0;
    if (attrs->alg != REDUCE_MEAN || src->rank < 3 || src->rank > 2 + COP_MAX_SPATIAL ||
        node->src_count > 1 || node->post_ops->count > 0 || attrs->exclude ||
        dst->rank != (attrs->keep_dims ? src->rank : 2) ||
        graph->values[node->src[0]].dtype != COP_DTYPE_FLOAT32 ||
        graph->values[node->dst[0]].is_weight)
        return false;
    for (int i = 0; i < attrs->axis_count; i++) {
        int axis;
        if (!cop_axis_normalize(attrs->axes[i], src->rank, &axis))
            return false;
        reduced |= UINT32_C(1) << axis;
    }
    return reduced == (UINT32_C(1) << src->rank) - 4;
}

/* Pooling keeps the reduced dimensions; without them a reshape follows. */
static bool become_pooling(struct rewrite *rewrite, int index)
{
    struct graph *graph = rewrite->graph;
    struct pooling_attrs pooling;
    struct shape pooled = graph->values[graph->nodes[index].src[0]].shape;
    const int src = graph->nodes[index].src[0];
    memset(&pooling, 0, sizeof pooling);
    pooling.alg = POOLING_AVERAGE;
    pooling.is_global = true;
    for (int i = 2; i < pooled.rank; i++)
        pooled.dims[i] = 1;
    if (cop_shape_equal(&pooled, &graph->values[graph->nodes[index].dst[0]].shape))
        return cop_rewrite_set_attrs(rewrite, &graph->nodes[index], OP_POOLING, &pooling);
    const int value = cop_rewrite_append(rewrite, OP_POOLING, &pooling, &pooled, 1, &src);
    struct reshape_attrs reshape;
    memset(&reshape, 0, sizeof reshape);
    reshape.count = 2;
    reshape.target[0] = pooled.dims[0];
    reshape.target[1] = pooled.dims[1];
    reshape.allow_zero = true;
    return value >= 0 && cop_rewrite_set_src(rewrite, index, 0, value) &&
           cop_rewrite_set_attrs(rewrite, &graph->nodes[index], OP_RESHAPE, &reshape);
}

cop_status cop_pass_use_global_pooling(struct graph *graph, cop_error *error)
{
    struct rewrite rewrite;
    cop_status status = cop_rewrite_begin(&rewrite, graph, error);
    const int count = graph->node_count;
    for (int i = 0; i < count && status == COP_STATUS_OK; i++)
        if (graph->nodes[i].kind == OP_REDUCE && !graph->nodes[i].is_dead &&
            reduces_positions(graph, &graph->nodes[i]) && !become_pooling(&rewrite, i))
            status = COP_STATUS_OUT_OF_MEMORY;
    return cop_rewrite_end(&rewrite, status);
}
