// SPDX-License-Identifier: Apache-2.0
/* Zeros padded around the source of a convolution become its own padding. */
#include <string.h>

#include "ir/ops/resolve.h"
#include "passes/pass_list.h"
#include "passes/rewrite.h"

/* The pads of a node that pads with zeros; false: other values, or not known. */
static bool find_zero_pads(const struct graph *graph, const struct graph_node *node,
                           struct resolved_pads *pads)
{
    struct op_tensor src[3];
    const struct pad_attrs *attrs = node->attrs;
    memset(src, 0, sizeof src);
    for (int i = 0; i < node->src_count; i++) {
        if (node->src[i] == COP_NO_VALUE)
            continue;
        const struct graph_value *value = &graph->values[node->src[i]];
        src[i] = (struct op_tensor){true, value->dtype, value->shape, value->value};
    }
    if (attrs->mode != PAD_CONSTANT || src[0].dtype != COP_DTYPE_FLOAT32 ||
        node->post_ops->count > 0 ||
        cop_resolve_pads(attrs, node->src_count, src, pads, NULL) != COP_STATUS_OK ||
        !pads->is_known)
        return false;
    if (!src[2].is_present)
        return attrs->value == 0;
    float value = 1;
    if (src[2].value != NULL)
        memcpy(&value, src[2].value, sizeof value);
    return value == 0;
}

static bool is_explicit(enum auto_pad auto_pad)
{
    return auto_pad == AUTO_PAD_EXPLICIT || auto_pad == AUTO_PAD_VALID;
}

/* Adds pads of spatial dimensions to the convolution's; false: some are not spatial or negative. */
static bool add_pads(const struct resolved_pads *pads, struct convolution_attrs *attrs)
{
    if (!is_explicit(attrs->auto_pad) || pads->rank < 3 || pads->rank > 2 + COP_MAX_SPATIAL)
        return false;
    for (int i = 0; i < pads->rank; i++) {
        const int64_t begin = pads->begin[i], end = pads->end[i];
        if (begin < 0 || end < 0 || begin > INT32_MAX || end > INT32_MAX ||
            (i < 2 && begin + end > 0))
            return false;
        if (i < 2)
            continue;
        if (attrs->auto_pad == AUTO_PAD_VALID) /* the stated pads do not count there */
            attrs->pads_begin[i - 2] = attrs->pads_end[i - 2] = 0;
        attrs->pads_begin[i - 2] += begin;
        attrs->pads_end[i - 2] += end;
    }
    attrs->auto_pad = AUTO_PAD_EXPLICIT;
    return true;
}

static bool is_nothing(const struct resolved_pads *pads)
{
    for (int i = 0; i < pads->rank; i++)
        if (pads->begin[i] != 0 || pads->end[i] != 0)
            return false;
    return true;
}

static cop_status fold_into(struct rewrite *rewrite, struct graph_node *node)
{
    struct graph_node *padding = cop_rewrite_sole_producer(rewrite, node->src[0]);
    struct resolved_pads pads;
    struct convolution_attrs attrs;
    memcpy(&attrs, node->attrs, sizeof attrs);
    if (padding == NULL || padding->kind != OP_PAD ||
        !find_zero_pads(rewrite->graph, padding, &pads) || !add_pads(&pads, &attrs))
        return COP_STATUS_OK;
    if (!cop_rewrite_set_attrs(rewrite, node, OP_CONVOLUTION, &attrs) ||
        !cop_rewrite_take_over(rewrite, node, padding))
        return COP_STATUS_OUT_OF_MEMORY;
    node->src[0] = padding->src[0];
    return COP_STATUS_OK;
}

cop_status cop_pass_fold_padding(struct graph *graph, cop_error *error)
{
    struct rewrite rewrite;
    struct resolved_pads pads;
    cop_status status = cop_rewrite_begin(&rewrite, graph, error);
    for (int i = 0; i < graph->node_count && status == COP_STATUS_OK; i++) {
        struct graph_node *node = &graph->nodes[i];
        if (node->is_dead || graph->values[node->dst[0]].is_weight)
            continue;
        if (node->kind == OP_CONVOLUTION)
            status = fold_into(&rewrite, node);
        else if (node->kind == OP_PAD && find_zero_pads(graph, node, &pads) && is_nothing(&pads))
            cop_rewrite_replace(&rewrite, node, node->src[0]);
    }
    return cop_rewrite_end(&rewrite, status);
}
