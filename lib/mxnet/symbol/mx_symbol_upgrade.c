// SPDX-License-Identifier: Apache-2.0
/* What MXNet changes in symbols that an older version wrote, when it loads them. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_notes.h"
#include "mxnet/symbol/mx_symbol_parts.h"

/* What may be added to a file's nodes: a number in a short text asks for many variables, each of
 * which has a copy of what may be a long one. */
#define MOST_ADDED_BYTES ((size_t)64 << 20)

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

/* Notes that belong nowhere are no attributes of the operator either, in MXNet neither. */
static cop_status check_attributes(const struct mx_node *node, cop_error *error)
{
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    const cop_status status = node->op == NULL
                                  ? COP_STATUS_OK
                                  : cop_mx_operator_check(node->op, node->name, &attributes, error);
    return status == COP_STATUS_OK
               ? COP_STATUS_OK
               : cop_error_prefix(error, status,
                                  "Failed loading Op %.128s of type %.128s: ", node->name,
                                  node->op->name);
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

/* What one variable more takes. */
static size_t bytes_of_input(const struct mx_node *node)
{
    size_t bytes = sizeof *node + strlen(node->name) + COP_MX_NAME_BYTES;
    for (int i = 0; i < node->attributes.count; i++)
        bytes += 2 * sizeof(char *) + strlen(node->attributes.keys[i]) +
                 strlen(node->attributes.values[i]);
    return bytes;
}

/* Statistics, above all, were not listed before 0.9. */
static cop_status complete_inputs(struct mx_node *node, size_t *left_bytes, cop_error *error)
{
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    const int count = node->op == NULL ? -1 : cop_mx_operator_input_count(node->op, &attributes);
    if (node->input_count >= count || count < 2) /* who has one input has no list of names */
        return COP_STATUS_OK;
    const size_t missing = (size_t)(count - node->input_count), bytes = bytes_of_input(node);
    if (missing > *left_bytes / bytes)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "node '%.64s' (%.64s): %zu inputs are missing", node->name, node->op->name,
                        missing);
    *left_bytes -= missing * bytes;
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
    if (node->op != NULL && axis != NULL && strcmp(axis, "-1") == 0 &&
        (strcmp(node->op->name, "argmax") == 0 || strcmp(node->op->name, "argmin") == 0))
        cop_mx_attributes_remove(&node->attributes, "axis");
}

cop_status cop_mx_nodes_upgrade(struct mx_node **nodes, size_t count, int version, cop_error *error)
{
    size_t left_bytes = MOST_ADDED_BYTES;
    for (size_t i = 0; i < count && version < COP_SYMBOL_CURRENT_VERSION; i++)
        COP_TRY(upgrade_notes(nodes[i], error));
    for (size_t i = 0; i < count; i++)
        COP_TRY(check_attributes(nodes[i], error));
    for (size_t i = 0; i < count && version < 900; i++)
        COP_TRY(complete_inputs(nodes[i], &left_bytes, error));
    for (size_t i = 0; i < count && version < 904; i++)
        if (nodes[i]->op != NULL &&
            !cop_mx_note_initializers(nodes[i], nodes[i]->inputs, nodes[i]->input_count))
            return fail_memory(error);
    for (size_t i = 0; i < count && version < 905; i++)
        drop_flattening_axis(nodes[i]);
    return COP_STATUS_OK;
}
