// SPDX-License-Identifier: Apache-2.0
/* Telling the caller that an asynchronous invocation is done: by a call, or through a queue. */
#ifndef RUNTIME_COMPLETIONS_H
#define RUNTIME_COMPLETIONS_H

#include <cachedop/completion.h>
#include <cachedop/invoke.h>

struct completion;
struct failure;

/*
 * Prepares what `options` ask for, so that nothing can fail any more when the invocation is done.
 * `*completion` is NULL if they ask for nothing. INVALID_ARGUMENT: they ask for both, or the queue
 * is of a parent process; OUT_OF_MEMORY: also when no thread can be had for calls.
 */
cop_status cop_completion_create(const cop_invoke_options *options, struct completion **completion,
                                 cop_error *error);

/* Drops one that is not to be reported; accepts NULL. */
void cop_completion_destroy(struct completion *completion);

/* Reports it, which takes it over. NULL: success. */
void cop_completion_report(struct completion *completion, struct failure *failure);

/* The last operator of the process is gone: the thread that calls may end. */
void cop_completions_let_thread_end(void);

#endif
