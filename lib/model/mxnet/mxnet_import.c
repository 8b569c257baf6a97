// SPDX-License-Identifier: Apache-2.0
/* From a symbol and its parameters to a graph. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/model.h"
#include "model/mxnet/mxnet_operators.h"
#include "model/mxnet/mxnet_unsupported.h"
#include "model/mxnet/params.h"

enum visit { VISIT_NONE, VISIT_OPEN, VISIT_DONE };

/* What is known of one node of the symbol while it is imported. */
struct node_state {
    const struct mxnet_operator *op; /* NULL: a variable, or an operator that we do not have */
    int *dst;                        /* values of its outputs */
    int dst_count;
    int parameter_of; /* a variable's first use as a parameter; −1: none */
    unsigned char parameter_slot;
    unsigned char visit;
    bool is_auxiliary;
    bool is_unsupported; /* its outputs are the placeholder */
};

struct mxnet_import {
    struct mxnet_symbol symbol;
    struct mxnet_params params;
    struct mxnet_unsupported unsupported;
    struct graph *graph;
    struct node_state *states;
    int *order; /* reachable nodes, every one after its inputs */
    int order_count;
    int placeholder; /* what consumers of unsupported outputs get */
    int64_t split_outputs;
    int most_nodes;
    cop_error *error; /* never NULL */
};

static struct mxnet_node *node_at(const struct mxnet_import *import, int index)
{
    return &import->symbol.nodes[index];
}

static enum slot_role role_of_input(const struct mxnet_import *import, int node, int input)
{
    const struct mxnet_operator *op = import->states[node].op;
    return op == NULL || op->slots[0] == '*' ? SLOT_TENSOR : cop_mxnet_slot(op, input, NULL);
}

/* Remembers that a variable must have a value. */
static void note_parameter(struct mxnet_import *import, int user, int input, enum slot_role role)
{
    struct node_state *state = &import->states[node_at(import, user)->inputs[input].node];
    if ((role != SLOT_PARAMETER && role != SLOT_AUXILIARY) || state->parameter_of >= 0)
        return;
    state->parameter_of = user;
    state->parameter_slot = (unsigned char)input; /* operators with roles have few inputs */
    state->is_auxiliary = role == SLOT_AUXILIARY;
}

struct visit_frame {
    int node, next_input;
};

/* Takes one step: into the next input, or out of the node. False: the symbol has a cycle. */
static bool step_visit(struct mxnet_import *import, struct visit_frame *stack, int *depth)
{
    struct visit_frame *top = &stack[*depth - 1];
    const struct mxnet_node *node = node_at(import, top->node);
    if (top->next_input == node->input_count) {
        import->states[top->node].visit = VISIT_DONE;
        import->order[import->order_count++] = top->node;
        --*depth;
        return true;
    }
    const int input = top->next_input++;
    const enum slot_role role = role_of_input(import, top->node, input);
    if (role == SLOT_LABEL) /* what only makes labels is not part of the graph */
        return true;
    note_parameter(import, top->node, input, role);
    const int child = node->inputs[input].node;
    if (import->states[child].visit == VISIT_NONE) {
        import->states[child].visit = VISIT_OPEN;
        stack[(*depth)++] = (struct visit_frame){.node = child};
        return true;
    }
    return import->states[child].visit == VISIT_DONE; /* an open one is what we came from */
}

static cop_status visit_from(struct mxnet_import *import, int head, struct visit_frame *stack)
{
    int depth = 0;
    if (import->states[head].visit == VISIT_NONE) {
        import->states[head].visit = VISIT_OPEN;
        stack[depth++] = (struct visit_frame){.node = head};
    }
    while (depth > 0)
        if (!step_visit(import, stack, &depth))
            return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL,
                            "node '%.64s' depends on itself",
                            node_at(import, stack[depth - 1].node)->name);
    return COP_STATUS_OK;
}

/* Depth first from the heads, inputs from left to right: MXNet's order of inputs. */
static cop_status find_order(struct mxnet_import *import)
{
    const size_t count = (size_t)import->symbol.node_count;
    import->states = cop_alloc(count, sizeof *import->states);
    import->order = cop_alloc(count, sizeof *import->order);
    struct visit_frame *stack = cop_alloc(count, sizeof *stack);
    cop_status status = COP_STATUS_OK;
    if (import->states == NULL || import->order == NULL || stack == NULL)
        status = cop_fail_memory(import->error, "the symbol's order", count * sizeof *stack);
    for (size_t i = 0; i < count && status == COP_STATUS_OK; i++) {
        import->states[i].op = cop_mxnet_operator_find(import->symbol.nodes[i].op);
        import->states[i].parameter_of = -1;
    }
    for (int i = 0; i < import->symbol.head_count && status == COP_STATUS_OK; i++)
        status = visit_from(import, import->symbol.heads[i].node, stack);
    cop_free(stack);
    return status;
}

