// SPDX-License-Identifier: Apache-2.0
#include "mxnet/symbol/mx_symbol.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_notes.h"
#include "mxnet/symbol/mx_symbol_parts.h"

static cop_status fail_memory(size_t count, cop_error *error)
{
    return cop_fail_memory(error, "the symbol", count * sizeof(struct mx_entry));
}

cop_status cop_mx_symbol_make(size_t output_count, struct mx_symbol **symbol, cop_error *error)
{
    *symbol = NULL;
    if (output_count > INT_MAX)
        return fail_memory(output_count, error);
    struct mx_symbol *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return fail_memory(output_count, error);
    made->object.kind = MX_KIND_SYMBOL;
    made->outputs = cop_alloc(output_count, sizeof *made->outputs);
    if (made->outputs == NULL) {
        cop_free(made);
        return fail_memory(output_count, error);
    }
    *symbol = made;
    return COP_STATUS_OK;
}

void cop_mx_symbol_add(struct mx_symbol *symbol, struct mx_entry entry)
{
    symbol->outputs[symbol->output_count++] = cop_mx_entry_retain(entry);
}

void cop_mx_symbol_destroy(struct mx_symbol *symbol)
{
    if (symbol == NULL)
        return;
    symbol->object.kind = MX_KIND_FREED;
    for (int i = 0; i < symbol->output_count; i++)
        cop_mx_node_release(symbol->outputs[i].node);
    cop_free(symbol->outputs);
    cop_free(symbol);
}

/* A symbol of `count` outputs of a node, whose reference is taken over, also on failure. */
static cop_status make_of_node(struct mx_node *node, int count, struct mx_symbol **symbol,
                               cop_error *error)
{
    const cop_status status = cop_mx_symbol_make((size_t)count, symbol, error);
    for (int i = 0; i < count && status == COP_STATUS_OK; i++)
        cop_mx_symbol_add(*symbol, (struct mx_entry){node, i, 0});
    cop_mx_node_release(node);
    return status;
}

cop_status cop_mx_symbol_create_variable(const char *name, struct mx_symbol **symbol,
                                         cop_error *error)
{
    struct mx_node *node = cop_mx_node_create(NULL, name);
    *symbol = NULL;
    return node == NULL ? fail_memory(1, error) : make_of_node(node, 1, symbol, error);
}

/* What comes first counts, where a key comes twice. */
static cop_status add_attributes(struct mx_node *node, const struct mx_attributes *attributes,
                                 cop_error *error)
{
    for (int i = 0; i < attributes->count; i++) {
        char *key;
        COP_TRY(cop_mx_note_key(attributes->keys[i], attributes->values[i], MX_NOTE_PREFIX, &key,
                                error));
        const bool is_set = cop_mx_node_attribute(node, key) != NULL ||
                            cop_mx_attributes_set(&node->attributes, key, attributes->values[i]);
        cop_free(key);
        if (!is_set)
            return fail_memory(1, error);
    }
    const struct mx_attributes own = cop_mx_node_attributes(node);
    return cop_mx_operator_check(node->op, node->name, &own, error);
}

cop_status cop_mx_symbol_create_atomic(const struct mx_operator *op,
                                       const struct mx_attributes *attributes,
                                       struct mx_symbol **symbol, cop_error *error)
{
    struct mx_node *node = cop_mx_node_create(op, "");
    *symbol = NULL;
    if (node == NULL)
        return fail_memory(1, error);
    const cop_status status = add_attributes(node, attributes, error);
    if (status == COP_STATUS_OK)
        return make_of_node(node, cop_mx_node_visible_count(node), symbol, error);
    cop_mx_node_release(node);
    return status;
}

cop_status cop_mx_symbol_create_group(struct mx_symbol *const *symbols, size_t count,
                                      struct mx_symbol **group, cop_error *error)
{
    size_t outputs = 0;
    for (size_t i = 0; i < count; i++)
        outputs += (size_t)symbols[i]->output_count;
    COP_TRY(cop_mx_symbol_make(outputs, group, error));
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < symbols[i]->output_count; k++)
            cop_mx_symbol_add(*group, symbols[i]->outputs[k]);
    return COP_STATUS_OK;
}

