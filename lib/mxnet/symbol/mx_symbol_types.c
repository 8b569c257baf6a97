// SPDX-License-Identifier: Apache-2.0
/* Element types of a symbol's entries: the operators' rules, forward and backward in turns until
 * nothing new follows. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/mxnet/symbol_attributes.h"
#include "mxnet/base/mx_dtype.h"
#include "mxnet/symbol/mx_node.h"

/* One sweep each way settles what there is; more only where knowledge zigzags through the graph. */
#define MOST_SWEEPS 64

struct typing {
    const struct mx_order *order;
    struct mx_types *types;
    int *inputs; /* of the node at hand */
};

/* What a variable says of itself; −1: nothing that is a type. */
static int stated_type(const struct mx_node *node)
{
    int64_t number;
    const char *text = cop_mx_node_attribute(node, "__dtype__");
    if (text == NULL || !cop_parse_int(text, &number) || !cop_mx_type_is_one((int)number))
        return MX_TYPE_NONE;
    return (int)number;
}

cop_status cop_mx_types_open(const struct mx_order *order, struct mx_types *types, cop_error *error)
{
    *types = (struct mx_types){.types = NULL};
    types->types = cop_arena_alloc(&types->arena, order->count, sizeof(int *));
    types->counts = cop_arena_ints(&types->arena, order->count);
    bool is_made = types->types != NULL && types->counts != NULL;
    for (size_t i = 0; i < order->count && is_made; i++) {
        const int count = cop_mx_node_output_count(order->nodes[i]);
        types->counts[i] = count;
        types->types[i] = cop_arena_ints(&types->arena, (size_t)count);
        is_made = types->types[i] != NULL;
        for (int k = 0; k < count && is_made; k++)
            types->types[i][k] = MX_TYPE_NONE;
    }
    if (is_made)
        return COP_STATUS_OK;
    cop_mx_types_close(types);
    return cop_fail_memory(error, "the symbol's types", order->count * sizeof(int));
}

void cop_mx_types_close(struct mx_types *types)
{
    cop_arena_release(&types->arena);
    *types = (struct mx_types){.types = NULL};
}

static int *find(const struct typing *typing, const struct mx_entry *entry)
{
    return &typing->types->types[cop_mx_order_find(typing->order, entry->node)][entry->index];
}

static cop_status run_rule(const struct typing *typing, size_t index, bool *changed,
                           cop_error *error)
{
    const struct mx_node *node = typing->order->nodes[index];
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    bool is_news = false;
    for (int i = 0; i < node->input_count; i++)
        typing->inputs[i] = *find(typing, &node->inputs[i]);
    const cop_status status = cop_mx_operator_infer_types(
        node->op, &attributes, node->input_count, typing->inputs, typing->types->counts[index],
        typing->types->types[index], &is_news, error);
    if (status != COP_STATUS_OK)
        return cop_error_prefix(error, status, "Error in operator %.200s: ", node->name);
    for (int i = 0; i < node->input_count && is_news; i++)
        *find(typing, &node->inputs[i]) = typing->inputs[i];
    *changed |= is_news;
    return COP_STATUS_OK;
}

static cop_status sweep(const struct typing *typing, bool is_backward, bool *changed,
                        cop_error *error)
{
    const size_t count = typing->order->count;
    for (size_t i = 0; i < count; i++) {
        const size_t index = is_backward ? count - 1 - i : i;
        if (!cop_mx_node_is_variable(typing->order->nodes[index]))
            COP_TRY(run_rule(typing, index, changed, error));
    }
    return COP_STATUS_OK;
}

static size_t widest(const struct mx_order *order)
{
    size_t most = 1;
    for (size_t i = 0; i < order->count; i++)
        if ((size_t)order->nodes[i]->input_count > most)
            most = (size_t)order->nodes[i]->input_count;
    return most;
}

cop_status cop_mx_types_infer(const struct mx_order *order, struct mx_types *types,
                              cop_error *error)
{
    const size_t width = widest(order);
    struct typing typing = {order, types, cop_alloc(width, sizeof(int))};
    cop_status status = COP_STATUS_OK;
    if (typing.inputs == NULL)
        return cop_fail_memory(error, "the symbol's types", width * sizeof(int));
    for (size_t i = 0; i < order->count; i++)
        if (cop_mx_node_is_variable(order->nodes[i]) && types->types[i][0] == MX_TYPE_NONE)
            types->types[i][0] = stated_type(order->nodes[i]);
    bool changed = true;
    for (int turn = 0; turn < MOST_SWEEPS && changed && status == COP_STATUS_OK; turn++) {
        changed = false;
        status = sweep(&typing, turn % 2 != 0, &changed, error);
        /* Backward rules ran in the first sweep, too, but what they found did not get far. */
        changed |= turn == 0;
    }
    cop_free(typing.inputs);
    return status;
}
