// SPDX-License-Identifier: Apache-2.0
#include <mxnet/c_predict_api.h>

#include <string.h>

#include "base/alloc.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/executor/mx_predictor.h"

/* Of one call: more threads than that are a mistake. */
#define MAX_PREDICTORS 65536

/* Checks given shapes and puts their names in order; to be closed with cop_mx_names_close. */
static cop_status check_shapes(struct mx_given_shapes *shapes, cop_error *error)
{
    if (shapes->count > 0 &&
        (shapes->keys == NULL || shapes->offsets == NULL || shapes->dims == NULL))
        return cop_mx_fail_null(shapes->keys == NULL ? "input_keys" : "input_shape_indptr or _data",
                                error);
    for (uint32_t i = 0; i < shapes->count; i++) {
        if (shapes->keys[i] == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "input_keys[%u] is NULL", i);
        if (shapes->offsets[i + 1] < shapes->offsets[i])
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "input_shape_indptr[%u] is %u, after %u: offsets do not decrease",
                            i + 1, shapes->offsets[i + 1], shapes->offsets[i]);
    }
    return cop_mx_names_of(&shapes->names, shapes->keys, shapes->count, error);
}

static cop_status check_source(const struct mx_predict_source *source, cop_error *error)
{
    if (source->symbol_json == NULL)
        return cop_mx_fail_null("symbol_json_str", error);
    if (source->parameter_bytes < 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "param_size is %d",
                        source->parameter_bytes);
    if (source->parameter_bytes > 0 && source->parameters == NULL)
        return cop_mx_fail_null("param_bytes", error);
    if (source->output_count > 0 && source->output_keys == NULL)
        return cop_mx_fail_null("output_keys", error);
    if (source->types.count > 0 && (source->types.names == NULL || source->types.types == NULL))
        return cop_mx_fail_null("provided_arg_dtypes", error);
    return COP_STATUS_OK;
}

/* Makes `count` predictors of one model; none on failure. */
static cop_status create_checked(struct mx_predict_source *source,
                                 const struct mx_given_shapes *shapes, int count,
                                 PredictorHandle *out, cop_error *error)
{
    struct mx_predict_model *model = NULL;
    int made = 0;
    struct mx_predictor **predictors = cop_alloc((size_t)count, sizeof *predictors);
    if (predictors == NULL)
        return cop_fail_memory(error, "predictors", (size_t)count * sizeof *predictors);
    cop_status status = cop_mx_predict_model_create(source, shapes, &model, error);
    while (made < count && status == COP_STATUS_OK) {
        status = cop_mx_predictor_create(model, shapes, NULL, &predictors[made], error);
        made += status == COP_STATUS_OK;
    }
    for (int i = 0; i < made; i++)
        if (status == COP_STATUS_OK)
            out[i] = predictors[i];
        else
            cop_mx_predictor_destroy(predictors[i]);
    cop_mx_predict_model_release(&model);
    cop_free(predictors);
    return status;
}

static cop_status create(struct mx_predict_source *source, int dev_type, int dev_id,
                         struct mx_given_shapes *shapes, int count, PredictorHandle *out,
                         cop_error *error)
{
    if (out == NULL)
        return cop_mx_fail_null("out", error);
    if (count < 1 || count > MAX_PREDICTORS)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "num_threads is %d, not 1 to %d", count,
                        MAX_PREDICTORS);
    COP_TRY(check_source(source, error));
    COP_TRY(cop_mx_context_make(dev_type, dev_id, &source->context, error));
    cop_status status = check_shapes(shapes, error);
    if (status == COP_STATUS_OK)
        status = create_checked(source, shapes, count, out, error);
    cop_mx_names_close(&shapes->names);
    return status;
}

int MXPredCreate(const char *symbol_json_str, const void *param_bytes, int param_size, int dev_type,
                 int dev_id, uint32_t num_input_nodes, const char **input_keys,
                 const uint32_t *input_shape_indptr, const uint32_t *input_shape_data,
                 PredictorHandle *out)
{
    return MXPredCreatePartialOut(symbol_json_str, param_bytes, param_size, dev_type, dev_id,
                                  num_input_nodes, input_keys, input_shape_indptr, input_shape_data,
                                  0, NULL, out);
}

