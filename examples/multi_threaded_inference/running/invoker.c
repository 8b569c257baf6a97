// SPDX-License-Identifier: Apache-2.0
#include "running/invoker.h"

#include <stdlib.h>

#include "running/clock.h"

static bool create_outputs(struct flight *flight, const struct session *session,
                           struct failure *failure)
{
    flight->dst = calloc(session->output_count, sizeof(cop_ndarray *));
    if (!flight->dst)
        return failure_set(failure, "out of memory");
    for (size_t i = 0; i < session->output_count; i++) {
        cop_tensor_desc desc;
        cop_error error;
        if (cop_cached_op_output(session->op, i, &desc, &error) ||
            cop_ndarray_create(desc.dtype, desc.rank, desc.shape, &flight->dst[i], &error))
            return session_failure(failure, &error);
    }
    return true;
}

bool invoker_open(struct invoker *invoker, const struct session *session, bool async,
                  cop_trace *trace, struct failure *failure)
{
    *invoker = (struct invoker){.session = session, .options = COP_INVOKE_OPTIONS_INIT};
    invoker->async = async;
    invoker->options.trace = trace;
    invoker->flight_count = async ? INVOKER_MAX_FLIGHTS : 1;
    for (size_t i = 0; i < invoker->flight_count; i++) {
        if (!create_outputs(&invoker->flights[i], session, failure)) {
            invoker_close(invoker);
            return false;
        }
    }
    return true;
}

void invoker_close(struct invoker *invoker)
{
    for (size_t i = 0; i < invoker->flight_count; i++) {
        struct flight *flight = &invoker->flights[i];
        for (size_t k = 0; flight->dst && k < invoker->session->output_count; k++)
            cop_ndarray_release(&flight->dst[k]);
        free(flight->dst);
        flight->dst = NULL;
    }
}

bool invoker_is_full(const struct invoker *invoker)
{
    return invoker->under_way == invoker->flight_count;
}

bool invoker_is_idle(const struct invoker *invoker)
{
    return invoker->under_way == 0;
}

void invoker_submit(struct invoker *invoker, cop_ndarray *src, size_t tag)
{
    size_t index = (invoker->oldest + invoker->under_way++) % invoker->flight_count;
    struct flight *flight = &invoker->flights[index];
    const struct session *session = invoker->session;
    flight->tag = tag;
    flight->start_ns = clock_ns();
    flight->status = (invoker->async ? cop_invoke_async
                                     : cop_invoke)(session->op, 1, &src, session->output_count,
                                                   flight->dst, &invoker->options, &flight->error);
    flight->end_ns = clock_ns();
}

void invoker_collect(struct invoker *invoker, struct completion *completion)
{
    struct flight *flight = &invoker->flights[invoker->oldest];
    cop_ndarray *scores = flight->dst[invoker->session->scores_index];
    if (invoker->async && flight->status == COP_STATUS_OK) {
        flight->status = cop_ndarray_wait(scores, COP_NO_TIMEOUT, NULL, &flight->error);
        flight->end_ns = clock_ns();
    }
    completion->tag = flight->tag;
    completion->good = flight->status == COP_STATUS_OK;
    completion->scores = cop_ndarray_data(scores);
    completion->latency_ns = flight->end_ns - flight->start_ns;
    if (!completion->good)
        session_failure(&completion->failure, &flight->error);
    invoker->oldest = (invoker->oldest + 1) % invoker->flight_count;
    invoker->under_way--;
}
