// SPDX-License-Identifier: Apache-2.0
#include <cachedop/weights.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "runtime/contexts/live_weights.h"
#include "runtime/storage.h"

size_t cop_model_parameter_count(const cop_model *model)
{
    return model == NULL ? 0 : (size_t)model->parameters.listed_count;
}

cop_status cop_model_parameter(const cop_model *model, size_t index, cop_tensor_desc *desc,
                               cop_error *error)
{
    if (model == NULL || desc == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "parameter: %s is NULL",
                        model == NULL ? "the model" : "the description");
    if (index >= cop_model_parameter_count(model))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "parameter %zu: the model has %d",
                        index, model->parameters.listed_count);
    const struct graph_value *value = &model->graph->values[model->parameters.listed[index]];
    *desc =
        (cop_tensor_desc){.name = value->name, .dtype = value->dtype, .rank = value->shape.rank};
    memcpy(desc->shape, value->shape.dims, (size_t)desc->rank * sizeof *desc->shape);
    return cop_ok(error);
}

/* A constant of the model and what it is to become. */
struct change {
    int parameter;
    const cop_parameter_value *value;
};

static cop_status check_value(const struct cop_model *model, const cop_parameter_value *value,
                              size_t index, int *count, cop_error *error)
{
    if (value->name == NULL || value->array == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "value %zu: %s is NULL", index,
                        value->name == NULL ? "name" : "array");
    const int *found = cop_model_parameters_find(model, value->name, count);
    if (*count == 0)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "the model has no parameter '%s'",
                        value->name);
    for (int i = 0; i < *count; i++) {
        const struct graph_value *described = &model->graph->values[found[i]];
        if (described->constant->is_read)
            return cop_fail_read_parameter(model, found[i], "loaded", error);
        const struct shape shape = cop_shape_of(value->array->rank, value->array->shape);
        if (described->dtype != value->array->dtype)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "parameter '%s' is %s, the array given for it is %s", value->name,
                            cop_dtype_name(described->dtype), cop_dtype_name(value->array->dtype));
        if (!cop_shape_equal(&described->shape, &shape))
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "parameter '%s' has the shape %s, the array given for it %s",
                            value->name, cop_shape_text(&described->shape).text,
                            cop_shape_text(&shape).text);
    }
    if (value->array->storage->memory_kind == MEMORY_DEVICE)
        return cop_fail(
            error, COP_STATUS_INVALID_ARGUMENT,
            "parameter '%s': its array lies in memory of a GPU, where it cannot be read",
            value->name);
    return COP_STATUS_OK;
}

/* Bytes that are no bool would be refused in a file, too. */
static cop_status check_elements(const cop_parameter_value *value, cop_error *error)
{
    for (size_t i = 0; value->array->dtype == COP_DTYPE_BOOL && i < value->array->bytes; i++)
        if (value->array->elements[i] > 1)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "parameter '%s': element %zu is %d, which is no bool", value->name, i,
                            value->array->elements[i]);
    return COP_STATUS_OK;
}

/* A private copy of the elements. */
static cop_status copy_elements(const struct change *change, struct overlay_entry *entry,
                                cop_error *error)
{
    const cop_parameter_value *value = change->value;
    cop_status status = cop_ndarray_wait(value->array, COP_NO_TIMEOUT, NULL, error);
    if (status == COP_STATUS_OK)
        status = check_elements(value, error);
    entry->parameter = change->parameter;
    const cop_bytes bytes = {.data = value->array->elements, .size = value->array->bytes};
    return status == COP_STATUS_OK
               ? cop_source_from_bytes(&bytes, value->name, &entry->source, error)
               : status;
}

static int compare_changes(const void *a, const void *b)
{
    return ((const struct change *)a)->parameter - ((const struct change *)b)->parameter;
}

/* In the order of the model; a parameter that is there twice was named twice. */
static cop_status sort_changes(struct change *changes, size_t count, cop_error *error)
{
    qsort(changes, count, sizeof *changes, compare_changes);
    for (size_t i = 1; i < count; i++)
        if (changes[i].parameter == changes[i - 1].parameter)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "parameter '%s' is given twice",
                            changes[i].value->name);
    return COP_STATUS_OK;
}

/* Checks all values and lists what they change; `changes` is to be freed. */
static cop_status find_changes(const struct cop_model *model, const cop_parameter_value *values,
                               size_t count, struct change **changes, size_t *change_count,
                               cop_error *error)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        int constants = 0;
        const cop_status status = check_value(model, &values[i], i, &constants, error);
        if (status != COP_STATUS_OK)
            return status;
        most += (size_t)constants;
    }
    *changes = cop_alloc(most, sizeof **changes);
    if (*changes == NULL)
        return cop_fail_memory(error, "weight update", most * sizeof **changes);
    for (size_t i = 0; i < count; i++) {
        int constants;
        const int *found = cop_model_parameters_find(model, values[i].name, &constants);
        for (int k = 0; k < constants; k++)
            (*changes)[(*change_count)++] = (struct change){found[k], &values[i]};
    }
    return sort_changes(*changes, *change_count, error);
}

/* Waits for the arrays, copies them and puts them in force. */
static cop_status apply(struct cop_model *model, const struct change *changes, size_t count,
                        cop_error *error)
{
    struct live_weights *live;
    cop_status status = cop_live_weights_find(model, &live, error);
    struct overlay_entry *entries = cop_alloc(count, sizeof *entries);
    if (status == COP_STATUS_OK && entries == NULL)
        status = cop_fail_memory(error, "weight update", count * sizeof *entries);
    for (size_t i = 0; i < count && status == COP_STATUS_OK; i++)
        status = copy_elements(&changes[i], &entries[i], error);
    if (status == COP_STATUS_OK)
        status = cop_live_weights_update(live, model, entries, (int)count, error);
    for (size_t i = 0; i < count && entries != NULL; i++)
        cop_source_release(&entries[i].source);
    cop_free(entries);
    return status;
}

cop_status cop_model_update_weights(cop_model *model, const cop_parameter_value *values,
                                    size_t count, cop_error *error)
{
    if (model == NULL || (values == NULL && count > 0))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "update: %s NULL",
                        model == NULL ? "the model is" : "the values are");
    struct change *changes = NULL;
    size_t change_count = 0;
    cop_status status = COP_STATUS_OK;
    if (count > 0)
        status = find_changes(model, values, count, &changes, &change_count, error);
    if (status == COP_STATUS_OK && count > 0)
        status = apply(model, changes, change_count, error);
    cop_free(changes);
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}
