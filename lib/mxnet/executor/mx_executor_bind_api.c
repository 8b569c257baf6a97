// SPDX-License-Identifier: Apache-2.0
/* Exported functions that make executors together with their arrays: for shapes of inputs, or from
 * an executor for other shapes. */
#include <mxnet/c_api/executor.h>

#include <string.h>

#include "base/alloc.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_returns.h"
#include "mxnet/executor/mx_binding_shapes.h"
#include "mxnet/executor/mx_executor.h"
#include "mxnet/executor/mx_shared_buffer.h"

/* Where the lists of arrays go. */
struct returned_arrays {
    uint32_t *argument_count, *auxiliary_count;
    NDArrayHandle **arguments, **gradients, **auxiliaries;
};

static cop_status check_returned(const struct returned_arrays *returned, cop_error *error)
{
    if (returned->argument_count == NULL || returned->arguments == NULL)
        return cop_mx_fail_null("num_in_args or in_args", error);
    if (returned->gradients == NULL)
        return cop_mx_fail_null("arg_grads", error);
    if (returned->auxiliary_count == NULL || returned->auxiliaries == NULL)
        return cop_mx_fail_null("num_aux_states or aux_states", error);
    return COP_STATUS_OK;
}

/* New handles of all arrays of an executor in the thread's list: arguments, as many NULL for
 * gradients, and auxiliary states. */
static cop_status return_arrays(const struct mx_executor *executor,
                                const struct returned_arrays *returned, cop_error *error)
{
    void *memory;
    int *auxiliary;
    size_t auxiliary_count, next_argument = 0, next_auxiliary = 0;
    COP_TRY(cop_mx_order_inputs(&executor->order, MX_INPUTS_AUXILIARY, &auxiliary, &auxiliary_count,
                                error));
    const size_t count = executor->src_count, arguments = count - auxiliary_count;
    cop_status status = cop_mx_slot_take(
        MX_SLOT_HANDLES, (count + arguments) * sizeof(NDArrayHandle), &memory, error);
    int *inputs = NULL;
    size_t made = 0;
    if (status == COP_STATUS_OK)
        status = cop_mx_order_inputs(&executor->order, MX_INPUTS_ALL, &inputs, &made, error);
    if (status == COP_STATUS_OK)
        memset(memory, 0, (count + arguments) * sizeof(NDArrayHandle));
    NDArrayHandle *handles = memory;
    for (size_t i = 0; i < count && status == COP_STATUS_OK; i++) {
        const bool is_auxiliary =
            next_auxiliary < auxiliary_count && inputs[i] == auxiliary[next_auxiliary];
        struct mx_array *shared = NULL;
        status = cop_mx_array_share(executor->src[i], &shared, error);
        handles[is_auxiliary ? 2 * arguments + next_auxiliary++ : next_argument++] = shared;
    }
    if (status == COP_STATUS_OK) {
        *returned->argument_count = (uint32_t)arguments;
        *returned->arguments = handles;
        *returned->gradients = handles + arguments;
        *returned->auxiliary_count = (uint32_t)auxiliary_count;
        *returned->auxiliaries = handles + 2 * arguments;
    } else {
        for (size_t i = 0; i < count + arguments && inputs != NULL; i++)
            cop_mx_array_destroy(handles[i]);
    }
    cop_free(inputs);
    cop_free(auxiliary);
    return status;
}

/* Ends making an executor: it or nothing. */
static cop_status hand_out(struct mx_executor *executor, const struct returned_arrays *returned,
                           ExecutorHandle *out, cop_error *error)
{
    const cop_status status = return_arrays(executor, returned, error);
    if (status == COP_STATUS_OK)
        *out = executor;
    else
        cop_mx_executor_destroy(executor);
    return status;
}

/* As hand_out. */
static cop_status hand_out_with_buffer(struct mx_executor *executor,
                                       const struct mx_shared_buffer *buffer,
                                       const struct returned_arrays *returned, ExecutorHandle *out,
                                       cop_error *error)
{
    const int length = cop_mx_has_buffer(buffer) ? *buffer->length : 0;
    cop_status status = cop_mx_buffer_return(executor, buffer, error);
    if (status != COP_STATUS_OK) {
        cop_mx_executor_destroy(executor);
        return status;
    }
    status = hand_out(executor, returned, out, error);
    if (status != COP_STATUS_OK && cop_mx_has_buffer(buffer)) {
        for (int i = 0; i < *buffer->length; i++)
            cop_mx_array_destroy((*buffer->new_handles)[i]);
        *buffer->length = length;
    }
    return status;
}

