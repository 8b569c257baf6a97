// SPDX-License-Identifier: Apache-2.0
/**
 * An invoker: what one thread needs to invoke the shared operator again and again.
 *
 * It owns the output arrays. Synchronous invocations are done when submitted; asynchronous ones run
 * while the next inputs are prepared, a few at a time.
 *
 * Thread-safety: one thread at a time; many invokers share one session.
 */
#ifndef EXAMPLE_INVOKER_H
#define EXAMPLE_INVOKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/cachedop.h>

#include "failure.h"
#include "running/session.h"

#define INVOKER_MAX_FLIGHTS 4

/** One invocation between submit and collect. */
struct flight {
    size_t tag;
    cop_ndarray **dst;
    int64_t start_ns, end_ns;
    cop_status status; /**< of the submission */
    cop_error error;
};

struct invoker {
    const struct session *session;
    cop_invoke_options options;
    bool async;
    size_t flight_count; /**< how many may be under way */
    struct flight flights[INVOKER_MAX_FLIGHTS];
    size_t oldest, under_way;
};

/** What became of an invocation. */
struct completion {
    size_t tag;
    cop_status status;
    const void *scores; /**< valid until the invoker's next submit */
    int64_t latency_ns;
    struct failure failure; /**< if the status is not OK */
};

/** @param options  of every invocation: trace, timeout, cancel; copied */
bool invoker_open(struct invoker *invoker, const struct session *session, bool async,
                  const cop_invoke_options *options, struct failure *failure);
void invoker_close(struct invoker *invoker);

bool invoker_is_full(const struct invoker *invoker);
bool invoker_is_idle(const struct invoker *invoker);

/**
 * Starts an invocation; the invoker must not be full. Failures appear in its completion. `src` is
 * kept by the library as long as it needs it.
 */
void invoker_submit(struct invoker *invoker, cop_ndarray *src, size_t tag);

/** Waits for the oldest invocation; there must be one. */
void invoker_collect(struct invoker *invoker, struct completion *completion);

#endif
