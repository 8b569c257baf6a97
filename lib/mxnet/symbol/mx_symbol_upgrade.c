// SPDX-License-Identifier: Apache-2.0
/* What MXNet changes in symbols that an older version wrote, when it loads them. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_notes.h"
#include "mxnet/symbol/mx_symbol_parts.h"

static cop_status fail_memory(cop_error *error)
{
    return cop_fail_memory(error, "the symbol's nodes", sizeof(struct mx_node));
}

/* The variable that an input of some name is; NULL: there is no such input, or it is no variable.
 */
static struct mx_node *find_variable(const struct mx_node *node, const char *name, size_t length)
{
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    for (int i = 0; node->op != NULL && i < node->input_count; i++) {
        char input[COP_MX_NAME_BYTES];
        cop_mx_operator_input_name(node->op, &attributes, i, input);
        if (strlen(input) == length && strncmp(input, name, length) == 0)
            return node->inputs[i].node->op == NULL ? node->inputs[i].node : NULL;
    }
    return NULL;
}

/* Sets `__note__`. */
static bool set_note(struct mx_node *node, const char *note, const char *value)
{
    struct text kept = {0};
    cop_text_add(&kept, "__%s__", note);
    const bool is_set = !kept.failed && cop_mx_attributes_set(&node->attributes, kept.bytes, value);
    cop_text_free(&kept);
    return is_set;
}

/* Notes had no underscores around them; weight_lr_mult on a node spoke of its weight. */
static cop_status upgrade_notes(struct mx_node *node, cop_error *error)
{
    struct mx_attribute_list old = node->attributes;
    bool is_set = true;
    node->attributes = (struct mx_attribute_list){0};
    for (int i = 0; i < old.count && is_set; i++) {
        const char *key = old.keys[i];
        const int suffix = cop_mx_note_suffix(key);
        struct mx_node *target = NULL;
        if (suffix == 0)
            target = node;
        else if (suffix > 1 && key[suffix - 1] == '_')
            target = find_variable(node, key, (size_t)suffix - 1);
        is_set = target == NULL ? cop_mx_attributes_set(&node->attributes, key, old.values[i])
                                : set_note(target, key + suffix, old.values[i]);
    }
    cop_mx_attributes_free(&old);
    return is_set ? COP_STATUS_OK : fail_memory(error);
}

/* Appends the variable of an input that the file left out, with the operator's attributes. */
static bool append_input(struct mx_node *node, int index)
{
    char input[COP_MX_NAME_BYTES];
    struct text name = {0};
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    cop_mx_operator_input_name(node->op, &attributes, index, input);
    cop_text_add(&name, "%s%s%s", node->name, node->name[0] == '\0' ? "" : "_", input);
    struct mx_node *variable = name.failed ? NULL : cop_mx_node_create(NULL, name.bytes);
    cop_text_free(&name);
    if (variable == NULL)
        return false;
    if (!cop_mx_attributes_copy(&node->attributes, &variable->attributes)) {
        cop_mx_node_release(variable);
        return false;
    }
    node->inputs[node->input_count++] = (struct mx_entry){variable, 0, 0};
    return true;
}

/* Statistics, above all, were not listed before 0.9. */
static cop_status complete_inputs(struct mx_node *node, cop_error *error)
{
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    const int count = node->op == NULL ? -1 : cop_mx_operator_input_count(node->op, &attributes);
    /* Who has one input has no list of names; and nothing stands for a number in a text. */
    if (node->input_count >= count || count < 2 || count > COP_SYMBOL_MAX_HEADS)
        return COP_STATUS_OK;
    struct mx_entry *inputs = cop_realloc(node->inputs, (size_t)count, sizeof *inputs);
    if (inputs == NULL)
        return fail_memory(error);
    node->inputs = inputs;
    while (node->input_count < count)
        if (!append_input(node, node->input_count))
            return fail_memory(error);
    return COP_STATUS_OK;
}

/* argmax(axis=-1) meant all axes, before a negative axis counted from the end. */
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
    if (version < 900)
        COP_TRY(complete_inputs(node, error));
    if (version < 904 && !cop_mx_note_initializers(node, node->inputs, node->input_count))
        return fail_memory(error);
    if (version < 905)
        drop_flattening_axis(node);
    return COP_STATUS_OK;
}

cop_status cop_mx_nodes_upgrade(struct mx_node **nodes, size_t count, int version, cop_error *error)
{
    for (size_t i = 0; i < count && version < COP_SYMBOL_CURRENT_VERSION; i++)
        COP_TRY(upgrade_notes(nodes[i], error));
    for (size_t i = 0; i < count; i++)
        if (!cop_mx_node_is_variable(nodes[i]))
            COP_TRY(upgrade_operator(nodes[i], version, error));
    return COP_STATUS_OK;
}
