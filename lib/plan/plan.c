// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.h"

#include "base/alloc.h"

struct plan *cop_plan_retain(struct plan *plan)
{
    cop_refcount_retain(&plan->refs);
    return plan;
}

void cop_plan_release(struct plan **plan)
{
    struct plan *old = *plan;
    *plan = NULL;
    if (old == NULL || !cop_refcount_release(&old->refs))
        return;
    for (int i = 0; i < old->step_count; i++) {
        struct kernel *kernel = (struct kernel *)(uintptr_t)old->steps[i].kernel;
        cop_kernel_destroy(&kernel);
    }
    for (int i = 0; i < old->weight_count; i++)
        cop_layout_release(&old->weight_keys[i].layout);
    cop_graph_destroy(old->recipes.graph);
    cop_arena_release(&old->arena);
    cop_free(old);
}
