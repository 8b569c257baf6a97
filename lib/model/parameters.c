// SPDX-License-Identifier: Apache-2.0
/* Which constants of a model have names, and which of them may get other elements. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/model.h"

static bool is_named(const struct graph_value *value)
{
    return value->constant != NULL && value->constant->parameter >= 0 && value->name[0] != '\0';
}

/* By name, then as the file has them. */
static int compare_names(const void *a, const void *b, void *user)
{
    const struct graph *graph = user;
    const int first = *(const int *)a, second = *(const int *)b;
    const int order = strcmp(graph->values[first].name, graph->values[second].name);
    return order != 0 ? order : first - second;
}

static int compare_places(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Where the constants of one name end that begin at `first`. */
static int end_of_name(const struct graph *graph, const struct model_parameters *parameters,
                       int first)
{
    const char *name = graph->values[parameters->named[first]].name;
    int end = first + 1;
    while (end < parameters->named_count &&
           strcmp(graph->values[parameters->named[end]].name, name) == 0)
        end++;
    return end;
}

cop_status cop_model_parameters_create(struct graph *graph, struct model_parameters *parameters,
                                       cop_error *error)
{
    int count = 0;
    *parameters = (struct model_parameters){0};
    for (int i = 0; i < graph->value_count; i++)
        count += is_named(&graph->values[i]);
    parameters->named = cop_alloc((size_t)count, sizeof(int));
    parameters->listed = cop_alloc((size_t)count, sizeof(int));
    if (parameters->named == NULL || parameters->listed == NULL) {
        cop_model_parameters_free(parameters);
        return cop_fail_memory(error, "parameters of the model", (size_t)count * sizeof(int));
    }
    for (int i = 0; i < graph->value_count; i++)
        if (is_named(&graph->values[i]))
            parameters->named[parameters->named_count++] = i;
    qsort_r(parameters->named, (size_t)count, sizeof(int), compare_names, graph);
    for (int i = 0, end; i < count; i = end) {
        bool is_read = false;
        end = end_of_name(graph, parameters, i);
        for (int k = i; k < end; k++)
            is_read |= graph->values[parameters->named[k]].constant->is_read;
        if (!is_read)
            parameters->listed[parameters->listed_count++] = parameters->named[i];
    }
    qsort(parameters->listed, (size_t)parameters->listed_count, sizeof(int), compare_places);
    return COP_STATUS_OK;
}

void cop_model_parameters_free(struct model_parameters *parameters)
{
    cop_free(parameters->named);
    cop_free(parameters->listed);
    *parameters = (struct model_parameters){0};
}

const int *cop_model_parameters_find(const struct cop_model *model, const char *name, int *count)
{
    const struct model_parameters *parameters = &model->parameters;
    int first = 0, end = parameters->named_count;
    while (first < end) {
        const int middle = first + (end - first) / 2;
        if (strcmp(model->graph->values[parameters->named[middle]].name, name) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    *count = 0;
    if (first < parameters->named_count &&
        strcmp(model->graph->values[parameters->named[first]].name, name) == 0)
        *count = end_of_name(model->graph, parameters, first) - first;
    return parameters->named + first;
}
