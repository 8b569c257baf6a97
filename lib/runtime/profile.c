// SPDX-License-Identifier: Apache-2.0
#include <cachedop/profile.h>

#include "base/alloc.h"
#include "base/error.h"
#include "runtime/profiling.h"

struct cop_profile {
    struct plan *plan; /* whose steps and texts these are; one reference */
    int64_t begin_ns;
    cop_profile_step *steps;
    size_t step_count, capacity;
};

cop_status cop_profile_create(cop_profile **profile, cop_error *error)
{
    if (profile == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "profile: the result pointer is NULL");
    *profile = cop_alloc(1, sizeof **profile);
    return *profile == NULL ? cop_fail_memory(error, "profile", sizeof **profile) : cop_ok(error);
}

void cop_profile_release(cop_profile **profile)
{
    if (profile == NULL || *profile == NULL)
        return;
    cop_plan_release(&(*profile)->plan);
    cop_free((*profile)->steps);
    cop_free(*profile);
    *profile = NULL;
}

size_t cop_profile_step_count(const cop_profile *profile)
{
    return profile == NULL ? 0 : profile->step_count;
}

cop_status cop_profile_get_step(const cop_profile *profile, size_t index, cop_profile_step *step,
                                cop_error *error)
{
    if (profile == NULL || step == NULL || index >= profile->step_count)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "profile: step %zu of %zu", index,
                        profile == NULL ? 0 : profile->step_count);
    *step = profile->steps[index];
    return cop_ok(error);
}

cop_status cop_profile_begin(cop_profile *profile, struct plan *plan, int64_t begin_ns,
                             cop_error *error)
{
    const size_t needed = (size_t)plan->step_count;
    if (profile->capacity < needed) {
        cop_profile_step *steps = cop_realloc(profile->steps, needed, sizeof *steps);
        if (steps == NULL)
            return cop_fail_memory(error, "profile", needed * sizeof *steps);
        profile->steps = steps;
        profile->capacity = needed;
    }
    cop_plan_retain(plan);
    cop_plan_release(&profile->plan);
    profile->plan = plan;
    profile->begin_ns = begin_ns;
    profile->step_count = 0;
    return COP_STATUS_OK;
}

void cop_profile_record(cop_profile *profile, const struct plan_step *step, int64_t begin_ns,
                        int64_t end_ns)
{
    profile->steps[profile->step_count++] = (cop_profile_step){
        .name = step->name,
        .op = step->op_name,
        .kernel = step->kernel->implementation,
        .start_ns = begin_ns - profile->begin_ns,
        .duration_ns = end_ns - begin_ns,
    };
}