/* The executor of a symbol with arrays for all of its inputs. */
static cop_status make_bound(const struct mx_symbol *symbol, struct mx_context context,
                             const struct mx_known *known, const struct mx_shared_buffer *buffer,
                             struct mx_executor **executor, cop_error *error)
{
    struct mx_binding_shapes shapes;
    struct mx_array **arrays = NULL;
    cop_status status = cop_mx_binding_shapes_open(symbol, known, &shapes, error);
    if (status == COP_STATUS_OK) {
        arrays = cop_alloc(shapes.count, sizeof(struct mx_array *));
        if (arrays == NULL)
            status = cop_fail_memory(error, "an executor's arrays", shapes.count);
    }
    for (size_t i = 0; i < shapes.count && status == COP_STATUS_OK; i++)
        status = cop_mx_buffer_array(buffer, cop_mx_binding_name(&shapes, i),
                                     cop_mx_binding_shape(&shapes, i),
                                     cop_mx_binding_type(&shapes, i), context, &arrays[i], error);
    if (status == COP_STATUS_OK)
        status = cop_mx_executor_create_of(symbol, context, arrays, NULL, executor, error);
    for (size_t i = 0; arrays != NULL && i < shapes.count; i++)
        cop_mx_array_destroy(arrays[i]);
    cop_free(arrays);
    cop_mx_binding_shapes_close(&shapes);
    return status;
}

static cop_status check_storage(uint32_t count, const char *const *names, const int *types,
                                cop_error *error)
{
    if (count > 0 && (names == NULL || types == NULL))
        return cop_mx_fail_null("provided_arg_stype_names or provided_arg_stypes", error);
    for (uint32_t i = 0; i < count; i++) {
        if (names[i] == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "provided_arg_stype_names[%u] is NULL", i);
        if (types[i] > 0)
            return cop_fail(error, COP_STATUS_UNSUPPORTED,
                            "argument '%.100s' of storage type %d: arrays are dense here", names[i],
                            types[i]);
    }
    return COP_STATUS_OK;
}

int MXExecutorSimpleBindEx(
    SymbolHandle symbol_handle, int dev_type, int dev_id, const uint32_t num_g2c_keys,
    const char **g2c_keys, const int *g2c_dev_types, const int *g2c_dev_ids,
    const uint32_t provided_grad_req_list_len, const char **provided_grad_req_names,
    const char **provided_grad_req_types, const uint32_t num_provided_arg_shapes,
    const char **provided_arg_shape_names, const int *provided_arg_shape_data,
    const uint32_t *provided_arg_shape_idx, const uint32_t num_provided_arg_dtypes,
    const char **provided_arg_dtype_names, const int *provided_arg_dtypes,
    const uint32_t num_provided_arg_stypes, const char **provided_arg_stype_names,
    const int *provided_arg_stypes, const uint32_t num_shared_arg_names,
    const char **shared_arg_name_list, int *shared_buffer_len, const char **shared_buffer_name_list,
    NDArrayHandle *shared_buffer_handle_list, const char ***updated_shared_buffer_name_list,
    NDArrayHandle **updated_shared_buffer_handle_list, uint32_t *num_in_args,
    NDArrayHandle **in_args, NDArrayHandle **arg_grads, uint32_t *num_aux_states,
    NDArrayHandle **aux_states, ExecutorHandle shared_exec_handle, ExecutorHandle *out)
{
    cop_error error;
    struct mx_context context;
    struct mx_executor *made = NULL;
    const struct mx_known known = {
        {num_provided_arg_shapes, provided_arg_shape_names, provided_arg_shape_idx,
         provided_arg_shape_data},
        {num_provided_arg_dtypes, provided_arg_dtype_names, provided_arg_dtypes},
        NULL,
    };
    const struct returned_arrays returned = {num_in_args, num_aux_states, in_args, arg_grads,
                                             aux_states};
    const struct mx_shared_buffer buffer = {shared_arg_name_list,
                                            num_shared_arg_names,
                                            shared_buffer_len,
                                            shared_buffer_name_list,
                                            shared_buffer_handle_list,
                                            updated_shared_buffer_name_list,
                                            updated_shared_buffer_handle_list};
    (void)provided_grad_req_list_len; /* there are no gradients, whatever is asked */
    (void)provided_grad_req_names, (void)provided_grad_req_types;
    cop_status status = cop_mx_check_handle(symbol_handle, MX_KIND_SYMBOL, "symbol_handle", &error);
    if (status == COP_STATUS_OK && shared_exec_handle != NULL) /* a hint to share memory */
        status =
            cop_mx_check_handle(shared_exec_handle, MX_KIND_EXECUTOR, "shared_exec_handle", &error);
    if (status == COP_STATUS_OK && out == NULL)
        status = cop_mx_fail_null("out", &error);
    if (status == COP_STATUS_OK)
        status = check_returned(&returned, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_context_make(dev_type, dev_id, &context, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_check_groups(num_g2c_keys, g2c_keys, g2c_dev_types, g2c_dev_ids, context,
                                     &error);
    if (status == COP_STATUS_OK)
        status = check_storage(num_provided_arg_stypes, provided_arg_stype_names,
                               provided_arg_stypes, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_buffer_check(&buffer, &error);
    if (status == COP_STATUS_OK)
        status = make_bound(symbol_handle, context, &known, &buffer, &made, &error);
    if (status == COP_STATUS_OK)
        status = hand_out_with_buffer(made, &buffer, &returned, out, &error);
    return cop_mx_end(status, &error);
}

static int64_t count_of(const struct shape *shape)
{
    int64_t count = 0;
    cop_shape_elements(shape, &count);
    return count;
}

/* Whether the caller allows the new shape of an input. */
static cop_status check_change(const struct mx_array *old, const char *name,
                               const struct shape *shape, bool is_given, bool partial, bool larger,
                               cop_error *error)
{
    if (!is_given && !partial)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Shape of unspecified arg '%.200s' changed from %s to %s, and "
                        "partial_shaping is not set",
                        name, cop_shape_text(&old->shape).text, cop_shape_text(shape).text);
    if (!larger && count_of(shape) > count_of(&old->shape))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: allow_up_sizing: New shape of arg '%.200s' is larger than "
                        "original (%s, %s before)",
                        name, cop_shape_text(shape).text, cop_shape_text(&old->shape).text);
    return COP_STATUS_OK;
}

static cop_status reshape(struct mx_executor *old, const struct mx_known *known, bool partial,
                          bool larger, struct mx_executor **executor, cop_error *error)
{
    struct mx_binding_shapes shapes;
    struct mx_array **arrays = NULL;
    cop_status status = cop_mx_binding_shapes_open(old->symbol, known, &shapes, error);
    if (status == COP_STATUS_OK) {
        arrays = cop_alloc(shapes.count, sizeof(struct mx_array *));
        if (arrays == NULL)
            status = cop_fail_memory(error, "an executor's arrays", shapes.count);
    }
    for (size_t i = 0; i < shapes.count && status == COP_STATUS_OK; i++) {
        const struct shape *shape = cop_mx_binding_shape(&shapes, i);
        const char *name = cop_mx_binding_name(&shapes, i);
        if (cop_shape_equal(shape, &old->src[i]->shape)) {
            status = cop_mx_array_share(old->src[i], &arrays[i], error);
            continue;
        }
        status = check_change(old->src[i], name, shape, cop_mx_is_given(&known->shapes, name),
                              partial, larger, error);
        if (status == COP_STATUS_OK)
            status = cop_mx_array_create(shape, old->src[i]->type, old->context, false, &arrays[i],
                                         error);
    }
    if (status == COP_STATUS_OK)
        status = cop_mx_executor_create_of(old->symbol, old->context, arrays, old->program,
                                           executor, error);
    for (size_t i = 0; arrays != NULL && i < shapes.count; i++)
        cop_mx_array_destroy(arrays[i]);
    cop_free(arrays);
    cop_mx_binding_shapes_close(&shapes);
    return status;
}

static cop_status check_device(const struct mx_executor *executor, int dev_type, int dev_id,
                               cop_error *error)
{
    struct mx_context context;
    COP_TRY(cop_mx_context_make(dev_type, dev_id, &context, error));
    if (cop_mx_context_is_equal(context, executor->context))
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_UNSUPPORTED,
                    "an executor on %s for one on %s: both share arrays",
                    cop_mx_context_name(context).text, cop_mx_context_name(executor->context).text);
}

