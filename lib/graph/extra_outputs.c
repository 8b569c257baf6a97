// SPDX-License-Identifier: Apache-2.0
/* Values inside a graph that become outputs, by name. */
#include <string.h>

#include "base/error.h"
#include "graph/graph.h"

/* The value of exactly this name; of several, such as an input and its conversion, the last, which
 * is what nodes read. */
static int find_value(const struct graph *graph, const char *name, size_t length)
{
    for (int i = graph->value_count - 1; i >= 0 && length > 0; i--) {
        const char *value = graph->values[i].name;
        if (strncmp(value, name, length) == 0 && value[length] == '\0')
            return i;
    }
    return COP_NO_VALUE;
}

/*
 * MXNet calls the outputs of node "n" "n_output", or "n_output0" … where there are several. Its
 * importer calls their values "n", or "n/output0" ….
 */
static int find_mxnet_output(const struct graph *graph, const char *name)
{
    static const char suffix[] = "_output";
    const char *end = name + strlen(name);
    const char *digits = end;
    char part[256];
    while (digits > name && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    if ((size_t)(digits - name) < sizeof suffix || (size_t)(end - name) >= sizeof part ||
        strncmp(digits - (sizeof suffix - 1), suffix, sizeof suffix - 1) != 0)
        return COP_NO_VALUE;
    const size_t node_length = (size_t)(digits - name) - (sizeof suffix - 1);
    memcpy(part, name, (size_t)(end - name) + 1);
    part[node_length] = '/';
    const int of_several =
        *digits == '\0' ? COP_NO_VALUE : find_value(graph, part, (size_t)(end - name));
    if (of_several != COP_NO_VALUE)
        return of_several;
    const bool is_first = *digits == '\0' || strcmp(digits, "0") == 0;
    return is_first ? find_value(graph, name, node_length) : COP_NO_VALUE;
}

static size_t common_prefix(const char *a, const char *b)
{
    size_t length = 0;
    while (a[length] != '\0' && a[length] == b[length])
        length++;
    return length;
}

/* How much of two names is alike, at their beginnings and their ends. */
static size_t likeness(const char *a, const char *b)
{
    const size_t a_length = strlen(a), b_length = strlen(b);
    const size_t shorter = a_length < b_length ? a_length : b_length;
    const size_t begin = common_prefix(a, b);
    size_t end = 0;
    while (end < shorter - begin && a[a_length - end - 1] == b[b_length - end - 1])
        end++;
    return begin + end;
}

static cop_status fail_unknown(const struct graph *graph, const char *name, cop_error *error)
{
    const char *nearest = "";
    size_t best = 0;
    for (int i = 0; i < graph->value_count; i++) {
        const size_t alike = likeness(graph->values[i].name, name);
        if (alike > best) {
            best = alike;
            nearest = graph->values[i].name;
        }
    }
    return cop_fail(
        error, COP_STATUS_NOT_FOUND,
        "extra output '%.200s': the model has no value of this name%s%.200s%s; the plan "
        "of an operator made with keep_graph, printed as JSON, lists them",
        name, best == 0 ? "" : "; the nearest is '", nearest, best == 0 ? "" : "'");
}

static cop_status check_unused(const struct graph *graph, const char *name, int value,
                               cop_error *error)
{
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value || strcmp(graph->output_names[i], name) == 0)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "extra output '%.200s' is output %d already, as '%.200s'", name, i,
                            graph->output_names[i]);
    return COP_STATUS_OK;
}

cop_status cop_graph_add_extra_outputs(struct graph *graph, const char *const *names, size_t count,
                                       cop_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i] == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "extra output %zu: its name is NULL", i);
        int value = find_value(graph, names[i], strlen(names[i]));
        if (value == COP_NO_VALUE && graph->is_mxnet_shaped)
            value = find_mxnet_output(graph, names[i]);
        cop_status status = check_unused(graph, names[i], value, error);
        if (status == COP_STATUS_OK && value == COP_NO_VALUE)
            status = fail_unknown(graph, names[i], error);
        if (status != COP_STATUS_OK)
            return status;
        if (cop_graph_add_output(graph, value, names[i], error) < 0)
            return COP_STATUS_OUT_OF_MEMORY;
    }
    return COP_STATUS_OK;
}