int MXPredCreateEx(const char *symbol_json_str, const void *param_bytes, int param_size,
                   int dev_type, int dev_id, const uint32_t num_input_nodes,
                   const char **input_keys, const uint32_t *input_shape_indptr,
                   const uint32_t *input_shape_data, const uint32_t num_provided_arg_dtypes,
                   const char **provided_arg_dtype_names, const int *provided_arg_dtypes,
                   PredictorHandle *out)
{
    cop_error error;
    struct mx_predict_source source = {
        .symbol_json = symbol_json_str,
        .parameters = param_bytes,
        .parameter_bytes = param_size,
        .types = {num_provided_arg_dtypes, provided_arg_dtype_names, provided_arg_dtypes},
    };
    struct mx_given_shapes shapes = {num_input_nodes,
                                     (const char *const *)input_keys,
                                     input_shape_indptr,
                                     input_shape_data,
                                     {NULL, 0}};
    return cop_mx_end(create(&source, dev_type, dev_id, &shapes, 1, out, &error), &error);
}

int MXPredCreatePartialOut(const char *symbol_json_str, const void *param_bytes, int param_size,
                           int dev_type, int dev_id, uint32_t num_input_nodes,
                           const char **input_keys, const uint32_t *input_shape_indptr,
                           const uint32_t *input_shape_data, uint32_t num_output_nodes,
                           const char **output_keys, PredictorHandle *out)
{
    cop_error error;
    struct mx_predict_source source = {
        .symbol_json = symbol_json_str,
        .parameters = param_bytes,
        .parameter_bytes = param_size,
        .output_count = num_output_nodes,
        .output_keys = output_keys,
    };
    struct mx_given_shapes shapes = {num_input_nodes,
                                     (const char *const *)input_keys,
                                     input_shape_indptr,
                                     input_shape_data,
                                     {NULL, 0}};
    return cop_mx_end(create(&source, dev_type, dev_id, &shapes, 1, out, &error), &error);
}

int MXPredCreateMultiThread(const char *symbol_json_str, const void *param_bytes, int param_size,
                            int dev_type, int dev_id, uint32_t num_input_nodes,
                            const char **input_keys, const uint32_t *input_shape_indptr,
                            const uint32_t *input_shape_data, int num_threads, PredictorHandle *out)
{
    cop_error error;
    struct mx_predict_source source = {
        .symbol_json = symbol_json_str, .parameters = param_bytes, .parameter_bytes = param_size};
    struct mx_given_shapes shapes = {num_input_nodes,
                                     (const char *const *)input_keys,
                                     input_shape_indptr,
                                     input_shape_data,
                                     {NULL, 0}};
    return cop_mx_end(create(&source, dev_type, dev_id, &shapes, num_threads, out, &error), &error);
}

static cop_status find(PredictorHandle handle, struct mx_predictor **predictor, cop_error *error)
{
    *predictor = handle;
    return cop_mx_check_handle(handle, MX_KIND_PREDICTOR, "handle", error);
}

static cop_status reshape(struct mx_given_shapes *shapes, PredictorHandle handle,
                          PredictorHandle *out, cop_error *error)
{
    struct mx_predictor *predictor, *made;
    COP_TRY(find(handle, &predictor, error));
    COP_MX_REQUIRE(out);
    cop_status status = check_shapes(shapes, error);
    if (status == COP_STATUS_OK)
        status = cop_mx_predictor_create(predictor->model, shapes, predictor, &made, error);
    if (status == COP_STATUS_OK)
        *out = made;
    cop_mx_names_close(&shapes->names);
    return status;
}

int MXPredReshape(uint32_t num_input_nodes, const char **input_keys,
                  const uint32_t *input_shape_indptr, const uint32_t *input_shape_data,
                  PredictorHandle handle, PredictorHandle *out)
{
    cop_error error;
    struct mx_given_shapes shapes = {num_input_nodes,
                                     (const char *const *)input_keys,
                                     input_shape_indptr,
                                     input_shape_data,
                                     {NULL, 0}};
    return cop_mx_end(reshape(&shapes, handle, out, &error), &error);
}

static cop_status find_output(PredictorHandle handle, uint32_t index,
                              const struct mx_array **output, cop_error *error)
{
    struct mx_predictor *predictor;
    COP_TRY(find(handle, &predictor, error));
    const size_t count = predictor->executor->output_count;
    if (index >= count)
        return cop_fail(
            error, COP_STATUS_INVALID_ARGUMENT,
            "Check failed: index < out_arrays.size() (%u vs. %zu) : Index exceed number "
            "of outputs, Output index out of range",
            index, count);
    *output = predictor->executor->outputs[index];
    return COP_STATUS_OK;
}