int MXExecutorReshapeEx(int partial_shaping, int allow_up_sizing, int dev_type, int dev_id,
                        uint32_t num_map_keys, const char **map_keys, const int *map_dev_types,
                        const int *map_dev_ids, const uint32_t num_provided_arg_shapes,
                        const char **provided_arg_shape_names, const int *provided_arg_shape_data,
                        const uint32_t *provided_arg_shape_idx, uint32_t *num_in_args,
                        NDArrayHandle **in_args, NDArrayHandle **arg_grads,
                        uint32_t *num_aux_states, NDArrayHandle **aux_states,
                        ExecutorHandle shared_exec, ExecutorHandle *out)
{
    cop_error error;
    struct mx_executor *old = shared_exec, *made = NULL;
    const struct returned_arrays returned = {num_in_args, num_aux_states, in_args, arg_grads,
                                             aux_states};
    cop_status status = cop_mx_check_handle(shared_exec, MX_KIND_EXECUTOR, "shared_exec", &error);
    if (status == COP_STATUS_OK && out == NULL)
        status = cop_mx_fail_null("out", &error);
    if (status == COP_STATUS_OK)
        status = check_returned(&returned, &error);
    if (status == COP_STATUS_OK)
        status = check_device(old, dev_type, dev_id, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_check_groups(num_map_keys, map_keys, map_dev_types, map_dev_ids,
                                     old->context, &error);
    if (status == COP_STATUS_OK) {
        const struct mx_known known = {
            {num_provided_arg_shapes, provided_arg_shape_names, provided_arg_shape_idx,
             provided_arg_shape_data},
            {0, NULL, NULL},
            old->src,
        };
        status = reshape(old, &known, partial_shaping != 0, allow_up_sizing != 0, &made, &error);
    }
    if (status == COP_STATUS_OK)
        status = hand_out(made, &returned, out, &error);
    return cop_mx_end(status, &error);
}
