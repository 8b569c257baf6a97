// SPDX-License-Identifier: Apache-2.0
#include "passes/rewrite.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"

static bool reserve(struct rewrite *rewrite, int count)
{
    if (count <= rewrite->capacity)
        return true;
    const int capacity = count + count / 2 + 16;
    int *uses = cop_realloc(rewrite->uses, (size_t)capacity, sizeof *uses);
    if (uses != NULL)
        rewrite->uses = uses;
    int *replacement =
        uses == NULL ? NULL
                     : cop_realloc(rewrite->replacement, (size_t)capacity, sizeof *replacement);
    if (replacement == NULL) {
        (void)cop_fail_memory(rewrite->error, "passes", (size_t)capacity * sizeof *uses);
        return false;
    }
    rewrite->replacement = replacement;
    for (int i = rewrite->capacity; i < capacity; i++)
        rewrite->replacement[i] = COP_NO_VALUE;
    rewrite->capacity = capacity;
    return true;
}

cop_status cop_rewrite_begin(struct rewrite *rewrite, struct graph *graph, cop_error *error)
{
    *rewrite = (struct rewrite){.graph = graph, .error = error};
    if (!reserve(rewrite, graph->value_count))
        return COP_STATUS_OUT_OF_MEMORY;
    for (int i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        for (int j = 0; j < node->src_count && !node->is_dead; j++)
            if (node->src[j] != COP_NO_VALUE)
                rewrite->uses[node->src[j]]++;
    }
    for (int i = 0; i < graph->output_count; i++)
        rewrite->uses[graph->outputs[i]]++;
    return COP_STATUS_OK;
}

cop_status cop_rewrite_end(struct rewrite *rewrite, cop_status status)
{
    if (status == COP_STATUS_OK && rewrite->is_changed) {
        cop_graph_replace_values(rewrite->graph, rewrite->replacement);
        status = cop_graph_sort(rewrite->graph, rewrite->error);
    }
    cop_free(rewrite->uses);
    cop_free(rewrite->replacement);
    *rewrite = (struct rewrite){0};
    return status;
}

struct graph_node *cop_rewrite_sole_producer(const struct rewrite *rewrite, int value)
{
    const struct graph *graph = rewrite->graph;
    if (value == COP_NO_VALUE || graph->values[value].is_weight || rewrite->uses[value] != 1 ||
        graph->values[value].producer < 0)
        return NULL;
    struct graph_node *node = &graph->nodes[graph->values[value].producer];
    return node->is_dead || node->dst_count != 1 ? NULL : node;
}

/* Names are for people: a list of a thousand is cut. */
#define LONGEST_FUSED 400

static bool add_names(struct rewrite *rewrite, struct graph_node *into,
                      const struct graph_node *node)
{
    struct text names = {0};
    if (strlen(into->fused) > LONGEST_FUSED)
        return true;
    cop_text_add(&names, "%s%s%s", into->fused, into->fused[0] == '\0' ? "" : " + ", node->name);
    if (node->fused[0] != '\0')
        cop_text_add(&names, " + %s", node->fused);
    char *copy = names.failed ? NULL : cop_arena_text(&rewrite->graph->arena, names.bytes);
    cop_text_free(&names);
    if (copy == NULL) {
        (void)cop_fail_memory(rewrite->error, "passes", LONGEST_FUSED);
        return false;
    }
    into->fused = copy;
    return true;
}

bool cop_rewrite_absorb(struct rewrite *rewrite, struct graph_node *into, struct graph_node *node)
{
    struct graph *graph = rewrite->graph;
    if (!add_names(rewrite, into, node))
        return false;
    for (int i = 0; i < node->src_count; i++)
        if (node->src[i] != COP_NO_VALUE)
            rewrite->uses[node->src[i]]--;
    graph->values[into->dst[0]].producer = -1;
    into->dst[0] = node->dst[0];
    graph->values[node->dst[0]].producer = (int)(into - graph->nodes);
    node->is_dead = true;
    rewrite->is_changed = true;
    return true;
}

bool cop_rewrite_take_over(struct rewrite *rewrite, struct graph_node *into,
                           struct graph_node *node)
{
    if (!add_names(rewrite, into, node))
        return false;
    cop_rewrite_replace(rewrite, node, node->src[0]);
    return true;
}

