// SPDX-License-Identifier: Apache-2.0
/* Input shapes: what the caller fixes, joined with what the model declares. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph.h"

/* A dimension of an input that has a name. */
struct named_dim {
    const char *name;
    int input, axis;
};

struct binding {
    struct graph *graph;
    const struct graph_bindings *given;
    unsigned char *is_given; /* one an input: the caller gave its shape */
    struct named_dim *named; /* sorted by name */
    int named_count;
};

static struct graph_value *input_value(const struct graph *graph, int input)
{
    return &graph->values[graph->inputs[input].value];
}

/* "'a', 'b', …" as far as the buffer goes. */
struct name_list {
    char text[1024];
    size_t length;
};

static void list_name(struct name_list *list, const char *name)
{
    if (list->length + strlen(name) + 8 < sizeof list->text)
        list->length +=
            (size_t)snprintf(list->text + list->length, sizeof list->text - list->length, "%s'%s'",
                             list->length == 0 ? "" : ", ", name);
}

static cop_status fail_unknown_input(const struct graph *graph, const char *name, cop_error *error)
{
    struct name_list names = {"", 0};
    for (int i = 0; i < graph->input_count; i++)
        list_name(&names, input_value(graph, i)->name);
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "the model has no input '%.200s'; its inputs are %s", name, names.text);
}

static cop_status find_input(const struct graph *graph, const char *name, int *input,
                             cop_error *error)
{
    *input = 0;
    if (name == NULL && graph->input_count != 1)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "an input shape without a name: the model has %d inputs",
                        graph->input_count);
    for (; *input < graph->input_count; ++*input)
        if (name == NULL || strcmp(input_value(graph, *input)->name, name) == 0)
            return COP_STATUS_OK;
    return fail_unknown_input(graph, name, error);
}

static cop_status check_given(const char *name, const cop_input_shape *given, cop_error *error)
{
    if (given->rank < 0 || given->rank > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "input '%.200s': rank %d is not in 0 to %d", name, given->rank,
                        COP_MAX_RANK);
    for (int i = 0; i < given->rank; i++)
        if (given->shape[i] < 1 && given->shape[i] != COP_UNKNOWN)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "input '%.200s': dimension %d is %" PRId64
                            ", must be at least 1, or -1 for what the model says",
                            name, i, given->shape[i]);
    return COP_STATUS_OK;
}

/*
 * The caller's dimensions take the place of declared ones: most exporters write the batch and image
 * size they were run with, and most models take others. What does not fit is found by the shape
 * rules. Only the rank binds, but for MXNet, whose declared shapes are hints.
 */
static cop_status bind_shape(struct binding *binding, const cop_input_shape *given,
                             cop_error *error)
{
    int input;
    cop_status status = find_input(binding->graph, given->name, &input, error);
    if (status != COP_STATUS_OK)
        return status;
    struct graph_value *value = input_value(binding->graph, input);
    status = check_given(value->name, given, error);
    if (status != COP_STATUS_OK)
        return status;
    if (binding->is_given[input])
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "input '%.200s' is given two shapes",
                        value->name);
    binding->is_given[input] = 1;

    struct shape shape = cop_shape_of(given->rank, given->shape);
    if (shape.rank != value->shape.rank && value->shape.rank != COP_UNKNOWN &&
        !binding->graph->is_mxnet_shaped)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "input '%.200s' cannot be %s: the model declares %s", value->name,
                        cop_shape_text(&shape).text, cop_shape_text(&value->shape).text);
    for (int i = 0; i < shape.rank && shape.rank == value->shape.rank; i++)
        if (shape.dims[i] == COP_UNKNOWN)
            shape.dims[i] = value->shape.dims[i];
    value->shape = shape;
    return COP_STATUS_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct named_dim *)a)->name, ((const struct named_dim *)b)->name);
}

static cop_status list_named_dims(struct binding *binding, cop_error *error)
{
    const struct graph *graph = binding->graph;
    int count = 0;
    for (int pass = 0; pass < 2; pass++) {
        count = 0;
        for (int i = 0; i < graph->input_count; i++)
            for (int axis = 0; axis < input_value(graph, i)->shape.rank; axis++) {
                const char *name = graph->inputs[i].dim_names[axis];
                if (name == NULL)
                    continue;
                if (pass == 1)
                    binding->named[count] = (struct named_dim){name, i, axis};
                count++;
            }
        if (pass == 0)
            binding->named = cop_alloc((size_t)count, sizeof *binding->named);
        if (binding->named == NULL)
            return cop_fail_memory(error, "named dimensions", (size_t)count);
    }
    binding->named_count = count;
    qsort(binding->named, (size_t)count, sizeof *binding->named, compare_names);
    return COP_STATUS_OK;
}

