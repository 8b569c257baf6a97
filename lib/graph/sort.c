// SPDX-License-Identifier: Apache-2.0
/* Topological order by depth-first search; the stack is ours, because chains may be a million deep.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph_parts.h"

enum mark { MARK_NEW, MARK_OPEN, MARK_PLACED };

struct sorting {
    struct graph *graph;
    struct graph_node *sorted;
    int sorted_count;
    int *stack, *next_src; /* open nodes, and for each node the source to look at next */
    unsigned char *marks;
};

/* The next source's producer that has no place yet; −1: none is left. */
static int next_producer(struct sorting *sorting, int index)
{
    const struct graph_node *node = &sorting->graph->nodes[index];
    while (sorting->next_src[index] < node->src_count) {
        const int src = node->src[sorting->next_src[index]++];
        const int producer = src == COP_NO_VALUE ? -1 : sorting->graph->values[src].producer;
        if (producer >= 0 && sorting->marks[producer] != MARK_PLACED &&
            !sorting->graph->nodes[producer].is_dead)
            return producer;
    }
    return -1;
}

/* Places a node after everything it needs. */
static cop_status place(struct sorting *sorting, int index, cop_error *error)
{
    int depth = 0;
    sorting->stack[depth++] = index;
    sorting->marks[index] = MARK_OPEN;
    while (depth > 0) {
        const int top = sorting->stack[depth - 1];
        const int producer = next_producer(sorting, top);
        if (producer < 0) {
            sorting->sorted[sorting->sorted_count++] = sorting->graph->nodes[top];
            sorting->marks[top] = MARK_PLACED;
            depth--;
        } else if (sorting->marks[producer] == MARK_OPEN) {
            const cop_status status =
                cop_fail(error, COP_STATUS_MALFORMED_MODEL, "depends on its own result");
            return cop_graph_name_node(sorting->graph, producer, status, error);
        } else {
            sorting->stack[depth++] = producer;
            sorting->marks[producer] = MARK_OPEN;
        }
    }
    return COP_STATUS_OK;
}

static void adopt_order(struct graph *graph, struct graph_node *sorted, int count)
{
    for (int i = 0; i < graph->value_count; i++)
        graph->values[i].producer = -1;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < sorted[i].dst_count; j++)
            graph->values[sorted[i].dst[j]].producer = i;
    if (count > 0)
        memcpy(graph->nodes, sorted, (size_t)count * sizeof *sorted);
    graph->node_count = count;
    cop_graph_find_weights(graph);
}

cop_status cop_graph_sort(struct graph *graph, cop_error *error)
{
    const size_t count = (size_t)graph->node_count;
    struct sorting sorting = {
        .graph = graph,
        .sorted = cop_alloc(count, sizeof *sorting.sorted),
        .stack = cop_alloc(count, sizeof *sorting.stack),
        .next_src = cop_alloc(count, sizeof *sorting.next_src),
        .marks = cop_alloc(count, 1),
    };
    cop_status status = COP_STATUS_OK;
    if (sorting.sorted == NULL || sorting.stack == NULL || sorting.next_src == NULL ||
        sorting.marks == NULL)
        status = cop_fail_memory(error, "sorting a graph", count * sizeof *sorting.sorted);
    for (int i = 0; i < graph->node_count && status == COP_STATUS_OK; i++)
        if (sorting.marks[i] == MARK_NEW && !graph->nodes[i].is_dead)
            status = place(&sorting, i, error);
    if (status == COP_STATUS_OK)
        adopt_order(graph, sorting.sorted, sorting.sorted_count);
    cop_free(sorting.sorted);
    cop_free(sorting.stack);
    cop_free(sorting.next_src);
    cop_free(sorting.marks);
    return status;
}
