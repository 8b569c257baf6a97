// SPDX-License-Identifier: Apache-2.0
#include "runtime/contexts/recording.h"

static cop_status record_steps(struct context *context, const struct plan_segment *segment,
                               cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (int i = segment->first_step; i < segment->end_step && status == COP_STATUS_OK; i++) {
        const struct plan_step *step = &context->plan->steps[i];
        status = cop_kernel_run(step->kernel, context->streams[step->device_index],
                                context->states[i], &context->args[i], error);
    }
    return status;
}

cop_status cop_record_segment(struct context *context, int segment, struct recording **recording,
                              cop_error *error)
{
    const struct plan_segment *recorded = &context->plan->segments[segment];
    const struct plan_step *first = &context->plan->steps[recorded->first_step];
    struct stream *stream = context->streams[first->device_index];
    const struct backend *backend = stream->backend;
    *recording = NULL;
    cop_status status = backend->recording_begin(stream, error);
    if (status != COP_STATUS_OK)
        return status;
    status = record_steps(context, recorded, error);
    if (status == COP_STATUS_OK)
        return backend->recording_end(stream, recording, error);
    backend->recording_abandon(stream);
    return status;
}
