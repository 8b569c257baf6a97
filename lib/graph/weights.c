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

/* False: a source is not a weight. */
static bool name_result(const struct graph *graph, const struct graph_node *node, int value,
                        struct hash *name)
{
    struct hash hash = cop_hash_u64(cop_hash_begin(), NAME_RESULT);
    hash = cop_hash_u64(hash, (uint64_t)node->kind);
    hash = cop_hash_bytes(hash, node->attrs, cop_op_def(node->kind)->attrs_bytes);
    hash = name_post_ops(hash, &node->post_ops);
    for (int i = 0; i < node->dst_count; i++)
        if (node->dst[i] == value)
            hash = cop_hash_u64(hash, (uint64_t)i);
    for (int i = 0; i < node->src_count; i++) {
        if (node->src[i] == COP_NO_VALUE) {
            hash = cop_hash_u64(hash, 0);
            continue;
        }
        const struct graph_value *src = &graph->values[node->src[i]];
        if (!src->is_weight)
            return false;
        hash = cop_hash_bytes(hash, &src->weight_hash, sizeof src->weight_hash);
    }
    *name = hash;
    return true;
}

void cop_graph_find_weight(struct graph *graph, int value)
{
    struct graph_value *found = &graph->values[value];
    struct hash name = {0, 0};
    found->is_weight = true;
    if (found->constant != NULL)
        name = cop_hash_bytes(cop_hash_u64(cop_hash_begin(), NAME_CONSTANT),
                              &found->constant->identity, sizeof found->constant->identity);
    else if (found->value != NULL)
        name = name_elements(found);
    else
        found->is_weight = found->producer >= 0 && !graph->nodes[found->producer].is_dead &&
                           name_result(graph, &graph->nodes[found->producer], value, &name);
    found->weight_hash = name;
}

void cop_graph_find_weights(struct graph *graph)
{
    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].producer < 0)
            cop_graph_find_weight(graph, i);
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i].dst_count; j++)
            cop_graph_find_weight(graph, graph->nodes[i].dst[j]);
}
