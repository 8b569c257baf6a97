// SPDX-License-Identifier: Apache-2.0
/* Deep copies of graphs. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph_parts.h"

/* Copies a text unless it is static: the empty one and the operators' own words. */
static bool copy_text(struct arena *arena, const char **text, const char *static_text)
{
    if (*text == NULL || *text == static_text)
        return true;
    if ((*text)[0] == '\0') {
        *text = "";
        return true;
    }
    *text = cop_arena_text(arena, *text);
    return *text != NULL;
}

bool cop_graph_copy_value(struct graph *copy, struct graph_value *value)
{
    size_t bytes = 0;
    if (value->constant != NULL) {
        struct graph_constant *constant =
            cop_arena_copy(&copy->arena, value->constant, 1, sizeof *constant);
        value->constant = NULL; /* nothing to release if this was the failure */
        if (constant == NULL)
            return false;
        if (constant->source != NULL)
            cop_source_retain(constant->source);
        value->constant = constant;
    }
    if (value->value != NULL) {
        if (!cop_shape_bytes(&value->shape, value->dtype, &bytes))
            return false;
        void *elements = cop_arena_alloc(&copy->arena, bytes == 0 ? 1 : bytes, 1);
        if (elements == NULL)
            return false;
        memcpy(elements, value->value, bytes);
        value->value = elements;
    }
    return copy_text(&copy->arena, &value->name, NULL);
}

/* Neighbours that share a word go on sharing it. */
static bool copy_origin(struct graph *copy, const struct graph *graph, int index)
{
    struct graph_node *node = &copy->nodes[index];
    for (int i = index - 1; i >= 0 && i >= index - 8; i--)
        if (graph->nodes[i].origin == node->origin) {
            node->origin = copy->nodes[i].origin;
            return true;
        }
    return copy_text(&copy->arena, &node->origin, cop_op_def(node->kind)->name);
}

static bool copy_node(struct graph *copy, const struct graph *graph, int index)
{
    struct graph_node *node = &copy->nodes[index];
    const size_t edge_count = (size_t)node->src_count + (size_t)node->dst_count;
    int *edges = cop_arena_ints(&copy->arena, edge_count);
    void *attrs = cop_arena_copy(&copy->arena, node->attrs, 1, cop_op_def(node->kind)->attrs_bytes);
    if (edges == NULL || attrs == NULL)
        return false;
    memcpy(edges, node->src, (size_t)node->src_count * sizeof *edges);
    memcpy(edges + node->src_count, node->dst, (size_t)node->dst_count * sizeof *edges);
    node->src = edges;
    node->dst = edges + node->src_count;
    node->attrs = attrs;
    if (node->post_ops->count > 0)
        node->post_ops = cop_arena_copy(&copy->arena, node->post_ops, 1, sizeof *node->post_ops);
    if (node->post_ops == NULL)
        return false;
    const bool is_shared =
        node->dst_count > 0 && node->name == graph->values[graph->nodes[index].dst[0]].name;
    if (is_shared)
        node->name = copy->values[node->dst[0]].name;
    return (is_shared || copy_text(&copy->arena, &node->name, NULL)) &&
           copy_text(&copy->arena, &node->fused, NULL) && copy_origin(copy, graph, index);
}

static bool copy_ends(struct graph *copy, const struct graph *graph)
{
    for (; copy->input_count < graph->input_count; copy->input_count++) {
        struct graph_input *input = &copy->inputs[copy->input_count];
        *input = graph->inputs[copy->input_count];
        for (int i = 0; i < COP_MAX_RANK; i++)
            if (!copy_text(&copy->arena, &input->dim_names[i], NULL))
                return false;
    }
    for (; copy->output_count < graph->output_count; copy->output_count++) {
        copy->outputs[copy->output_count] = graph->outputs[copy->output_count];
        copy->output_names[copy->output_count] = graph->output_names[copy->output_count];
        if (!copy_text(&copy->arena, &copy->output_names[copy->output_count], NULL))
            return false;
    }
    return true;
}

/* Tables of exactly the size needed. */
static bool make_tables(struct graph *copy, const struct graph *graph)
{
    copy->node_capacity = graph->node_count;
    copy->value_capacity = graph->value_count;
    copy->input_capacity = graph->input_count;
    copy->output_capacity = graph->output_count;
    copy->nodes = cop_alloc((size_t)graph->node_count, sizeof *copy->nodes);
    copy->values = cop_alloc((size_t)graph->value_count, sizeof *copy->values);
    copy->inputs = cop_alloc((size_t)graph->input_count, sizeof *copy->inputs);
    copy->outputs = cop_alloc((size_t)graph->output_count, sizeof *copy->outputs);
    copy->output_names = cop_alloc((size_t)graph->output_count, sizeof *copy->output_names);
    return copy->nodes != NULL && copy->values != NULL && copy->inputs != NULL &&
           copy->outputs != NULL && copy->output_names != NULL;
}

static bool copy_all(struct graph *copy, const struct graph *graph)
{
    if (!make_tables(copy, graph))
        return false;
    for (; copy->value_count < graph->value_count; copy->value_count++) {
        copy->values[copy->value_count] = graph->values[copy->value_count];
        if (!cop_graph_copy_value(copy, &copy->values[copy->value_count])) {
            if (copy->values[copy->value_count].constant != NULL)
                copy->value_count++; /* holds a reference that destroy gives back */
            return false;
        }
    }
    for (; copy->node_count < graph->node_count; copy->node_count++) {
        copy->nodes[copy->node_count] = graph->nodes[copy->node_count];
        if (!copy_node(copy, graph, copy->node_count))
            return false;
    }
    return copy_ends(copy, graph);
}

cop_status cop_graph_copy(const struct graph *graph, struct graph **copy, cop_error *error)
{
    *copy = NULL;
    struct graph *made = cop_graph_create(error);
    if (made == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    made->is_mxnet_shaped = graph->is_mxnet_shaped;
    made->is_shaped_by_caller = graph->is_shaped_by_caller;
    if (!copy_all(made, graph)) {
        cop_graph_destroy(made);
        return cop_fail_memory(error, "copy of a graph",
                               graph->arena.bytes +
                                   (size_t)graph->node_count * sizeof *graph->nodes +
                                   (size_t)graph->value_count * sizeof *graph->values);
    }
    *copy = made;
    return COP_STATUS_OK;
}
