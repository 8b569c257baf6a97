// SPDX-License-Identifier: Apache-2.0
/* From bytes to what predictors share. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "mxnet/executor/mx_predictor.h"
#include "mxnet/run/mx_program.h"

void cop_mx_predict_model_release(struct mx_predict_model **model)
{
    struct mx_predict_model *old = *model;
    *model = NULL;
    if (old == NULL || !cop_refcount_release(&old->refs))
        return;
    cop_mx_program_release(&old->program);
    for (size_t i = 0; old->parameters != NULL && i < old->input_count; i++)
        cop_mx_array_destroy(old->parameters[i]);
    cop_free(old->parameters);
    cop_free(old->types);
    cop_free(old->is_auxiliary);
    cop_mx_names_close(&old->names);
    cop_free(old->inputs);
    cop_mx_order_free(&old->order);
    cop_mx_symbol_destroy(old->symbol);
    cop_free(old);
}

/* The output that is called `name`, of all internal ones; NULL: there is none. */
static cop_status find_internal(const struct mx_symbol *internals, const char *name,
                                struct mx_symbol **output, cop_error *error)
{
    for (int i = 0; i < internals->output_count; i++) {
        char *own = cop_mx_entry_name(internals->outputs[i].node, internals->outputs[i].index);
        if (own == NULL)
            return cop_fail_memory(error, "the names of outputs", strlen(name));
        const bool is_it = strcmp(own, name) == 0;
        cop_free(own);
        if (is_it)
            return cop_mx_symbol_output(internals, (size_t)i, output, error);
    }
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "didn't find node name: %.200s", name);
}

static cop_status find_key(const struct mx_symbol *internals, const char *key,
                           struct mx_symbol **output, cop_error *error)
{
    struct text name = {0};
    if (key == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "a key of output_keys is NULL");
    cop_text_add(&name, "%s_output", key);
    const cop_status status = name.failed
                                  ? cop_fail_memory(error, "the names of outputs", strlen(key))
                                  : find_internal(internals, name.bytes, output, error);
    cop_text_free(&name);
    return status;
}

