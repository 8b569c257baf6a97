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

static bool has_device_memory(const struct plan *plan)
{
    return cop_device_has_memory(plan->devices.devices[0]);
}

/* Bytes of the arrays of pointers, all of which cop_context_create allocates. */
static size_t table_bytes(const struct plan *plan)
{
    const size_t bindings =
        (size_t)count_bindings(plan, OPERAND_SRC) + (size_t)count_bindings(plan, OPERAND_DST);
    const size_t operand_bytes = sizeof(void *) + (has_device_memory(plan) ? 1 : 0);
    return sizeof(struct context) + sizeof(struct stream *) * (size_t)plan->devices.count +
           (sizeof(void *) + sizeof(struct kernel_args)) * (size_t)plan->step_count +
           sizeof(struct segment_run) * (size_t)plan->segment_count +
           operand_bytes * (size_t)count_operands(plan) + sizeof(struct binding) * bindings;
}

size_t cop_context_bytes(const struct plan *plan)
{
    return plan->arena_bytes + plan->device_arena_bytes + plan->state_bytes + table_bytes(plan);
}

static cop_status allocate_tables(struct context *context, cop_error *error)
{
    const struct plan *plan = context->plan;
    const size_t steps = (size_t)plan->step_count;
    const size_t srcs = (size_t)count_bindings(plan, OPERAND_SRC);
    const size_t dsts = (size_t)count_bindings(plan, OPERAND_DST);
    context->streams = cop_alloc((size_t)plan->devices.count, sizeof *context->streams);
    context->states = cop_alloc(steps, sizeof *context->states);
    context->args = cop_alloc(steps, sizeof *context->args);
    context->segments = cop_alloc((size_t)plan->segment_count, sizeof *context->segments);
    context->addresses = cop_alloc((size_t)count_operands(plan), sizeof *context->addresses);
    context->srcs = cop_alloc(srcs, sizeof *context->srcs);
    context->dsts = cop_alloc(dsts, sizeof *context->dsts);
    if (has_device_memory(plan))
        context->memory = cop_alloc((size_t)count_operands(plan), 1);
    if (context->streams == NULL || context->states == NULL || context->args == NULL ||
        context->segments == NULL || context->addresses == NULL || context->srcs == NULL ||
        context->dsts == NULL || (has_device_memory(plan) && context->memory == NULL))
        return cop_fail_memory(error, "execution context", context->bytes);
    return COP_STATUS_OK;
}

static enum memory_kind arena_kind(const struct plan *plan)
{
    return has_device_memory(plan) && plan->arena_bytes > 0 ? MEMORY_PINNED : MEMORY_HOST;
}

static cop_status allocate_arenas(struct context *context, cop_error *error)
{
    const struct plan *plan = context->plan;
    struct device *first = plan->devices.devices[0];
    void *memory = NULL;
    cop_status status = cop_memory_create(first, arena_kind(plan), plan->arena_bytes,
                                          "execution context", &memory, error);
    context->arena = memory;
    if (status != COP_STATUS_OK || plan->device_arena_bytes == 0)
        return status;
    status = cop_memory_create(first, MEMORY_DEVICE, plan->device_arena_bytes, "execution context",
                               &memory, error);
    context->device_arena = memory;
    return status;
}

/* The kind of memory an operand lies in; of the caller's: until an invocation says otherwise. */
static enum memory_kind operand_memory(const struct plan *plan, const struct operand *operand)
{
    if (operand->place == OPERAND_ARENA)
        return arena_kind(plan);
    if (operand->place == OPERAND_WEIGHT) {
        const struct layout *layout = plan->weight_keys[operand->index].layout;
        return layout != NULL && layout->is_on_device ? MEMORY_DEVICE : MEMORY_HOST;
    }
    return operand->place == OPERAND_DEVICE_ARENA ? MEMORY_DEVICE : MEMORY_HOST;
}

/* Fills in the address of an operand where it is known now, or notes who fills it in. */
static void resolve(struct context *context, const struct operand *operand, void **slot)
{
    if (context->memory != NULL)
        context->memory[slot - context->addresses] =
            (unsigned char)operand_memory(context->plan, operand);
    switch (operand->place) {
    case OPERAND_NONE:
        break;
    case OPERAND_ARENA:
        *slot = context->arena + operand->offset;
        break;
    case OPERAND_DEVICE_ARENA:
        *slot = context->device_arena + operand->offset;
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

static const unsigned char *memory_at(const struct context *context, void *const *slot)
{
    return context->memory == NULL ? NULL : context->memory + (slot - context->addresses);
}

static void *scratch_of(const struct context *context, const struct plan_step *step)
{
    if (step->kernel->scratch_bytes == 0)
        return NULL;
    return cop_device_has_memory(context->plan->devices.devices[step->device_index])
               ? context->device_arena + step->scratch_offset
               : context->arena + step->scratch_offset;
}

static void resolve_steps(struct context *context)
{
    void **slot = context->addresses;
    for (int i = 0; i < context->plan->step_count; i++) {
        const struct plan_step *step = &context->plan->steps[i];
        struct kernel_args *args = &context->args[i];
        args->src = (const void *const *)slot;
        args->src_memory = memory_at(context, slot);
        for (int k = 0; k < step->kernel->src_count; k++)
            resolve(context, &step->src[k], slot++);
        args->dst = slot;
        args->dst_memory = memory_at(context, slot);
        for (int k = 0; k < step->kernel->dst_count; k++)
            resolve(context, &step->dst[k], slot++);
        args->scratch = scratch_of(context, step);
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
    if (status == COP_STATUS_OK)
        status = allocate_arenas(made, error);
    if (status == COP_STATUS_OK) {
        resolve_steps(made);
        status = create_states(made, error);
    }
    if (status != COP_STATUS_OK)
        cop_context_destroy(&made);
    *context = made;
    return status;
}

void cop_context_drop_recordings(struct context *context)
{
    for (int i = 0; context->segments != NULL && i < context->plan->segment_count; i++) {
        struct segment_run *segment = &context->segments[i];
        if (segment->recording != NULL)
            segment->recording->backend->recording_destroy(segment->recording);
        *segment = (struct segment_run){0};
    }
}

static void destroy_states(struct context *context)
{
    const struct plan *plan = context->plan;
    cop_context_drop_recordings(context);
    for (int i = 0; context->states != NULL && i < plan->step_count; i++)
        if (context->states[i] != NULL)
            plan->steps[i].kernel->backend->state_destroy(plan->steps[i].kernel,
                                                          context->states[i]);
    for (int i = 0; context->streams != NULL && i < plan->devices.count; i++)
        if (context->streams[i] != NULL)
            plan->devices.devices[i]->backend->stream_destroy(context->streams[i]);
}

static void destroy_arenas(struct context *context)
{
    struct device *first = context->plan->devices.devices[0];
    void *host = context->arena, *device = context->device_arena;
    cop_memory_destroy(first, arena_kind(context->plan), &host);
    cop_memory_destroy(first, MEMORY_DEVICE, &device);
}

void cop_context_destroy(struct context **context)
{
    struct context *old = *context;
    *context = NULL;
    if (old == NULL)
        return;
    destroy_states(old);
    destroy_arenas(old);
    cop_free(old->memory);
    cop_free(old->segments);
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
