// SPDX-License-Identifier: Apache-2.0
/*
 * What MXNet changes in symbols that an older version wrote. Other than the importer's upgrade
 * (model/mxnet/symbol_upgrade.c), nothing that a client may ask for is dropped.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_notes.h"
#include "mxnet/symbol/mx_symbol_parts.h"

static cop_status fail_memory(const struct mx_node *node, cop_error *error)
{
    return cop_fail_memory(error, "the symbol's nodes", strlen(node->name));
}

/* Sets `__key__`. */
static bool set_note(struct mx_node *node, const char *key, const char *value)
{
    struct text text = {0};
    cop_text_add(&text, "__%s__", key);
    char *hidden = cop_text_take(&text);
    const bool is_set = hidden != NULL && cop_mx_attributes_set(&node->attributes, hidden, value);
    cop_free(hidden);
    return is_set;
}

/* The variable that weight_lr_mult of a node speaks of; `length` is that of "weight_". */
static struct mx_node *find_variable(const struct mx_node *node, const char *key, int length)
{
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    for (int i = 0; i < node->input_count && !cop_mx_node_is_variable(node); i++) {
        char name[COP_MX_NAME_BYTES];
        cop_mx_operator_input_name(node->op, &attributes, i, name);
        if ((int)strlen(name) == length - 1 && strncmp(name, key, strlen(name)) == 0 &&
            key[length - 1] == '_')
            return cop_mx_node_is_variable(node->inputs[i].node) ? node->inputs[i].node : NULL;
    }
    return NULL;
}

/* Notes had no underscores around them once, and those of variables stood on the operator. */
static bool rename_notes(struct mx_node *node)
{
    struct mx_attribute_list old = node->attributes;
    bool is_set = true;
    node->attributes = (struct mx_attribute_list){0};
    for (int i = 0; i < old.count && is_set; i++) {
        const char *key = old.keys[i];
        const int suffix = cop_mx_note_suffix(key);
        struct mx_node *owner = suffix > 0 ? find_variable(node, key, suffix) : node;
        is_set = suffix < 0 || owner == NULL
                     ? cop_mx_attributes_set(&node->attributes, key, old.values[i])
                     : set_note(owner, key + suffix, old.values[i]);
    }
    cop_mx_attributes_free(&old);
    return is_set;
}

/* Adds the variables that were not listed before 0.9, behind the inputs that were. */
static bool complete_inputs(struct mx_node *node)
{
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    const int count = cop_mx_operator_input_count(node->op, &attributes);
    if (count <= 1 || node->input_count >= count)
        return true;
    if (count > COP_SYMBOL_MAX_HEADS) /* a number in a text, and nothing that stands for it */
        return true;
    struct mx_entry *inputs = cop_realloc(node->inputs, (size_t)count, sizeof *inputs);
    if (inputs == NULL)
        return false;
    node->inputs = inputs;
    while (node->input_count < count) {
        struct mx_node *variable = cop_mx_node_create_input(node, node->name, node->input_count);
        if (variable == NULL)
            return false;
        inputs[node->input_count++] = (struct mx_entry){variable, 0, 0};
    }
    return true;
}

static void drop_flattening_axis(struct mx_node *node)
{
    const char *axis = cop_mx_node_attribute(node, "axis");
    if (axis != NULL && strcmp(axis, "-1") == 0 &&
        (strcmp(node->op->name, "argmax") == 0 || strcmp(node->op->name, "argmin") == 0))
        cop_mx_attributes_remove(&node->attributes, "axis");
}

static cop_status upgrade_operator(struct mx_node *node, int version, cop_error *error)
{
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    COP_TRY(cop_mx_operator_check(node->op, node->name, &attributes, error));
    if (version < 900 && !complete_inputs(node))
        return fail_memory(node, error);
    if (version < 904 && !cop_mx_note_inits(node))
        return fail_memory(node, error);
    if (version < 905)
        drop_flattening_axis(node);
    return COP_STATUS_OK;
}

cop_status cop_mx_nodes_upgrade(struct mx_node **nodes, size_t count, int version, cop_error *error)
{
    for (size_t i = 0; i < count && version < COP_SYMBOL_CURRENT_VERSION; i++)
        if (!rename_notes(nodes[i]))
            return fail_memory(nodes[i], error);
    for (size_t i = 0; i < count; i++)
        if (!cop_mx_node_is_variable(nodes[i]))
            COP_TRY(upgrade_operator(nodes[i], version, error));
    return COP_STATUS_OK;
}
