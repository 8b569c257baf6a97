// SPDX-License-Identifier: Apache-2.0
#include "runtime/async_invocation.h"

#include "base/alloc.h"
#include "base/error.h"
#include "runtime/chosen_outputs.h"
#include "runtime/invocation.h"
#include "runtime/profiling.h"

struct async_invocation {
    struct task task; /* first: the engine gives back this pointer */
    struct cop_cached_op *op;
    struct invocation invocation; /* its context is taken when it first runs */
    size_t array_count, src_count;
    cop_ndarray **arrays;    /* inputs, then all outputs, NULL where unwanted; one reference each */
    struct access *accesses; /* room for one each */
};

/* Takes a context, waiting for one no longer than this run may last. False: not yet, run it again.
 */
static bool begin(struct async_invocation *self, int64_t until_ns, cop_status *status,
                  cop_error *error)
{
    struct invocation *invocation = &self->invocation;
    const bool is_short = until_ns < invocation->deadline_ns;
    *status =
        cop_lend_outputs(self->op, invocation->unwanted, self->arrays + self->src_count, error);
    if (*status != COP_STATUS_OK)
        return true;
    *status =
        cop_context_pool_take(self->op->contexts, is_short ? until_ns : invocation->deadline_ns,
                              &invocation->context, error);
    if (*status == COP_STATUS_OK)
        cop_invocation_bind(invocation, self->arrays, self->arrays + self->src_count);
    return *status != COP_STATUS_BUSY || !is_short;
}

/*
 * Everybody who could go on with a paused invocation may be waiting for a context. So that they get
 * one, the last of the pool is not kept: its invocation begins anew.
 */
static void pause_run(struct async_invocation *self)
{
    struct invocation *invocation = &self->invocation;
    if (!cop_context_pool_is_last(self->op->contexts, invocation->context))
        return;
    cop_context_pool_put(self->op->contexts, invocation->context);
    invocation->context = NULL;
    invocation->next_step = 0;
}

static bool run(struct task *task, int64_t until_ns, cop_status *status, cop_error *error)
{
    struct async_invocation *self = (struct async_invocation *)task;
    struct invocation *invocation = &self->invocation;
    if (invocation->context == NULL) {
        if (!begin(self, until_ns, status, error))
            return false;
        if (*status != COP_STATUS_OK)
            return true;
    }
    if (!cop_invocation_run(invocation, until_ns, status, error)) {
        pause_run(self);
        return false;
    }
    cop_context_count(invocation->context, *status);
    cop_context_pool_put(self->op->contexts, invocation->context);
    return true;
}

static void finish(struct task *task)
{
    struct async_invocation *self = (struct async_invocation *)task;
    for (size_t i = 0; i < self->array_count; i++)
        cop_ndarray_release(&self->arrays[i]);
    cop_trace_release(&self->invocation.trace);
    cop_cached_op_release(&self->op);
    cop_free(self->task.reserve);
    cop_free(self->accesses);
    cop_free(self->arrays);
    cop_free(self);
}

static void retain_all(struct async_invocation *self, const struct arguments *arguments,
                       cop_trace *trace)
{
    self->op = cop_cached_op_retain(arguments->op);
    self->src_count = arguments->src_count;
    for (size_t i = 0; i < arguments->src_count; i++)
        self->arrays[self->array_count++] = cop_ndarray_retain(arguments->src[i]);
    for (size_t i = 0; i < arguments->dst_count; i++)
        self->arrays[self->src_count + cop_arguments_output(arguments, i)] =
            cop_ndarray_retain(arguments->dst[i]);
    self->array_count = self->src_count + (size_t)self->op->plan->dst_count;
    self->invocation.unwanted = arguments->unwanted;
    self->invocation.trace = trace == NULL ? NULL : cop_trace_retain(trace);
}

cop_status cop_async_invocation_submit(const struct arguments *arguments, int64_t deadline_ns,
                                       cop_trace *trace, cop_error *error)
{
    const size_t count = arguments->src_count + (size_t)arguments->op->plan->dst_count;
    struct async_invocation *made = cop_alloc(1, sizeof *made);
    if (made != NULL) {
        made->arrays = cop_alloc(count, sizeof(cop_ndarray *));
        made->accesses = cop_alloc(count, sizeof *made->accesses);
        made->task.reserve = cop_failure_reserve();
    }
    if (made == NULL || made->arrays == NULL || made->accesses == NULL ||
        made->task.reserve == NULL) {
        if (made != NULL)
            finish(&made->task);
        return cop_fail_memory(error, "invocation", sizeof *made);
    }
    retain_all(made, arguments, trace);
    made->invocation.deadline_ns = deadline_ns;
    made->task.accesses = made->accesses;
    made->task.access_count = cop_arguments_accesses(arguments, true, made->accesses);
    made->task.operator_id = arguments->op->id;
    made->task.run = run;
    made->task.finish = finish;
    cop_arguments_hand_out(arguments);
    cop_engine_submit(&made->task);
    return COP_STATUS_OK;
}
