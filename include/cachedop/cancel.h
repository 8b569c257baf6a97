// SPDX-License-Identifier: Apache-2.0
/**
 * Giving up: one token stops any number of invocations and waits.
 *
 * Thread-safety: synchronized; any thread may request while others invoke and wait with it.
 */
#ifndef CACHEDOP_CANCEL_H
#define CACHEDOP_CANCEL_H

#include <stdbool.h>

#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A token. It is used up by one request: make a new one for the next round. */
typedef struct cop_cancel cop_cancel;

/**
 * @param cancel  receives one reference; NULL on failure
 * @return OK; INVALID_ARGUMENT: cancel is NULL; OUT_OF_MEMORY
 */
COP_API COP_MUST_USE cop_status cop_cancel_create(cop_cancel **cancel, cop_error *error);

/** Adds a reference and returns the token. */
COP_API cop_cancel *cop_cancel_retain(cop_cancel *cancel);

/** Gives one reference back and sets `*cancel` to NULL; accepts a pointer to NULL. Invocations keep
 * the token as long as they need it. */
COP_API void cop_cancel_release(cop_cancel **cancel);

/**
 * Asks everything that has this token to end with CANCELLED, now and in future.
 *
 * Invocations that have not begun never begin; their arrays hold the error when this returns,
 * except where an earlier invocation still writes the same array: then they do when that one is
 * done. One that runs stops after the step it is in. Waits return at once, or after the step they
 * run themselves. The call does not wait for any of this; doing it twice, or with NULL, does
 * nothing.
 */
COP_API void cop_cancel_request(cop_cancel *cancel);

/** Whether cop_cancel_request was called; false for NULL. */
COP_API bool cop_cancel_is_requested(const cop_cancel *cancel);

#ifdef __cplusplus
}
#endif
#endif
