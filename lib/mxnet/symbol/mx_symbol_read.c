// SPDX-License-Identifier: Apache-2.0
/* From JSON to nodes. What the text may hold is checked while it is parsed (model/mxnet). */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_symbol_parts.h"

struct reading {
    const struct mxnet_symbol *flat;
    struct mx_node **nodes; /* one reference each */
    const char *name;
    cop_error *error;
};

static cop_status fail_memory(const struct reading *reading)
{
    return cop_fail_memory(reading->error, "the symbol's nodes",
                           (size_t)reading->flat->node_count * sizeof(struct mx_node));
}

static cop_status read_node(const struct reading *reading, int index)
{
    const struct mxnet_node *flat = &reading->flat->nodes[index];
    const bool is_variable = cop_symbol_is_variable(flat);
    const struct mx_operator *op = is_variable ? NULL : cop_mx_operator_find(flat->op);
    if (op == NULL && !is_variable)
        return cop_fail(reading->error, COP_STATUS_MALFORMED_MODEL,
                        "Failed loading Op %.128s of type %.128s: Check failed: op != nullptr: "
                        "Operator %.128s is not registered",
                        flat->name, flat->op, flat->op);
    struct mx_node *node = cop_mx_node_create(op, flat->name);
    reading->nodes[index] = node;
    if (node == NULL)
        return fail_memory(reading);
    for (int i = 0; i < flat->attribute_count; i++)
        if (!cop_mx_attributes_set(&node->attributes, flat->attributes[i].key,
                                   flat->attributes[i].value))
            return fail_memory(reading);
    return COP_STATUS_OK;
}

static cop_status connect(const struct reading *reading, int index)
{
    const struct mxnet_node *flat = &reading->flat->nodes[index];
    struct mx_node *node = reading->nodes[index];
    node->inputs =
        flat->input_count == 0 ? NULL : cop_alloc((size_t)flat->input_count, sizeof *node->inputs);
    if (node->inputs == NULL && flat->input_count > 0)
        return fail_memory(reading);
    for (int i = 0; i < flat->input_count; i++)
        node->inputs[node->input_count++] = cop_mx_entry_retain(
            (struct mx_entry){reading->nodes[flat->inputs[i].node], flat->inputs[i].index,
                              (unsigned)flat->inputs[i].version});
    return COP_STATUS_OK;
}

static cop_status check_entries(const struct reading *reading, const char *whose,
                                const struct mx_entry *entries, int count)
{
    for (int i = 0; i < count; i++)
        if (entries[i].index >= cop_mx_node_output_count(entries[i].node))
            return cop_fail(reading->error, COP_STATUS_MALFORMED_MODEL,
                            "%.64s: node '%.64s' has %d outputs, %.64s asks for number %d",
                            reading->name, entries[i].node->name,
                            cop_mx_node_output_count(entries[i].node), whose, entries[i].index);
    return COP_STATUS_OK;
}

/* Also nodes that no head needs are looked at: a circle would never be freed. */
static cop_status check_nodes(const struct reading *reading)
{
    struct mx_symbol *all;
    struct mx_order order;
    const size_t count = (size_t)reading->flat->node_count;
    COP_TRY(cop_mx_symbol_make(count, &all, reading->error));
    for (size_t i = 0; i < count; i++)
        cop_mx_symbol_add(all, (struct mx_entry){reading->nodes[i], 0, 0});
    cop_status status = cop_mx_symbol_order(all, &order, reading->error);
    if (status == COP_STATUS_INVALID_ARGUMENT)
        status =
            cop_error_prefix(reading->error, COP_STATUS_MALFORMED_MODEL, "%.128s: ", reading->name);
    else if (status == COP_STATUS_OK)
        cop_mx_order_free(&order);
    cop_mx_symbol_destroy(all);
    return status;
}

static cop_status make_symbol(const struct reading *reading, struct mx_symbol **symbol)
{
    const struct mxnet_symbol *flat = reading->flat;
    COP_TRY(cop_mx_symbol_make((size_t)flat->head_count, symbol, reading->error));
    for (int i = 0; i < flat->head_count; i++)
        cop_mx_symbol_add(*symbol, (struct mx_entry){reading->nodes[flat->heads[i].node],
                                                     flat->heads[i].index,
                                                     (unsigned)flat->heads[i].version});
    return COP_STATUS_OK;
}

static cop_status read_nodes(const struct reading *reading, struct mx_symbol **symbol)
{
    const int count = reading->flat->node_count;
    for (int i = 0; i < count; i++)
        COP_TRY(read_node(reading, i));
    for (int i = 0; i < count; i++)
        COP_TRY(connect(reading, i));
    COP_TRY(check_nodes(reading));
    COP_TRY(cop_mx_nodes_upgrade(reading->nodes, (size_t)count, reading->flat->version,
                                 reading->error));
    for (int i = 0; i < count; i++)
        COP_TRY(check_entries(reading, reading->nodes[i]->name, reading->nodes[i]->inputs,
                              reading->nodes[i]->input_count));
    COP_TRY(make_symbol(reading, symbol));
    return check_entries(reading, "a head", (*symbol)->outputs, (*symbol)->output_count);
}

/* Takes nodes apart that are dropped: there may be circles. */
static void disconnect(struct mx_node *node)
{
    while (node != NULL && node->input_count > 0)
        cop_mx_node_release(node->inputs[--node->input_count].node);
}

static cop_status build_nodes(const struct mxnet_symbol *flat, const char *name,
                              struct mx_symbol **symbol, cop_error *error)
{
    const size_t count = (size_t)flat->node_count;
    const struct reading reading = {flat, cop_alloc(count, sizeof *reading.nodes), name, error};
    if (reading.nodes == NULL)
        return fail_memory(&reading);
    const cop_status status = read_nodes(&reading, symbol);
    if (status != COP_STATUS_OK) {
        cop_mx_symbol_destroy(*symbol);
        *symbol = NULL;
    }
    for (size_t i = 0; status != COP_STATUS_OK && i < count; i++)
        disconnect(reading.nodes[i]);
    for (size_t i = 0; i < count; i++)
        cop_mx_node_release(reading.nodes[i]);
    cop_free(reading.nodes);
    return status;
}

cop_status cop_mx_symbol_read(const void *json, size_t size, const char *name,
                              struct mx_symbol **symbol, cop_error *error)
{
    const cop_bytes bytes = {.data = json, .size = size};
    struct source *source;
    struct mxnet_symbol flat = {0};
    *symbol = NULL;
    COP_TRY(cop_source_from_bytes(&bytes, name, &source, error));
    cop_status status = cop_symbol_parse(source, &flat, error);
    if (status == COP_STATUS_OK)
        status = build_nodes(&flat, name, symbol, error);
    cop_symbol_release(&flat);
    cop_source_release(&source);
    return status;
}
