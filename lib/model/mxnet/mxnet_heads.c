// SPDX-License-Identifier: Apache-2.0
/* What comes out of a graph built from a symbol, and the names of both its ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/mxnet/mxnet_build_parts.h"

/* "name_output"; "name_output3" where an operator has several; a variable's own name. */
static char *name_head(struct mxnet_build *build, const struct mxnet_entry *head, int copy)
{
    const struct mxnet_node *node = &build->symbol->nodes[head->node];
    const int *dst = build->built->values[head->node];
    const size_t bytes = strlen(node->name) + 64;
    char *name = cop_arena_alloc(&build->built->arena, bytes, 1);
    if (name == NULL)
        return NULL;
    size_t length = (size_t)snprintf(name, bytes, "%s", node->name);
    if (copy >= 0)
        length += (size_t)snprintf(name + length, bytes - length, "_copy%d", copy);
    const bool is_several = build->visit.nodes[head->node].op != NULL &&
                            build->built->value_counts[head->node] > 1 && dst[1] != COP_NO_VALUE;
    if (!cop_symbol_is_variable(node))
        length +=
            (size_t)snprintf(name + length, bytes - length, "%soutput", length > 0 ? "_" : "");
    if (is_several)
        snprintf(name + length, bytes - length, "%d", head->index);
    return name;
}

/* The element type that a head is to have; COP_DTYPE_UNKNOWN: that of its value. */
static cop_dtype wanted_dtype(const struct mxnet_build *build, int head)
{
    const cop_dtype *dtypes = build->binding->head_dtypes;
    return dtypes == NULL ? COP_DTYPE_UNKNOWN : dtypes[head];
}

/* The value of a head; of a variable what was given rather than what it was rounded to. */
static cop_status find_head(struct mxnet_build *build, int index, int *value)
{
    const struct mxnet_entry *head = &build->symbol->heads[index];
    const cop_status status = cop_mxnet_find_output(build, head, value);
    if (status == COP_STATUS_OK && cop_symbol_is_variable(&build->symbol->nodes[head->node])) {
        const int given = build->built->values[head->node][0];
        if (build->built->graph->values[given].dtype == wanted_dtype(build, index))
            *value = given;
    }
    return status;
}

/* Outputs never alias an input, a parameter or each other: such ones are copied. */
static cop_status add_head(struct mxnet_build *build, int index, int *use_counts)
{
    const struct mxnet_entry *head = &build->symbol->heads[index];
    struct graph *graph = build->built->graph;
    int value;
    const cop_status status = find_head(build, index, &value);
    if (status != COP_STATUS_OK)
        return status;
    const int copy = use_counts[value]++ - 1; /* −1: the first use */
    const char *name = name_head(build, head, copy);
    if (name == NULL)
        return cop_fail_memory(build->error, "the outputs' names", 0);
    const bool is_variable = cop_symbol_is_variable(&build->symbol->nodes[head->node]);
    COP_ZEROED_ATTRS(cast_attrs, cast);
    cast.to = wanted_dtype(build, index);
    if (cast.to != COP_DTYPE_UNKNOWN && graph->values[value].dtype != cast.to)
        value = cop_graph_append(graph, OP_CAST, name, "Cast", &cast, 1, &value, build->error);
    else if (copy >= 0 || is_variable)
        value = cop_graph_append(graph, OP_IDENTITY, name, "_copy", NULL, 1, &value, build->error);
    if (value < 0 || cop_graph_add_output(graph, value, name, build->error) < 0)
        return build->error->status;
    return COP_STATUS_OK;
}

cop_status cop_mxnet_add_heads(struct mxnet_build *build)
{
    /* Looking for a head may add its value. */
    const size_t most_values =
        (size_t)build->built->graph->value_count + 2 * (size_t)build->symbol->head_count;
    int *use_counts = cop_alloc(most_values, sizeof *use_counts);
    if (use_counts == NULL)
        return cop_fail_memory(build->error, "the outputs", 0);
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < build->symbol->head_count && status == COP_STATUS_OK; i++) {
        status = add_head(build, i, use_counts);
        if (status == COP_STATUS_UNSUPPORTED) {
            cop_unsupported_add_use(&build->unsupported, build->error->message);
            status = COP_STATUS_OK;
        }
    }
    cop_free(use_counts);
    return status;
}

/* One input while names are compared. */
struct named_input {
    const char *name;
    int value;
};

static int compare_names(const void *a, const void *b)
{
    const struct named_input *first = a, *second = b;
    const int order = strcmp(first->name, second->name);
    return order != 0 ? order : first->value - second->value;
}

/* Puts the value's number behind a name. */
static cop_status lengthen_name(struct mxnet_build *build, struct named_input *input)
{
    struct graph *graph = build->built->graph;
    const size_t bytes = strlen(input->name) + 16;
    char *name = cop_arena_alloc(&graph->arena, bytes, 1);
    if (name == NULL)
        return cop_fail_memory(build->error, "the inputs' names", bytes);
    snprintf(name, bytes, "%s#%d", input->name, input->value);
    graph->values[input->value].name = name;
    input->name = name;
    return COP_STATUS_OK;
}

/* Lengthens the names of inputs that stand after one of the same name. */
static cop_status tell_apart(struct mxnet_build *build, struct named_input *inputs, int count,
                             bool *is_done)
{
    cop_status status = COP_STATUS_OK;
    *is_done = true;
    qsort(inputs, (size_t)count, sizeof *inputs, compare_names);
    for (int i = count - 1; i > 0 && status == COP_STATUS_OK; i--)
        if (strcmp(inputs[i].name, inputs[i - 1].name) == 0) {
            *is_done = false;
            status = lengthen_name(build, &inputs[i]);
        }
    return status;
}

/* A lengthened name may be another's: again, until none is. */
cop_status cop_mxnet_name_inputs(struct mxnet_build *build)
{
    const struct graph *graph = build->built->graph;
    struct named_input *inputs = cop_alloc((size_t)graph->input_count, sizeof *inputs);
    if (inputs == NULL)
        return cop_fail_memory(build->error, "the inputs' names", 0);
    for (int i = 0; i < graph->input_count; i++) {
        inputs[i].value = graph->inputs[i].value;
        inputs[i].name = graph->values[inputs[i].value].name;
    }
    cop_status status = COP_STATUS_OK;
    for (bool is_done = false; !is_done && status == COP_STATUS_OK;)
        status = tell_apart(build, inputs, graph->input_count, &is_done);
    cop_free(inputs);
    return status;
}