cop_status cop_mx_symbol_share(const struct mx_symbol *symbol, struct mx_symbol **shared,
                               cop_error *error)
{
    COP_TRY(cop_mx_symbol_make((size_t)symbol->output_count, shared, error));
    for (int i = 0; i < symbol->output_count; i++)
        cop_mx_symbol_add(*shared, symbol->outputs[i]);
    return COP_STATUS_OK;
}

cop_status cop_mx_symbol_output(const struct mx_symbol *symbol, size_t index,
                                struct mx_symbol **output, cop_error *error)
{
    *output = NULL;
    if (index >= (size_t)symbol->output_count)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: index < nreturn (%zu vs. %d) : Symbol only accept "
                        "nonnegative index",
                        index, symbol->output_count);
    COP_TRY(cop_mx_symbol_make(1, output, error));
    cop_mx_symbol_add(*output, symbol->outputs[index]);
    return COP_STATUS_OK;
}

static void add_internals(struct mx_symbol *internals, struct mx_node *node)
{
    const int count = cop_mx_node_visible_count(node);
    const unsigned version = atomic_load_explicit(&node->version, memory_order_relaxed);
    for (int i = 0; i < count; i++)
        cop_mx_symbol_add(internals, (struct mx_entry){node, i, version});
}

cop_status cop_mx_symbol_internals(const struct mx_symbol *symbol, struct mx_symbol **internals,
                                   cop_error *error)
{
    struct mx_order order;
    size_t count = 0;
    *internals = NULL;
    COP_TRY(cop_mx_symbol_order(symbol, &order, error));
    for (size_t i = 0; i < order.count; i++)
        count += (size_t)cop_mx_node_visible_count(order.nodes[i]);
    const cop_status status = cop_mx_symbol_make(count, internals, error);
    for (size_t i = 0; i < order.count && status == COP_STATUS_OK; i++)
        add_internals(*internals, order.nodes[i]);
    cop_mx_order_free(&order);
    return status;
}

/* A node like another, still without inputs. */
static struct mx_node *copy_node(const struct mx_node *node)
{
    struct mx_node *copy = cop_mx_node_create(node->op, node->name);
    if (copy == NULL)
        return NULL;
    atomic_store_explicit(&copy->version,
                          atomic_load_explicit(&node->version, memory_order_relaxed),
                          memory_order_relaxed);
    copy->inputs =
        node->input_count == 0 ? NULL : cop_alloc((size_t)node->input_count, sizeof *copy->inputs);
    if ((copy->inputs != NULL || node->input_count == 0) &&
        cop_mx_attributes_copy(&node->attributes, &copy->attributes))
        return copy;
    cop_mx_node_release(copy);
    return NULL;
}

static struct mx_entry copy_entry(const struct mx_order *order, struct mx_node *const *copies,
                                  struct mx_entry entry)
{
    entry.node = copies[cop_mx_order_find(order, entry.node)];
    return cop_mx_entry_retain(entry);
}

/* Copies the nodes of an order; each copy has one reference, which is the caller's. */
static bool copy_nodes(const struct mx_order *order, struct mx_node **copies)
{
    for (size_t i = 0; i < order->count; i++) {
        const struct mx_node *node = order->nodes[i];
        copies[i] = copy_node(node);
        if (copies[i] == NULL)
            return false;
        for (int k = 0; k < node->input_count; k++)
            copies[i]->inputs[copies[i]->input_count++] =
                copy_entry(order, copies, node->inputs[k]);
    }
    return true;
}

cop_status cop_mx_symbol_copy(const struct mx_symbol *symbol, struct mx_symbol **copy,
                              cop_error *error)
{
    struct mx_order order;
    *copy = NULL;
    COP_TRY(cop_mx_symbol_order(symbol, &order, error));
    cop_status status = COP_STATUS_OK;
    struct mx_node **copies = cop_alloc(order.count, sizeof *copies);
    if (copies == NULL || !copy_nodes(&order, copies))
        status = cop_fail_memory(error, "the symbol's copy", order.count * sizeof **copies);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_make((size_t)symbol->output_count, copy, error);
    for (int i = 0; i < symbol->output_count && status == COP_STATUS_OK; i++)
        (*copy)->outputs[(*copy)->output_count++] = copy_entry(&order, copies, symbol->outputs[i]);
    for (size_t i = 0; copies != NULL && i < order.count; i++)
        cop_mx_node_release(copies[i]);
    cop_free(copies);
    cop_mx_order_free(&order);
    return status;
}
