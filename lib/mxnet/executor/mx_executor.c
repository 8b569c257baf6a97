// SPDX-License-Identifier: Apache-2.0
#include "mxnet/executor/mx_executor.h"

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/base/mx_error.h"

static void destroy_arrays(struct mx_array **arrays, size_t count)
{
    for (size_t i = 0; arrays != NULL && i < count; i++)
        cop_mx_array_destroy(arrays[i]);
    cop_free(arrays);
}

void cop_mx_executor_destroy(struct mx_executor *executor)
{
    if (executor == NULL)
        return;
    executor->object.kind = MX_KIND_FREED;
    cop_mx_monitor_release(atomic_load(&executor->monitor));
    cop_lock_destroy(&executor->monitor_lock);
    destroy_arrays(executor->outputs, executor->output_count);
    destroy_arrays(executor->src, executor->src_count);
    cop_mx_program_release(&executor->program);
    cop_mx_order_free(&executor->order);
    cop_mx_symbol_destroy(executor->symbol);
    cop_free(executor);
}

static cop_status bind_input(struct mx_executor *executor, size_t index, void *handle,
                             const char *name, const char *kind, cop_error *error)
{
    cop_status status = cop_mx_check_handle(handle, MX_KIND_ARRAY, kind, error);
    if (status != COP_STATUS_OK)
        return cop_error_prefix(error, status, "%s '%.200s': ", kind, name);
    const struct mx_array *array = handle;
    const struct mx_context context = cop_mx_array_context(array);
    if (cop_mx_array_is_none(array))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: %s '%.200s' is an empty array", kind, name);
    if (!cop_mx_context_is_equal(context, executor->context))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: %s '%.200s' is on %s, the executor on %s", kind, name,
                        cop_mx_context_name(context).text,
                        cop_mx_context_name(executor->context).text);
    return cop_mx_array_share(array, &executor->src[index], error);
}

/* Arguments and auxiliary states come apart and are read in one order. */
static cop_status bind_inputs(struct mx_executor *executor, const struct mx_arguments *arguments,
                              cop_error *error)
{
    int *auxiliary;
    size_t auxiliary_count, next_auxiliary = 0, next_argument = 0;
    const struct mx_order *order = &executor->order;
    COP_TRY(cop_mx_order_inputs(order, MX_INPUTS_AUXILIARY, &auxiliary, &auxiliary_count, error));
    const size_t argument_count = executor->src_count - auxiliary_count;
    cop_status status = COP_STATUS_OK;
    if (arguments->argument_count != argument_count ||
        arguments->auxiliary_count != auxiliary_count)
        status = cop_fail(
            error, COP_STATUS_INVALID_ARGUMENT,
            "Check failed: the symbol has %zu arguments and %zu auxiliary states, %zu "
            "and %zu were given",
            argument_count, auxiliary_count, arguments->argument_count, arguments->auxiliary_count);
    int *inputs = NULL;
    if (status == COP_STATUS_OK)
        status = cop_mx_order_inputs(order, MX_INPUTS_ALL, &inputs, &executor->src_count, error);
    for (size_t i = 0; i < executor->src_count && status == COP_STATUS_OK; i++) {
        const bool is_auxiliary =
            next_auxiliary < auxiliary_count && inputs[i] == auxiliary[next_auxiliary];
        void *handle = is_auxiliary ? arguments->auxiliaries[next_auxiliary++]
                                    : arguments->arguments[next_argument++];
        status = bind_input(executor, i, handle, order->nodes[inputs[i]]->name,
                            is_auxiliary ? "auxiliary state" : "argument", error);
    }
    cop_free(inputs);
    cop_free(auxiliary);
    return status;
}

/* Outputs that are inputs share their memory; the others have their own from now on. */
static cop_status make_outputs(struct mx_executor *executor, cop_error *error)
{
    const size_t count = executor->output_count;
    struct shape *shapes = cop_alloc(count, sizeof *shapes);
    int *types = cop_alloc(count, sizeof *types);
    cop_status status = COP_STATUS_OK;
    if (shapes == NULL || types == NULL)
        status = cop_fail_memory(error, "an executor's outputs", count * sizeof *shapes);
    if (status == COP_STATUS_OK)
        status = cop_mx_program_infer(executor->program, executor->src, shapes, types, error);
    for (size_t i = 0; i < count && status == COP_STATUS_OK; i++) {
        const int input = cop_mx_program_output_input(executor->program, i);
        status = input >= 0 ? cop_mx_array_share(executor->src[input], &executor->outputs[i], error)
                            : cop_mx_array_create(&shapes[i], types[i], executor->context, false,
                                                  &executor->outputs[i], error);
    }
    cop_free(types);
    cop_free(shapes);
    return status;
}

