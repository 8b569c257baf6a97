// SPDX-License-Identifier: Apache-2.0
/* Which values are weights, and the names of their contents. */
#include <string.h>

#include "graph/graph_parts.h"

/* Distinct first words keep the kinds of names apart. */
enum { NAME_CONSTANT = 1, NAME_ELEMENTS, NAME_RESULT };

static struct hash name_elements(const struct graph_value *value)
{
    size_t bytes = 0;
    struct hash hash = cop_hash_u64(cop_hash_begin(), NAME_ELEMENTS);
    hash = cop_hash_u64(hash, (uint64_t)value->dtype);
    hash = cop_hash_bytes(hash, value->shape.dims, sizeof value->shape.dims);
    hash = cop_hash_u64(hash, (uint64_t)value->shape.rank);
    if (!cop_shape_bytes(&value->shape, value->dtype, &bytes))
        bytes = 0; /* not reached: elements come with a sound shape */
    return cop_hash_bytes(hash, value->value, bytes);
}

static struct hash name_post_ops(struct hash hash, const struct post_ops *post_ops)
{
    hash = cop_hash_u64(hash, (uint64_t)post_ops->count);
    for (int i = 0; i < post_ops->count; i++) {
        const struct post_op *entry = &post_ops->entries[i];
        hash = cop_hash_u64(hash, (uint64_t)entry->kind);
        hash = cop_hash_u64(hash, (uint64_t)entry->unary.alg);
        hash = cop_hash_bytes(hash, &entry->unary.alpha, sizeof entry->unary.alpha);
        hash = cop_hash_bytes(hash, &entry->unary.beta, sizeof entry->unary.beta);
    }
    return hash;
}

static bool reads_weights_only(const struct graph *graph, const struct graph_node *node)
{
    for (int i = 0; i < node->src_count; i++)
        if (node->src[i] != COP_NO_VALUE && !graph->values[node->src[i]].is_weight)
            return false;
    return true;
}

/* What all results of a node share: of sources that are weights. */
static struct hash name_work(const struct graph *graph, const struct graph_node *node)
{
    struct hash hash = cop_hash_u64(cop_hash_begin(), NAME_RESULT);
    hash = cop_hash_u64(hash, (uint64_t)node->kind);
    hash = cop_hash_bytes(hash, node->attrs, cop_op_def(node->kind)->attrs_bytes);
    hash = name_post_ops(hash, node->post_ops);
    for (int i = 0; i < node->src_count; i++) {
        if (node->src[i] == COP_NO_VALUE) {
            hash = cop_hash_u64(hash, 0);
            continue;
        }
        const struct graph_value *src = &graph->values[node->src[i]];
        hash = cop_hash_bytes(hash, &src->weight_hash, sizeof src->weight_hash);
    }
    return hash;
}

/* A value whose elements say what it is; false: a node would have to. */
static bool find_known(struct graph_value *value)
{
    if (value->constant != NULL)
        value->weight_hash =
            cop_hash_bytes(cop_hash_u64(cop_hash_begin(), NAME_CONSTANT),
                           &value->constant->identity, sizeof value->constant->identity);
    else if (value->value != NULL)
        value->weight_hash = name_elements(value);
    else
        return false;
    value->is_weight = true;
    return true;
}

static void forget(struct graph_value *value)
{
    value->is_weight = false;
    value->weight_hash = (struct hash){0, 0};
}

void cop_graph_find_weight(struct graph *graph, int value)
{
    if (!find_known(&graph->values[value]))
        forget(&graph->values[value]);
}

/* Once for all results: a node may have tens of thousands. */
void cop_graph_find_results(struct graph *graph, int index)
{
    const struct graph_node *node = &graph->nodes[index];
    const bool is_recipe = !node->is_dead && reads_weights_only(graph, node);
    const struct hash work = is_recipe ? name_work(graph, node) : (struct hash){0, 0};
    for (int i = 0; i < node->dst_count; i++) {
        struct graph_value *result = &graph->values[node->dst[i]];
        if (result->producer != index || find_known(result))
            continue;
        forget(result);
        if (!is_recipe)
            continue;
        result->is_weight = true;
        result->weight_hash = cop_hash_u64(work, (uint64_t)i);
    }
}

void cop_graph_find_weights(struct graph *graph)
{
    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].producer < 0)
            cop_graph_find_weight(graph, i);
    for (int i = 0; i < graph->node_count; i++)
        cop_graph_find_results(graph, i);
}
