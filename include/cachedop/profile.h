// SPDX-License-Identifier: Apache-2.0
/**
 * Where the time goes: the steps of one invocation, and a trace of many. Either costs two looks at
 * the clock for each step of an invocation that it is given to; a trace also a lock.
 */
#ifndef CACHEDOP_PROFILE_H
#define CACHEDOP_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The steps of the last invocation it was given to; of one that failed, those that ran.
 *
 * Thread-safety: one thread at a time, and none while an invocation fills it.
 */
typedef struct cop_profile cop_profile;

/** One step. Texts belong to the profile and are valid until its next use or release. */
typedef struct cop_profile_step {
    const char *name;   /**< the node, or the first of those fused into it */
    const char *op;     /**< its operator, such as "Convolution" */
    const char *kernel; /**< the implementation, such as "brgconv:avx512_core" */
    int64_t start_ns;   /**< since the invocation began */
    int64_t duration_ns;
} cop_profile_step;

/** @return OK; INVALID_ARGUMENT: profile is NULL; OUT_OF_MEMORY */
COP_API COP_MUST_USE cop_status cop_profile_create(cop_profile **profile, cop_error *error);

/** Frees the profile and sets `*profile` to NULL; accepts a pointer to NULL. */
COP_API void cop_profile_release(cop_profile **profile);

/** Steps there are; 0 for NULL and before the first invocation. */
COP_API size_t cop_profile_step_count(const cop_profile *profile);

/**
 * Describes step `index`, in the order in which they ran.
 * @return OK; INVALID_ARGUMENT: no such index, or a NULL
 */
COP_API COP_MUST_USE cop_status cop_profile_get_step(const cop_profile *profile, size_t index,
                                                     cop_profile_step *step, cop_error *error);

/**
 * Collects the steps of many invocations, of any operators, for the Chrome trace viewer. It keeps
 * the plans of those operators alive, whose names it prints.
 *
 * Thread-safety: synchronized; any number of invocations may record into one trace at once.
 */
typedef struct cop_trace cop_trace;

/**
 * @param max_events  how many steps it keeps; later ones are counted and dropped. 0 = 1,000,000.
 * @param trace       receives one reference; NULL on failure
 * @return OK; INVALID_ARGUMENT: trace is NULL; OUT_OF_MEMORY
 */
COP_API COP_MUST_USE cop_status cop_trace_create(size_t max_events, cop_trace **trace,
                                                 cop_error *error);

/**
 * Gives the trace back and sets `*trace` to NULL; accepts a pointer to NULL. Invocations that still
 * record into it keep it alive.
 */
COP_API void cop_trace_release(cop_trace **trace);

/**
 * Writes what was collected so far as Chrome trace JSON (open it in chrome://tracing or Perfetto),
 * replacing the file in one step: a reader sees the old file or the new one whole. Invocations may
 * record meanwhile; what comes later is not in the file.
 * @return OK; INVALID_ARGUMENT: a NULL; IO: with the system's reason, and the old file is as it
 * was; OUT_OF_MEMORY
 */
COP_API COP_MUST_USE cop_status cop_trace_write(cop_trace *trace, const char *path,
                                                cop_error *error);

#ifdef __cplusplus
}
#endif
#endif