/* Arrays come as arguments and auxiliary states, or all in one list. */
static cop_status make(const struct mx_symbol *symbol, const struct mx_arguments *arguments,
                       struct mx_array *const *src, struct mx_program *program,
                       struct mx_executor *executor, cop_error *error)
{
    COP_TRY(cop_mx_symbol_copy(symbol, &executor->symbol, error));
    COP_TRY(cop_mx_symbol_order(executor->symbol, &executor->order, error));
    if (program != NULL)
        executor->program = cop_mx_program_retain(program);
    else
        COP_TRY(cop_mx_program_create(executor->symbol, NULL, &executor->program, error));
    const size_t src_count = cop_mx_program_input_count(executor->program);
    const size_t output_count = cop_mx_program_output_count(executor->program);
    executor->src = cop_alloc(src_count, sizeof(struct mx_array *));
    executor->outputs = cop_alloc(output_count, sizeof(struct mx_array *));
    if (executor->src == NULL || executor->outputs == NULL)
        return cop_fail_memory(error, "an executor", src_count * sizeof(struct mx_array *));
    executor->src_count = src_count;
    executor->output_count = output_count;
    for (size_t i = 0; i < src_count && src != NULL; i++)
        COP_TRY(cop_mx_array_share(src[i], &executor->src[i], error));
    if (src == NULL)
        COP_TRY(bind_inputs(executor, arguments, error));
    return make_outputs(executor, error);
}

static cop_status create(const struct mx_symbol *symbol, struct mx_context context,
                         const struct mx_arguments *arguments, struct mx_array *const *src,
                         struct mx_program *program, struct mx_executor **executor,
                         cop_error *error)
{
    struct mx_executor *made = cop_alloc(1, sizeof *made);
    *executor = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "an executor", sizeof *made);
    made->object.kind = MX_KIND_EXECUTOR;
    made->context = context;
    cop_lock_init(&made->monitor_lock, LOCK_RECORDS);
    const cop_status status = make(symbol, arguments, src, program, made, error);
    if (status == COP_STATUS_OK)
        *executor = made;
    else
        cop_mx_executor_destroy(made);
    return status;
}

cop_status cop_mx_executor_create(const struct mx_symbol *symbol, struct mx_context context,
                                  const struct mx_arguments *arguments, struct mx_program *program,
                                  struct mx_executor **executor, cop_error *error)
{
    return create(symbol, context, arguments, NULL, program, executor, error);
}

cop_status cop_mx_executor_create_of(const struct mx_symbol *symbol, struct mx_context context,
                                     struct mx_array *const *src, struct mx_program *program,
                                     struct mx_executor **executor, cop_error *error)
{
    return create(symbol, context, NULL, src, program, executor, error);
}

cop_status cop_mx_check_groups(uint32_t count, const char *const *keys, const int *types,
                               const int *ids, struct mx_context context, cop_error *error)
{
    if (count > 0 && (keys == NULL || types == NULL || ids == NULL))
        return cop_mx_fail_null("keys, types or ids of context groups", error);
    for (uint32_t i = 0; i < count; i++)
        if (types[i] != context.type || ids[i] != context.id)
            return cop_fail(
                error, COP_STATUS_UNSUPPORTED,
                "context group %u ('%.100s') on device type %d, id %d: an executor runs "
                "on one device, this one on %s",
                i, keys[i] == NULL ? "" : keys[i], types[i], ids[i],
                cop_mx_context_name(context).text);
    return COP_STATUS_OK;
}

/* A reference for the caller; NULL: nobody looks. */
static struct mx_monitor *take_monitor(struct mx_executor *executor)
{
    if (atomic_load_explicit(&executor->monitor, memory_order_relaxed) == NULL)
        return NULL;
    cop_lock_acquire(&executor->monitor_lock);
    struct mx_monitor *monitor = atomic_load_explicit(&executor->monitor, memory_order_relaxed);
    if (monitor != NULL)
        cop_mx_monitor_retain(monitor);
    cop_lock_release(&executor->monitor_lock);
    return monitor;
}

cop_status cop_mx_executor_forward(struct mx_executor *executor, bool is_training, cop_error *error)
{
    if (is_training && cop_mx_program_trains_differently(executor->program))
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "MXExecutorForward: is_train is not supported for a symbol with operators "
                        "that differ in training: this library is for inference");
    struct mx_monitor *monitor = take_monitor(executor);
    if (monitor == NULL)
        return cop_mx_program_run(executor->program, executor->src, executor->outputs, error);
    const cop_status status = cop_mx_monitor_run(monitor, executor->src, executor->outputs, error);
    cop_mx_monitor_release(monitor);
    return status;
}

cop_status cop_mx_executor_set_monitor(struct mx_executor *executor,
                                       const struct mx_monitor_callback *callback, cop_error *error)
{
    struct mx_monitor *monitor = NULL;
    if (callback->with_user != NULL)
        COP_TRY(cop_mx_monitor_create(executor->symbol, callback, &monitor, error));
    cop_lock_acquire(&executor->monitor_lock);
    struct mx_monitor *old = atomic_exchange(&executor->monitor, monitor);
    cop_lock_release(&executor->monitor_lock);
    cop_mx_monitor_release(old);
    return COP_STATUS_OK;
}
