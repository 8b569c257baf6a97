// SPDX-License-Identifier: Apache-2.0
#include "mxnet/executor/mx_predictor.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

void cop_mx_predictor_destroy(struct mx_predictor *predictor)
{
    if (predictor == NULL)
        return;
    predictor->object.kind = MX_KIND_FREED;
    cop_mx_executor_destroy(predictor->executor);
    cop_mx_predict_model_release(&predictor->model);
    cop_free(predictor->output_shapes);
    cop_free(predictor);
}

static const char *input_name(const struct mx_predict_model *model, size_t input)
{
    return model->order.nodes[model->inputs[input]]->name;
}

/* The shape that the caller states for an input; false: none. */
static bool find_given(const struct mx_given_shapes *given, const char *name, struct shape *shape,
                       cop_status *status, cop_error *error)
{
    *status = COP_STATUS_OK;
    const int i = cop_mx_names_first(&given->names, name);
    if (i < 0)
        return false;
    const uint32_t rank = given->offsets[i + 1] - given->offsets[i];
    if (rank > COP_MAX_RANK) {
        *status = cop_fail(error, COP_STATUS_UNSUPPORTED,
                           "input '%.200s' has %u dimensions, at most %d are supported", name, rank,
                           COP_MAX_RANK);
        return true;
    }
    const bool is_numpy = cop_mx_is_numpy_shape(); /* otherwise 0 stands for unknown */
    if (rank == 0 && !is_numpy)
        return true;
    *shape = (struct shape){.rank = (int)rank};
    for (uint32_t k = 0; k < rank; k++) {
        const int64_t dim = given->dims[given->offsets[i] + k];
        shape->dims[k] = dim == 0 && !is_numpy ? COP_UNKNOWN : dim;
    }
    return true;
}

/* What a predictor is made from. */
struct making {
    const struct mx_predict_model *model;
    const struct mx_given_shapes *given;
    const struct mx_predictor *old; /* NULL: none */
};

static bool is_named(const struct making *making, size_t input)
{
    return cop_mx_names_first(&making->given->names, input_name(making->model, input)) >= 0;
}

/* Weights are shared, and other parameters that the caller does not name as inputs. */
static bool is_shared(const struct making *making, size_t input)
{
    return making->model->parameters[input] != NULL &&
           (cop_mx_program_input_is_parameter(making->model->program, input) ||
            !is_named(making, input));
}

static cop_status give_shape(const struct making *making, size_t input, struct shape *shape,
                             cop_error *error)
{
    const struct mx_array *parameter = making->model->parameters[input];
    const char *name = input_name(making->model, input);
    cop_status status = COP_STATUS_OK;
    const bool is_given = find_given(making->given, name, shape, &status, error);
    if (status != COP_STATUS_OK || parameter == NULL)
        return status;
    if (!is_given || shape->rank == COP_UNKNOWN)
        *shape = parameter->shape;
    const bool may_differ = making->old != NULL && !is_shared(making, input);
    if (may_differ || cop_shape_equal(shape, &parameter->shape))
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "Check failed: operands shape mismatch: '%.200s' is %s among the parameters, "
                    "%s was given",
                    name, cop_shape_text(&parameter->shape).text, cop_shape_text(shape).text);
}

static cop_status give_shapes(const struct making *making, struct mx_shapes *shapes,
                              cop_error *error)
{
    const struct mx_predict_model *model = making->model;
    for (size_t i = 0; i < model->input_count; i++)
        COP_TRY(give_shape(making, i, &shapes->shapes[model->inputs[i]][0], error));
    return cop_mx_shapes_infer(model->symbol, &model->order, NULL, shapes, error);
}

/* What an array of a predictor's own holds before it is set: what the predictor had that this one
 * comes from, unless the input is named anew; or what the parameters have. */
