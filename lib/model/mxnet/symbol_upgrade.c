// SPDX-License-Identifier: Apache-2.0
/* What MXNet changes in symbols of older versions when it loads them, as far as inference sees it.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/mxnet/mxnet_operators.h"

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/*
 * Notes of users and optimizers had no underscores around them once. MXNet renames them, moves some
 * to the variables they speak of, and never takes them for attributes of the operator.
 */
static bool is_note(const char *key)
{
    static const char *const words[] = {"ctx_group", "lr_mult", "wd_mult", "force_mirroring",
                                        "mirror_stage"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (starts_with(key, words[i]) || ends_with(key, words[i]))
            return true;
    return false;
}

static void drop_notes(struct mxnet_node *node)
{
    int kept = 0;
    for (int i = 0; i < node->attribute_count; i++)
        if (!is_note(node->attributes[i].key))
            node->attributes[kept++] = node->attributes[i];
    node->attribute_count = kept;
}

/* argmax(axis=-1) meant all axes, before a negative axis counted from the end. */
static void drop_flattening_axis(struct mxnet_node *node)
{
    if (strcmp(node->op, "argmax") != 0 && strcmp(node->op, "argmin") != 0)
        return;
    int kept = 0;
    for (int i = 0; i < node->attribute_count; i++)
        if (strcmp(node->attributes[i].key, "axis") != 0 ||
            strcmp(node->attributes[i].value, "-1") != 0)
            node->attributes[kept++] = node->attributes[i];
    node->attribute_count = kept;
}

/* Adds the variables `<node>_<input>` that the file left out, behind the inputs it has. */
static cop_status append_inputs(struct mxnet_symbol *symbol, int index,
                                const struct mxnet_operator *op, int count, cop_error *error)
{
    const struct mxnet_entry *old = symbol->nodes[index].inputs;
    const int old_count = symbol->nodes[index].input_count;
    struct mxnet_entry *inputs = cop_arena_alloc(&symbol->arena, (size_t)count, sizeof *inputs);
    if (inputs == NULL)
        return cop_fail_memory(error, "the symbol's nodes", (size_t)count * sizeof *inputs);
    for (int i = 0; i < old_count; i++)
        inputs[i] = old[i];
    for (int i = old_count; i < count; i++) {
        char slot[COP_SLOT_NAME_BYTES];
        cop_mxnet_slot(op, i, slot);
        const char *node_name = symbol->nodes[index].name;
        const size_t length = strlen(node_name);
        char *name = cop_arena_alloc(&symbol->arena, length + sizeof slot + 1, 1);
        if (name == NULL)
            return cop_fail_memory(error, "the symbol's nodes", length);
        snprintf(name, length + sizeof slot + 1, "%s%s%s", node_name, length > 0 ? "_" : "", slot);
        const cop_status status = cop_symbol_add_variable(symbol, name, &inputs[i].node, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    symbol->nodes[index].inputs = inputs;
    symbol->nodes[index].input_count = count;
    return COP_STATUS_OK;
}

/* Statistics, above all, were not listed before 0.9. */
static cop_status complete_inputs(struct mxnet_symbol *symbol, int index, cop_error *error)
{
    const struct mxnet_node *node = &symbol->nodes[index];
    const struct mxnet_operator *op = cop_mxnet_operator_find(node->op);
    const int count = op == NULL ? -1 : cop_mxnet_slot_count(op, node);
    return node->input_count < count ? append_inputs(symbol, index, op, count, error)
                                     : COP_STATUS_OK;
}

cop_status cop_symbol_upgrade(struct mxnet_symbol *symbol, cop_error *error)
{
    const int count = symbol->node_count; /* appended variables need nothing */
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < count && symbol->version < COP_SYMBOL_CURRENT_VERSION; i++)
        drop_notes(&symbol->nodes[i]);
    for (int i = 0; i < count && symbol->version < 900 && status == COP_STATUS_OK; i++)
        if (!cop_symbol_is_variable(&symbol->nodes[i]))
            status = complete_inputs(symbol, i, error);
    for (int i = 0; i < count && symbol->version < 905; i++)
        drop_flattening_axis(&symbol->nodes[i]);
    return status;
}
