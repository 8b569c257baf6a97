// SPDX-License-Identifier: Apache-2.0
/* An invocation that outlives the call that made it: it keeps its operator and arrays, and is a
 * task. */
#ifndef RUNTIME_ASYNC_INVOCATION_H
#define RUNTIME_ASYNC_INVOCATION_H

#include <stdint.h>

#include <cachedop/invoke.h>

#include "runtime/arguments.h"

/*
 * Hands out the fresh outputs and submits; on failure nothing has happened. INVALID_ARGUMENT: both
 * ways of being told are wanted; OUT_OF_MEMORY.
 */
cop_status cop_async_invocation_submit(const struct arguments *arguments, int64_t deadline_ns,
                                       const cop_invoke_options *options, cop_error *error);

#endif
