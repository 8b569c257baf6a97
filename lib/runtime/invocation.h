// SPDX-License-Identifier: Apache-2.0
/*
 * One run of a plan in one context: a position that can stop between any two steps and go on later,
 * also on another thread.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef RUNTIME_INVOCATION_H
#define RUNTIME_INVOCATION_H

#include <stdbool.h>
#include <stdint.h>

#include <cachedop/ndarray.h>
#include <cachedop/profile.h>

#include "runtime/contexts/context.h"
#include "runtime/engine/engine.h"

struct invocation {
    struct context *context;
    int next_step;
    bool has_begun;       /* some step ran, or failed: outputs are not what they were */
    bool is_behind;       /* a device may still be busy with steps that were begun */
    bool returns_behind;  /* run returns false rather than wait for a device: see poll */
    struct limits limits; /* of the invocation: past them the next step is not begun */
    uint64_t unwanted;    /* outputs nobody asked for: steps that only they need are skipped */
    cop_profile *profile;
    cop_trace *trace;
};

/*
 * Points the context's operands at the callers' elements. `dst` may hold NULL for outputs that are
 * unwanted and that no step of this run touches (chosen_outputs.h).
 */
void cop_invocation_bind(struct invocation *invocation, cop_ndarray *const *src,
                         cop_ndarray *const *dst);

/*
 * Runs steps until the last is done, one fails, the invocation's limits or those of this turn are
 * reached: only then it returns false and can be called again. When it returns true no device is
 * busy with it any more. With `returns_behind` it also returns false where a device has to come to
 * an end before it can go on, or be done: `is_behind` then says so.
 */
bool cop_invocation_run(struct invocation *invocation, const struct limits *turn,
                        cop_status *status, cop_error *error);

/*
 * After a run that returned with `is_behind`: whether the device has come to an end, or failed, as
 * the status says. True: `is_behind` is false, and run goes on unless it failed or all is done.
 */
bool cop_invocation_poll(struct invocation *invocation, cop_status *status, cop_error *error);

/* No step is left to be begun. */
bool cop_invocation_has_begun_all(const struct invocation *invocation);

#endif