static cop_status check_dims(const struct binding *binding, cop_error *error)
{
    const struct graph_bindings *given = binding->given;
    for (size_t i = 0; i < given->dim_count; i++) {
        const cop_dim *dim = &given->dims[i];
        if (dim->name == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "dimension %zu has no name", i);
        if (dim->value < 1)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "dimension '%.200s' is %" PRId64 ", must be at least 1", dim->name,
                            dim->value);
        for (size_t j = 0; j < i; j++)
            if (strcmp(given->dims[j].name, dim->name) == 0)
                return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                                "dimension '%.200s' is given twice", dim->name);
        const struct named_dim key = {dim->name, 0, 0};
        if (bsearch(&key, binding->named, (size_t)binding->named_count, sizeof key,
                    compare_names) != NULL)
            continue;
        struct name_list names = {"", 0};
        for (int j = 0; j < binding->named_count; j++)
            if (j == 0 || compare_names(&binding->named[j - 1], &binding->named[j]) != 0)
                list_name(&names, binding->named[j].name);
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "the model names no dimension '%.200s'; it names %s", dim->name,
                        binding->named_count == 0 ? "none" : names.text);
    }
    return COP_STATUS_OK;
}

static int64_t *named_size(const struct binding *binding, int index)
{
    const struct named_dim *dim = &binding->named[index];
    return &input_value(binding->graph, dim->input)->shape.dims[dim->axis];
}

/* All dimensions of one name, at `begin` … `end` − 1, are one number. */
static cop_status bind_name(const struct binding *binding, int begin, int end, cop_error *error)
{
    const char *name = binding->named[begin].name;
    int64_t size = COP_UNKNOWN;
    bool is_batch = false;
    for (size_t i = 0; i < binding->given->dim_count; i++)
        if (strcmp(binding->given->dims[i].name, name) == 0)
            size = binding->given->dims[i].value;
    for (int i = begin; i < end; i++) {
        const int64_t known = *named_size(binding, i);
        is_batch |= binding->named[i].axis == 0;
        if (known != COP_UNKNOWN && size != COP_UNKNOWN && known != size)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "dimension '%.200s' cannot be both %" PRId64 " and %" PRId64
                            " (axis %d of input '%.200s')",
                            name, size, known, binding->named[i].axis,
                            input_value(binding->graph, binding->named[i].input)->name);
        if (known != COP_UNKNOWN)
            size = known;
    }
    if (size == COP_UNKNOWN && is_batch)
        size = 1;
    for (int i = begin; i < end; i++)
        *named_size(binding, i) = size;
    return COP_STATUS_OK;
}

static cop_status bind_names(const struct binding *binding, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (int begin = 0, end; begin < binding->named_count && status == COP_STATUS_OK; begin = end) {
        for (end = begin + 1; end < binding->named_count &&
                              compare_names(&binding->named[begin], &binding->named[end]) == 0;)
            end++;
        status = bind_name(binding, begin, end, error);
    }
    return status;
}

/* What is still open: a batch of 1, or the caller's to say; MXNet's inputs are solved later. */
static cop_status close_input(struct graph *graph, int input, cop_error *error)
{
    struct graph_value *value = input_value(graph, input);
    size_t bytes;
    if (value->shape.rank == COP_UNKNOWN && !graph->is_mxnet_shaped)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "input '%.200s' declares no shape: one must be given", value->name);
    if (value->shape.rank > 0 && value->shape.dims[0] == COP_UNKNOWN)
        value->shape.dims[0] = 1;
    for (int i = 1; i < value->shape.rank && !graph->is_mxnet_shaped; i++)
        if (value->shape.dims[i] == COP_UNKNOWN)
            return cop_fail(
                error, COP_STATUS_INVALID_ARGUMENT,
                "input '%.200s' %s leaves dimension %d%s%.100s%s open: it must be given",
                value->name, cop_shape_text(&value->shape).text, i,
                graph->inputs[input].dim_names[i] == NULL ? "" : " ('",
                graph->inputs[input].dim_names[i] == NULL ? "" : graph->inputs[input].dim_names[i],
                graph->inputs[input].dim_names[i] == NULL ? "" : "')");
    if (cop_shape_is_known(&value->shape) && !cop_shape_bytes(&value->shape, value->dtype, &bytes))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "input '%.200s' %s has 2^48 elements or more", value->name,
                        cop_shape_text(&value->shape).text);
    return COP_STATUS_OK;
}

/* What a file declares of results is there to be read: inference knows better, and fails on its own
 * findings only. */
static void forget_declared_results(struct graph *graph)
{
    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].producer >= 0 && graph->values[i].value == NULL)
            graph->values[i].shape = cop_shape_unknown();
}

cop_status cop_graph_bind_inputs(struct graph *graph, const struct graph_bindings *bindings,
                                 cop_error *error)
{
    forget_declared_results(graph);
    graph->is_shaped_by_caller = bindings->shape_count + bindings->dim_count > 0;
    struct binding binding = {
        .graph = graph,
        .given = bindings,
        .is_given = cop_alloc((size_t)graph->input_count, 1),
    };
    if (binding.is_given == NULL)
        return cop_fail_memory(error, "binding inputs", (size_t)graph->input_count);
    cop_status status = COP_STATUS_OK;
    for (size_t i = 0; i < bindings->shape_count && status == COP_STATUS_OK; i++)
        status = bind_shape(&binding, &bindings->shapes[i], error);
    if (status == COP_STATUS_OK)
        status = list_named_dims(&binding, error);
    if (status == COP_STATUS_OK)
        status = check_dims(&binding, error);
    if (status == COP_STATUS_OK)
        status = bind_names(&binding, error);
    for (int i = 0; i < graph->input_count && status == COP_STATUS_OK; i++)
        status = close_input(graph, i, error);
    cop_free(binding.named);
    cop_free(binding.is_given);
    return status;
}
