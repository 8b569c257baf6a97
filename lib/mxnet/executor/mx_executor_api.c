// SPDX-License-Identifier: Apache-2.0
#include <mxnet/c_api/executor.h>
#include <mxnet/c_api/unsupported.h>

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_returns.h"
#include "mxnet/executor/mx_executor.h"

static cop_status bind(SymbolHandle symbol, int dev_type, int dev_id,
                       const struct mx_arguments *arguments, struct mx_context *context,
                       cop_error *error)
{
    COP_TRY(cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol_handle", error));
    if (arguments->argument_count > 0 && arguments->arguments == NULL)
        return cop_mx_fail_null("in_args", error);
    if (arguments->auxiliary_count > 0 && arguments->auxiliaries == NULL)
        return cop_mx_fail_null("aux_states", error);
    return cop_mx_context_make(dev_type, dev_id, context, error);
}

int MXExecutorBindEX(SymbolHandle symbol_handle, int dev_type, int dev_id, uint32_t num_map_keys,
                     const char **map_keys, const int *map_dev_types, const int *map_dev_ids,
                     uint32_t len, NDArrayHandle *in_args, NDArrayHandle *arg_grad_store,
                     uint32_t *grad_req_type, uint32_t aux_states_len, NDArrayHandle *aux_states,
                     ExecutorHandle shared_exec, ExecutorHandle *out)
{
    cop_error error;
    struct mx_context context;
    struct mx_executor *made = NULL;
    const struct mx_arguments arguments = {in_args, aux_states, len, aux_states_len};
    (void)arg_grad_store; /* where gradients would go: accepted, there are none */
    (void)grad_req_type;
    cop_status status = out == NULL
                            ? cop_mx_fail_null("out", &error)
                            : bind(symbol_handle, dev_type, dev_id, &arguments, &context, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_check_groups(num_map_keys, map_keys, map_dev_types, map_dev_ids, context,
                                     &error);
    if (status == COP_STATUS_OK && shared_exec != NULL) /* a hint to share memory: checked only */
        status = cop_mx_check_handle(shared_exec, MX_KIND_EXECUTOR, "shared_exec", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_executor_create(symbol_handle, context, &arguments, NULL, &made, &error);
    if (status == COP_STATUS_OK)
        *out = made;
    return cop_mx_end(status, &error);
}

int MXExecutorBindX(SymbolHandle symbol_handle, int dev_type, int dev_id, uint32_t num_map_keys,
                    const char **map_keys, const int *map_dev_types, const int *map_dev_ids,
                    uint32_t len, NDArrayHandle *in_args, NDArrayHandle *arg_grad_store,
                    uint32_t *grad_req_type, uint32_t aux_states_len, NDArrayHandle *aux_states,
                    ExecutorHandle *out)
{
    return MXExecutorBindEX(symbol_handle, dev_type, dev_id, num_map_keys, map_keys, map_dev_types,
                            map_dev_ids, len, in_args, arg_grad_store, grad_req_type,
                            aux_states_len, aux_states, NULL, out);
}

int MXExecutorBind(SymbolHandle symbol_handle, int dev_type, int dev_id, uint32_t len,
                   NDArrayHandle *in_args, NDArrayHandle *arg_grad_store, uint32_t *grad_req_type,
                   uint32_t aux_states_len, NDArrayHandle *aux_states, ExecutorHandle *out)
{
    return MXExecutorBindEX(symbol_handle, dev_type, dev_id, 0, NULL, NULL, NULL, len, in_args,
                            arg_grad_store, grad_req_type, aux_states_len, aux_states, NULL, out);
}

static cop_status free_executor(ExecutorHandle handle, cop_error *error)
{
    if (handle == NULL)
        return COP_STATUS_OK;
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_EXECUTOR, "handle", error));
    cop_mx_executor_destroy(handle);
    return COP_STATUS_OK;
}

int MXExecutorFree(ExecutorHandle handle)
{
    cop_error error;
    return cop_mx_end(free_executor(handle, &error), &error);
}

int MXExecutorForward(ExecutorHandle handle, int is_train)
{
    cop_error error;
    cop_status status = cop_mx_check_handle(handle, MX_KIND_EXECUTOR, "handle", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_executor_forward(handle, is_train != 0, &error);
    return cop_mx_end(status, &error);
}

int MXExecutorBackward(ExecutorHandle handle, uint32_t len, NDArrayHandle *head_grads)
{
    (void)handle;
    (void)len;
    (void)head_grads;
    return cop_mx_not_supported("MXExecutorBackward", "computing gradients");
}

int MXExecutorBackwardEx(ExecutorHandle handle, uint32_t len, NDArrayHandle *head_grads,
                         int is_train)
{
    (void)handle;
    (void)len;
    (void)head_grads;
    (void)is_train;
    return cop_mx_not_supported("MXExecutorBackwardEx", "computing gradients");
}

static cop_status return_outputs(ExecutorHandle handle, uint32_t *out_size, NDArrayHandle **out,
                                 cop_error *error)
{
    void *memory;
    size_t made = 0;
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_EXECUTOR, "handle", error));
    COP_MX_REQUIRE(out_size);
    COP_MX_REQUIRE(out);
    const struct mx_executor *executor = handle;
    COP_TRY(cop_mx_slot_take(MX_SLOT_HANDLES, executor->output_count * sizeof(NDArrayHandle),
                             &memory, error));
    NDArrayHandle *handles = memory;
    cop_status status = COP_STATUS_OK;
    while (made < executor->output_count && status == COP_STATUS_OK) {
        struct mx_array *shared;
        status = cop_mx_array_share(executor->outputs[made], &shared, error);
        if (status == COP_STATUS_OK)
            handles[made++] = shared;
    }
    if (status == COP_STATUS_OK) {
        *out_size = (uint32_t)executor->output_count;
        *out = handles;
    }
    while (status != COP_STATUS_OK && made > 0)
        cop_mx_array_destroy(handles[--made]);
    return status;
}

