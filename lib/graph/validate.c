// SPDX-License-Identifier: Apache-2.0
/* Checks that a graph is one: for what importers build and passes leave. */
#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph_parts.h"

static bool is_value(const struct graph *graph, int value)
{
    return value >= 0 && value < graph->value_count;
}

static cop_status check_arity(const struct graph_node *node, cop_error *error)
{
    const struct op_def *def = cop_op_def(node->kind);
    const int sums = cop_post_ops_has_sum(node->post_ops) ? 1 : 0;
    const int src_count = node->src_count - sums;
    if (src_count < def->min_src || (def->max_src >= 0 && src_count > def->max_src) ||
        node->dst_count < def->min_dst || (def->max_dst >= 0 && node->dst_count > def->max_dst))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "%d inputs and %d outputs do not fit the operator", node->src_count,
                        node->dst_count);
    for (int i = 0; i < node->src_count; i++)
        if (node->src[i] == COP_NO_VALUE && (i < def->min_src || i >= src_count))
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "input %d is absent", i);
    return COP_STATUS_OK;
}

/* What a node reads is an input, a constant, or made before. */
static cop_status check_src(const struct graph *graph, int index, int value,
                            const unsigned char *is_input, cop_error *error)
{
    if (!is_value(graph, value))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "reads value %d of %d", value,
                        graph->value_count);
    const struct graph_value *src = &graph->values[value];
    if (src->producer >= index)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "reads '%.200s' before node '%.200s' makes it", src->name,
                        graph->nodes[src->producer].name);
    if (src->producer >= 0 && graph->nodes[src->producer].is_dead)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "reads '%.200s' of a removed node",
                        src->name);
    if (src->producer < 0 && src->constant == NULL && src->value == NULL && !is_input[value])
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "reads '%.200s', which is no input and nothing makes it", src->name);
    return COP_STATUS_OK;
}

static cop_status check_dst(const struct graph *graph, int index, int value,
                            const unsigned char *is_input, cop_error *error)
{
    if (!is_value(graph, value))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "makes value %d of %d", value,
                        graph->value_count);
    const struct graph_value *dst = &graph->values[value];
    if (dst->producer != index || dst->constant != NULL || is_input[value])
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "makes '%.200s', which is also made elsewhere", dst->name);
    return COP_STATUS_OK;
}

static cop_status check_node(const struct graph *graph, int index, const unsigned char *is_input,
                             cop_error *error)
{
    const struct graph_node *node = &graph->nodes[index];
    cop_status status = check_arity(node, error);
    for (int i = 0; i < node->src_count && status == COP_STATUS_OK; i++)
        if (node->src[i] != COP_NO_VALUE)
            status = check_src(graph, index, node->src[i], is_input, error);
    for (int i = 0; i < node->dst_count && status == COP_STATUS_OK; i++)
        status = check_dst(graph, index, node->dst[i], is_input, error);
    return status == COP_STATUS_OK ? status : cop_graph_name_node(graph, index, status, error);
}

static cop_status check_values(const struct graph *graph, cop_error *error)
{
    for (int i = 0; i < graph->value_count; i++) {
        const struct graph_value *value = &graph->values[i];
        if (value->producer >= graph->node_count)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "value '%.200s' is made by node %d of %d", value->name, value->producer,
                            graph->node_count);
    }
    return COP_STATUS_OK;
}

static cop_status check_inputs(const struct graph *graph, unsigned char *is_input, cop_error *error)
{
    for (int i = 0; i < graph->input_count; i++) {
        const int value = graph->inputs[i].value;
        if (!is_value(graph, value))
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "input %d is value %d of %d", i,
                            value, graph->value_count);
        if (is_input[value] || graph->values[value].producer >= 0 ||
            graph->values[value].constant != NULL)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "input '%.200s' is also made elsewhere", graph->values[value].name);
        is_input[value] = 1;
    }
    return COP_STATUS_OK;
}

static cop_status check_outputs(const struct graph *graph, const unsigned char *is_input,
                                cop_error *error)
{
    if (graph->output_count == 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "the graph has no output");
    for (int i = 0; i < graph->output_count; i++) {
        const cop_status status =
            check_src(graph, graph->node_count, graph->outputs[i], is_input, error);
        if (status != COP_STATUS_OK)
            return cop_error_prefix(error, status, "output '%.200s': ", graph->output_names[i]);
    }
    return COP_STATUS_OK;
}

cop_status cop_graph_validate(const struct graph *graph, cop_error *error)
{
    unsigned char *is_input = cop_alloc((size_t)graph->value_count, 1);
    if (is_input == NULL)
        return cop_fail_memory(error, "checking a graph", (size_t)graph->value_count);
    cop_status status = check_values(graph, error);
    if (status == COP_STATUS_OK)
        status = check_inputs(graph, is_input, error);
    for (int i = 0; i < graph->node_count && status == COP_STATUS_OK; i++)
        if (!graph->nodes[i].is_dead)
            status = check_node(graph, i, is_input, error);
    if (status == COP_STATUS_OK)
        status = check_outputs(graph, is_input, error);
    cop_free(is_input);
    return status;
}
