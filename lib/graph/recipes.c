// SPDX-License-Identifier: Apache-2.0
/* What a plan keeps of the graph it was made of: how its weights come from the model's constants.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph_parts.h"

struct extraction {
    const struct graph *graph;
    struct graph *recipes;
    unsigned char *can_change; /* one a value: a constant that nobody read is behind it */
    unsigned char *is_kept;    /* one a value */
    int *places;               /* one a value: where it is in `recipes` */
};

/* A value whose elements are there before any node runs. */
static bool is_given(const struct graph_value *value)
{
    return value->constant != NULL || value->value != NULL;
}

static bool is_maker(const struct graph *graph, int node, int result)
{
    return graph->values[result].producer == node && !is_given(&graph->values[result]);
}

static void find_changing(struct extraction *extraction)
{
    const struct graph *graph = extraction->graph;
    for (int i = 0; i < graph->value_count; i++) {
        const struct graph_constant *constant = graph->values[i].constant;
        extraction->can_change[i] =
            constant != NULL && constant->parameter >= 0 && !constant->is_read;
    }
    for (int i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        bool can_change = false;
        for (int j = 0; j < node->src_count && !node->is_dead; j++)
            can_change |= node->src[j] != COP_NO_VALUE && extraction->can_change[node->src[j]];
        for (int j = 0; j < node->dst_count && can_change; j++)
            if (is_maker(graph, i, node->dst[j]))
                extraction->can_change[node->dst[j]] = 1;
    }
}

/* From the weights back; returns how many nodes there are on the way. */
static int find_kept(struct extraction *extraction, const int *weights, int count)
{
    const struct graph *graph = extraction->graph;
    int kept = 0;
    for (int i = 0; i < count; i++)
        if (extraction->can_change[weights[i]])
            extraction->is_kept[weights[i]] = 1;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const struct graph_node *node = &graph->nodes[i];
        bool is_kept = false;
        for (int j = 0; j < node->dst_count && !node->is_dead; j++)
            is_kept |= extraction->is_kept[node->dst[j]] && is_maker(graph, i, node->dst[j]);
        kept += is_kept;
        for (int j = 0; j < node->dst_count && is_kept; j++)
            extraction->is_kept[node->dst[j]] = 1;
        for (int j = 0; j < node->src_count && is_kept; j++)
            if (node->src[j] != COP_NO_VALUE)
                extraction->is_kept[node->src[j]] = 1;
    }
    return kept;
}

static bool add_value(struct extraction *extraction, int index)
{
    struct graph *recipes = extraction->recipes;
    struct graph_value *copy = &recipes->values[recipes->value_count];
    struct graph_constant bare;
    *copy = extraction->graph->values[index];
    if (is_given(copy))
        copy->producer = -1;
    if (copy->constant != NULL && copy->constant->parameter >= 0) {
        bare = *copy->constant;
        bare.source = NULL;
        copy->constant = &bare;
        copy->value = NULL;
        copy->name = "";
    }
    if (!cop_graph_copy_value(recipes, copy))
        return false;
    extraction->places[index] = recipes->value_count++;
    return true;
}

/* Returns the places of `count` values in the recipes; NULL: out of memory. */
static int *place_all(struct extraction *extraction, const int *values, int count)
{
    int *places = cop_arena_ints(&extraction->recipes->arena, (size_t)count);
    for (int i = 0; places != NULL && i < count; i++)
        places[i] = values[i] == COP_NO_VALUE ? COP_NO_VALUE : extraction->places[values[i]];
    return places;
}

static bool add_node(struct extraction *extraction, int index)
{
    struct graph *recipes = extraction->recipes;
    struct arena *arena = &recipes->arena;
    struct graph_node *copy = &recipes->nodes[recipes->node_count];
    *copy = extraction->graph->nodes[index];
    const char *result_name = extraction->graph->values[copy->dst[0]].name;
    const bool is_shared = copy->name == result_name;
    copy->origin = cop_op_def(copy->kind)->name;
    copy->fused = "";
    copy->attrs = cop_arena_copy(arena, copy->attrs, 1, cop_op_def(copy->kind)->attrs_bytes);
    copy->src = place_all(extraction, copy->src, copy->src_count);
    copy->dst = place_all(extraction, copy->dst, copy->dst_count);
    if (copy->post_ops->count > 0)
        copy->post_ops = cop_arena_copy(arena, copy->post_ops, 1, sizeof *copy->post_ops);
    if (copy->attrs == NULL || copy->src == NULL || copy->dst == NULL || copy->post_ops == NULL)
        return false;
    copy->name = is_shared ? recipes->values[copy->dst[0]].name : cop_arena_text(arena, copy->name);
    for (int i = 0; i < copy->dst_count; i++)
        if (!is_given(&recipes->values[copy->dst[i]]))
            recipes->values[copy->dst[i]].producer = recipes->node_count;
    recipes->node_count++;
    return copy->name != NULL;
}

static bool is_node_kept(const struct extraction *extraction, int index)
{
    const struct graph_node *node = &extraction->graph->nodes[index];
    for (int i = 0; i < node->dst_count && !node->is_dead; i++)
        if (extraction->is_kept[node->dst[i]] && is_maker(extraction->graph, index, node->dst[i]))
            return true;
    return false;
}

static bool copy_kept(struct extraction *extraction, int node_count)
{
    const struct graph *graph = extraction->graph;
    struct graph *recipes = extraction->recipes;
    int value_count = 0;
    for (int i = 0; i < graph->value_count; i++)
        value_count += extraction->is_kept[i];
    recipes->values = cop_alloc((size_t)value_count, sizeof *recipes->values);
    recipes->nodes = cop_alloc((size_t)node_count, sizeof *recipes->nodes);
    if (recipes->values == NULL || recipes->nodes == NULL)
        return false;
    recipes->value_capacity = value_count;
    recipes->node_capacity = node_count;
    for (int i = 0; i < graph->value_count; i++)
        if (extraction->is_kept[i] && !add_value(extraction, i))
            return false;
    for (int i = 0; i < graph->node_count; i++)
        if (is_node_kept(extraction, i) && !add_node(extraction, i))
            return false;
    return true;
}

static bool extract(struct extraction *extraction, const int *weights, int count, int *places)
{
    const size_t values = (size_t)extraction->graph->value_count;
    extraction->can_change = cop_alloc(values, 1);
    extraction->is_kept = cop_alloc(values, 1);
    extraction->places = cop_alloc(values, sizeof *extraction->places);
    if (extraction->can_change == NULL || extraction->is_kept == NULL || extraction->places == NULL)
        return false;
    find_changing(extraction);
    const int node_count = find_kept(extraction, weights, count);
    if (!copy_kept(extraction, node_count))
        return false;
    for (int i = 0; i < count; i++)
        places[i] =
            extraction->can_change[weights[i]] ? extraction->places[weights[i]] : COP_NO_VALUE;
    return true;
}

cop_status cop_graph_extract_recipes(const struct graph *graph, const int *weights, int count,
                                     struct graph **recipes, int *places, cop_error *error)
{
    struct extraction extraction = {.graph = graph, .recipes = cop_graph_create(error)};
    *recipes = NULL;
    if (extraction.recipes == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    const bool is_done = extract(&extraction, weights, count, places);
    cop_free(extraction.can_change), cop_free(extraction.is_kept), cop_free(extraction.places);
    if (!is_done) {
        cop_graph_destroy(extraction.recipes);
        return cop_fail_memory(error, "recipes of weights",
                               (size_t)graph->value_count * sizeof *graph->values);
    }
    *recipes = extraction.recipes;
    return COP_STATUS_OK;
}
