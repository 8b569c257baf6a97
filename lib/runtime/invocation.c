// SPDX-License-Identifier: Apache-2.0
/* The loop that everything else exists for. */
#include "runtime/invocation.h"

#include "base/clock.h"
#include "base/float_mode.h"
#include "base/error.h"
#include "runtime/profiling.h"
#include "runtime/storage.h"

void cop_invocation_bind(struct invocation *invocation, cop_ndarray *const *src,
                         cop_ndarray *const *dst)
{
    const struct context *context = invocation->context;
    for (int i = 0; i < context->src_binding_count; i++)
        *context->srcs[i].slot = src[context->srcs[i].index]->elements;
    for (int i = 0; i < context->dst_binding_count; i++)
        *context->dsts[i].slot = dst[context->dsts[i].index]->elements;
}

static cop_status run_step(struct invocation *invocation, cop_error *error)
{
    struct context *context = invocation->context;
    const int index = invocation->next_step;
    const struct plan_step *step = &context->plan->steps[index];
    return cop_kernel_run(step->kernel, context->streams[step->device_index],
                          context->states[index], &context->args[index], error);
}

/* As run_step, with two looks at the clock around it. */
static cop_status run_measured_step(struct invocation *invocation, cop_error *error)
{
    const int64_t begin_ns = cop_now_ns();
    const cop_status status = run_step(invocation, error);
    const struct plan_step *step = &invocation->context->plan->steps[invocation->next_step];
    const int64_t end_ns = cop_now_ns();
    if (invocation->profile != NULL)
        cop_profile_record(invocation->profile, step, begin_ns, end_ns);
    if (invocation->trace != NULL)
        cop_trace_record(invocation->trace, step, begin_ns, end_ns);
    return status;
}

static cop_status run_steps(struct invocation *invocation, int64_t until_ns, cop_error *error)
{
    const int step_count = invocation->context->plan->step_count;
    const bool is_measured = invocation->profile != NULL || invocation->trace != NULL;
    const bool is_timed = invocation->deadline_ns != INT64_MAX || until_ns != INT64_MAX;
    for (; invocation->next_step < step_count; invocation->next_step++) {
        if (is_timed) {
            const int64_t now_ns = cop_now_ns();
            if (now_ns >= invocation->deadline_ns)
                return cop_fail(error, COP_STATUS_TIMEOUT,
                                "the deadline passed after %d of %d steps", invocation->next_step,
                                step_count);
            if (now_ns >= until_ns)
                return COP_STATUS_OK;
        }
        const cop_status status =
            is_measured ? run_measured_step(invocation, error) : run_step(invocation, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

bool cop_invocation_run(struct invocation *invocation, int64_t until_ns, cop_status *status,
                        cop_error *error)
{
    const struct plan *plan = invocation->context->plan;
    const struct backend *backend = plan->devices.devices[0]->backend;
    const uint64_t float_mode = cop_float_mode_enter();
    const int threads =
        backend->thread_enter == NULL ? 0 : backend->thread_enter(plan->intra_op_threads);
    *status = run_steps(invocation, until_ns, error);
    if (backend->thread_leave != NULL)
        backend->thread_leave(threads);
    cop_float_mode_leave(float_mode);
    return *status != COP_STATUS_OK || invocation->next_step == plan->step_count;
}
