// SPDX-License-Identifier: Apache-2.0
#include <cachedop/invoke.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "runtime/arguments.h"
#include "runtime/async_invocation.h"
#include "runtime/chosen_outputs.h"
#include "runtime/invocation.h"
#include "runtime/profiling.h"

static const cop_invoke_options default_options = COP_INVOKE_OPTIONS_INIT;

static cop_status read_options(const cop_invoke_options *options, cop_invoke_options *read,
                               cop_error *error)
{
    *read = default_options;
    cop_status status = cop_options_read(read, sizeof *read, options, "cop_invoke_options", error);
    if (status == COP_STATUS_OK && read->timeout_ns < 0)
        status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "timeout_ns is %" PRId64,
                          read->timeout_ns);
    if (status == COP_STATUS_OK && read->priority != COP_PRIORITY_NORMAL &&
        read->priority != COP_PRIORITY_LOW && read->priority != COP_PRIORITY_HIGH)
        status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "priority %d does not exist",
                          (int)read->priority);
    return status;
}

static cop_status begin_profiling(const struct cop_cached_op *op, cop_profile *profile,
                                  cop_trace *trace, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    if (profile != NULL)
        status = cop_profile_begin(profile, op->plan, cop_now_ns(), error);
    if (status == COP_STATUS_OK && trace != NULL)
        status = cop_trace_begin(trace, op->plan, error);
    return status;
}

/* A synchronous call: what is run, how long, and what it is measured with. */
struct call {
    const struct arguments *arguments;
    const cop_invoke_options *options;
    struct limits limits;
    bool has_begun; /* outputs are not what they were */
};

/* Takes a context and runs the plan in it, on this thread, to its end. `dst` is by output. */
static cop_status run_in_context(struct call *call, cop_ndarray *const *dst, cop_error *error)
{
    const struct arguments *arguments = call->arguments;
    struct context_pool *pool = arguments->op->contexts;
    struct invocation invocation = {
        .limits = call->limits,
        .unwanted = arguments->unwanted,
        .profile = call->options->profile,
        .trace = call->options->trace,
    };
    cop_status status = cop_context_pool_take(pool, &call->limits, &invocation.context, error);
    if (status != COP_STATUS_OK)
        return status;
    status = begin_profiling(arguments->op, invocation.profile, invocation.trace, error);
    if (status == COP_STATUS_OK) {
        cop_invocation_bind(&invocation, arguments->src, dst);
        (void)cop_invocation_run(&invocation, &cop_no_limits, &status, error);
    }
    call->has_begun = invocation.has_begun;
    cop_context_count(invocation.context, status);
    cop_context_pool_put(pool, invocation.context);
    return status;
}

static cop_status run_chosen(struct call *call, cop_error *error)
{
    struct chosen_outputs chosen;
    cop_status status = cop_chosen_outputs_begin(&chosen, call->arguments, error);
    if (status == COP_STATUS_OK)
        status = run_in_context(call, chosen.dst, error);
    cop_chosen_outputs_end(&chosen);
    return status;
}

static cop_status run_here(struct call *call, cop_error *error)
{
    return call->arguments->outputs == NULL ? run_in_context(call, call->arguments->dst, error)
                                            : run_chosen(call, error);
}

/*
 * Nobody is in the way. What follows in the lines must not take for results what a call left behind
 * that failed half-way.
 */
static cop_status run_at_once(struct call *call, cop_error *error)
{
    const cop_status status = run_here(call, error);
    if (status != COP_STATUS_OK && call->has_begun) {
        struct failure *failure = cop_failure_of_call(status, error);
        cop_arguments_poison(call->arguments, failure);
        cop_failure_release(failure);
    }
    cop_arguments_leave(call->arguments);
    return status;
}

/* Runs between cop_engine_enter and cop_engine_leave. */
static cop_status run_entered(struct call *call, struct task *task, cop_error *error)
{
    cop_status status = cop_engine_inherited_failure(task, error);
    if (status == COP_STATUS_OK)
        status = run_here(call, error);
    struct failure *failure = NULL;
    if (status != COP_STATUS_OK && call->has_begun)
        failure = cop_failure_of_call(status, error);
    cop_engine_leave(task, status == COP_STATUS_OK || failure != NULL, failure);
    if (failure != NULL)
        cop_failure_release(failure);
    return status;
}

