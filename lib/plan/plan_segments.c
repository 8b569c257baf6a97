// SPDX-License-Identifier: Apache-2.0
/* Which steps a context may record and repeat as one. */
#include "plan/plan.h"

/*
 * What a segment is estimated to take at the most: between two of them an invocation looks at its
 * deadline and whether it is cancelled.
 */
#define LONGEST_SEGMENT_NS INT64_C(5000000)

/* One step alone is as fast without a recording. */
#define SHORTEST_SEGMENT 2

static bool touches_caller(const struct operand *operands, int count)
{
    for (int i = 0; i < count; i++)
        if (operands[i].place == OPERAND_SRC || operands[i].place == OPERAND_DST)
            return true;
    return false;
}

static bool is_recordable(const struct plan *plan, const struct plan_step *step)
{
    return step->kernel->is_recordable &&
           plan->devices.devices[step->device_index]->backend->recording_begin != NULL &&
           !touches_caller(step->src, step->kernel->src_count) &&
           !touches_caller(step->dst, step->kernel->dst_count);
}

/* The end of the longest segment that begins with `first`, which is recordable. */
static int find_end(const struct plan *plan, int first)
{
    const struct plan_step *steps = plan->steps;
    int64_t ns = steps[first].kernel->estimated_ns;
    int end = first + 1;
    for (; end < plan->step_count; end++) {
        if (!is_recordable(plan, &steps[end]) ||
            steps[end].device_index != steps[first].device_index ||
            steps[end].needed_by != steps[first].needed_by ||
            ns + steps[end].kernel->estimated_ns > LONGEST_SEGMENT_NS)
            break;
        ns += steps[end].kernel->estimated_ns;
    }
    return end;
}

bool cop_plan_find_segments(struct plan *plan)
{
    for (int i = 0; i < plan->step_count; i++)
        plan->steps[i].segment = -1;
    plan->segments = cop_arena_alloc(&plan->arena, (size_t)plan->step_count / SHORTEST_SEGMENT + 1,
                                     sizeof *plan->segments);
    if (plan->segments == NULL)
        return false;
    for (int first = 0, end; first < plan->step_count; first = end) {
        end = is_recordable(plan, &plan->steps[first]) ? find_end(plan, first) : first + 1;
        if (end - first < SHORTEST_SEGMENT)
            continue;
        for (int i = first; i < end; i++)
            plan->steps[i].segment = plan->segment_count;
        plan->segments[plan->segment_count++] = (struct plan_segment){first, end};
    }
    return true;
}
