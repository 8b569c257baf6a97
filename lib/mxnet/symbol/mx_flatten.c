// SPDX-License-Identifier: Apache-2.0
/* A symbol as the importer takes it. */
#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_notes.h"

/* The importer looks attributes up, or says that it does not know them: notes of old files that no
 * upgrade has renamed are not for it. */
static bool is_for_operator(const char *key)
{
    return !cop_mx_note_is_prefix(key) && cop_mx_note_suffix(key) < 0;
}

static bool copy_attributes(const struct mx_node *node, struct arena *arena,
                            struct mxnet_node *flat)
{
    const struct mx_attribute_list *list = &node->attributes;
    flat->attributes = cop_arena_alloc(arena, (size_t)list->count, sizeof *flat->attributes);
    if (flat->attributes == NULL)
        return false;
    for (int i = 0; i < list->count; i++) {
        if (!is_for_operator(list->keys[i]))
            continue;
        struct mxnet_attribute *attribute = &flat->attributes[flat->attribute_count++];
        attribute->key = cop_arena_text(arena, list->keys[i]);
        attribute->value = cop_arena_text(arena, list->values[i]);
        if (attribute->key == NULL || attribute->value == NULL)
            return false;
    }
    return true;
}

static struct mxnet_entry *copy_entries(const struct mx_order *order, struct arena *arena,
                                        const struct mx_entry *entries, int count)
{
    struct mxnet_entry *copy = cop_arena_alloc(arena, (size_t)count, sizeof *copy);
    for (int i = 0; copy != NULL && i < count; i++)
        copy[i] = (struct mxnet_entry){cop_mx_order_find(order, entries[i].node), entries[i].index,
                                       (int)entries[i].version};
    return copy;
}

static bool copy_node(const struct mx_order *order, const struct mx_node *node, struct arena *arena,
                      struct mxnet_node *flat)
{
    flat->op = cop_arena_text(arena, cop_mx_node_is_variable(node) ? "null" : node->op->name);
    flat->name = cop_arena_text(arena, node->name);
    flat->inputs = copy_entries(order, arena, node->inputs, node->input_count);
    flat->input_count = node->input_count;
    return flat->op != NULL && flat->name != NULL && flat->inputs != NULL &&
           copy_attributes(node, arena, flat);
}

cop_status cop_mx_symbol_flatten(const struct mx_symbol *symbol, const struct mx_order *order,
                                 struct mxnet_symbol *flat, cop_error *error)
{
    *flat = (struct mxnet_symbol){.version = COP_SYMBOL_CURRENT_VERSION};
    if (order->count > COP_MAX_NODES)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "the symbol has %zu nodes, at most %d run",
                        order->count, COP_MAX_NODES);
    flat->nodes = cop_alloc(order->count, sizeof *flat->nodes);
    bool is_copied = flat->nodes != NULL;
    for (size_t i = 0; i < order->count && is_copied; i++)
        is_copied = copy_node(order, order->nodes[i], &flat->arena, &flat->nodes[i]);
    flat->node_count = flat->node_capacity = (int)order->count;
    flat->heads = copy_entries(order, &flat->arena, symbol->outputs, symbol->output_count);
    flat->head_count = symbol->output_count;
    if (is_copied && flat->heads != NULL)
        return COP_STATUS_OK;
    cop_symbol_release(flat);
    return cop_fail_memory(error, "the symbol's nodes", order->count * sizeof *flat->nodes);
}
