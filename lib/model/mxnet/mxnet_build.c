// SPDX-License-Identifier: Apache-2.0
#include "model/mxnet/mxnet_build.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/mxnet/mxnet_build_parts.h"

static const struct mxnet_node *node_at(const struct mxnet_build *build, int index)
{
    return &build->symbol->nodes[index];
}

/* Room for the outputs of a node. */
static int *set_outputs(struct mxnet_build *build, int index, int count)
{
    int *dst = cop_arena_ints(&build->built->arena, (size_t)count);
    if (dst == NULL) {
        (void)cop_fail_memory(build->error, "the symbol's values", (size_t)count * sizeof *dst);
        return NULL;
    }
    build->built->values[index] = dst;
    build->built->value_counts[index] = count;
    return dst;
}

/* Other floating-point types are computed as float32. */
static int as_float32(struct mxnet_build *build, const char *name, int value)
{
    struct graph *graph = build->built->graph;
    const cop_dtype dtype = graph->values[value].dtype;
    if (dtype != COP_DTYPE_FLOAT16 && dtype != COP_DTYPE_FLOAT64 && dtype != COP_DTYPE_BFLOAT16)
        return value;
    COP_ZEROED_ATTRS(cast_attrs, attrs);
    attrs.to = COP_DTYPE_FLOAT32;
    const int cast =
        cop_graph_append(graph, OP_CAST, name, "null", &attrs, 1, &value, build->error);
    if (cast >= 0) { /* mappings look at both */
        graph->values[cast].dtype = COP_DTYPE_FLOAT32;
        graph->values[cast].shape = graph->values[value].shape;
    }
    return cast;
}

static int add_constant(struct mxnet_build *build, const char *name,
                        const struct mxnet_variable *variable)
{
    struct source *source = variable->source;
    const int value =
        cop_graph_add_constant(build->built->graph, name, variable->dtype, &variable->shape, source,
                               variable->offset, build->error);
    cop_source_release(&source); /* the graph has one of its own */
    return value;
}

static int add_input(struct mxnet_build *build, const char *name,
                     const struct mxnet_variable *variable)
{
    struct graph *graph = build->built->graph;
    const int value =
        cop_graph_add_value(graph, name, variable->dtype, &variable->shape, build->error);
    return value < 0 || cop_graph_add_input(graph, value, NULL, build->error) < 0 ? -1 : value;
}

/* Says of which node the variable is the parameter that is not there. */
static cop_status fail_missing(const struct mxnet_build *build, int index)
{
    const struct visited_node *variable = &build->visit.nodes[index];
    const struct mxnet_node *user = node_at(build, variable->parameter_of);
    char slot[COP_SLOT_NAME_BYTES];
    cop_mxnet_slot(build->visit.nodes[variable->parameter_of].op, variable->parameter_slot, slot);
    return cop_error_prefix(build->error, COP_STATUS_MALFORMED_MODEL,
                            "node '%.64s' (%.64s): its %s '%.64s' ", user->name, user->op, slot,
                            node_at(build, index)->name);
}

static cop_status add_variable(struct mxnet_build *build, int index)
{
    const char *name = node_at(build, index)->name;
    const enum slot_role role = cop_mxnet_visit_use(&build->visit, index);
    struct mxnet_variable variable = {.shape = cop_shape_unknown()};
    const cop_status status =
        build->binding->bind(build->binding->user, index, role, &variable, build->error);
    if (status != COP_STATUS_OK)
        return status == COP_STATUS_NOT_FOUND && role != SLOT_TENSOR ? fail_missing(build, index)
                                                                     : status;
    const int value = variable.use == VARIABLE_CONSTANT ? add_constant(build, name, &variable)
                                                        : add_input(build, name, &variable);
    int *dst = value < 0 ? NULL : set_outputs(build, index, 1);
    if (dst == NULL)
        return build->error->status;
    dst[0] = value;
    build->states[index].computed = as_float32(build, name, value);
    return build->states[index].computed < 0 ? build->error->status : COP_STATUS_OK;
}

/* A value of which nothing is known; −1: out of memory. */
static int add_unknown(struct mxnet_build *build)
{
    const struct shape unknown = cop_shape_unknown();
    return cop_graph_add_value(build->built->graph, "", COP_DTYPE_UNKNOWN, &unknown, build->error);
}

