// SPDX-License-Identifier: Apache-2.0
/* Removes nodes that no output needs, such as those whose only reader wanted a shape. */
#include "base/alloc.h"
#include "base/error.h"
#include "passes/pass_list.h"

cop_status cop_pass_remove_unneeded(struct graph *graph, cop_error *error)
{
    bool *is_needed = cop_alloc((size_t)graph->value_count, sizeof *is_needed);
    if (is_needed == NULL)
        return cop_fail_memory(error, "passes", (size_t)graph->value_count);
    for (int i = 0; i < graph->output_count; i++)
        is_needed[graph->outputs[i]] = true;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        struct graph_node *node = &graph->nodes[i];
        bool runs = false;
        for (int j = 0; j < node->dst_count; j++) /* elements that are known are made by nobody */
            runs |= is_needed[node->dst[j]] && graph->values[node->dst[j]].value == NULL;
        for (int j = 0; j < node->src_count && runs; j++)
            if (node->src[j] != COP_NO_VALUE)
                is_needed[node->src[j]] = true;
        node->is_dead |= !runs;
    }
    cop_free(is_needed);
    return cop_graph_sort(graph, error);
}
