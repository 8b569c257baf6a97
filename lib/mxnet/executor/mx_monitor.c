// SPDX-License-Identifier: Apache-2.0
#include "mxnet/executor/mx_monitor.h"

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/run/mx_program.h"
#include "mxnet/symbol/mx_node.h"

struct mx_monitor {
    struct refcount refs;
    struct mx_monitor_callback callback;
    struct mx_symbol *symbol; /* our copy */
    struct mx_order order;
    int *firsts; /* for each node of the order, where its first output stands among all values */
    size_t value_count;
    struct mx_program *program; /* of all values */
};

void cop_mx_monitor_retain(struct mx_monitor *monitor)
{
    cop_refcount_retain(&monitor->refs);
}

void cop_mx_monitor_release(struct mx_monitor *monitor)
{
    if (monitor == NULL || !cop_refcount_release(&monitor->refs))
        return;
    cop_mx_program_release(&monitor->program);
    cop_free(monitor->firsts);
    cop_mx_order_free(&monitor->order);
    cop_mx_symbol_destroy(monitor->symbol);
    cop_free(monitor);
}

static cop_status make(const struct mx_symbol *symbol, struct mx_monitor *monitor, cop_error *error)
{
    struct mx_symbol *internals;
    COP_TRY(cop_mx_symbol_copy(symbol, &monitor->symbol, error));
    COP_TRY(cop_mx_symbol_order(monitor->symbol, &monitor->order, error));
    monitor->firsts = cop_alloc(monitor->order.count, sizeof *monitor->firsts);
    if (monitor->firsts == NULL)
        return cop_fail_memory(error, "a monitor", monitor->order.count * sizeof(int));
    for (size_t i = 0; i < monitor->order.count; i++) {
        monitor->firsts[i] = (int)monitor->value_count;
        monitor->value_count += (size_t)cop_mx_node_visible_count(monitor->order.nodes[i]);
    }
    COP_TRY(cop_mx_symbol_internals(monitor->symbol, &internals, error));
    const cop_status status = cop_mx_program_create(internals, NULL, &monitor->program, error);
    cop_mx_symbol_destroy(internals);
    return status;
}

cop_status cop_mx_monitor_create(const struct mx_symbol *symbol,
                                 const struct mx_monitor_callback *callback,
                                 struct mx_monitor **monitor, cop_error *error)
{
    struct mx_monitor *made = cop_alloc(1, sizeof *made);
    *monitor = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "a monitor", sizeof *made);
    cop_refcount_init(&made->refs);
    made->callback = *callback;
    const cop_status status = make(symbol, made, error);
    if (status == COP_STATUS_OK)
        *monitor = made;
    else
        cop_mx_monitor_release(made);
    return status;
}

/* The handle is the client's: one of its own for each call. */
static cop_status call_back(const struct mx_monitor *monitor, const char *name,
                            const struct mx_node *node, const struct mx_array *value,
                            cop_error *error)
{
    struct mx_array *handle;
    const struct mx_monitor_callback *callback = &monitor->callback;
    COP_TRY(cop_mx_array_share(value, &handle, error));
    if (callback->with_operator != NULL)
        callback->with_operator(name, node->op->name, handle);
    else
        callback->with_user(name, handle, callback->user);
    return COP_STATUS_OK;
}

/* Executors show a variable under its own name first, and as an input of the node then. */
static cop_status show_variable(const struct mx_monitor *monitor, const struct mx_node *variable,
                                const struct mx_node *node, const struct mx_array *value,
                                cop_error *error)
{
    if (!cop_mx_node_is_variable(variable) || monitor->callback.with_user == NULL)
        return COP_STATUS_OK;
    return call_back(monitor, variable->name, node, value, error);
}