/* Notes what cannot be done and goes on, so that everything is found at once. */
static cop_status note_unsupported(struct mxnet_build *build, int index)
{
    const bool has_mapping =
        build->visit.nodes[index].op != NULL && !node_at(build, index)->has_subgraphs;
    build->states[index].is_unsupported = true;
    if (has_mapping && build->binding->is_for_inference_of_shapes) {
        build->built->value_counts[index] = 0; /* they are made as they are asked for */
        return COP_STATUS_OK;
    }
    if (has_mapping)
        cop_unsupported_add_use(&build->unsupported, build->error->message);
    else
        cop_unsupported_add_operator(&build->unsupported, node_at(build, index));
    if (build->placeholder < 0)
        build->placeholder = add_unknown(build);
    return build->placeholder < 0 ? build->error->status : COP_STATUS_OK;
}

/* An output of a node that has no mapping yet. */
static cop_status open_output(struct mxnet_build *build, const struct mxnet_entry *entry,
                              int *value)
{
    const int *old = build->built->values[entry->node];
    const int old_count = build->built->value_counts[entry->node];
    if (entry->index >= COP_MAX_SPLIT_OUTPUTS)
        return cop_fail(
            build->error, COP_STATUS_MALFORMED_MODEL, "node '%.64s' (%.64s): output %d is used",
            node_at(build, entry->node)->name, node_at(build, entry->node)->op, entry->index);
    if (entry->index >= old_count) {
        int *dst = set_outputs(build, entry->node, entry->index + 1);
        if (dst == NULL)
            return build->error->status;
        for (int i = 0; i <= entry->index; i++)
            dst[i] = i < old_count ? old[i] : COP_NO_VALUE;
    }
    int *dst = &build->built->values[entry->node][entry->index];
    if (*dst == COP_NO_VALUE)
        *dst = add_unknown(build);
    *value = *dst;
    return *dst < 0 ? build->error->status : COP_STATUS_OK;
}

cop_status cop_mxnet_find_output(struct mxnet_build *build, const struct mxnet_entry *entry,
                                 int *value)
{
    const struct mxnet_node *node = node_at(build, entry->node);
    const int count = build->built->value_counts[entry->node];
    if (build->states[entry->node].is_unsupported) {
        if (build->placeholder < 0)
            return open_output(build, entry, value);
        *value = build->placeholder;
        return COP_STATUS_OK;
    }
    if (entry->index >= count)
        return cop_fail(build->error, COP_STATUS_MALFORMED_MODEL,
                        "node '%.64s' (%.64s): output %d is used, it has %d", node->name, node->op,
                        entry->index, count);
    *value = build->states[entry->node].computed;
    if (!cop_symbol_is_variable(node))
        *value = build->built->values[entry->node][entry->index];
    if (*value == COP_NO_VALUE && build->binding->is_for_inference_of_shapes)
        return open_output(build, entry, value);
    if (*value == COP_NO_VALUE)
        return cop_fail(build->error, COP_STATUS_UNSUPPORTED,
                        "node '%.64s' (%.64s): output %d is used, inference makes only the first",
                        node->name, node->op, entry->index);
    return COP_STATUS_OK;
}

static cop_status check_input_count(const struct mxnet_build *build, int index)
{
    const struct mxnet_node *node = node_at(build, index);
    const struct mxnet_operator *op = build->visit.nodes[index].op;
    const int expected = cop_mxnet_slot_count(op, node), count = node->input_count;
    if (count == expected || (expected < 0 && count > 0) ||
        (count == expected - 1 && cop_mxnet_slot(op, count, NULL) == SLOT_LABEL))
        return COP_STATUS_OK;
    return cop_fail(build->error, COP_STATUS_MALFORMED_MODEL,
                    "node '%.64s' (%.64s): has %d inputs, needs %s%d (%s)", node->name, node->op,
                    count, expected < 0 ? "at least " : "", expected < 0 ? 1 : expected, op->slots);
}