int MXExecutorOutputs(ExecutorHandle handle, uint32_t *out_size, NDArrayHandle **out)
{
    cop_error error;
    return cop_mx_end(return_outputs(handle, out_size, out, &error), &error);
}

static void print_array(struct text *text, const char *kind, const char *name,
                        const struct mx_array *array)
{
    cop_text_add(text, "%s %s: %s %s\n", kind, name, cop_mx_type_name(array->type),
                 cop_shape_text(&array->shape).text);
}

static cop_status print(ExecutorHandle handle, const char **out_str, cop_error *error)
{
    struct text text = {0};
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_EXECUTOR, "handle", error));
    COP_MX_REQUIRE(out_str);
    const struct mx_executor *executor = handle;
    cop_text_add(&text, "Executor on %s, %zu nodes\n", cop_mx_context_name(executor->context).text,
                 executor->order.count);
    for (size_t i = 0; i < executor->src_count; i++)
        print_array(&text, "input", cop_mx_program_input_name(executor->program, i),
                    executor->src[i]);
    for (size_t i = 0; i < executor->order.count; i++)
        if (executor->order.nodes[i]->op != NULL)
            cop_text_add(&text, "%s %s\n", executor->order.nodes[i]->op->name,
                         executor->order.nodes[i]->name);
    for (size_t i = 0; i < executor->output_count; i++)
        print_array(&text, "output", cop_mx_program_output_name(executor->program, i),
                    executor->outputs[i]);
    const cop_status status = text.failed
                                  ? cop_fail_memory(error, "an executor's text", text.length)
                                  : cop_mx_return_text(MX_SLOT_TEXT, text.bytes, out_str, error);
    cop_text_free(&text);
    return status;
}

int MXExecutorPrint(ExecutorHandle handle, const char **out_str)
{
    cop_error error;
    return cop_mx_end(print(handle, out_str, &error), &error);
}

int MXExecutorSetMonitorCallbackEX(ExecutorHandle handle, ExecutorMonitorCallback callback,
                                   void *callback_handle, bool monitor_all)
{
    cop_error error;
    const struct mx_monitor_callback made = {
        .with_user = callback, .user = callback_handle, .monitor_all = monitor_all};
    cop_status status = cop_mx_check_handle(handle, MX_KIND_EXECUTOR, "handle", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_executor_set_monitor(handle, &made, &error);
    return cop_mx_end(status, &error);
}

int MXExecutorSetMonitorCallback(ExecutorHandle handle, ExecutorMonitorCallback callback,
                                 void *callback_handle)
{
    return MXExecutorSetMonitorCallbackEX(handle, callback, callback_handle, false);
}
