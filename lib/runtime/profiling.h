// SPDX-License-Identifier: Apache-2.0
/* What an invocation tells its profile and its trace. */
#ifndef RUNTIME_PROFILING_H
#define RUNTIME_PROFILING_H

#include <stdint.h>

#include <cachedop/profile.h>

#include "plan/plan.h"

/* Empties the profile for a new invocation of `plan`, which it keeps alive; INT64 times are
 * monotonic. */
cop_status cop_profile_begin(cop_profile *profile, struct plan *plan, int64_t begin_ns,
                             cop_error *error);
void cop_profile_record(cop_profile *profile, const struct plan_step *step, int64_t begin_ns,
                        int64_t end_ns);

cop_trace *cop_trace_retain(cop_trace *trace);

/* Keeps the plan, whose texts the events point to, until the trace dies. Once for each invocation.
 */
cop_status cop_trace_begin(cop_trace *trace, struct plan *plan, cop_error *error);
void cop_trace_record(cop_trace *trace, const struct plan_step *step, int64_t begin_ns,
                      int64_t end_ns);

#endif
