// SPDX-License-Identifier: Apache-2.0
/*
 * Composing: giving a node its inputs, or the free variables of a whole symbol their values, by
 * position or by name. Everything is prepared first, so that a failure changes nothing.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_symbol_attributes.h"
#include "mxnet/symbol/mx_symbol_parts.h"

/* One composition. */
struct composition {
    struct mx_symbol *symbol;
    const char *name; /* "" for none */
    size_t count;
    const char *const *keys; /* NULL: by position */
    struct mx_symbol *const *args;
};

static cop_status check_arguments(const struct composition *composition, cop_error *error)
{
    for (size_t i = 0; i < composition->count; i++) {
        if (composition->keys != NULL && composition->keys[i] == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "keys[%zu] is NULL", i);
        if (composition->args[i]->output_count == 1)
            continue;
        if (composition->keys != NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "Keyword Argument %.100s is a tuple, single value is required",
                            composition->keys[i]);
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Argument %zu is a tuple, single value is required", i);
    }
    return COP_STATUS_OK;
}

/* A node that waits for its inputs: all outputs are its, and it has none. */
static bool is_atomic(const struct mx_symbol *symbol)
{
    if (symbol->output_count == 0)
        return false;
    const struct mx_node *node = symbol->outputs[0].node;
    for (int i = 1; i < symbol->output_count; i++)
        if (symbol->outputs[i].node != node)
            return false;
    return node->op != NULL && node->input_count == 0;
}

/* The argument of a name; −1: there is none. */
static int find_key(const struct composition *composition, const char *name)
{
    for (size_t i = 0; i < composition->count && composition->keys != NULL; i++)
        if (strcmp(composition->keys[i], name) == 0)
            return (int)i;
    return -1;
}

/* Says which keyword nobody asked for; the candidates follow, a line each. */
static cop_status fail_key(const struct composition *composition, const bool *is_used,
                           cop_error *error)
{
    size_t i = 0;
    while (is_used[i])
        i++;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "Symbol.ComposeKeyword argument name %.100s not found. Candidate arguments:",
                    composition->keys[i]);
}

static bool are_all(const bool *is_used, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_used[i])
            return false;
    return true;
}

/* The variable of an input that nobody gave, with a copy of the operator's attributes. */
static struct mx_node *create_variable(const struct composition *composition,
                                       const struct mx_node *node, int index)
{
    char input[COP_MX_NAME_BYTES];
    struct text name = {0};
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    cop_mx_operator_input_name(node->op, &attributes, index, input);
    cop_text_add(&name, "%s%s%s", composition->name, composition->name[0] == '\0' ? "" : "_",
                 input);
    struct mx_node *variable = name.failed ? NULL : cop_mx_node_create(NULL, name.bytes);
    cop_text_free(&name);
    if (variable != NULL && !cop_mx_attributes_copy(&node->attributes, &variable->attributes)) {
        cop_mx_node_release(variable);
        return NULL;
    }
    return variable;
}

/* The inputs that a node is to have, one reference each. */
struct prepared {
    struct mx_entry *entries;
    int count;
};

static void drop(struct prepared *prepared)
{
    for (int i = 0; i < prepared->count; i++)
        cop_mx_node_release(prepared->entries[i].node);
    cop_free(prepared->entries);
    *prepared = (struct prepared){NULL, 0};
}

static bool prepare_input(const struct composition *composition, const struct mx_node *node,
                          int index, bool *is_used, struct prepared *prepared)
{
    char name[COP_MX_NAME_BYTES];
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    cop_mx_operator_input_name(node->op, &attributes, index, name);
    int given = composition->keys == NULL ? index : find_key(composition, name);
    if (given >= 0 && (size_t)given < composition->count) {
        is_used[given] = true;
        prepared->entries[prepared->count++] =
            cop_mx_entry_retain(composition->args[given]->outputs[0]);
        return true;
    }
    struct mx_node *variable = create_variable(composition, node, index);
    if (variable != NULL)
        prepared->entries[prepared->count++] = (struct mx_entry){variable, 0, 0};
    return variable != NULL;
}

static cop_status check_used(const struct composition *composition, const struct mx_node *node,
                             int inputs, const bool *is_used, cop_error *error)
{
    if (are_all(is_used, composition->count))
        return COP_STATUS_OK;
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    const cop_status status = fail_key(composition, is_used, error);
    for (int i = 0; i < inputs; i++) {
        char name[COP_MX_NAME_BYTES];
        cop_mx_operator_input_name(node->op, &attributes, i, name);
        cop_mx_add_line(error, "[%d]%s", i, name);
    }
    return status;
}

