// SPDX-License-Identifier: Apache-2.0
#include "runtime/contexts/context.h"

#include "base/alloc.h"
#include "base/error.h"

static int count_operands(const struct plan *plan)
{
    int count = 0;
    for (int i = 0; i < plan->step_count; i++)
        count += plan->steps[i].kernel->src_count + plan->steps[i].kernel->dst_count;
    return count;
}

static int count_bindings(const struct plan *plan, enum operand_place place)
{
    int count = 0;
    for (int i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        for (int k = 0; k < step->kernel->src_count; k++)
            count += step->src[k].place == place;
        for (int k = 0; k < step->kernel->dst_count; k++)
            count += step->dst[k].place == place;
    }
    return count;
}

/* Bytes of the arrays of pointers, all of which cop_context_create allocates. */
static size_t table_bytes(const struct plan *plan)
{
    const size_t bindings =
        (size_t)count_bindings(plan, OPERAND_SRC) + (size_t)count_bindings(plan, OPERAND_DST);
    return sizeof(struct context) + sizeof(struct stream *) * (size_t)plan->devices.count +
           (sizeof(void *) + sizeof(struct kernel_args)) * (size_t)plan->step_count +
           sizeof(void *) * (size_t)count_operands(plan) + sizeof(struct binding) * bindings;
}

size_t cop_context_bytes(const struct plan *plan)
{
    return plan->arena_bytes + plan->state_bytes + table_bytes(plan);
}

static cop_status allocate_tables(struct context *context, cop_error *error)
{
    const struct plan *plan = context->plan;
    const size_t steps = (size_t)plan->step_count;
    const size_t srcs = (size_t)count_bindings(plan, OPERAND_SRC);
    const size_t dsts = (size_t)count_bindings(plan, OPERAND_DST);
    context->arena = cop_alloc_aligned(plan->arena_bytes);
    context->streams = cop_alloc((size_t)plan->devices.count, sizeof *context->streams);
    context->states = cop_alloc(steps, sizeof *context->states);
    context->args = cop_alloc(steps, sizeof *context->args);
    context->addresses = cop_alloc((size_t)count_operands(plan), sizeof *context->addresses);
    context->srcs = cop_alloc(srcs, sizeof *context->srcs);
    context->dsts = cop_alloc(dsts, sizeof *context->dsts);
    if (context->arena == NULL || context->streams == NULL || context->states == NULL ||
        context->args == NULL || context->addresses == NULL || context->srcs == NULL ||
        context->dsts == NULL)
        return cop_fail_memory(error, "execution context", context->bytes);
    return COP_STATUS_OK;
}

/* Fills in the address of an operand where it is known now, or notes who fills it in. */
static void resolve(struct context *context, const struct operand *operand, void **slot)
{
    switch (operand->place) {
    case OPERAND_NONE:
        break;
    case OPERAND_ARENA:
        *slot = context->arena + operand->offset;
        break;
    case OPERAND_WEIGHT: /* kernels take sources as const; the table holds both kinds */
        *slot = (void *)(uintptr_t)context->weights->addresses[operand->index];
        break;
    case OPERAND_SRC:
        context->srcs[context->src_binding_count++] = (struct binding){slot, operand->index};
        break;
    case OPERAND_DST:
        context->dsts[context->dst_binding_count++] = (struct binding){slot, operand->index};
        break;
    }
}

static void resolve_steps(struct context *context)
{
    void **slot = context->addresses;
    for (int i = 0; i < context->plan->step_count; i++) {
        const struct plan_step *step = &context->plan->steps[i];
        struct kernel_args *args = &context->args[i];
        args->src = (const void *const *)slot;
        for (int k = 0; k < step->kernel->src_count; k++)
            resolve(context, &step->src[k], slot++);
        args->dst = slot;
        for (int k = 0; k < step->kernel->dst_count; k++)
            resolve(context, &step->dst[k], slot++);
        args->scratch =
            step->kernel->scratch_bytes > 0 ? context->arena + step->scratch_offset : NULL;
    }
}

static cop_status create_states(struct context *context, cop_error *error)
{
    const struct plan *plan = context->plan;
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < plan->devices.count && status == COP_STATUS_OK; i++) {
        struct device *device = plan->devices.devices[i];
        if (device->backend->stream_create != NULL)
            status = device->backend->stream_create(device, &context->streams[i], error);
    }
    for (int i = 0; i < plan->step_count && status == COP_STATUS_OK; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (step->kernel->backend->state_create != NULL)
            status = step->kernel->backend->state_create(
                step->kernel, context->streams[step->device_index], &context->states[i], error);
    }
    return status;
}

cop_status cop_context_create(struct plan *plan, struct current_weights *weights,
                              struct context **context, cop_error *error)
{
    struct context *made = cop_alloc(1, sizeof *made);
    *context = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "execution context", sizeof *made);
    made->plan = cop_plan_retain(plan);
    made->weights = cop_current_weights_take(weights, &made->weight_generation);
    made->bytes = cop_context_bytes(plan);
    cop_status status = allocate_tables(made, error);
    if (status == COP_STATUS_OK) {
        resolve_steps(made);
        status = create_states(made, error);
    }
    if (status != COP_STATUS_OK)
        cop_context_destroy(&made);
    *context = made;
    return status;
}

static void destroy_states(struct context *context)
{
    const struct plan *plan = context->plan;
    for (int i = 0; context->states != NULL && i < plan->step_count; i++)
        if (context->states[i] != NULL)
            plan->steps[i].kernel->backend->state_destroy(plan->steps[i].kernel,
                                                          context->states[i]);
    for (int i = 0; context->streams != NULL && i < plan->devices.count; i++)
        if (context->streams[i] != NULL)
            plan->devices.devices[i]->backend->stream_destroy(context->streams[i]);
}

void cop_context_destroy(struct context **context)
{
    struct context *old = *context;
    *context = NULL;
    if (old == NULL)
        return;
    destroy_states(old);
    cop_free(old->arena);
    cop_free(old->streams);
    cop_free(old->states);
    cop_free(old->args);
    cop_free(old->addresses);
    cop_free(old->srcs);
    cop_free(old->dsts);
    cop_weight_set_release(&old->weights);
    cop_plan_release(&old->plan);
    cop_free(old);
}
