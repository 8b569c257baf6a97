// SPDX-License-Identifier: Apache-2.0
/* What a plan keeps so that its weights can be made again from other elements. */
#include "base/alloc.h"
#include "base/error.h"
#include "plan/plan.h"

static bool is_read_here(const struct graph *model, const struct graph_value *value)
{
    return value->constant != NULL && value->constant->parameter >= 0 && value->constant->is_read &&
           !model->values[value->constant->parameter].constant->is_read;
}

static bool list_read(struct plan *plan, const struct graph *model, const struct graph *graph)
{
    struct plan_recipes *recipes = &plan->recipes;
    int count = 0;
    for (int i = 0; i < graph->value_count; i++)
        count += is_read_here(model, &graph->values[i]);
    recipes->read = cop_arena_ints(&plan->arena, (size_t)count);
    if (recipes->read == NULL)
        return false;
    /* Values keep their places from the model's graph on: the list ascends. */
    for (int i = 0; i < graph->value_count; i++)
        if (is_read_here(model, &graph->values[i]))
            recipes->read[recipes->read_count++] = graph->values[i].constant->parameter;
    return true;
}

cop_status cop_plan_keep_recipes(struct plan *plan, const struct graph *model,
                                 const struct graph *graph, const int *values, cop_error *error)
{
    struct plan_recipes *recipes = &plan->recipes;
    const size_t before = plan->arena.bytes;
    recipes->values = cop_arena_ints(&plan->arena, (size_t)plan->weight_count);
    if (recipes->values == NULL || !list_read(plan, model, graph))
        return cop_fail_memory(error, "plan", (size_t)plan->weight_count * sizeof(int));
    const cop_status status = cop_graph_extract_recipes(graph, values, plan->weight_count,
                                                        &recipes->graph, recipes->values, error);
    if (status != COP_STATUS_OK)
        return status;
    const struct graph *kept = recipes->graph;
    plan->plan_bytes += plan->arena.bytes - before + sizeof *kept + kept->arena.bytes +
                        (size_t)kept->value_count * sizeof *kept->values +
                        (size_t)kept->node_count * sizeof *kept->nodes;
    return COP_STATUS_OK;
}

bool cop_plan_has_read(const struct plan *plan, int parameter)
{
    int first = 0, end = plan->recipes.read_count;
    while (first < end) {
        const int middle = first + (end - first) / 2;
        if (plan->recipes.read[middle] < parameter)
            first = middle + 1;
        else
            end = middle;
    }
    return first < plan->recipes.read_count && plan->recipes.read[first] == parameter;
}

/* The constants of the recipes, which hold no elements, as the model has them. */
static void bind_constants(struct graph *recipes, const struct graph *model)
{
    for (int i = 0; i < recipes->value_count; i++) {
        struct graph_value *value = &recipes->values[i];
        if (value->constant == NULL || value->constant->parameter < 0)
            continue;
        const struct graph_value *described = &model->values[value->constant->parameter];
        *value->constant = *described->constant;
        (void)cop_source_retain(value->constant->source);
        value->name = described->name; /* lives as long as the model */
    }
}

/* The plan's keys under the names of what the recipes make now. Layouts are borrowed. */
static struct weight_key *rename_keys(const struct plan *plan, const struct graph *recipes,
                                      cop_error *error)
{
    struct weight_key *keys = cop_alloc((size_t)plan->weight_count, sizeof *keys);
    if (keys == NULL)
        (void)cop_fail_memory(error, "weights", (size_t)plan->weight_count * sizeof *keys);
    for (int i = 0; keys != NULL && i < plan->weight_count; i++) {
        keys[i] = plan->weight_keys[i];
        if (plan->recipes.values[i] != COP_NO_VALUE)
            keys[i].identity = cop_graph_weight_hash(recipes, plan->recipes.values[i]);
    }
    return keys;
}

cop_status cop_plan_remake_weights(const struct plan *plan, const struct graph *model,
                                   const struct overlay *overlay, struct weight_store *store,
                                   struct weight_set **weights, cop_error *error)
{
    struct graph *recipes = NULL;
    size_t added_bytes;
    *weights = NULL;
    cop_status status = cop_graph_copy(plan->recipes.graph, &recipes, error);
    if (status != COP_STATUS_OK)
        return status;
    bind_constants(recipes, model);
    cop_overlay_apply(overlay, recipes);
    cop_graph_find_weights(recipes);
    struct weight_key *keys = rename_keys(plan, recipes, error);
    const struct weight_origin origin = {
        .graph = recipes,
        .values = plan->recipes.values,
        .ref = plan->devices.devices[plan->devices.count - 1],
    };
    status = keys == NULL ? COP_STATUS_OUT_OF_MEMORY
                          : cop_weight_set_create(store, &origin, keys, plan->weight_count, weights,
                                                  &added_bytes, error);
    cop_free(keys);
    cop_graph_destroy(recipes);
    return status;
}