static cop_status set_variable(struct mxnet_import *import, struct node_state *state, int value)
{
    state->dst = cop_arena_alloc(&import->symbol.arena, 1, sizeof *state->dst);
    if (value < 0)
        return import->error->status;
    if (state->dst == NULL)
        return cop_fail_memory(import->error, "the symbol's values", sizeof *state->dst);
    state->dst[0] = value;
    state->dst_count = 1;
    return COP_STATUS_OK;
}

/* Other floating-point types are computed as float32. */
static int as_float32(struct mxnet_import *import, const char *name, int value)
{
    const cop_dtype dtype = value < 0 ? COP_DTYPE_FLOAT32 : import->graph->values[value].dtype;
    if (dtype != COP_DTYPE_FLOAT16 && dtype != COP_DTYPE_FLOAT64 && dtype != COP_DTYPE_BFLOAT16)
        return value;
    COP_ZEROED_ATTRS(cast_attrs, attrs);
    attrs.to = COP_DTYPE_FLOAT32;
    return cop_graph_append(import->graph, OP_CAST, name, "null", &attrs, 1, &value, import->error);
}

static cop_status add_parameter(struct mxnet_import *import, int index,
                                const struct mxnet_array *array)
{
    const char *name = node_at(import, index)->name;
    const struct shape shape = cop_params_shape(&import->params, array);
    const int value =
        cop_graph_add_constant(import->graph, name, (cop_dtype)array->dtype, &shape,
                               import->params.source, array->data_offset, import->error);
    return set_variable(import, &import->states[index], as_float32(import, name, value));
}

static cop_status fail_missing(const struct mxnet_import *import, int index, bool is_none)
{
    const struct node_state *state = &import->states[index];
    const struct mxnet_node *user = node_at(import, state->parameter_of);
    char slot[COP_SLOT_NAME_BYTES];
    cop_mxnet_slot(import->states[state->parameter_of].op, state->parameter_slot, slot);
    return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL,
                    "node '%.64s' (%.64s): its %s '%.64s' %s %.256s", user->name, user->op, slot,
                    node_at(import, index)->name, is_none ? "is an empty array in" : "is not in",
                    cop_source_name(import->params.source));
}

/* What a variable says of itself: `__shape__`, with 0 or −1 for what is open, and `__dtype__`. */
static cop_status read_hints(struct mxnet_import *import, const struct mxnet_node *node,
                             struct shape *shape, cop_dtype *dtype)
{
    struct attribute_reader reader = {node, import->error, COP_STATUS_OK};
    const struct attribute_tuple dims =
        cop_attribute_tuple(&reader, "__shape__", -1, COP_MAX_ELEMENTS, false);
    const int64_t number = cop_attribute_int(&reader, "__dtype__", 0, -1, INT32_MAX);
    *dtype = number == -1 ? COP_DTYPE_FLOAT32 : cop_mxnet_dtype(number);
    if (dims.count > COP_MAX_RANK)
        cop_attribute_fail(&reader, COP_STATUS_UNSUPPORTED, "__shape__", "at most 8 dimensions");
    if (*dtype == COP_DTYPE_UNKNOWN)
        cop_attribute_fail(&reader, COP_STATUS_MALFORMED_MODEL, "__dtype__",
                           "the number of an element type");
    *shape = cop_shape_unknown();
    if (reader.status != COP_STATUS_OK || dims.count == 0)
        return reader.status;
    *shape = cop_shape_of(dims.count, dims.values);
    for (int i = 0; i < dims.count; i++)
        shape->dims[i] = dims.values[i] == 0 ? COP_UNKNOWN : dims.values[i];
    return COP_STATUS_OK;
}

static cop_status add_input(struct mxnet_import *import, int index)
{
    const struct mxnet_node *node = node_at(import, index);
    struct shape shape;
    cop_dtype dtype;
    const cop_status status = read_hints(import, node, &shape, &dtype);
    if (status != COP_STATUS_OK)
        return status;
    const int value = cop_graph_add_value(import->graph, node->name, dtype, &shape, import->error);
    if (value < 0 || cop_graph_add_input(import->graph, value, NULL, import->error) < 0)
        return import->error->status;
    return set_variable(import, &import->states[index], as_float32(import, node->name, value));
}

