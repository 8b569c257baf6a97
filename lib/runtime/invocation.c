// SPDX-License-Identifier: Apache-2.0
/* The loop that everything else exists for. */
#include "runtime/invocation.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/float_mode.h"
#include "base/fork.h"
#include "runtime/profiling.h"
#include "runtime/contexts/recording.h"
#include "runtime/storage.h"

static void bind(const struct context *context, const struct binding *binding,
                 const cop_ndarray *array)
{
    *binding->slot = array == NULL ? NULL : array->elements;
    if (context->memory != NULL && array != NULL)
        context->memory[binding->slot - context->addresses] =
            (unsigned char)array->storage->memory_kind;
}

void cop_invocation_bind(struct invocation *invocation, cop_ndarray *const *src,
                         cop_ndarray *const *dst)
{
    const struct context *context = invocation->context;
    for (int i = 0; i < context->src_binding_count; i++)
        bind(context, &context->srcs[i], src[context->srcs[i].index]);
    for (int i = 0; i < context->dst_binding_count; i++)
        bind(context, &context->dsts[i], dst[context->dsts[i].index]);
}

/* The stream that runs behind, if the plan has one: only the first device may have memory of its
 * own. */
static struct stream *behind_stream(const struct invocation *invocation)
{
    struct stream *first = invocation->context->streams[0];
    return first != NULL && first->backend->stream_wait != NULL ? first : NULL;
}

/* Waits for what was begun. A failure before it keeps its text. */
static cop_status catch_up(struct invocation *invocation, cop_status status, cop_error *error)
{
    struct stream *stream = behind_stream(invocation);
    if (!invocation->is_behind || stream == NULL)
        return status;
    invocation->is_behind = false;
    const cop_status end =
        stream->backend->stream_wait(stream, status == COP_STATUS_OK ? error : NULL);
    return status == COP_STATUS_OK ? end : status;
}

/* As catch_up, but only asks. */
static bool has_caught_up(struct invocation *invocation, cop_status *status, cop_error *error)
{
    struct stream *stream = behind_stream(invocation);
    if (!invocation->is_behind || stream == NULL)
        return true;
    invocation->is_behind = !stream->backend->stream_poll(stream, status, error);
    return !invocation->is_behind;
}

/*
 * The device comes to the end of what was begun. False: it is still busy, and this invocation does
 * not wait.
 */
static bool meet_device(struct invocation *invocation, cop_status *status, cop_error *error)
{
    if (invocation->returns_behind)
        return has_caught_up(invocation, status, error);
    *status = catch_up(invocation, *status, error);
    return true;
}

static cop_status run_step(struct invocation *invocation, const struct plan_step *step,
                           cop_error *error)
{
    struct context *context = invocation->context;
    const int index = invocation->next_step;
    struct stream *stream = context->streams[step->device_index];
    invocation->is_behind |= stream != NULL && stream->backend->stream_wait != NULL;
    return cop_kernel_run(step->kernel, stream, context->states[index], &context->args[index],
                          error);
}