static cop_status map_operator(struct mxnet_build *build, int index)
{
    const struct mxnet_node *node = node_at(build, index);
    const struct mxnet_operator *op = build->visit.nodes[index].op;
    if (op == NULL || node->has_subgraphs)
        return COP_STATUS_UNSUPPORTED;
    cop_status status = check_input_count(build, index);
    int *src = cop_arena_alloc(&build->built->arena, (size_t)node->input_count, sizeof *src);
    if (status == COP_STATUS_OK && src == NULL)
        status = cop_fail_memory(build->error, "a node's inputs", sizeof *src);
    for (int i = 0; i < node->input_count && status == COP_STATUS_OK; i++) {
        src[i] = COP_NO_VALUE;
        if (cop_mxnet_visit_role(&build->visit, index, i) != SLOT_LABEL)
            status = cop_mxnet_find_output(build, &node->inputs[i], &src[i]);
    }
    if (status != COP_STATUS_OK)
        return status;
    struct mxnet_call call = {
        .graph = build->built->graph,
        .arena = &build->built->arena,
        .node = node,
        .op = op,
        .attributes = {node, build->error, COP_STATUS_OK},
        .src_count = node->input_count,
        .src = src,
        .split_outputs = &build->split_outputs,
        .is_for_inference_of_shapes = build->binding->is_for_inference_of_shapes,
        .most_nodes = build->binding->most_nodes == 0 ? COP_MAX_NODES : build->binding->most_nodes,
    };
    op->map(&call);
    build->built->values[index] = call.dst;
    build->built->value_counts[index] = call.dst_count;
    return call.attributes.status;
}

static cop_status add_node(struct mxnet_build *build, int index)
{
    if (cop_symbol_is_variable(node_at(build, index)))
        return add_variable(build, index);
    const cop_status status = map_operator(build, index);
    return status == COP_STATUS_UNSUPPORTED ? note_unsupported(build, index) : status;
}

static cop_status allocate(struct mxnet_build *build)
{
    const size_t count = (size_t)build->symbol->node_count;
    struct mxnet_built *built = build->built;
    built->graph = cop_graph_create(build->error);
    if (built->graph == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    built->graph->is_mxnet_shaped = true;
    built->values = cop_arena_alloc(&built->arena, count, sizeof *built->values);
    built->value_counts = cop_arena_ints(&built->arena, count);
    build->states = cop_alloc(count, sizeof *build->states);
    if (built->values == NULL || built->value_counts == NULL || build->states == NULL)
        return cop_fail_memory(build->error, "the symbol's values", count * sizeof *built->values);
    return COP_STATUS_OK;
}

static cop_status build_graph(struct mxnet_build *build)
{
    cop_status status = cop_mxnet_visit(&build->visit, build->symbol, build->error);
    if (status == COP_STATUS_OK)
        status = allocate(build);
    for (int i = 0; i < build->visit.order_count && status == COP_STATUS_OK; i++)
        status = add_node(build, build->visit.order[i]);
    if (status == COP_STATUS_OK)
        status = cop_mxnet_add_heads(build);
    if (status == COP_STATUS_OK)
        status = cop_unsupported_report(&build->unsupported, build->symbol->version, build->error);
    if (status == COP_STATUS_OK)
        status = cop_mxnet_name_inputs(build);
    if (status != COP_STATUS_OK || build->binding->is_for_inference_of_shapes)
        return status; /* what is open comes from nowhere, and nobody runs it */
    return cop_graph_validate(build->built->graph, build->error);
}

cop_status cop_mxnet_build(struct mxnet_symbol *symbol, const struct mxnet_binding *binding,
                           struct mxnet_built *built, cop_error *error)
{
    cop_error own_error;
    struct mxnet_build build = {
        .symbol = symbol,
        .binding = binding,
        .built = built,
        .placeholder = COP_NO_VALUE,
        .error = error == NULL ? &own_error : error,
    };
    const cop_status status = build_graph(&build);
    cop_unsupported_release(&build.unsupported);
    cop_mxnet_visit_release(&build.visit);
    cop_free(build.states);
    return status;
}

void cop_mxnet_built_release(struct mxnet_built *built)
{
    cop_graph_destroy(built->graph);
    cop_arena_release(&built->arena);
    *built = (struct mxnet_built){0};
}