static cop_status prepare(const struct composition *composition, const struct mx_node *node,
                          struct prepared *prepared, cop_error *error)
{
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    const int stated = cop_mx_operator_input_count(node->op, &attributes);
    const int count = stated < 0 ? (int)composition->count : stated;
    if (stated < 0 && composition->keys != NULL && composition->count > 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Variable length function do not accept kwargs");
    if (composition->keys == NULL && composition->count > (size_t)count)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Incorrect number of arguments, requires %d, provided %zu", count,
                        composition->count);
    bool *is_used = cop_alloc(composition->count, sizeof *is_used);
    prepared->entries = cop_alloc((size_t)count, sizeof *prepared->entries);
    cop_status status = COP_STATUS_OK;
    bool is_made = is_used != NULL && prepared->entries != NULL;
    for (int i = 0; i < count && is_made; i++)
        is_made = prepare_input(composition, node, i, is_used, prepared);
    if (!is_made)
        status = cop_fail_memory(error, "a node's inputs", (size_t)count * sizeof(struct mx_entry));
    if (status == COP_STATUS_OK)
        status = check_used(composition, node, count, is_used, error);
    cop_free(is_used);
    if (status != COP_STATUS_OK)
        drop(prepared);
    return status;
}

/* A node that others hold, too, may be among what its inputs come from. Our outputs hold one
 * reference each; where there are no more, nobody else does. */
static cop_status check_circle(const struct composition *composition, struct mx_node *node,
                               cop_error *error)
{
    const size_t holders = atomic_load_explicit(&node->refs.count, memory_order_relaxed);
    bool is_circle = false;
    bool is_own_input = false;
    for (size_t i = 0; i < composition->count; i++)
        is_own_input |= composition->args[i] == composition->symbol;
    if (holders <= (size_t)composition->symbol->output_count && !is_own_input)
        return COP_STATUS_OK;
    for (size_t i = 0; i < composition->count && !is_circle; i++) {
        struct mx_order order;
        COP_TRY(cop_mx_symbol_order(composition->args[i], &order, error));
        is_circle = cop_mx_order_find(&order, node) >= 0;
        cop_mx_order_free(&order);
    }
    return !is_circle ? COP_STATUS_OK
                      : cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                                 "Check failed: node '%.64s' would depend on itself", node->name);
}

/* What an operator changes must be a variable. */
static cop_status check_changed(const struct mx_node *node, const struct mx_entry *inputs,
                                int count, cop_error *error)
{
    for (int i = 0; i < count; i++)
        if (cop_mx_operator_is_mutable(node->op, i) && inputs[i].node->op != NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "Check failed: e.node->is_variable(): Mutation target can only be "
                            "Variable: input %d of %s",
                            i, node->op->name);
    return COP_STATUS_OK;
}

static cop_status compose_node(const struct composition *composition, cop_error *error)
{
    struct mx_node *node = composition->symbol->outputs[0].node;
    struct prepared prepared = {NULL, 0};
    COP_TRY(check_circle(composition, node, error));
    COP_TRY(prepare(composition, node, &prepared, error));
    const bool has_name = composition->name[0] != '\0';
    const cop_status status = check_changed(node, prepared.entries, prepared.count, error);
    if (status != COP_STATUS_OK) {
        drop(&prepared);
        return status;
    }
    /* Notes come last: nothing fails behind them. */
    char *renamed = has_name ? cop_copy_text(composition->name) : NULL;
    if ((has_name && renamed == NULL) ||
        !cop_mx_note_initializers(node, prepared.entries, prepared.count)) {
        cop_free(renamed);
        drop(&prepared);
        return cop_fail_memory(error, "a node's inputs", 0);
    }
    if (has_name) {
        cop_free(node->name);
        node->name = renamed;
    }
    cop_free(node->inputs);
    node->inputs = prepared.entries;
    node->input_count = prepared.count;
    cop_mx_node_count_versions(node);
    return COP_STATUS_OK;
}

/* One input, or output, that a variable's value takes, and what was there. */
struct replacement {
    struct mx_node *node; /* whose input it is; NULL: an output of the symbol */
    struct mx_entry *place, before;
};

struct replacements {
    struct replacement *list;
    size_t count, capacity;
};

static bool replace(struct replacements *done, struct mx_node *node, struct mx_entry *place,
                    struct mx_entry value)
{
    if (done->count == done->capacity) {
        const size_t capacity = done->capacity * 2 + 16;
        struct replacement *list = cop_realloc(done->list, capacity, sizeof *list);
        if (list == NULL)
            return false;
        done->list = list;
        done->capacity = capacity;
    }
    done->list[done->count++] = (struct replacement){node, place, *place};
    *place = cop_mx_entry_retain(value);
    return true;
}