static cop_status add_variable(struct mxnet_import *import, int index)
{
    const struct node_state *state = &import->states[index];
    const struct mxnet_array *array =
        cop_params_find(&import->params, node_at(import, index)->name, state->is_auxiliary);
    if (array != NULL && !array->is_none)
        return add_parameter(import, index, array);
    if (state->parameter_of >= 0)
        return fail_missing(import, index, array != NULL);
    return add_input(import, index);
}

/* Notes what cannot be done and goes on, so that everything is found at once. */
static cop_status note_unsupported(struct mxnet_import *import, int index)
{
    const struct shape unknown = cop_shape_unknown();
    struct node_state *state = &import->states[index];
    if (state->op == NULL || node_at(import, index)->has_subgraphs)
        cop_unsupported_add_operator(&import->unsupported, node_at(import, index));
    else
        cop_unsupported_add_use(&import->unsupported, import->error->message);
    state->is_unsupported = true;
    if (import->placeholder >= 0)
        return COP_STATUS_OK;
    import->placeholder =
        cop_graph_add_value(import->graph, "", COP_DTYPE_UNKNOWN, &unknown, import->error);
    return import->placeholder < 0 ? import->error->status : COP_STATUS_OK;
}

/* The value of one output; UNSUPPORTED for one that only training has. */
static cop_status find_output(struct mxnet_import *import, const struct mxnet_entry *entry,
                              int *value)
{
    const struct node_state *state = &import->states[entry->node];
    const struct mxnet_node *node = node_at(import, entry->node);
    *value = import->placeholder;
    if (state->is_unsupported)
        return COP_STATUS_OK;
    if (entry->index >= state->dst_count)
        return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL,
                        "node '%.64s' (%.64s): output %d is used, it has %d", node->name, node->op,
                        entry->index, state->dst_count);
    *value = state->dst[entry->index];
    if (*value == COP_NO_VALUE)
        return cop_fail(import->error, COP_STATUS_UNSUPPORTED,
                        "node '%.64s' (%.64s): output %d is used, inference makes only the first",
                        node->name, node->op, entry->index);
    return COP_STATUS_OK;
}

static cop_status check_input_count(const struct mxnet_import *import, int index)
{
    const struct mxnet_node *node = node_at(import, index);
    const struct mxnet_operator *op = import->states[index].op;
    const int expected = cop_mxnet_slot_count(op, node), count = node->input_count;
    if (count == expected || (expected < 0 && count > 0) ||
        (count == expected - 1 && cop_mxnet_slot(op, count, NULL) == SLOT_LABEL))
        return COP_STATUS_OK;
    return cop_fail(import->error, COP_STATUS_MALFORMED_MODEL,
                    "node '%.64s' (%.64s): has %d inputs, needs %s%d (%s)", node->name, node->op,
                    count, expected < 0 ? "at least " : "", expected < 0 ? 1 : expected, op->slots);
}

static cop_status map_operator(struct mxnet_import *import, int index)
{
    const struct mxnet_node *node = node_at(import, index);
    struct node_state *state = &import->states[index];
    if (state->op == NULL || node->has_subgraphs)
        return COP_STATUS_UNSUPPORTED;
    cop_status status = check_input_count(import, index);
    int *src = cop_arena_alloc(&import->symbol.arena, (size_t)node->input_count, sizeof *src);
    if (status == COP_STATUS_OK && src == NULL)
        status = cop_fail_memory(import->error, "a node's inputs", sizeof *src);
    for (int i = 0; i < node->input_count && status == COP_STATUS_OK; i++) {
        src[i] = COP_NO_VALUE;
        if (role_of_input(import, index, i) != SLOT_LABEL)
            status = find_output(import, &node->inputs[i], &src[i]);
    }
    if (status != COP_STATUS_OK)
        return status;
    struct mxnet_call call = {
        .graph = import->graph,
        .arena = &import->symbol.arena,
        .node = node,
        .op = state->op,
        .attributes = {node, import->error, COP_STATUS_OK},
        .src_count = node->input_count,
        .src = src,
        .split_outputs = &import->split_outputs,
        .most_nodes = import->most_nodes,
    };
    state->op->map(&call);
    state->dst = call.dst;
    state->dst_count = call.dst_count;
    return call.attributes.status;
}

static cop_status add_node(struct mxnet_import *import, int index)
{
    if (cop_symbol_is_variable(node_at(import, index)))
        return add_variable(import, index);
    const cop_status status = map_operator(import, index);
    return status == COP_STATUS_UNSUPPORTED ? note_unsupported(import, index) : status;
}