static cop_status show_input(const struct mx_monitor *monitor, const struct mx_node *node,
                             int index, struct mx_array *const *values, cop_error *error)
{
    const struct mx_entry *entry = &node->inputs[index];
    const struct mx_attributes attributes = cop_mx_node_attributes(node);
    char input[COP_MX_NAME_BYTES];
    if (entry->index >= cop_mx_node_visible_count(entry->node))
        return COP_STATUS_OK;
    const int first = monitor->firsts[cop_mx_order_find(&monitor->order, entry->node)];
    COP_TRY(show_variable(monitor, entry->node, node, values[first + entry->index], error));
    struct text name = {0};
    cop_mx_operator_input_name(node->op, &attributes, index, input);
    cop_text_add(&name, "%s_%s", node->name, input);
    const cop_status status =
        name.failed ? cop_fail_memory(error, "a value's name", 0)
                    : call_back(monitor, name.bytes, node, values[first + entry->index], error);
    cop_text_free(&name);
    return status;
}

static cop_status show_node(const struct mx_monitor *monitor, size_t index,
                            struct mx_array *const *values, cop_error *error)
{
    const struct mx_node *node = monitor->order.nodes[index];
    const int outputs = cop_mx_node_visible_count(node);
    cop_status status = COP_STATUS_OK;
    if (node->op == NULL)
        return COP_STATUS_OK;
    for (int i = 0; i < node->input_count && monitor->callback.monitor_all; i++)
        COP_TRY(show_input(monitor, node, i, values, error));
    for (int i = 0; i < outputs && status == COP_STATUS_OK; i++) {
        char *name = cop_mx_entry_name(node, i);
        status = name == NULL
                     ? cop_fail_memory(error, "a value's name", 0)
                     : call_back(monitor, name, node, values[monitor->firsts[index] + i], error);
        cop_free(name);
    }
    return status;
}

/* Waits before showing anything: callbacks look at elements, and values of a failed run are none.
 */
static cop_status show_all(const struct mx_monitor *monitor, struct mx_array *const *values,
                           cop_error *error)
{
    for (size_t i = 0; i < monitor->value_count; i++)
        COP_TRY(cop_mx_array_wait(values[i], error));
    for (size_t i = 0; i < monitor->order.count; i++)
        COP_TRY(show_node(monitor, i, values, error));
    return COP_STATUS_OK;
}

static cop_status deliver(const struct mx_array *value, struct mx_array **dst, cop_error *error)
{
    if (*dst == NULL)
        return cop_mx_array_share(value, dst, error);
    if (cop_mx_array_is_none(*dst))
        return cop_mx_array_share_into(value, *dst, error);
    if ((*dst)->chunk == value->chunk && (*dst)->offset_bytes == value->offset_bytes)
        return COP_STATUS_OK; /* an output that is an input */
    if ((*dst)->type != value->type)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: an output is %s, but %s was given",
                        cop_mx_type_name(value->type), cop_mx_type_name((*dst)->type));
    return cop_mx_array_copy(value, *dst, error);
}

static cop_status deliver_all(const struct mx_monitor *monitor, struct mx_array *const *values,
                              struct mx_array **dst, cop_error *error)
{
    for (int i = 0; i < monitor->symbol->output_count; i++) {
        const struct mx_entry *entry = &monitor->symbol->outputs[i];
        const int first = monitor->firsts[cop_mx_order_find(&monitor->order, entry->node)];
        COP_TRY(deliver(values[first + entry->index], &dst[i], error));
    }
    return COP_STATUS_OK;
}

cop_status cop_mx_monitor_run(struct mx_monitor *monitor, struct mx_array *const *src,
                              struct mx_array **dst, cop_error *error)
{
    struct mx_array **values = cop_alloc(monitor->value_count, sizeof *values);
    if (values == NULL)
        return cop_fail_memory(error, "a monitored run", monitor->value_count * sizeof *values);
    cop_status status = cop_mx_program_run(monitor->program, src, values, error);
    if (status == COP_STATUS_OK)
        status = show_all(monitor, values, error);
    if (status == COP_STATUS_OK)
        status = deliver_all(monitor, values, dst, error);
    for (size_t i = 0; i < monitor->value_count; i++)
        cop_mx_array_destroy(values[i]);
    cop_free(values);
    return status;
}