static cop_status fill(const struct making *making, size_t input, struct mx_array *array,
                       cop_error *error)
{
    const struct mx_array *source = making->model->parameters[input];
    if (making->old != NULL)
        source = is_named(making, input) ? NULL : making->old->executor->src[input];
    if (source == NULL || !cop_shape_equal(&source->shape, &array->shape))
        return COP_STATUS_OK;
    return cop_mx_array_copy(source, array, error);
}

/* What is not shared is a predictor's own; zeros, as labels may stay. */
static cop_status make_arrays(const struct making *making, const struct mx_shapes *shapes,
                              struct mx_array **arrays, cop_error *error)
{
    const struct mx_predict_model *model = making->model;
    for (size_t i = 0; i < model->input_count; i++) {
        const struct shape *shape = &shapes->shapes[model->inputs[i]][0];
        if (is_shared(making, i)) {
            COP_TRY(cop_mx_array_share(model->parameters[i], &arrays[i], error));
            continue;
        }
        if (!cop_shape_is_known(shape))
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "Check failed: infer_complete: The shape information of is not enough "
                            "to get the shapes: '%.200s' is %s",
                            input_name(model, i), cop_shape_text(shape).text);
        COP_TRY(
            cop_mx_array_create(shape, model->types[i], model->context, false, &arrays[i], error));
        COP_TRY(fill(making, i, arrays[i], error));
    }
    return COP_STATUS_OK;
}

static cop_status note_shapes(struct mx_predictor *predictor, cop_error *error)
{
    const struct mx_executor *executor = predictor->executor;
    predictor->output_shapes =
        cop_alloc(executor->output_count, COP_MAX_RANK * sizeof *predictor->output_shapes);
    if (predictor->output_shapes == NULL)
        return cop_fail_memory(error, "a predictor's shapes", executor->output_count);
    for (size_t i = 0; i < executor->output_count; i++)
        for (int k = 0; k < executor->outputs[i]->shape.rank; k++)
            predictor->output_shapes[i * COP_MAX_RANK + (size_t)k] =
                (uint32_t)executor->outputs[i]->shape.dims[k];
    return COP_STATUS_OK;
}

static cop_status make(struct mx_predictor *predictor, const struct mx_given_shapes *given,
                       const struct mx_predictor *old, cop_error *error)
{
    const struct mx_predict_model *model = predictor->model;
    const struct making making = {model, given, old};
    struct mx_shapes shapes;
    COP_TRY(cop_mx_shapes_open(&model->order, &shapes, error));
    struct mx_array **arrays = cop_alloc(model->input_count, sizeof *arrays);
    cop_status status = arrays == NULL ? cop_fail_memory(error, "a predictor's arrays", 0)
                                       : give_shapes(&making, &shapes, error);
    if (status == COP_STATUS_OK)
        status = make_arrays(&making, &shapes, arrays, error);
    if (status == COP_STATUS_OK)
        status = cop_mx_executor_create_of(model->symbol, model->context, arrays, model->program,
                                           &predictor->executor, error);
    if (status == COP_STATUS_OK)
        status = note_shapes(predictor, error);
    for (size_t i = 0; arrays != NULL && i < model->input_count; i++)
        cop_mx_array_destroy(arrays[i]);
    cop_free(arrays);
    cop_mx_shapes_close(&shapes);
    return status;
}

cop_status cop_mx_predictor_create(struct mx_predict_model *model,
                                   const struct mx_given_shapes *shapes,
                                   const struct mx_predictor *old, struct mx_predictor **predictor,
                                   cop_error *error)
{
    struct mx_predictor *made = cop_alloc(1, sizeof *made);
    *predictor = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "a predictor", sizeof *made);
    made->object.kind = MX_KIND_PREDICTOR;
    cop_refcount_retain(&model->refs);
    made->model = model;
    const cop_status status = make(made, shapes, old, error);
    if (status == COP_STATUS_OK)
        *predictor = made;
    else
        cop_mx_predictor_destroy(made);
    return status;
}
