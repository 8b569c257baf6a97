// SPDX-License-Identifier: Apache-2.0
/* Nodes that need no kernel, because they only say how to look at memory or where to put it. */
#include "base/alloc.h"
#include "plan/plan_builder.h"

/* True when a transpose moves only dimensions of 1, so that the elements stay in order. */
static bool keeps_order(const struct transpose_attrs *attrs, const struct shape *src)
{
    int last = -1;
    for (int i = 0; i < src->rank; i++) {
        const int from = attrs->rank == 0 ? src->rank - 1 - i : attrs->perm[i];
        if (src->dims[from] == 1)
            continue;
        if (from < last)
            return false;
        last = from;
    }
    return true;
}

bool cop_node_is_view(const struct graph *graph, const struct graph_node *node)
{
    if (node->post_ops->count > 0 || graph->values[node->dst[0]].is_weight)
        return false;
    switch (node->kind) {
    case OP_RESHAPE:
    case OP_FLATTEN:
    case OP_SQUEEZE:
    case OP_UNSQUEEZE:
    case OP_IDENTITY:
        return true;
    case OP_TRANSPOSE:
        return keeps_order(node->attrs, &graph->values[node->src[0]].shape);
    default:
        return false;
    }
}

/*
 * The form that a view of a value looks at: plain, or, for what a device with memory of its own
 * made, linear on that device.
 */
static cop_status get_viewed_form(struct plan_builder *builder, int value, int *tensor)
{
    const struct graph_value *described = &builder->graph->values[value];
    const int first = builder->values[value].forms;
    const struct layout *layout = first == NO_TENSOR ? NULL : builder->tensors[first].layout;
    if (described->is_weight || layout == NULL || !layout->is_on_device)
        return cop_builder_get_form(builder, value, NULL, NULL, tensor);
    return cop_builder_get_linear(builder, value, layout, layout, tensor);
}

cop_status cop_builder_add_view(struct plan_builder *builder, const struct graph_node *node,
                                bool *is_done)
{
    *is_done = cop_node_is_view(builder->graph, node);
    if (!*is_done)
        return COP_STATUS_OK;
    const int src = node->src[0], dst = node->dst[0];
    int from, tensor;
    const cop_status status = get_viewed_form(builder, src, &from);
    if (status != COP_STATUS_OK)
        return status;
    struct build_tensor view = builder->tensors[from];
    view.value = dst;
    view.alias_of = cop_builder_root(builder, from, &view.alias_offset);
    view.next_form = NO_TENSOR;
    if (!cop_builder_add_tensor(builder, &view, &tensor))
        return COP_STATUS_OUT_OF_MEMORY;
    builder->values[dst].forms = tensor;
    if (!cop_graph_is_weight(builder->graph, src)) { /* readers of both decide when it dies */
        const int family = cop_builder_family(builder, src);
        builder->values[family].uses_left += builder->values[dst].uses_left - 1;
        builder->values[dst].parent = family;
    }
    return COP_STATUS_OK;
}

/* The sources follow one another in the result: no dimension outside `axis` is larger than 1. */
static bool is_contiguous(const struct graph *graph, const struct graph_node *node)
{
    const struct shape *shape = &graph->values[node->dst[0]].shape;
    const struct concat_attrs *attrs = node->attrs;
    int axis;
    if (!cop_axis_normalize(attrs->axis, shape->rank, &axis))
        return false;
    for (int i = 0; i < axis; i++)
        if (shape->dims[i] != 1)
            return false;
    return true;
}

/*
 * True when the memory of this source can be moved to `offset` of the result's: it is plain, in the
 * arena, exactly this tensor, and asked for once.
 */
static bool can_move(struct plan_builder *builder, int index, int src, size_t offset)
{
    if (src == COP_NO_VALUE || cop_graph_is_weight(builder->graph, src) ||
        offset % COP_ALIGNMENT != 0)
        return false;
    const int form = builder->values[src].forms;
    size_t inside;
    const int root = cop_builder_root(builder, form, &inside);
    struct build_tensor *memory = &builder->tensors[root];
    if (builder->tensors[form].layout != NULL || memory->layout != NULL ||
        memory->place != OPERAND_ARENA || inside != 0 || memory->bytes == 0 ||
        memory->bytes != builder->tensors[form].bytes || memory->seen_by == index)
        return false;
    memory->seen_by = index;
    return true;
}

cop_status cop_builder_add_concat(struct plan_builder *builder, int index, bool *is_done)
{
    const struct graph_node *node = &builder->graph->nodes[index];
    const int dst = node->dst[0];
    size_t offset = 0;
    *is_done = false;
    if (node->kind != OP_CONCAT || node->post_ops->count > 0 || node->src_count < 2 ||
        !is_contiguous(builder->graph, node) || cop_builder_open_output(builder, dst) >= 0)
        return COP_STATUS_OK;
    for (int i = 0; i < node->src_count; i++) {
        if (!can_move(builder, index, node->src[i], offset))
            return COP_STATUS_OK;
        offset += builder->tensors[builder->values[node->src[i]].forms].bytes;
    }
    int whole;
    const cop_status status = cop_builder_new_form(builder, dst, NULL, &whole);
    if (status != COP_STATUS_OK)
        return status;
    builder->values[dst].forms = whole;
    offset = 0;
    for (int i = 0; i < node->src_count; i++) {
        const int src = node->src[i];
        size_t inside;
        const int root = cop_builder_root(builder, builder->values[src].forms, &inside);
        builder->tensors[root].alias_of = whole;
        builder->tensors[root].alias_offset = offset;
        offset += builder->tensors[root].bytes;
        const int family = cop_builder_family(builder, src);
        builder->values[dst].uses_left +=
            family == dst ? -1 : builder->values[family].uses_left - 1;
        builder->values[family].parent = dst;
    }
    *is_done = true;
    return COP_STATUS_OK;
}
