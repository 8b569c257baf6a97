// SPDX-License-Identifier: Apache-2.0
#include "runtime/contexts/weight_binding.h"

#include "runtime/contexts/context.h"

struct weight_set *cop_current_weights_take(const struct current_weights *current,
                                            uint64_t *generation)
{
    struct lock *lock = &current->generation->lock;
    cop_lock_acquire(lock);
    struct weight_set *set = cop_weight_set_retain(current->set);
    *generation = atomic_load_explicit(&current->generation->number, memory_order_relaxed);
    cop_lock_release(lock);
    return set;
}

void cop_context_rebind(struct context *context, const struct current_weights *current)
{
    struct weight_set *old = context->weights;
    context->weights = cop_current_weights_take(current, &context->weight_generation);
    cop_context_drop_recordings(context);
    void **slot = context->addresses; /* as resolve_steps of context.c fills them in */
    for (int i = 0; i < context->plan->step_count; i++) {
        const struct plan_step *step = &context->plan->steps[i];
        for (int k = 0; k < step->kernel->src_count; k++, slot++)
            if (step->src[k].place == OPERAND_WEIGHT)
                *slot = (void *)(uintptr_t)context->weights->addresses[step->src[k].index];
        slot += step->kernel->dst_count;
    }
    cop_weight_set_release(&old);
}

static void follow(struct context *context, void *user)
{
    struct current_weights *current = user;
    if (context->weight_generation != cop_current_weights_generation(current))
        cop_context_rebind(context, current);
}

void cop_context_pool_rebind_idle(struct context_pool *pool, struct current_weights *current)
{
    cop_context_pool_for_each_idle(pool, follow, current);
}
