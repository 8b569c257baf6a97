// SPDX-License-Identifier: Apache-2.0
#include "mxnet/symbol/mx_symbol_attributes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_notes.h"
#include "mxnet/symbol/mx_symbol_parts.h"

struct mx_node *cop_mx_symbol_node(const struct mx_symbol *symbol)
{
    struct mx_node *node = symbol->output_count == 0 ? NULL : symbol->outputs[0].node;
    for (int i = 1; i < symbol->output_count; i++)
        if (symbol->outputs[i].node != node)
            return NULL;
    return node;
}

cop_status cop_mx_symbol_get_attribute(const struct mx_symbol *symbol, const char *key,
                                       const char **value, cop_error *error)
{
    const struct mx_node *node = cop_mx_symbol_node(symbol);
    *value = NULL;
    if (node == NULL)
        return COP_STATUS_OK;
    if (strcmp(key, "name") == 0)
        *value = node->name;
    else if (strcmp(key, "op_name") == 0)
        *value = node->op == NULL ? "null" : node->op->name;
    else
        *value = cop_mx_node_attribute(node, key);
    if (*value != NULL || !cop_mx_note_is_key(key))
        return COP_STATUS_OK;
    char *kept;
    COP_TRY(cop_mx_note_key(key, "", MX_NOTE_WHOLE, &kept, error));
    *value = cop_mx_node_attribute(node, kept);
    cop_free(kept);
    return COP_STATUS_OK;
}

/* Sets an attribute and takes it back where the operator does not have it so. */
static cop_status set_checked(struct mx_node *node, const char *key, const char *value,
                              cop_error *error)
{
    const char *found = cop_mx_node_attribute(node, key);
    char *before = found == NULL ? NULL : cop_copy_text(found);
    if ((found != NULL && before == NULL) ||
        !cop_mx_attributes_set(&node->attributes, key, value)) {
        cop_free(before);
        return cop_fail_memory(error, "an attribute", strlen(value));
    }
    cop_status status = COP_STATUS_OK;
    if (node->op != NULL) {
        const struct mx_attributes attributes = cop_mx_node_attributes(node);
        status = cop_mx_operator_check(node->op, node->name, &attributes, error);
    }
    if (status != COP_STATUS_OK && before == NULL)
        cop_mx_attributes_remove(&node->attributes, key);
    else if (status != COP_STATUS_OK) /* its place is there: at worst the new text stays */
        (void)cop_mx_attributes_set(&node->attributes, key, before);
    cop_free(before);
    return status;
}

cop_status cop_mx_symbol_set_attribute(struct mx_symbol *symbol, const char *key, const char *value,
                                       cop_error *error)
{
    struct mx_node *node = cop_mx_symbol_node(symbol);
    char *kept;
    if (node == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: node == e.node.get(): Symbol.SetAttrs only works for "
                        "non-grouped symbol");
    if (strcmp(key, "name") == 0)
        return cop_mx_node_rename(node, value)
                   ? COP_STATUS_OK
                   : cop_fail_memory(error, "a node's name", strlen(value));
    COP_TRY(cop_mx_note_key(key, value, MX_NOTE_WHOLE, &kept, error));
    const cop_status status = set_checked(node, kept, value, error);
    cop_free(kept);
    return status;
}

/* A list of texts of its own while it is collected. */
struct texts {
    struct arena arena;
    const char **list;
    size_t count, capacity;
    bool failed;
};

static void add(struct texts *texts, const char *text)
{
    if (texts->count == texts->capacity) {
        const size_t capacity = texts->capacity * 2 + 16;
        const char **list = cop_realloc(texts->list, capacity, sizeof *list);
        if (list == NULL) {
            texts->failed = true;
            return;
        }
        texts->list = list;
        texts->capacity = capacity;
    }
    texts->failed |= text == NULL;
    if (!texts->failed)
        texts->list[texts->count++] = text;
}

