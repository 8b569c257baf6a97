// SPDX-License-Identifier: Apache-2.0
/**
 * Completion queues: how an event loop learns which asynchronous invocations are done, through one
 * file descriptor for any number of them.
 *
 *     struct pollfd wanted = {cop_completion_queue_fd(queue), POLLIN, 0};
 *     while (poll(&wanted, 1, -1) > 0)
 *         while (cop_completion_queue_next(queue, &done, NULL) == COP_STATUS_OK)
 *             answer(done.user, &done.outcome);
 */
#ifndef CACHEDOP_COMPLETION_H
#define CACHEDOP_COMPLETION_H

#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A queue that invocations report to (cop_invoke_options.completions).
 *
 * Thread-safety: synchronized; any number of threads may report to it and take from it at once. A
 * child process made by fork must make its own.
 */
typedef struct cop_completion_queue cop_completion_queue;

/** One invocation that is done: its arrays are the caller's again. */
typedef struct cop_completion {
    void *user;        /**< cop_invoke_options.user */
    cop_error outcome; /**< OK, or why it failed */
} cop_completion;

/**
 * @param queue  receives one reference; NULL on failure
 * @return OK; INVALID_ARGUMENT: queue is NULL; OUT_OF_MEMORY; IO: the system has no descriptor left
 */
COP_API COP_MUST_USE cop_status cop_completion_queue_create(cop_completion_queue **queue,
                                                            cop_error *error);

/** Adds a reference and returns the queue. */
COP_API cop_completion_queue *cop_completion_queue_retain(cop_completion_queue *queue);

/** Gives one reference back and sets `*queue` to NULL; accepts a pointer to NULL. Pending
 * invocations keep the queue; what is never taken from it is dropped with it. */
COP_API void cop_completion_queue_release(cop_completion_queue **queue);

/**
 * A descriptor for poll, select and epoll: readable while the queue is not empty. It belongs to the
 * queue and is valid while that lives; do not read, write or close it. −1 for NULL.
 */
COP_API int cop_completion_queue_fd(const cop_completion_queue *queue);

/**
 * Takes the oldest completion. Never waits.
 * @return OK: `*completion` is filled; TIMEOUT: the queue is empty; INVALID_ARGUMENT: a NULL, or
 * the queue was made before this process was forked
 */
COP_API COP_MUST_USE cop_status cop_completion_queue_next(cop_completion_queue *queue,
                                                          cop_completion *completion,
                                                          cop_error *error);

#ifdef __cplusplus
}
#endif
#endif