/* "name_output"; "name_output3" where an operator has several; a variable's own name. */
static char *name_output(struct mxnet_import *import, const struct mxnet_entry *head, int copy)
{
    const struct mxnet_node *node = node_at(import, head->node);
    const struct node_state *state = &import->states[head->node];
    const size_t bytes = strlen(node->name) + 64;
    char *name = cop_arena_alloc(&import->symbol.arena, bytes, 1);
    if (name == NULL)
        return NULL;
    size_t length = (size_t)snprintf(name, bytes, "%s", node->name);
    if (copy >= 0)
        length += (size_t)snprintf(name + length, bytes - length, "_copy%d", copy);
    const bool is_several =
        state->op != NULL && state->dst_count > 1 && state->dst[1] != COP_NO_VALUE;
    if (!cop_symbol_is_variable(node))
        length +=
            (size_t)snprintf(name + length, bytes - length, "%soutput", length > 0 ? "_" : "");
    if (is_several)
        snprintf(name + length, bytes - length, "%d", head->index);
    return name;
}

/* Outputs never alias an input, a parameter or each other: such ones are copied. */
static cop_status add_output(struct mxnet_import *import, const struct mxnet_entry *head,
                             int *use_counts)
{
    int value;
    cop_status status = find_output(import, head, &value);
    if (status != COP_STATUS_OK)
        return status;
    const int copy = use_counts[value]++ - 1; /* −1: the first use */
    const char *name = name_output(import, head, copy);
    if (name == NULL)
        return cop_fail_memory(import->error, "the outputs' names", 0);
    if (copy >= 0 || cop_symbol_is_variable(node_at(import, head->node)))
        value = cop_graph_append(import->graph, OP_IDENTITY, name, "_copy", NULL, 1, &value,
                                 import->error);
    if (value < 0 || cop_graph_add_output(import->graph, value, name, import->error) < 0)
        return import->error->status;
    return COP_STATUS_OK;
}

static cop_status add_outputs(struct mxnet_import *import)
{
    int *use_counts = cop_alloc((size_t)import->graph->value_count, sizeof *use_counts);
    if (use_counts == NULL)
        return cop_fail_memory(import->error, "the outputs", 0);
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < import->symbol.head_count && status == COP_STATUS_OK; i++) {
        status = add_output(import, &import->symbol.heads[i], use_counts);
        if (status == COP_STATUS_UNSUPPORTED) {
            cop_unsupported_add_use(&import->unsupported, import->error->message);
            status = COP_STATUS_OK;
        }
    }
    cop_free(use_counts);
    return status;
}

static cop_status build_graph(struct mxnet_import *import)
{
    cop_status status = cop_symbol_upgrade(&import->symbol, import->error);
    if (status == COP_STATUS_OK)
        status = find_order(import);
    for (int i = 0; i < import->order_count && status == COP_STATUS_OK; i++)
        status = add_node(import, import->order[i]);
    if (status == COP_STATUS_OK)
        status = add_outputs(import);
    if (status == COP_STATUS_OK)
        status =
            cop_unsupported_report(&import->unsupported, import->symbol.version, import->error);
    if (status == COP_STATUS_OK && import->graph->input_count == 0)
        status = cop_fail(import->error, COP_STATUS_MALFORMED_MODEL,
                          "the symbol has no input: every variable has a value in %.256s",
                          cop_source_name(import->params.source));
    if (status == COP_STATUS_OK)
        status = cop_graph_validate(import->graph, import->error);
    return status;
}

cop_status cop_mxnet_import(struct source *symbol, struct source *params, struct graph **graph,
                            cop_error *error)
{
    cop_error own_error;
    struct mxnet_import import = {.placeholder = -1, .error = error == NULL ? &own_error : error};
    const size_t justified = COP_FREE_NODES + cop_source_size(symbol) / COP_SYMBOL_NODE_BYTES;
    import.most_nodes = justified < COP_MAX_NODES ? (int)justified : COP_MAX_NODES;
    *graph = NULL;
    cop_status status = cop_symbol_parse(symbol, &import.symbol, import.error);
    if (status == COP_STATUS_OK)
        status = cop_params_parse(params, &import.params, import.error);
    if (status == COP_STATUS_OK) {
        import.graph = cop_graph_create(import.error);
        status = import.graph == NULL ? COP_STATUS_OUT_OF_MEMORY : build_graph(&import);
        if (status != COP_STATUS_OK)
            cop_error_prefix(import.error, status, "%.256s: ", cop_source_name(symbol));
    }
    if (status == COP_STATUS_OK) {
        import.graph->is_mxnet_shaped = true;
        *graph = import.graph;
    } else {
        cop_graph_destroy(import.graph);
    }
    cop_unsupported_release(&import.unsupported);
    cop_params_release(&import.params);
    cop_symbol_release(&import.symbol);
    cop_free(import.states);
    cop_free(import.order);
    return status;
}