/* Hands the list over to a slot. */
static cop_status return_texts(struct texts *texts, enum mx_slot slot, const char ***returned,
                               cop_error *error)
{
    const cop_status status =
        texts->failed ? cop_fail_memory(error, "a list of texts", texts->count * sizeof(char *))
                      : cop_mx_return_texts(slot, texts->count, texts->list, returned, error);
    cop_arena_release(&texts->arena);
    cop_free(texts->list);
    return status;
}

/* "key", or "node$key". */
static const char *qualify(struct texts *texts, const struct mx_node *node, bool is_recursive,
                           const char *key, size_t length)
{
    struct text text = {0};
    if (is_recursive)
        cop_text_add(&text, "%s$%.*s", node->name, (int)length, key);
    else
        cop_text_add(&text, "%.*s", (int)length, key);
    const char *copy = text.failed ? NULL : cop_arena_text(&texts->arena, text.bytes);
    cop_text_free(&text);
    return copy;
}

static void add_pairs(struct texts *texts, const struct mx_node *node, unsigned flags)
{
    const bool is_recursive = (flags & MX_LIST_RECURSIVE) != 0;
    for (int i = 0; i < node->attributes.count && !texts->failed; i++) {
        const char *key = node->attributes.keys[i], *value = node->attributes.values[i];
        const size_t length = strlen(key);
        add(texts, qualify(texts, node, is_recursive, key, length));
        add(texts, value);
        if ((flags & MX_LIST_BARE) == 0 || !cop_mx_attribute_is_hidden(key))
            continue;
        const char *bare = qualify(texts, node, false, key + 2, length - 4);
        texts->failed |= bare == NULL;
        if (bare == NULL || !cop_mx_note_is_key(bare))
            continue;
        add(texts, qualify(texts, node, is_recursive, key + 2, length - 4));
        add(texts, value);
    }
}

cop_status cop_mx_symbol_return_attributes(const struct mx_symbol *symbol, unsigned flags,
                                           enum mx_slot slot, uint32_t *count, const char ***pairs,
                                           cop_error *error)
{
    struct texts texts = {.list = NULL};
    struct mx_order order = {0};
    if ((flags & MX_LIST_RECURSIVE) != 0)
        COP_TRY(cop_mx_symbol_order(symbol, &order, error));
    else if (symbol->output_count > 0)
        add_pairs(&texts, symbol->outputs[0].node, flags);
    for (size_t i = 0; i < order.count; i++)
        add_pairs(&texts, order.nodes[i], flags);
    const size_t pair_count = texts.count / 2;
    const cop_status status = return_texts(&texts, slot, pairs, error);
    cop_mx_order_free(&order);
    if (status == COP_STATUS_OK)
        *count = (uint32_t)pair_count;
    return status;
}

cop_status cop_mx_symbol_return_inputs(const struct mx_symbol *symbol, enum mx_inputs which,
                                       enum mx_slot slot, uint32_t *count, const char ***names,
                                       cop_error *error)
{
    struct texts texts = {.list = NULL};
    struct mx_order order;
    int *inputs;
    size_t input_count;
    COP_TRY(cop_mx_symbol_order(symbol, &order, error));
    cop_status status = cop_mx_order_inputs(&order, which, &inputs, &input_count, error);
    if (status == COP_STATUS_OK) {
        for (size_t i = 0; i < input_count; i++)
            add(&texts, order.nodes[inputs[i]]->name);
        cop_free(inputs);
        status = return_texts(&texts, slot, names, error);
    }
    cop_mx_order_free(&order);
    if (status == COP_STATUS_OK)
        *count = (uint32_t)input_count;
    return status;
}