/* Makes `*symbol` one of some internal outputs. */
static cop_status choose_outputs(const struct mx_predict_source *source, struct mx_symbol **symbol,
                                 cop_error *error)
{
    struct mx_symbol *internals, *chosen = NULL;
    if (source->output_count == 0)
        return COP_STATUS_OK;
    COP_TRY(cop_mx_symbol_internals(*symbol, &internals, error));
    struct mx_symbol **outputs = cop_alloc(source->output_count, sizeof *outputs);
    cop_status status = outputs == NULL ? cop_fail_memory(error, "the outputs", 0) : COP_STATUS_OK;
    for (uint32_t i = 0; i < source->output_count && status == COP_STATUS_OK; i++)
        status = find_key(internals, source->output_keys[i], &outputs[i], error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_create_group(outputs, source->output_count, &chosen, error);
    for (uint32_t i = 0; outputs != NULL && i < source->output_count; i++)
        cop_mx_symbol_destroy(outputs[i]);
    cop_free(outputs);
    cop_mx_symbol_destroy(internals);
    if (status == COP_STATUS_OK) {
        cop_mx_symbol_destroy(*symbol);
        *symbol = chosen;
    }
    return status;
}

static cop_status sort_inputs(struct mx_predict_model *model, cop_error *error)
{
    COP_TRY(cop_mx_names_open(&model->names, model->input_count, error));
    for (size_t i = 0; i < model->input_count; i++)
        cop_mx_names_add(&model->names, model->order.nodes[model->inputs[i]]->name, (int)i);
    cop_mx_names_sort(&model->names);
    return COP_STATUS_OK;
}

static cop_status list_inputs(struct mx_predict_model *model, cop_error *error)
{
    int *auxiliary;
    size_t auxiliary_count, next = 0;
    const struct mx_order *order = &model->order;
    COP_TRY(cop_mx_order_inputs(order, MX_INPUTS_ALL, &model->inputs, &model->input_count, error));
    const size_t count = model->input_count;
    model->is_auxiliary = cop_alloc(count, sizeof *model->is_auxiliary);
    model->parameters = cop_alloc(count, sizeof *model->parameters);
    model->types = cop_alloc(count, sizeof *model->types);
    if (model->is_auxiliary == NULL || model->parameters == NULL || model->types == NULL)
        return cop_fail_memory(error, "a predictor's inputs", count * sizeof *model->parameters);
    COP_TRY(cop_mx_order_inputs(order, MX_INPUTS_AUXILIARY, &auxiliary, &auxiliary_count, error));
    for (size_t i = 0; i < count; i++) {
        model->is_auxiliary[i] = next < auxiliary_count && auxiliary[next] == model->inputs[i];
        next += model->is_auxiliary[i];
    }
    cop_free(auxiliary);
    return sort_inputs(model, error);
}

/* To where the predictor runs: the arrays of the list are the process's. */
static cop_status place(struct mx_array *array, struct mx_context context, struct mx_array **placed,
                        cop_error *error)
{
    if (!cop_mx_context_is_gpu(context)) {
        cop_ndarray *view;
        COP_TRY(cop_mx_array_open(array, &view, error));
        array->chunk->context = context; /* nobody else has seen it */
        *placed = array;
        return COP_STATUS_OK;
    }
    COP_TRY(cop_mx_array_create(&array->shape, array->type, context, true, placed, error));
    const cop_status status = cop_mx_array_copy(array, *placed, error);
    if (status != COP_STATUS_OK) {
        cop_mx_array_destroy(*placed);
        *placed = NULL;
    } else {
        cop_mx_array_destroy(array);
    }
    return status;
}

/* Takes an array of the list for all inputs of the name. */
static cop_status take_parameter(struct mx_predict_model *model, const char *name,
                                 bool is_auxiliary, struct mx_array **listed, cop_error *error)
{
    size_t count;
    const struct mx_name *found = cop_mx_names_find(&model->names, name, &count);
    struct mx_array *placed = NULL;
    for (size_t i = 0; found != NULL && i < count; i++) {
        const int input = found[i].index;
        if (model->is_auxiliary[input] != is_auxiliary)
            continue;
        cop_mx_array_destroy(model->parameters[input]); /* of two of one name the last counts */
        model->parameters[input] = NULL;
        if (placed != NULL) {
            COP_TRY(cop_mx_array_share(placed, &model->parameters[input], error));
            continue;
        }
        COP_TRY(place(*listed, model->context, &model->parameters[input], error));
        *listed = NULL;
        placed = model->parameters[input];
    }
    return COP_STATUS_OK;
}

/* Takes those that the symbol has a use for out of the list. */
static cop_status take_parameters(struct mx_predict_model *model, struct mx_array_list *list,
                                  cop_error *error)
{
    if (list->names == NULL && list->count > 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: Invalid param file format: arrays without names");
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->names[i];
        const bool is_auxiliary = strncmp(name, "aux:", 4) == 0;
        if (!is_auxiliary && strncmp(name, "arg:", 4) != 0)
            continue;
        if (list->arrays[i] != NULL && !cop_mx_array_is_none(list->arrays[i]))
            COP_TRY(take_parameter(model, name + 4, is_auxiliary, &list->arrays[i], error));
    }
    return COP_STATUS_OK;
}

static bool is_given(const struct mx_given_shapes *shapes, const char *name)
{
    return cop_mx_names_first(&shapes->names, name) >= 0;
}

/* A weight that the file does not have would be anything: says which are missing. */
static cop_status check_missing(const struct mx_predict_model *model,
                                const struct mx_given_shapes *shapes, cop_error *error)
{
    struct text missing = {0};
    int count = 0;
    for (size_t i = 0; i < model->input_count; i++) {
        const char *name = model->order.nodes[model->inputs[i]]->name;
        if (model->parameters[i] != NULL || is_given(shapes, name) ||
            !cop_mx_program_input_is_parameter(model->program, i))
            continue;
        if (count++ < 16)
            cop_text_add(&missing, "%s%.100s", count == 1 ? "" : ", ", name);
    }
    cop_status status = COP_STATUS_OK;
    if (count > 0)
        status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                          "%d parameters are not among those given: %s%s", count,
                          missing.failed ? "" : missing.bytes, count > 16 ? ", …" : "");
    cop_text_free(&missing);
    return status;
}

