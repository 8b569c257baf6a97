// SPDX-License-Identifier: Apache-2.0
#include "runtime/async_invocation.h"

#include "base/alloc.h"
#include "base/error.h"
#include "runtime/chosen_outputs.h"
#include "runtime/engine/completions.h"
#include "runtime/invocation.h"
#include "runtime/profiling.h"

struct async_invocation {
    struct task task; /* first: the engine gives back this pointer */
    struct cop_cached_op *op;
    struct invocation invocation; /* its context is taken when it first runs */
    bool keeps_context;           /* it is paused, and counted in the pool */
    size_t array_count, src_count;
    cop_ndarray **arrays;    /* inputs, then all outputs, NULL where unwanted; one reference each */
    struct access *accesses; /* room for one each */
    struct completion *completion;
};

/* Takes a context. RUN_DONE: there is one, or the status says why not; RUN_PARKED: there is none
 * now. */
static enum run_result begin(struct async_invocation *self, cop_status *status, cop_error *error)
{
    struct invocation *invocation = &self->invocation;
    struct context_pool *pool = self->op->contexts;
    cop_ndarray **dst = self->arrays + self->src_count;
    *status = cop_context_pool_try_take(pool, &invocation->context, error);
    if (*status == COP_STATUS_OK && invocation->context == NULL) {
        self->task.parking = cop_context_pool_parking(pool);
        return RUN_PARKED;
    }
    if (*status != COP_STATUS_OK)
        return RUN_DONE;
    *status = cop_lend_outputs(self->op, invocation->unwanted, dst, error);
    if (*status == COP_STATUS_OK)
        cop_invocation_bind(invocation, self->arrays, dst);
    return RUN_DONE;
}

static void give_context_back(struct async_invocation *self)
{
    struct invocation *invocation = &self->invocation;
    cop_context_pool_put(self->op->contexts, invocation->context);
    invocation->context = NULL;
    invocation->next_step = 0;
}

/* It goes on later where it stopped, or begins anew where its context may be the last one. */
static void pause_run(struct async_invocation *self)
{
    self->keeps_context = cop_context_pool_pause(self->op->contexts);
    if (!self->keeps_context)
        give_context_back(self);
}

static void end_pause(struct async_invocation *self)
{
    if (self->keeps_context)
        cop_context_pool_resume(self->op->contexts);
    self->keeps_context = false;
}

static enum run_result conclude(struct async_invocation *self, cop_status status)
{
    cop_context_count(self->invocation.context, status);
    give_context_back(self);
    return RUN_DONE;
}

static enum run_result run(struct task *task, const struct limits *limits, cop_status *status,
                           cop_error *error)
{
    struct async_invocation *self = (struct async_invocation *)task;
    struct invocation *invocation = &self->invocation;
    end_pause(self);
    if (invocation->context == NULL) {
        const enum run_result result = begin(self, status, error);
        if (result == RUN_PARKED || *status != COP_STATUS_OK)
            return result;
    }
    if (cop_invocation_run(invocation, limits, status, error))
        return conclude(self, *status);
    if (invocation->is_behind)
        return RUN_BEHIND;
    pause_run(self);
    return RUN_PAUSED;
}

static enum run_result poll(struct task *task, cop_status *status, cop_error *error)
{
    struct async_invocation *self = (struct async_invocation *)task;
    if (!cop_invocation_poll(&self->invocation, status, error))
        return RUN_BEHIND;
    if (*status == COP_STATUS_OK && !cop_invocation_has_begun_all(&self->invocation))
        return RUN_PAUSED;
    return conclude(self, *status);
}

static void release_all(struct async_invocation *self)
{
    for (size_t i = 0; i < self->array_count; i++)
        cop_ndarray_release(&self->arrays[i]);
    cop_trace_release(&self->invocation.trace);
    cop_cancel_release(&self->task.cancel);
    cop_free(self->task.reserve);
    cop_free(self->accesses);
    cop_free(self->arrays);
}

/* The arrays are let go before anybody hears that the invocation is done, the operator after. */
static void finish(struct task *task, struct failure *failure, bool was_abandoned)
{
    struct async_invocation *self = (struct async_invocation *)task;
    if (!was_abandoned) {
        end_pause(self);
        const bool has_context = self->invocation.context != NULL;
        if (has_context) { /* it ended while it was paused, or could not begin */
            cop_context_count(self->invocation.context, COP_STATUS_CANCELLED);
            give_context_back(self);
        }
    }
    release_all(self);
    if (was_abandoned)
        cop_completion_destroy(self->completion);
    else if (self->completion != NULL)
        cop_completion_report(self->completion, failure);
    cop_cached_op_release(&self->op);
    cop_free(self);
}

static void retain_all(struct async_invocation *self, const struct arguments *arguments,
                       const cop_invoke_options *options)
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
    self->invocation.trace = options->trace == NULL ? NULL : cop_trace_retain(options->trace);
    self->task.cancel = cop_cancel_retain(options->cancel);
}

/* With room for everything; nothing is retained yet. */
static cop_status allocate(const struct arguments *arguments, const cop_invoke_options *options,
                           struct async_invocation **invocation, cop_error *error)
{
    const size_t count = arguments->src_count + (size_t)arguments->op->plan->dst_count;
    struct async_invocation *made = cop_alloc(1, sizeof *made);
    cop_status status = COP_STATUS_OK;
    *invocation = made;
    if (made == NULL)
        return cop_fail_memory(error, "invocation", sizeof *made);
    made->arrays = cop_alloc(count, sizeof(cop_ndarray *));
    made->accesses = cop_alloc(count, sizeof *made->accesses);
    made->task.reserve = cop_failure_reserve();
    if (made->arrays == NULL || made->accesses == NULL || made->task.reserve == NULL)
        status = cop_fail_memory(error, "invocation", count * sizeof *made->accesses);
    if (status == COP_STATUS_OK)
        status = cop_completion_create(options, &made->completion, error);
    return status;
}

/* As an index of the engine: high goes first. */
static int priority_rank(cop_priority priority)
{
    return priority == COP_PRIORITY_HIGH ? 0 : priority == COP_PRIORITY_NORMAL ? 1 : 2;
}

cop_status cop_async_invocation_submit(const struct arguments *arguments, int64_t deadline_ns,
                                       const cop_invoke_options *options, cop_error *error)
{
    struct async_invocation *made;
    const cop_status status = allocate(arguments, options, &made, error);
    if (status != COP_STATUS_OK) {
        if (made != NULL)
            finish(&made->task, NULL, true);
        return status;
    }
    retain_all(made, arguments, options);
    made->invocation.limits = (struct limits){deadline_ns, made->task.cancel};
    made->task.accesses = made->accesses;
    made->task.access_count = cop_arguments_accesses(arguments, true, made->accesses);
    made->task.operator_id = arguments->op->id;
    made->task.priority = priority_rank(options->priority);
    made->task.deadline.at_ns = deadline_ns;
    made->task.run = run;
    made->task.poll = poll;
    made->invocation.returns_behind = true;
    made->task.finish = finish;
    cop_arguments_hand_out(arguments);
    cop_engine_submit(&made->task);
    return COP_STATUS_OK;
}
