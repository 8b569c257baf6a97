// SPDX-License-Identifier: Apache-2.0
/* The order of a symbol's nodes. Nodes are not marked, so that threads may walk one symbol at a
 * time: who was visited stands in a hash table. */
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/symbol/mx_node.h"

struct visit {
    struct mx_node *node;
    int next_input;
};

struct walk {
    struct mx_order *order;
    struct visit *stack;
    size_t depth, capacity;
    size_t place_used;
};

static size_t hash_address(const struct mx_node *node)
{
    uint64_t bits = (uintptr_t)node >> 4;
    bits *= UINT64_C(0x9E3779B97F4A7C15); /* Fibonacci hashing */
    return (size_t)(bits ^ bits >> 32);
}

/* The place of a node, or the free one where it belongs. */
static struct mx_place *find_place(const struct mx_order *order, const struct mx_node *node)
{
    const size_t mask = order->place_count - 1;
    size_t at = hash_address(node) & mask;
    while (order->places[at].node != NULL && order->places[at].node != node)
        at = (at + 1) & mask;
    return &order->places[at];
}

static bool grow_places(struct mx_order *order)
{
    const size_t old_count = order->place_count;
    struct mx_place *old = order->places;
    const size_t count = old_count == 0 ? 64 : old_count * 2;
    struct mx_place *places = cop_alloc(count, sizeof *places);
    if (places == NULL)
        return false;
    order->places = places;
    order->place_count = count;
    for (size_t i = 0; i < old_count; i++)
        if (old[i].node != NULL)
            *find_place(order, old[i].node) = old[i];
    cop_free(old);
    return true;
}

/* Notes that a node is being visited and puts it on the stack. */
static bool enter(struct walk *walk, struct mx_node *node)
{
    struct mx_order *order = walk->order;
    if (walk->place_used * 2 >= order->place_count && !grow_places(order))
        return false;
    if (walk->depth == walk->capacity) {
        const size_t capacity = walk->capacity + walk->capacity / 2 + 32;
        struct visit *stack = cop_realloc(walk->stack, capacity, sizeof *stack);
        if (stack == NULL)
            return false;
        walk->stack = stack;
        walk->capacity = capacity;
    }
    *find_place(order, node) = (struct mx_place){node, -1};
    walk->place_used++;
    walk->stack[walk->depth++] = (struct visit){node, 0};
    return true;
}

/* Appends the node on top of the stack. */
static bool leave(struct walk *walk)
{
    struct mx_order *order = walk->order;
    if (order->count == order->capacity) {
        const size_t capacity = order->capacity + order->capacity / 2 + 32;
        struct mx_node **nodes = cop_realloc(order->nodes, capacity, sizeof *nodes);
        if (nodes == NULL)
            return false;
        order->nodes = nodes;
        order->capacity = capacity;
    }
    struct mx_node *node = walk->stack[--walk->depth].node;
    find_place(order, node)->index = (int)order->count;
    order->nodes[order->count++] = node;
    return order->count < INT_MAX;
}

static cop_status fail_memory(const struct walk *walk, cop_error *error)
{
    return cop_fail_memory(error, "the symbol's order", walk->order->count * sizeof(void *));
}

/* Visits what can be reached from a node and was not yet. */
static cop_status visit_from(struct walk *walk, struct mx_node *root, cop_error *error)
{
    if (walk->order->place_count > 0 && find_place(walk->order, root)->node != NULL)
        return COP_STATUS_OK;
    if (!enter(walk, root))
        return fail_memory(walk, error);
    while (walk->depth > 0) {
        struct visit *top = &walk->stack[walk->depth - 1];
        if (top->next_input == top->node->input_count) {
            if (!leave(walk))
                return fail_memory(walk, error);
            continue;
        }
        struct mx_node *input = top->node->inputs[top->next_input++].node;
        const struct mx_place *place = find_place(walk->order, input);
        if (place->node == NULL) {
            if (!enter(walk, input))
                return fail_memory(walk, error);
        } else if (place->index < 0)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "Check failed: node '%.64s' would depend on itself", input->name);
    }
    return COP_STATUS_OK;
}

cop_status cop_mx_symbol_order(const struct mx_symbol *symbol, struct mx_order *order,
                               cop_error *error)
{
    struct walk walk = {.order = order};
    cop_status status = COP_STATUS_OK;
    *order = (struct mx_order){0};
    for (int i = 0; i < symbol->output_count && status == COP_STATUS_OK; i++)
        status = visit_from(&walk, symbol->outputs[i].node, error);
    cop_free(walk.stack);
    if (status != COP_STATUS_OK)
        cop_mx_order_free(order);
    return status;
}

void cop_mx_order_free(struct mx_order *order)
{
    cop_free(order->nodes);
    cop_free(order->places);
    *order = (struct mx_order){0};
}

int cop_mx_order_find(const struct mx_order *order, const struct mx_node *node)
{
    if (order->place_count == 0)
        return -1;
    const struct mx_place *place = find_place(order, node);
    return place->node == NULL ? -1 : place->index;
}

/* Marks the variables that some node changes. */
static void mark_changed(const struct mx_order *order, bool *is_changed)
{
    for (size_t i = 0; i < order->count; i++)
        for (int k = 0; k < order->nodes[i]->input_count; k++)
            if (cop_mx_node_changes(order->nodes[i], k))
                is_changed[cop_mx_order_find(order, order->nodes[i]->inputs[k].node)] = true;
}

cop_status cop_mx_order_inputs(const struct mx_order *order, enum mx_inputs which, int **inputs,
                               size_t *count, cop_error *error)
{
    bool *is_changed = cop_alloc(order->count, sizeof *is_changed);
    *inputs = is_changed == NULL ? NULL : cop_alloc(order->count, sizeof **inputs);
    *count = 0;
    if (*inputs == NULL) {
        cop_free(is_changed);
        return cop_fail_memory(error, "the symbol's inputs", order->count * sizeof **inputs);
    }
    if (which != MX_INPUTS_ALL)
        mark_changed(order, is_changed);
    for (size_t i = 0; i < order->count; i++)
        if (cop_mx_node_is_variable(order->nodes[i]) &&
            (which == MX_INPUTS_ALL || is_changed[i] == (which == MX_INPUTS_AUXILIARY)))
            (*inputs)[(*count)++] = (int)i;
    cop_free(is_changed);
    return COP_STATUS_OK;
}