/* Somebody else uses an array of ours, or one holds an error: stand in line, then run. */
static cop_status run_in_line(struct call *call, cop_error *error)
{
    const struct arguments *arguments = call->arguments;
    const size_t most = arguments->src_count + arguments->dst_count;
    struct access *accesses = cop_alloc(most, sizeof *accesses);
    if (accesses == NULL)
        return cop_fail_memory(error, "invocation", most * sizeof *accesses);
    struct task task = {
        .accesses = accesses,
        .access_count = cop_arguments_accesses(arguments, false, accesses),
    };
    cop_status status = cop_engine_enter(&task, &call->limits);
    if (status == COP_STATUS_OK)
        status = run_entered(call, &task, error);
    else
        (void)cop_fail(error, status, "%s while other invocations used the arrays",
                       status == COP_STATUS_CANCELLED ? "cancelled" : "the deadline passed");
    cop_free(accesses);
    return status;
}

/*
 * Checks the whole call. `*options` becomes the defaults if it is NULL, else what the caller set,
 * copied to `read`; the chosen outputs become part of the arguments.
 */
static cop_status check_call(struct arguments *arguments, const cop_invoke_options **options,
                             cop_invoke_options *read, cop_error *error)
{
    if (arguments->op == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "invoke: the operator is NULL");
    if (*options == NULL) {
        *options = &default_options;
        return cop_arguments_check(arguments, error);
    }
    const cop_status status = read_options(*options, read, error);
    *options = read;
    arguments->outputs = read->outputs;
    arguments->output_count = read->output_count;
    return status == COP_STATUS_OK ? cop_arguments_check(arguments, error) : status;
}

/* The outputs we made are the caller's after a success, and gone after a failure. */
static cop_status conclude(const struct arguments *arguments, cop_status status, cop_error *error)
{
    if (status != COP_STATUS_OK) {
        cop_arguments_give_up(arguments);
        return status;
    }
    cop_arguments_hand_out(arguments);
    return cop_ok(error);
}

cop_status cop_invoke(cop_cached_op *op, size_t src_count, cop_ndarray *const *src,
                      size_t dst_count, cop_ndarray **dst, const cop_invoke_options *options,
                      cop_error *error)
{
    struct arguments arguments = {op, src_count, dst_count, src, dst, NULL, 0, 0};
    cop_invoke_options read;
    cop_status status = check_call(&arguments, &options, &read, error);
    if (status == COP_STATUS_OK && (options->on_done != NULL || options->completions != NULL))
        status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                          "on_done and completions are for cop_invoke_async only: this call "
                          "returns when it is done");
    if (status == COP_STATUS_OK)
        status = cop_arguments_make_outputs(&arguments, error);
    if (status != COP_STATUS_OK)
        return status;

    struct call call = {
        .arguments = &arguments,
        .options = options,
        .limits = {cop_deadline_ns(options->timeout_ns), options->cancel},
    };
    cop_error own; /* the text is needed where the caller does not want it */
    cop_error *text = error != NULL ? error : &own;
    status =
        cop_arguments_try_enter(&arguments) ? run_at_once(&call, text) : run_in_line(&call, text);
    return conclude(&arguments, status, error);
}

cop_status cop_invoke_async(cop_cached_op *op, size_t src_count, cop_ndarray *const *src,
                            size_t dst_count, cop_ndarray **dst, const cop_invoke_options *options,
                            cop_error *error)
{
    struct arguments arguments = {op, src_count, dst_count, src, dst, NULL, 0, 0};
    cop_invoke_options read;
    cop_status status = check_call(&arguments, &options, &read, error);
    if (status == COP_STATUS_OK && options->profile != NULL)
        status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                          "a profile is for cop_invoke only: nobody would know when it is filled");
    if (status == COP_STATUS_OK)
        status = begin_profiling(op, NULL, options->trace, error);
    if (status == COP_STATUS_OK)
        status = cop_arguments_make_outputs(&arguments, error);
    if (status != COP_STATUS_OK)
        return status;
    status = cop_async_invocation_submit(&arguments, cop_deadline_ns(options->timeout_ns), options,
                                         error);
    return status == COP_STATUS_OK ? cop_ok(error) : conclude(&arguments, status, error);
}

cop_status cop_wait_all(cop_cached_op *op, int64_t timeout_ns, cop_cancel *cancel, cop_error *error)
{
    if (timeout_ns < 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "wait: timeout_ns is %" PRId64,
                        timeout_ns);
    const struct limits limits = {cop_deadline_ns(timeout_ns), cancel};
    return cop_engine_wait_all(op == NULL ? 0 : op->id, &limits, error);
}

cop_status cop_set_worker_threads(int count, cop_error *error)
{
    if (count < 0 || count > 1024)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "%d worker threads are not 0 to 1024",
                        count);
    cop_engine_set_workers(count);
    return cop_ok(error);
}
