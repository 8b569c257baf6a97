// SPDX-License-Identifier: Apache-2.0
/* The loop that everything else exists for. */
#include "runtime/invocation.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/float_mode.h"
#include "base/fork.h"
#include "runtime/profiling.h"
#include "runtime/storage.h"

void cop_invocation_bind(struct invocation *invocation, cop_ndarray *const *src,
                         cop_ndarray *const *dst)
{
    const struct context *context = invocation->context;
    for (int i = 0; i < context->src_binding_count; i++)
        *context->srcs[i].slot = src[context->srcs[i].index]->elements;
    for (int i = 0; i < context->dst_binding_count; i++) {
        const cop_ndarray *array = dst[context->dsts[i].index];
        *context->dsts[i].slot = array == NULL ? NULL : array->elements;
    }
}

static cop_status run_step(struct invocation *invocation, const struct plan_step *step,
                           cop_error *error)
{
    struct context *context = invocation->context;
    const int index = invocation->next_step;
    return cop_kernel_run(step->kernel, context->streams[step->device_index],
                          context->states[index], &context->args[index], error);
}

/* As run_step, with two looks at the clock around it. */
static cop_status run_measured_step(struct invocation *invocation, const struct plan_step *step,
                                    cop_error *error)
{
    const int64_t begin_ns = cop_now_ns();
    const cop_status status = run_step(invocation, step, error);
    const int64_t end_ns = cop_now_ns();
    if (invocation->profile != NULL)
        cop_profile_record(invocation->profile, step, begin_ns, end_ns);
    if (invocation->trace != NULL)
        cop_trace_record(invocation->trace, step, begin_ns, end_ns);
    return status;
}

static bool are_limits(const struct limits *limits)
{
    return limits->until_ns != INT64_MAX || limits->cancel != NULL;
}

static cop_status fail_limits(const struct invocation *invocation, cop_status status,
                              cop_error *error)
{
    return cop_fail(error, status, "%s after %d of %d steps",
                    status == COP_STATUS_CANCELLED ? "cancelled" : "the deadline passed",
                    invocation->next_step, invocation->context->plan->step_count);
}

static cop_status run_steps(struct invocation *invocation, const struct limits *turn,
                            cop_error *error)
{
    const int step_count = invocation->context->plan->step_count;
    const struct plan_step *steps = invocation->context->plan->steps;
    const uint64_t wanted = ~invocation->unwanted;
    const bool is_measured = invocation->profile != NULL || invocation->trace != NULL;
    const bool is_limited = are_limits(&invocation->limits) || are_limits(turn);
    for (; invocation->next_step < step_count; invocation->next_step++) {
        const struct plan_step *step = &steps[invocation->next_step];
        if ((step->needed_by & wanted) == 0)
            continue;
        if (is_limited) {
            const cop_status end = cop_limits_check(&invocation->limits);
            if (end != COP_STATUS_OK)
                return fail_limits(invocation, end, error);
            if (cop_limits_check(turn) != COP_STATUS_OK)
                return COP_STATUS_OK;
        }
        invocation->has_begun = true;
        const cop_status status = is_measured ? run_measured_step(invocation, step, error)
                                              : run_step(invocation, step, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

static cop_status run_turn(struct invocation *invocation, const struct limits *turn,
                           cop_error *error)
{
    const struct plan *plan = invocation->context->plan;
    const struct backend *backend = plan->devices.devices[0]->backend;
    const uint64_t float_mode = cop_float_mode_enter();
    const int threads =
        backend->thread_enter == NULL ? 0 : backend->thread_enter(plan->intra_op_threads);
    const cop_status status = run_steps(invocation, turn, error);
    if (backend->thread_leave != NULL)
        backend->thread_leave(threads);
    cop_float_mode_leave(float_mode);
    return status;
}

struct turn {
    struct invocation *invocation;
    const struct limits *limits;
    cop_error *error;
    cop_status status;
};

static void *run_turn_of_thread(void *argument)
{
    struct turn *turn = argument;
    turn->status = run_turn(turn->invocation, turn->limits, turn->error);
    return NULL;
}

/*
 * The intra-op threads of a thread that forked did not come along, and OpenMP would wait for them
 * for ever. A new thread gets new ones.
 */
static cop_status run_turn_on_new_thread(struct invocation *invocation, const struct limits *limits,
                                         cop_error *error)
{
    struct turn turn = {invocation, limits, error, COP_STATUS_OK};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_turn_of_thread, &turn) != 0)
        return cop_fail(error, COP_STATUS_OUT_OF_MEMORY,
                        "no thread could be started, which %d intra-op threads need after a fork",
                        invocation->context->plan->intra_op_threads);
    (void)pthread_join(thread, NULL);
    return turn.status;
}

bool cop_invocation_run(struct invocation *invocation, const struct limits *turn,
                        cop_status *status, cop_error *error)
{
    const struct plan *plan = invocation->context->plan;
    if (plan->intra_op_threads > 1 && cop_fork_has_survived())
        *status = run_turn_on_new_thread(invocation, turn, error);
    else
        *status = run_turn(invocation, turn, error);
    return *status != COP_STATUS_OK || invocation->next_step == plan->step_count;
}