static cop_status give_types(struct mx_predict_model *model, const struct mx_given_types *given,
                             cop_error *error)
{
    for (uint32_t k = 0; k < given->count; k++) {
        if (given->names[k] == NULL || !cop_mx_type_is_one(given->types[k]))
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "provided type %u: '%.100s' of type %d", k,
                            given->names[k] == NULL ? "(NULL)" : given->names[k], given->types[k]);
        size_t count;
        const struct mx_name *found = cop_mx_names_find(&model->names, given->names[k], &count);
        for (size_t i = 0; found != NULL && i < count; i++)
            if (model->parameters[found[i].index] == NULL)
                model->types[found[i].index] = given->types[k];
    }
    return COP_STATUS_OK;
}

/*
 * Inputs that the caller names and gives no type are float32, as what is set is a list of floats;
 * of the others, such as labels, the type follows from the rest.
 */
static cop_status find_types(struct mx_predict_model *model, const struct mx_given_types *given,
                             const struct mx_given_shapes *shapes, cop_error *error)
{
    struct mx_types types;
    for (size_t i = 0; i < model->input_count; i++) {
        const bool is_set = is_given(shapes, model->order.nodes[model->inputs[i]]->name);
        model->types[i] = model->parameters[i] != NULL ? model->parameters[i]->type
                          : is_set                     ? MX_FLOAT32
                                                       : MX_TYPE_NONE;
    }
    COP_TRY(give_types(model, given, error));
    cop_status status = cop_mx_types_open(&model->order, &types, error);
    for (size_t i = 0; i < model->input_count && status == COP_STATUS_OK; i++)
        types.types[model->inputs[i]][0] = model->types[i];
    if (status == COP_STATUS_OK)
        status = cop_mx_types_infer(&model->order, &types, error);
    for (size_t i = 0; i < model->input_count && status == COP_STATUS_OK; i++) {
        const int type = types.types[model->inputs[i]][0];
        model->types[i] = type == MX_TYPE_NONE ? MX_FLOAT32 : type;
    }
    cop_mx_types_close(&types);
    return status;
}

static cop_status make(const struct mx_predict_source *source, const struct mx_given_shapes *shapes,
                       struct mx_predict_model *model, cop_error *error)
{
    struct mx_array_list list = {.arrays = NULL};
    COP_TRY(cop_mx_symbol_read(source->symbol_json, strlen(source->symbol_json), "symbol_json_str",
                               &model->symbol, error));
    COP_TRY(choose_outputs(source, &model->symbol, error));
    COP_TRY(cop_mx_symbol_order(model->symbol, &model->order, error));
    COP_TRY(list_inputs(model, error));
    COP_TRY(cop_mx_program_create(model->symbol, NULL, &model->program, error));
    if (source->parameter_bytes > 0)
        COP_TRY(cop_mx_array_list_read(source->parameters, (size_t)source->parameter_bytes, &list,
                                       error));
    const cop_status status = take_parameters(model, &list, error);
    cop_mx_array_list_free(&list);
    if (status != COP_STATUS_OK)
        return status;
    COP_TRY(check_missing(model, shapes, error));
    return find_types(model, &source->types, shapes, error);
}

cop_status cop_mx_predict_model_create(const struct mx_predict_source *source,
                                       const struct mx_given_shapes *shapes,
                                       struct mx_predict_model **model, cop_error *error)
{
    struct mx_predict_model *made = cop_alloc(1, sizeof *made);
    *model = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "a predictor", sizeof *made);
    cop_refcount_init(&made->refs);
    made->context = source->context;
    const cop_status status = make(source, shapes, made, error);
    if (status == COP_STATUS_OK)
        *model = made;
    else
        cop_mx_predict_model_release(&made);
    return status;
}