/* As run_step, with two looks at the clock around it. */
static cop_status run_measured_step(struct invocation *invocation, const struct plan_step *step,
                                    cop_error *error)
{
    const int64_t begin_ns = cop_now_ns();
    cop_status status = run_step(invocation, step, error);
    status = catch_up(invocation, status, error);
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

static bool is_measured(const struct invocation *invocation)
{
    return invocation->profile != NULL || invocation->trace != NULL;
}

/* A recording that the next step begins, made where its steps have run once; NULL: run the step. */
static cop_status find_recording(struct invocation *invocation, struct recording **recording,
                                 cop_error *error)
{
    struct context *context = invocation->context;
    const int index = context->plan->steps[invocation->next_step].segment;
    *recording = NULL;
    if (index < 0 || is_measured(invocation) ||
        invocation->next_step != context->plan->segments[index].first_step)
        return COP_STATUS_OK;
    struct segment_run *segment = &context->segments[index];
    if (segment->recording == NULL && segment->has_run) {
        const cop_status status = cop_record_segment(context, index, &segment->recording, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    *recording = segment->recording;
    return COP_STATUS_OK;
}

/* A step was begun: the last of a segment, if it was, makes that ready to be recorded. */
static void step_on(struct invocation *invocation)
{
    struct context *context = invocation->context;
    const int index = context->plan->steps[invocation->next_step++].segment;
    if (index >= 0 && invocation->next_step == context->plan->segments[index].end_step)
        context->segments[index].has_run = true;
}

/* Begins the next step, or all of its segment; `next_step` is then behind what was begun. */
static cop_status advance(struct invocation *invocation, cop_error *error)
{
    const struct plan *plan = invocation->context->plan;
    const struct plan_step *step = &plan->steps[invocation->next_step];
    struct recording *recording;
    cop_status status = find_recording(invocation, &recording, error);
    if (status != COP_STATUS_OK)
        return status;
    invocation->has_begun = true;
    if (recording == NULL) {
        status = is_measured(invocation) ? run_measured_step(invocation, step, error)
                                         : run_step(invocation, step, error);
        if (status == COP_STATUS_OK)
            step_on(invocation);
        return status;
    }
    invocation->is_behind = true;
    status = recording->backend->recording_run(
        recording, invocation->context->streams[step->device_index], error);
    if (status == COP_STATUS_OK)
        invocation->next_step = plan->segments[step->segment].end_step;
    return status;
}

/*
 * The next step needs the device to be done with those before it: one on this thread, which reads
 * what the device writes; and a segment, if there are limits to what may be begun, for otherwise
 * all the device's work would be, past any deadline. Who only begins needs no such limit for
 * himself.
 */
static bool needs_device_done(const struct invocation *invocation, const struct limits *turn)
{
    const struct context *context = invocation->context;
    const struct plan_step *step = &context->plan->steps[invocation->next_step];
    if (!invocation->is_behind)
        return false;
    const bool is_limited =
        are_limits(&invocation->limits) || (are_limits(turn) && !invocation->returns_behind);
    return context->streams[step->device_index] != behind_stream(invocation) ||
           (is_limited && step->segment >= 0 &&
            invocation->next_step == context->plan->segments[step->segment].first_step);
}

/* Whether the next step may begin now. */
static cop_status check_next(struct invocation *invocation, const struct limits *turn,
                             bool is_limited, bool *may_begin, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    *may_begin = true;
    if (needs_device_done(invocation, turn))
        *may_begin = meet_device(invocation, &status, error);
    if (status != COP_STATUS_OK || !*may_begin || !is_limited)
        return status;
    const cop_status end = cop_limits_check(&invocation->limits);
    if (end != COP_STATUS_OK)
        return fail_limits(invocation, end, error);
    *may_begin = cop_limits_check(turn) == COP_STATUS_OK;
    return COP_STATUS_OK;
}

static cop_status run_steps(struct invocation *invocation, const struct limits *turn,
                            cop_error *error)
{
    const int step_count = invocation->context->plan->step_count;
    const struct plan_step *steps = invocation->context->plan->steps;
    const uint64_t wanted = ~invocation->unwanted;
    const bool is_limited = are_limits(&invocation->limits) || are_limits(turn);
    while (invocation->next_step < step_count) {
        if ((steps[invocation->next_step].needed_by & wanted) == 0) {
            invocation->next_step++;
            continue;
        }
        bool may_begin;
        cop_status status = check_next(invocation, turn, is_limited, &may_begin, error);
        if (status != COP_STATUS_OK || !may_begin)
            return status;
        status = advance(invocation, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

/* Whoever failed, pauses or is done waits for the device; with `returns_behind` the latter two only
 * ask. */
static cop_status run_to_end(struct invocation *invocation, const struct limits *turn,
                             cop_error *error)
{
    cop_status status = run_steps(invocation, turn, error);
    if (status != COP_STATUS_OK)
        return catch_up(invocation, status, error);
    (void)meet_device(invocation, &status, error);
    return status;
}

/* Tells the first device that this thread runs it now; returns what leave_device wants. */
static int enter_device(const struct plan *plan)
{
    struct device *device = plan->devices.devices[0];
    return device->backend->thread_enter == NULL
               ? 0
               : device->backend->thread_enter(device, plan->intra_op_threads);
}

static void leave_device(const struct plan *plan, int before)
{
    const struct backend *backend = plan->devices.devices[0]->backend;
    if (backend->thread_leave != NULL)
        backend->thread_leave(before);
}

static cop_status run_turn(struct invocation *invocation, const struct limits *turn,
                           cop_error *error)
{
    const struct plan *plan = invocation->context->plan;
    const uint64_t float_mode = cop_float_mode_enter();
    const int before = enter_device(plan);
    const cop_status status = run_to_end(invocation, turn, error);
    leave_device(plan, before);
    cop_float_mode_leave(float_mode);
    return status;
}

bool cop_invocation_poll(struct invocation *invocation, cop_status *status, cop_error *error)
{
    const struct plan *plan = invocation->context->plan;
    const int before = enter_device(plan);
    const bool is_done = has_caught_up(invocation, status, error);
    leave_device(plan, before);
    return is_done;
}

bool cop_invocation_has_begun_all(const struct invocation *invocation)
{
    const struct plan *plan = invocation->context->plan;
    for (int i = invocation->next_step; i < plan->step_count; i++)
        if ((plan->steps[i].needed_by & ~invocation->unwanted) != 0)
            return false;
    return true;
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
    return *status != COP_STATUS_OK ||
           (invocation->next_step == plan->step_count && !invocation->is_behind);
}