static void end_replacing(struct replacements *done, bool is_kept)
{
    for (size_t i = done->count; i-- > 0;) {
        struct mx_node *dropped = is_kept ? done->list[i].before.node : done->list[i].place->node;
        if (!is_kept)
            *done->list[i].place = done->list[i].before;
        cop_mx_node_release(dropped);
    }
    cop_free(done->list);
}

static bool replace_entries(const struct composition *composition, struct mx_node *node,
                            struct mx_entry *entries, int count, bool *is_used,
                            struct replacements *done)
{
    for (int i = 0; i < count; i++) {
        const struct mx_node *input = entries[i].node;
        const int given = input->op == NULL ? find_key(composition, input->name) : -1;
        if (given < 0)
            continue;
        is_used[given] = true;
        if (!replace(done, node, &entries[i], composition->args[given]->outputs[0]))
            return false;
    }
    return true;
}

static bool replace_variables(const struct composition *composition, const struct mx_order *order,
                              bool *is_used, struct replacements *done)
{
    struct mx_symbol *symbol = composition->symbol;
    for (size_t i = 0; i < order->count; i++) {
        struct mx_node *node = order->nodes[i];
        if (!replace_entries(composition, node, node->inputs, node->input_count, is_used, done))
            return false;
    }
    return replace_entries(composition, NULL, symbol->outputs, symbol->output_count, is_used, done);
}

/* Nodes see, and change, the variables that they have got. */
static void count_versions(const struct replacements *done)
{
    for (size_t i = 0; i < done->count; i++)
        if (done->list[i].node != NULL && (i == 0 || done->list[i].node != done->list[i - 1].node))
            cop_mx_node_count_versions(done->list[i].node);
}

static cop_status check_replaced(const struct composition *composition,
                                 const struct mx_order *order, const bool *is_used,
                                 const struct replacements *done, cop_error *error)
{
    struct mx_order after;
    int number = 0;
    if (are_all(is_used, composition->count)) {
        for (size_t i = 0; i < done->count; i++)
            if (done->list[i].node != NULL)
                COP_TRY(check_changed(done->list[i].node, done->list[i].node->inputs,
                                      done->list[i].node->input_count, error));
        COP_TRY(cop_mx_symbol_order(composition->symbol, &after, error)); /* a circle, maybe */
        cop_mx_order_free(&after);
        return COP_STATUS_OK;
    }
    const cop_status status = fail_key(composition, is_used, error);
    for (size_t i = 0; i < order->count && number < 64; i++)
        if (order->nodes[i]->op == NULL)
            cop_mx_add_line(error, "[%d]%s", number++, order->nodes[i]->name);
    return status;
}

static cop_status compose_graph(const struct composition *composition, cop_error *error)
{
    struct mx_order order;
    struct replacements done = {NULL, 0, 0};
    struct mx_symbol *symbol = composition->symbol;
    struct mx_node *named = symbol->output_count == 0 ? NULL : symbol->outputs[0].node;
    if (composition->keys == NULL && composition->count > 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "General composition only support kwargs for now");
    const struct mx_node *only = cop_mx_symbol_node(symbol);
    if (only != NULL && only->op == NULL && composition->count > 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: variable '%.100s' takes no inputs", named->name);
    COP_TRY(cop_mx_symbol_order(symbol, &order, error));
    bool *is_used = cop_alloc(composition->count, sizeof *is_used);
    cop_status status = COP_STATUS_OK;
    if (is_used == NULL || !replace_variables(composition, &order, is_used, &done))
        status = cop_fail_memory(error, "composing a symbol", order.count);
    if (status == COP_STATUS_OK)
        status = check_replaced(composition, &order, is_used, &done, error);
    /* Nothing fails behind the name. */
    if (status == COP_STATUS_OK && composition->name[0] != '\0' && named != NULL &&
        !cop_mx_node_rename(named, composition->name))
        status = cop_fail_memory(error, "a node's name", strlen(composition->name));
    if (status == COP_STATUS_OK)
        count_versions(&done);
    end_replacing(&done, status == COP_STATUS_OK);
    cop_free(is_used);
    cop_mx_order_free(&order);
    return status;
}

cop_status cop_mx_symbol_compose(struct mx_symbol *symbol, const char *name, size_t count,
                                 const char *const *keys, struct mx_symbol *const *args,
                                 cop_error *error)
{
    const struct composition composition = {symbol, name == NULL ? "" : name, count, keys, args};
    COP_TRY(check_arguments(&composition, error));
    return is_atomic(symbol) ? compose_node(&composition, error)
                             : compose_graph(&composition, error);
}
