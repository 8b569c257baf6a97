// SPDX-License-Identifier: Apache-2.0
/* Who reads a value, and letting them read another. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph.h"

/* Counts the uses of value v in first[v + 1], then turns counts into positions. */
static void count_uses(const struct graph *graph, int *first)
{
    for (int i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        for (int j = 0; j < node->src_count && !node->is_dead; j++)
            if (node->src[j] != COP_NO_VALUE)
                first[node->src[j] + 1]++;
    }
    for (int i = 0; i < graph->value_count; i++)
        first[i + 1] += first[i];
}

static void list_uses(const struct graph *graph, const int *first, int *next, int *nodes)
{
    memcpy(next, first, (size_t)graph->value_count * sizeof *next);
    for (int i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        for (int j = 0; j < node->src_count && !node->is_dead; j++)
            if (node->src[j] != COP_NO_VALUE)
                nodes[next[node->src[j]]++] = i;
    }
}

cop_status cop_graph_uses_create(const struct graph *graph, struct graph_uses *uses,
                                 cop_error *error)
{
    const size_t count = (size_t)graph->value_count;
    *uses = (struct graph_uses){0};
    uses->first = cop_alloc(count + 1, sizeof *uses->first);
    uses->is_output = cop_alloc(count, 1);
    int *next = cop_alloc(count, sizeof *next);
    if (uses->first != NULL && uses->is_output != NULL && next != NULL) {
        count_uses(graph, uses->first);
        uses->nodes = cop_alloc((size_t)uses->first[count], sizeof *uses->nodes);
    }
    if (uses->nodes == NULL) {
        cop_free(next);
        cop_graph_uses_free(uses);
        return cop_fail_memory(error, "uses of a graph's values", count * sizeof *next);
    }
    list_uses(graph, uses->first, next, uses->nodes);
    for (int i = 0; i < graph->output_count; i++)
        uses->is_output[graph->outputs[i]] = 1;
    cop_free(next);
    return COP_STATUS_OK;
}

void cop_graph_uses_free(struct graph_uses *uses)
{
    cop_free(uses->first);
    cop_free(uses->nodes);
    cop_free(uses->is_output);
    *uses = (struct graph_uses){0};
}

/* The end of a chain of replacements; halves the chain on the way, so that no chain is walked
 * twice. */
static int follow(int *replacement, int value)
{
    while (replacement[value] != COP_NO_VALUE) {
        const int next = replacement[value];
        if (replacement[next] != COP_NO_VALUE)
            replacement[value] = replacement[next];
        value = next;
    }
    return value;
}

void cop_graph_replace_values(struct graph *graph, int *replacement)
{
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].src_count; j++)
            if (graph->nodes[i].src[j] != COP_NO_VALUE)
                graph->nodes[i].src[j] = follow(replacement, graph->nodes[i].src[j]);
    for (int i = 0; i < graph->output_count; i++)
        graph->outputs[i] = follow(replacement, graph->outputs[i]);
}