void cop_rewrite_replace(struct rewrite *rewrite, struct graph_node *node, int value)
{
    const int dst = node->dst[0];
    for (int i = 0; i < node->src_count; i++)
        if (node->src[i] != COP_NO_VALUE)
            rewrite->uses[node->src[i]]--;
    rewrite->uses[value] += rewrite->uses[dst];
    rewrite->uses[dst] = 0;
    rewrite->replacement[dst] = value;
    rewrite->graph->values[dst].producer = -1;
    node->is_dead = true;
    rewrite->is_changed = true;
}

int cop_rewrite_append(struct rewrite *rewrite, enum op_kind kind, const void *attrs,
                       const struct shape *shape, int src_count, const int *src)
{
    struct graph *graph = rewrite->graph;
    const char *name = graph->values[src[0]].name;
    const int value =
        cop_graph_append(graph, kind, name, "", attrs, src_count, src, rewrite->error);
    if (value < 0 || !reserve(rewrite, graph->value_count))
        return -1;
    graph->values[value].dtype = COP_DTYPE_FLOAT32;
    graph->values[value].shape = *shape;
    for (int i = 0; i < src_count; i++)
        if (src[i] != COP_NO_VALUE)
            rewrite->uses[src[i]]++;
    rewrite->is_changed = true;
    return value;
}

bool cop_rewrite_set_src(struct rewrite *rewrite, int node, int index, int value)
{
    struct graph *graph = rewrite->graph;
    struct graph_node *changed = &graph->nodes[node];
    if (index >= changed->src_count) {
        int *src = cop_arena_alloc(&graph->arena, (size_t)index + 1, sizeof *src);
        if (src == NULL) {
            (void)cop_fail_memory(rewrite->error, "passes", sizeof *src);
            return false;
        }
        for (int i = 0; i < index; i++)
            src[i] = i < changed->src_count ? changed->src[i] : COP_NO_VALUE;
        src[index] = COP_NO_VALUE;
        changed->src = src;
        changed->src_count = index + 1;
    }
    if (changed->src[index] != COP_NO_VALUE)
        rewrite->uses[changed->src[index]]--;
    if (value != COP_NO_VALUE)
        rewrite->uses[value]++;
    changed->src[index] = value;
    rewrite->is_changed = true;
    return true;
}

int cop_rewrite_vector(struct rewrite *rewrite, int value, int64_t count)
{
    const struct shape vector = cop_shape_of(1, &count);
    struct reshape_attrs attrs;
    if (cop_shape_equal(&rewrite->graph->values[value].shape, &vector))
        return value;
    memset(&attrs, 0, sizeof attrs);
    attrs.count = 1;
    attrs.target[0] = count;
    attrs.allow_zero = true;
    return cop_rewrite_append(rewrite, OP_RESHAPE, &attrs, &vector, 1, &value);
}

bool cop_rewrite_add_post_op(struct rewrite *rewrite, struct graph_node *node,
                             const struct post_op *post_op)
{
    struct post_ops *post_ops =
        cop_arena_copy(&rewrite->graph->arena, node->post_ops, 1, sizeof *post_ops);
    if (post_ops == NULL) {
        (void)cop_fail_memory(rewrite->error, "passes", sizeof *post_ops);
        return false;
    }
    post_ops->entries[post_ops->count++] = *post_op;
    node->post_ops = post_ops;
    return true;
}

bool cop_is_float_weight(const struct graph *graph, int value)
{
    return value != COP_NO_VALUE && graph->values[value].is_weight &&
           graph->values[value].dtype == COP_DTYPE_FLOAT32;
}

bool cop_rewrite_set_attrs(struct rewrite *rewrite, struct graph_node *node, enum op_kind kind,
                           const void *attrs)
{
    void *copy = cop_arena_copy(&rewrite->graph->arena, attrs, 1, cop_op_def(kind)->attrs_bytes);
    if (copy == NULL) {
        (void)cop_fail_memory(rewrite->error, "passes", cop_op_def(kind)->attrs_bytes);
        return false;
    }
    node->kind = kind;
    node->attrs = copy;
    rewrite->is_changed = true;
    return true;
}
