// SPDX-License-Identifier: Apache-2.0
/* CachedOp: a program behind a handle. The plain one and the thread-safe one are the same. */
#include <mxnet/c_api/cached_op.h>

#include "base/alloc.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/executor/mx_monitor.h"
#include "mxnet/run/mx_cached_op_flags.h"
#include "mxnet/run/mx_outputs.h"
#include "mxnet/run/mx_program.h"

struct mx_cached_op {
    struct mx_object object;
    struct mx_program *program;
    struct mx_symbol *symbol; /* a copy, for a hook that may come */
    /* NULL: nobody looks at internal values. Set by whoever holds the operator alone. */
    struct mx_monitor *monitor;
};

static void destroy(struct mx_cached_op *op)
{
    if (op == NULL)
        return;
    op->object.kind = MX_KIND_FREED;
    cop_mx_monitor_release(op->monitor);
    cop_mx_program_release(&op->program);
    cop_mx_symbol_destroy(op->symbol);
    cop_free(op);
}

static cop_status make(const struct mx_symbol *symbol, struct mx_cached_op *op, int num_flags,
                       const char *const *keys, const char *const *vals, bool thread_safe,
                       cop_error *error)
{
    COP_TRY(cop_mx_symbol_copy(symbol, &op->symbol, error));
    COP_TRY(cop_mx_program_create(symbol, NULL, &op->program, error));
    const size_t inputs = cop_mx_program_input_count(op->program);
    if (inputs == 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: CachedOp requires at least 1 input");
    return cop_mx_check_flags(num_flags, keys, vals, (int)inputs, thread_safe, error);
}

static cop_status create(SymbolHandle handle, int num_flags, const char **keys, const char **vals,
                         CachedOpHandle *out, bool thread_safe, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_SYMBOL, "handle", error));
    COP_MX_REQUIRE(out);
    if (num_flags < 0 || (num_flags > 0 && (keys == NULL || vals == NULL)))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: %d flags with keys or vals that are NULL", num_flags);
    struct mx_cached_op *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "a CachedOp", sizeof *made);
    made->object.kind = MX_KIND_CACHED_OP;
    const cop_status status = make(handle, made, num_flags, keys, vals, thread_safe, error);
    if (status == COP_STATUS_OK)
        *out = made;
    else
        destroy(made);
    return status;
}

int MXCreateCachedOpEX(SymbolHandle handle, int num_flags, const char **keys, const char **vals,
                       CachedOpHandle *out, bool thread_safe)
{
    cop_error error;
    return cop_mx_end(create(handle, num_flags, keys, vals, out, thread_safe, &error), &error);
}

int MXCreateCachedOpEx(SymbolHandle handle, int num_flags, const char **keys, const char **vals,
                       CachedOpHandle *out)
{
    return MXCreateCachedOpEX(handle, num_flags, keys, vals, out, false);
}

int MXCreateCachedOp(SymbolHandle handle, CachedOpHandle *out)
{
    return MXCreateCachedOpEX(handle, 0, NULL, NULL, out, false);
}

static cop_status free_op(CachedOpHandle handle, cop_error *error)
{
    if (handle == NULL)
        return COP_STATUS_OK;
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_CACHED_OP, "handle", error));
    destroy(handle);
    return COP_STATUS_OK;
}

int MXFreeCachedOp(CachedOpHandle handle)
{
    cop_error error;
    return cop_mx_end(free_op(handle, &error), &error);
}

static cop_status check_counts(const struct mx_cached_op *op, int num_inputs,
                               const int *num_outputs, NDArrayHandle *const *outputs,
                               cop_error *error)
{
    const size_t inputs = cop_mx_program_input_count(op->program);
    const size_t count = cop_mx_program_output_count(op->program);
    COP_MX_REQUIRE(num_outputs);
    COP_MX_REQUIRE(outputs);
    if (num_inputs < 0 || (size_t)num_inputs != inputs)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: inputs.size() == num_inputs() (%d vs. %zu) : ", num_inputs,
                        inputs);
    if (*outputs != NULL && (*num_outputs < 0 || (size_t)*num_outputs != count))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "CachedOp expects %zu outputs, but %d was given.", count, *num_outputs);
    return COP_STATUS_OK;
}

static cop_status invoke(CachedOpHandle handle, int num_inputs, NDArrayHandle *inputs,
                         int *num_outputs, NDArrayHandle **outputs, const int **out_stypes,
                         cop_error *error)
{
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_CACHED_OP, "handle", error));
    struct mx_cached_op *op = handle;
    COP_TRY(check_counts(op, num_inputs, num_outputs, outputs, error));
    COP_TRY(cop_mx_inputs_check(num_inputs, inputs, error));
    struct mx_array *const *src = (struct mx_array *const *)inputs;
    struct mx_outputs results;
    cop_status status =
        cop_mx_outputs_open(&results, cop_mx_program_output_count(op->program), *outputs, error);
    if (status == COP_STATUS_OK)
        status = op->monitor == NULL ? cop_mx_program_run(op->program, src, results.arrays, error)
                                     : cop_mx_monitor_run(op->monitor, src, results.arrays, error);
    return cop_mx_outputs_close(&results, status, num_outputs, outputs, out_stypes, error);
}

int MXInvokeCachedOpEx(CachedOpHandle handle, int num_inputs, NDArrayHandle *inputs,
                       int *num_outputs, NDArrayHandle **outputs, const int **out_stypes)
{
    cop_error error;
    return cop_mx_end(invoke(handle, num_inputs, inputs, num_outputs, outputs, out_stypes, &error),
                      &error);
}

int MXInvokeCachedOp(CachedOpHandle handle, int num_inputs, NDArrayHandle *inputs, int *num_outputs,
                     NDArrayHandle **outputs)
{
    return MXInvokeCachedOpEx(handle, num_inputs, inputs, num_outputs, outputs, NULL);
}

static cop_status set_hook(NDArrayHandle handle, CachedOpMonitorCallback callback, bool monitor_all,
                           cop_error *error)
{
    struct mx_monitor *monitor = NULL;
    COP_TRY(cop_mx_check_handle(handle, MX_KIND_CACHED_OP, "handle", error));
    struct mx_cached_op *op = handle;
    const struct mx_monitor_callback made = {.with_operator = callback, .monitor_all = monitor_all};
    if (callback != NULL)
        COP_TRY(cop_mx_monitor_create(op->symbol, &made, &monitor, error));
    cop_mx_monitor_release(op->monitor);
    op->monitor = monitor;
    return COP_STATUS_OK;
}

int MXCachedOpRegisterOpHook(NDArrayHandle handle, CachedOpMonitorCallback callback,
                             bool monitor_all)
{
    cop_error error;
    return cop_mx_end(set_hook(handle, callback, monitor_all, &error), &error);
}
