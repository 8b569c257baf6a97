// SPDX-License-Identifier: Apache-2.0
/* Inferring shapes, and saying what stays open. */
#include "base/error.h"
#include "graph/graph_parts.h"

static bool is_known(const struct graph *graph, int value)
{
    return value == COP_NO_VALUE || (graph->values[value].dtype != COP_DTYPE_UNKNOWN &&
                                     cop_shape_is_known(&graph->values[value].shape));
}

static cop_status fail_open_result(const struct graph *graph, int index, int value,
                                   cop_error *error)
{
    const struct graph_value *open = &graph->values[value];
    const cop_status status =
        cop_fail(error, COP_STATUS_UNSUPPORTED,
                 "result '%.200s' is %s %s: it depends on what is only known when it runs, or is "
                 "too large to be computed beforehand",
                 open->name, cop_dtype_name(open->dtype), cop_shape_text(&open->shape).text);
    return cop_graph_name_node(graph, index, status, error);
}

static cop_status check_all_known(const struct graph *graph, cop_error *error)
{
    for (int i = 0; i < graph->input_count; i++) {
        const struct graph_value *input = &graph->values[graph->inputs[i].value];
        if (!is_known(graph, graph->inputs[i].value))
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "input '%.200s' is %s %s: its shape must be given", input->name,
                            cop_dtype_name(input->dtype), cop_shape_text(&input->shape).text);
    }
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].dst_count && !graph->nodes[i].is_dead; j++)
            if (!is_known(graph, graph->nodes[i].dst[j]))
                return fail_open_result(graph, i, graph->nodes[i].dst[j], error);
    return COP_STATUS_OK;
}

cop_status cop_graph_blame_shapes(const struct graph *graph, cop_status status, cop_error *error)
{
    if (status != COP_STATUS_MALFORMED_MODEL || !graph->is_shaped_by_caller ||
        graph->input_count == 0)
        return status;
    const struct graph_value *input = &graph->values[graph->inputs[0].value];
    return cop_error_prefix(
        error, COP_STATUS_INVALID_ARGUMENT, "with input '%.100s' %s%s: ", input->name,
        cop_shape_text(&input->shape).text, graph->input_count > 1 ? " and others" : "");
}

cop_status cop_graph_infer_shapes(struct graph *graph, const struct graph_evaluator *evaluator,
                                  cop_error *error)
{
    struct shape_walk walk;
    cop_status status = cop_shape_walk_open(&walk, graph, evaluator, error);
    if (status == COP_STATUS_OK)
        status = cop_graph_blame_shapes(graph, cop_shape_walk_settle(&walk, error), error);
    cop_shape_walk_close(&walk);
    if (status == COP_STATUS_OK)
        status = check_all_known(graph, error);
    if (status == COP_STATUS_OK)
        cop_graph_find_weights(graph);
    return status;
}

cop_status cop_graph_infer_partially(struct graph *graph, cop_error *error)
{
    struct shape_walk walk;
    cop_status status = cop_shape_walk_open(&walk, graph, NULL, error);
    if (status == COP_STATUS_OK)
        status = cop_shape_walk_settle(&walk, error);
    cop_shape_walk_close(&walk);
    return status;
}