cop_status cop_mx_symbol_return_outputs(const struct mx_symbol *symbol, enum mx_slot slot,
                                        uint32_t *count, const char ***names, cop_error *error)
{
    struct texts texts = {.list = NULL};
    for (int i = 0; i < symbol->output_count && !texts.failed; i++) {
        char *name = cop_mx_entry_name(symbol->outputs[i].node, symbol->outputs[i].index);
        add(&texts, name == NULL ? NULL : cop_arena_text(&texts.arena, name));
        cop_free(name);
    }
    const cop_status status = return_texts(&texts, slot, names, error);
    if (status == COP_STATUS_OK)
        *count = (uint32_t)symbol->output_count;
    return status;
}

static void describe_entry(struct text *text, const struct mx_entry *entry)
{
    cop_text_add(text, "=%s(%d)", entry->node->name, entry->index);
    if (entry->node->op == NULL)
        cop_text_add(text, " version=%u", entry->version);
    cop_text_add(text, "\n");
}

static void describe_node(struct text *text, const struct mx_node *node)
{
    if (node->op == NULL) {
        cop_text_add(text, "Variable:%s\n", node->name);
        return;
    }
    cop_text_add(text, "--------------------\nOp:%s, Name=%s\nInputs:\n", node->op->name,
                 node->name);
    for (int i = 0; i < node->input_count; i++) {
        cop_text_add(text, "\targ[%d]", i);
        describe_entry(text, &node->inputs[i]);
    }
    if (node->attributes.count > 0)
        cop_text_add(text, "Attrs:\n");
    for (int i = 0; i < node->attributes.count; i++)
        cop_text_add(text, "\t%s=%s\n", node->attributes.keys[i], node->attributes.values[i]);
}

cop_status cop_mx_symbol_return_description(const struct mx_symbol *symbol, enum mx_slot slot,
                                            const char **description, cop_error *error)
{
    struct text text = {0};
    struct mx_order order;
    COP_TRY(cop_mx_symbol_order(symbol, &order, error));
    const struct mx_node *alone = symbol->output_count == 1 ? symbol->outputs[0].node : NULL;
    const bool is_atomic = alone != NULL && alone->op != NULL && alone->input_count == 0;
    const bool is_graph = alone == NULL || alone->input_count > 0;
    if (is_atomic)
        cop_text_add(&text, "AtomicFunctor  Op:%s\n", alone->op->name);
    if (is_graph)
        cop_text_add(&text, "Symbol Outputs:\n");
    for (int i = 0; i < symbol->output_count && is_graph; i++)
        cop_text_add(&text, "\toutput[%d]=%s(%d)\n", i, symbol->outputs[i].node->name,
                     symbol->outputs[i].index);
    for (size_t i = 0; i < order.count && !is_atomic; i++)
        describe_node(&text, order.nodes[i]);
    const cop_status status = text.failed
                                  ? cop_fail_memory(error, "a symbol's text", text.length)
                                  : cop_mx_return_text(slot, text.bytes, description, error);
    cop_text_free(&text);
    cop_mx_order_free(&order);
    return status;
}

cop_status cop_mx_symbol_children(const struct mx_symbol *symbol, struct mx_symbol **children,
                                  cop_error *error)
{
    size_t count = 0;
    struct mx_order order;
    *children = NULL;
    COP_TRY(cop_mx_symbol_order(symbol, &order, error));
    bool *is_seen = cop_alloc(order.count, sizeof *is_seen);
    cop_status status = is_seen == NULL ? cop_fail_memory(error, "a symbol's children", order.count)
                                        : COP_STATUS_OK;
    for (int i = 0; i < symbol->output_count; i++)
        count += (size_t)symbol->outputs[i].node->input_count;
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_make(count, children, error);
    for (int i = 0; i < symbol->output_count && status == COP_STATUS_OK; i++) {
        const struct mx_node *node = symbol->outputs[i].node;
        const int place = cop_mx_order_find(&order, node);
        for (int k = 0; k < node->input_count && !is_seen[place]; k++)
            cop_mx_symbol_add(*children, node->inputs[k]);
        is_seen[place] = true;
    }
    cop_free(is_seen);
    cop_mx_order_free(&order);
    return status;
}