static cop_status get_shape(PredictorHandle handle, uint32_t index, uint32_t **shape_data,
                            uint32_t *shape_ndim, cop_error *error)
{
    const struct mx_array *output;
    COP_TRY(find_output(handle, index, &output, error));
    COP_MX_REQUIRE(shape_data);
    COP_MX_REQUIRE(shape_ndim);
    const struct mx_predictor *predictor = handle;
    *shape_data = &predictor->output_shapes[(size_t)index * COP_MAX_RANK];
    *shape_ndim = (uint32_t)output->shape.rank;
    return COP_STATUS_OK;
}

int MXPredGetOutputShape(PredictorHandle handle, uint32_t index, uint32_t **shape_data,
                         uint32_t *shape_ndim)
{
    cop_error error;
    return cop_mx_end(get_shape(handle, index, shape_data, shape_ndim, &error), &error);
}

int MXPredGetOutputType(PredictorHandle handle, uint32_t out_index, int *out_dtype)
{
    cop_error error;
    const struct mx_array *output;
    cop_status status = find_output(handle, out_index, &output, &error);
    if (status == COP_STATUS_OK && out_dtype == NULL)
        status = cop_mx_fail_null("out_dtype", &error);
    if (status == COP_STATUS_OK)
        *out_dtype = output->type;
    return cop_mx_end(status, &error);
}

static cop_status set_input(PredictorHandle handle, const char *key, const float *data,
                            uint32_t size, cop_error *error)
{
    struct mx_predictor *predictor;
    COP_TRY(find(handle, &predictor, error));
    COP_MX_REQUIRE(key);
    if (size > 0)
        COP_MX_REQUIRE(data);
    const struct mx_predict_model *model = predictor->model;
    size_t count, set = 0;
    const struct mx_name *found = cop_mx_names_find(&model->names, key, &count);
    for (size_t i = 0; found != NULL && i < count; i++) {
        const int input = found[i].index;
        if (model->is_auxiliary[input])
            continue;
        COP_TRY(cop_mx_array_write(predictor->executor->src[input], data, size, error));
        set++;
    }
    if (set > 0)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "cannot find input key %.200s", key);
}

int MXPredSetInput(PredictorHandle handle, const char *key, const float *data, uint32_t size)
{
    cop_error error;
    return cop_mx_end(set_input(handle, key, data, size, &error), &error);
}

static cop_status forward(PredictorHandle handle, cop_error *error)
{
    struct mx_predictor *predictor;
    COP_TRY(find(handle, &predictor, error));
    return cop_mx_executor_forward(predictor->executor, false, error);
}

int MXPredForward(PredictorHandle handle)
{
    cop_error error;
    return cop_mx_end(forward(handle, &error), &error);
}

int MXPredPartialForward(PredictorHandle handle, int step, int *step_left)
{
    cop_error error;
    cop_status status = step_left == NULL ? cop_mx_fail_null("step_left", &error) : COP_STATUS_OK;
    if (status == COP_STATUS_OK && step < 0)
        status = cop_fail(&error, COP_STATUS_INVALID_ARGUMENT, "step is %d", step);
    if (status == COP_STATUS_OK) /* everything in the first step, nothing is left then */
        status = step == 0 ? forward(handle, &error)
                           : cop_mx_check_handle(handle, MX_KIND_PREDICTOR, "handle", &error);
    if (status == COP_STATUS_OK)
        *step_left = 0;
    return cop_mx_end(status, &error);
}

static cop_status get_output(PredictorHandle handle, uint32_t index, float *data, uint32_t size,
                             cop_error *error)
{
    const struct mx_array *output;
    COP_TRY(find_output(handle, index, &output, error));
    if (size > 0)
        COP_MX_REQUIRE(data);
    return cop_mx_array_read(output, data, size, error);
}

int MXPredGetOutput(PredictorHandle handle, uint32_t index, float *data, uint32_t size)
{
    cop_error error;
    return cop_mx_end(get_output(handle, index, data, size, &error), &error);
}

int MXPredFree(PredictorHandle handle)
{
    cop_error error;
    struct mx_predictor *predictor;
    if (handle == NULL)
        return 0;
    const cop_status status = find(handle, &predictor, &error);
    if (status == COP_STATUS_OK)
        cop_mx_predictor_destroy(predictor);
    return cop_mx_end(status, &error);
}

int MXPredSetMonitorCallback(PredictorHandle handle, PredMonitorCallback callback,
                             void *callback_handle, bool monitor_all)
{
    cop_error error;
    struct mx_predictor *predictor;
    const struct mx_monitor_callback made = {
        .with_user = callback, .user = callback_handle, .monitor_all = monitor_all};
    cop_status status = find(handle, &predictor, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_executor_set_monitor(predictor->executor, &made, &error);
    return cop_mx_end(status, &error);
}
