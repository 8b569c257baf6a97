// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include <mxnet/c_api/operator.h>

#include "base/alloc.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/run/mx_imperative.h"
#include "mxnet/run/mx_outputs.h"

/* The attributes of a call; those that count inputs are filled in where the client left them out.
 */
struct call_attributes {
    const char **keys, **values;
    char input_count[16];
};

static cop_status take_attributes(const struct mx_operator *op, int count, const char **keys,
                                  const char **values, int input_count,
                                  struct call_attributes *taken, struct mx_attributes *attributes,
                                  cop_error *error)
{
    if (count < 0 || (count > 0 && (keys == NULL || values == NULL)))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: %d parameters with keys or values that are NULL", count);
    const size_t room = (size_t)count + 1;
    taken->keys = cop_alloc(room, sizeof(char *));
    taken->values = cop_alloc(room, sizeof(char *));
    if (taken->keys == NULL || taken->values == NULL)
        return cop_fail_memory(error, op->name, room * 2 * sizeof(char *));
    bool is_counted = op->key_var_num_args[0] == '\0';
    for (int i = 0; i < count; i++) {
        if (keys[i] == NULL || values[i] == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "parameter %d of %s: %s is NULL", i,
                            op->name, keys[i] == NULL ? "its key" : "its value");
        taken->keys[i] = keys[i];
        taken->values[i] = values[i];
    }
    *attributes = (struct mx_attributes){count, taken->keys, taken->values};
    is_counted = is_counted || cop_mx_attribute(attributes, op->key_var_num_args) != NULL;
    if (!is_counted) {
        snprintf(taken->input_count, sizeof taken->input_count, "%d", input_count);
        taken->keys[count] = op->key_var_num_args;
        taken->values[count] = taken->input_count;
        attributes->count = count + 1;
    }
    return cop_mx_operator_check(op, "", attributes, error);
}

static cop_status check_input_count(const struct mx_call *call, cop_error *error)
{
    const int expected = cop_mx_operator_input_count(call->op, &call->attributes);
    if (expected < 0 || call->src_count == expected)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "Operator %s expects %d inputs, but got %d instead.", call->op->name, expected,
                    call->src_count);
}

static cop_status run_call(const struct mx_call *call, struct mx_array **dst, cop_error *error)
{
    struct mx_program *program;
    if (call->op->imperative != MX_IMPERATIVE_NONE)
        return cop_mx_create_by_call(call, dst, error);
    COP_TRY(cop_mx_program_of_call(call, &program, error));
    const cop_status status = cop_mx_program_run(program, call->src, dst, error);
    cop_mx_program_release(&program);
    return status;
}

static cop_status invoke_checked(const struct mx_call *call, int *num_outputs,
                                 NDArrayHandle **outputs, const int **out_stypes, cop_error *error)
{
    const int visible = cop_mx_operator_visible_count(call->op, &call->attributes);
    const int total = cop_mx_operator_output_count(call->op, &call->attributes);
    if (*outputs != NULL && *num_outputs != visible && *num_outputs != total)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Expecting %d (all) or %d (visible only) outputs, got %d", total, visible,
                        *num_outputs);
    if (*outputs != NULL && *num_outputs != visible)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "%s: inference makes only the %d visible of %d outputs", call->op->name,
                        visible, total);
    struct mx_outputs results;
    cop_status status = cop_mx_outputs_open(&results, (size_t)visible, *outputs, error);
    if (status == COP_STATUS_OK)
        status = run_call(call, results.arrays, error);
    return cop_mx_outputs_close(&results, status, num_outputs, outputs, out_stypes, error);
}

static cop_status invoke(AtomicSymbolCreator creator, int num_inputs, NDArrayHandle *inputs,
                         int *num_outputs, NDArrayHandle **outputs, int num_params,
                         const char **param_keys, const char **param_vals, const int **out_stypes,
                         cop_error *error)
{
    struct call_attributes taken = {.keys = NULL};
    struct mx_call call = {.op = creator, .src_count = num_inputs};
    if (!cop_mx_operator_is_one(creator))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: creator is %s",
                        creator == NULL ? "NULL" : "no operator");
    COP_MX_REQUIRE(num_outputs);
    COP_MX_REQUIRE(outputs);
    COP_TRY(cop_mx_inputs_check(num_inputs, inputs, error));
    call.src = (struct mx_array *const *)inputs;
    cop_status status = take_attributes(call.op, num_params, param_keys, param_vals, num_inputs,
                                        &taken, &call.attributes, error);
    if (status == COP_STATUS_OK)
        status = check_input_count(&call, error);
    if (status == COP_STATUS_OK)
        status = invoke_checked(&call, num_outputs, outputs, out_stypes, error);
    cop_free(taken.keys);
    cop_free(taken.values);
    return status;
}

int MXImperativeInvokeEx(AtomicSymbolCreator creator, int num_inputs, NDArrayHandle *inputs,
                         int *num_outputs, NDArrayHandle **outputs, int num_params,
                         const char **param_keys, const char **param_vals, const int **out_stypes)
{
    cop_error error;
    return cop_mx_end(invoke(creator, num_inputs, inputs, num_outputs, outputs, num_params,
                             param_keys, param_vals, out_stypes, &error),
                      &error);
}

int MXImperativeInvoke(AtomicSymbolCreator creator, int num_inputs, NDArrayHandle *inputs,
                       int *num_outputs, NDArrayHandle **outputs, int num_params,
                       const char **param_keys, const char **param_vals)
{
    return MXImperativeInvokeEx(creator, num_inputs, inputs, num_outputs, outputs, num_params,
                                param_keys, param_vals, NULL);
}
