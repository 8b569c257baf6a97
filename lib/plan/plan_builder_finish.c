// SPDX-License-Identifier: Apache-2.0
/* The end of building: outputs, steps nobody needs, memory, and the immutable plan. */
#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/system_memory.h"
#include "plan/memory_plan.h"
#include "plan/plan_builder.h"

/* An output that lies elsewhere: an input, a weight, a tensor in another layout, or one given
 * twice. */
static cop_status copy_output(struct plan_builder *builder, int output)
{
    const int value = builder->graph->outputs[output];
    const struct graph_value *described = &builder->graph->values[value];
    struct build_tensor made = {
        .value = value,
        .bytes = cop_layout_bytes(NULL, described->dtype, &described->shape),
        .place = OPERAND_DST,
        .index = output,
        .alias_of = NO_TENSOR,
        .next_form = NO_TENSOR,
    };
    int from = builder->values[value].forms;
    cop_status status = COP_STATUS_OK;
    if (described->is_weight)
        status = cop_builder_get_form(builder, value, NULL, NULL, &from);
    if (status != COP_STATUS_OK)
        return status;
    for (int form = from; form != NO_TENSOR; form = builder->tensors[form].next_form)
        if (builder->tensors[form].layout == NULL)
            from = form;
    status = cop_builder_cross(builder, value, NULL, &from);
    if (status != COP_STATUS_OK)
        return status;
    if (!cop_builder_add_tensor(builder, &made, &builder->output_tensors[output]))
        return COP_STATUS_OUT_OF_MEMORY;
    return cop_builder_add_copy(builder, from, builder->output_tensors[output]);
}

cop_status cop_builder_add_outputs(struct plan_builder *builder)
{
    for (int i = 0; i < builder->graph->output_count; i++) {
        const cop_status status =
            builder->output_tensors[i] == NO_TENSOR ? copy_output(builder, i) : COP_STATUS_OK;
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

/*
 * What a step is needed by: the outputs behind everything that reads, later, the memory it writes.
 * All that shares memory counts as one, which may be more than is read, and is never less.
 */
static uint64_t find_needed_by(struct plan_builder *builder, const struct build_step *step,
                               uint64_t *needed_by)
{
    uint64_t outputs = 0;
    size_t offset;
    for (int j = 0; j < step->kernel->dst_count; j++)
        if (step->dst[j] != NO_TENSOR)
            outputs |= needed_by[cop_builder_root(builder, step->dst[j], &offset)];
    for (int j = 0; outputs != 0 && j < step->kernel->src_count; j++)
        if (step->src[j] != NO_TENSOR)
            needed_by[cop_builder_root(builder, step->src[j], &offset)] |= outputs;
    return outputs;
}

/* Finds which outputs each step is needed by, and removes those that none needs. */
static cop_status drop_unneeded_steps(struct plan_builder *builder)
{
    uint64_t *needed_by = cop_alloc((size_t)builder->tensor_count, sizeof *needed_by);
    size_t offset;
    if (needed_by == NULL)
        return cop_fail_memory(builder->error, "plan",
                               (size_t)builder->tensor_count * sizeof *needed_by);
    for (int i = 0; i < builder->graph->output_count; i++)
        needed_by[cop_builder_root(builder, builder->output_tensors[i], &offset)] |=
            cop_output_bit((size_t)i);
    int kept = builder->step_count;
    for (int i = builder->step_count - 1; i >= 0; i--) {
        struct build_step step = builder->steps[i];
        step.needed_by = find_needed_by(builder, &step, needed_by);
        if (step.needed_by != 0)
            builder->steps[--kept] = step;
        else
            cop_kernel_destroy(&step.kernel);
    }
    for (int i = kept; i < builder->step_count; i++)
        builder->steps[i - kept] = builder->steps[i];
    builder->step_count -= kept;
    cop_free(needed_by);
    return COP_STATUS_OK;
}

static void live_at(struct memory_interval *interval, int step)
{
    if (interval->first > interval->last)
        interval->first = step;
    if (interval->last < step)
        interval->last = step;
}

/* The arena that the scratch memory of a step lies in. */
static enum operand_place scratch_place(const struct plan_builder *builder,
                                        const struct build_step *step)
{
    return cop_device_has_memory(builder->plan->devices.devices[step->device_index])
               ? OPERAND_DEVICE_ARENA
               : OPERAND_ARENA;
}

/* One interval a tensor, then one a step for its scratch memory; what does not lie in this arena
 * has no bytes. */
static void list_intervals(struct plan_builder *builder, enum operand_place arena,
                           struct memory_interval *intervals)
{
    for (int i = 0; i < builder->tensor_count; i++) {
        size_t offset;
        const int root = cop_builder_root(builder, i, &offset);
        const bool in_arena = builder->tensors[root].place == arena;
        intervals[i] = (struct memory_interval){
            .first = 0,
            .last = -1,
            .bytes = in_arena ? builder->tensors[i].bytes : 0,
            .alias_of = in_arena && root != i ? root : COP_NO_ALIAS,
            .alias_offset = offset,
        };
    }
    for (int i = 0; i < builder->step_count; i++) {
        const struct build_step *step = &builder->steps[i];
        for (int j = 0; j < step->kernel->src_count; j++)
            if (step->src[j] != NO_TENSOR)
                live_at(&intervals[step->src[j]], i);
        for (int j = 0; j < step->kernel->dst_count; j++)
            if (step->dst[j] != NO_TENSOR)
                live_at(&intervals[step->dst[j]], i);
        intervals[builder->tensor_count + i] = (struct memory_interval){
            .first = i,
            .last = i,
            .bytes = scratch_place(builder, step) == arena ? step->kernel->scratch_bytes : 0,
            .alias_of = COP_NO_ALIAS,
        };
    }
}

/* Where everything lies: offsets in both arenas, by tensor and then by step. */
struct places {
    const struct memory_interval *host, *device;
};

static size_t offset_of(const struct places *places, enum operand_place arena, int index)
{
    return (arena == OPERAND_DEVICE_ARENA ? places->device : places->host)[index].offset;
}

static struct operand place_operand(struct plan_builder *builder, int tensor,
                                    const struct places *places)
{
    if (tensor == NO_TENSOR)
        return (struct operand){OPERAND_NONE, 0, 0};
    size_t offset;
    const struct build_tensor *root = &builder->tensors[cop_builder_root(builder, tensor, &offset)];
    if (root->place == OPERAND_ARENA || root->place == OPERAND_DEVICE_ARENA)
        return (struct operand){root->place, 0, offset_of(places, root->place, tensor)};
    return (struct operand){root->place, root->index, offset};
}

static bool write_tensors(struct plan_builder *builder, const int *tensors, int count,
                          const struct places *places, const struct operand **operands,
                          const struct plan_tensor **described)
{
    struct arena *arena = &builder->plan->arena;
    struct operand *made = cop_arena_alloc(arena, (size_t)count, sizeof *made);
    struct plan_tensor *texts = cop_arena_alloc(arena, (size_t)count, sizeof *texts);
    *operands = made;
    *described = texts;
    for (int i = 0; made != NULL && texts != NULL && i < count; i++) {
        made[i] = place_operand(builder, tensors[i], places);
        texts[i] = (struct plan_tensor){.name = "", .layout = ""};
        if (tensors[i] == NO_TENSOR)
            continue;
        const struct build_tensor *tensor = &builder->tensors[tensors[i]];
        const struct graph_value *value = &builder->graph->values[tensor->value];
        texts[i].name = cop_arena_text(arena, value->name);
        texts[i].layout = cop_arena_text(arena, cop_layout_name(tensor->layout));
        texts[i].dtype = value->dtype;
        texts[i].shape = value->shape;
        texts[i].bytes = tensor->bytes;
        if (texts[i].name == NULL || texts[i].layout == NULL)
            return false;
    }
    return made != NULL && texts != NULL;
}

static bool write_step(struct plan_builder *builder, int index, const struct places *places)
{
    struct arena *arena = &builder->plan->arena;
    struct build_step *built = &builder->steps[index];
    struct plan_step *step = &builder->plan->steps[index];
    const struct kernel *kernel = built->kernel;
    step->needed_by = built->needed_by;
    step->device_index = built->device_index;
    step->scratch_offset =
        offset_of(places, scratch_place(builder, built), builder->tensor_count + index);
    step->name = cop_arena_text(arena, built->name);
    step->op_name = cop_arena_text(arena, built->op_name);
    step->fused = cop_arena_text(arena, built->fused);
    if (step->name == NULL || step->op_name == NULL || step->fused == NULL ||
        !write_tensors(builder, built->src, kernel->src_count, places, &step->src,
                       &step->src_tensors) ||
        !write_tensors(builder, built->dst, kernel->dst_count, places, &step->dst,
                       &step->dst_tensors))
        return false;
    builder->plan->state_bytes += kernel->state_bytes;
    builder->plan->plan_bytes += kernel->object_bytes;
    step->kernel = kernel;
    built->kernel = NULL;
    return true;
}

static cop_status write_steps(struct plan_builder *builder, const struct places *places)
{
    struct plan *plan = builder->plan;
    plan->steps = cop_arena_alloc(&plan->arena, (size_t)builder->step_count, sizeof *plan->steps);
    if (plan->steps == NULL)
        return cop_fail_memory(builder->error, "plan",
                               (size_t)builder->step_count * sizeof *plan->steps);
    for (int i = 0; i < builder->step_count; i++) {
        plan->step_count = i + 1;
        if (!write_step(builder, i, places))
            return cop_fail_memory(builder->error, "plan", sizeof *plan->steps);
    }
    for (int i = 0; i < plan->devices.count; i++)
        plan->state_bytes += plan->devices.devices[i]->backend->stream_bytes;
    return COP_STATUS_OK;
}

static bool write_descs(struct plan_builder *builder)
{
    struct plan *plan = builder->plan;
    const struct graph *graph = builder->graph;
    plan->srcs = cop_arena_alloc(&plan->arena, (size_t)graph->input_count, sizeof *plan->srcs);
    plan->dsts = cop_arena_alloc(&plan->arena, (size_t)graph->output_count, sizeof *plan->dsts);
    if (plan->srcs == NULL || plan->dsts == NULL)
        return false;
    plan->src_count = graph->input_count;
    plan->dst_count = graph->output_count;
    for (int i = 0; i < plan->src_count + plan->dst_count; i++) {
        const bool is_src = i < plan->src_count;
        const int output = i - plan->src_count;
        const struct graph_value *value =
            &graph->values[is_src ? graph->inputs[i].value : graph->outputs[output]];
        cop_tensor_desc *desc = is_src ? &plan->srcs[i] : &plan->dsts[output];
        desc->name =
            cop_arena_text(&plan->arena, is_src ? value->name : graph->output_names[output]);
        desc->dtype = value->dtype;
        desc->rank = value->shape.rank;
        for (int j = 0; j < value->shape.rank; j++)
            desc->shape[j] = value->shape.dims[j];
        if (desc->name == NULL)
            return false;
    }
    return true;
}

static void add_users(struct plan *plan, const struct operand *operands, int count,
                      uint64_t needed_by)
{
    for (int i = 0; i < count; i++)
        if (operands[i].place == OPERAND_DST)
            plan->dst_used_by[operands[i].index] |= needed_by;
}

/* Which runs touch an output's memory: also those that nobody asks for it, but need it on the way.
 */
static bool write_dst_users(struct plan *plan)
{
    plan->dst_used_by =
        cop_arena_alloc(&plan->arena, (size_t)plan->dst_count, sizeof *plan->dst_used_by);
    for (int i = 0; plan->dst_used_by != NULL && i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        add_users(plan, step->src, step->kernel->src_count, step->needed_by);
        add_users(plan, step->dst, step->kernel->dst_count, step->needed_by);
    }
    return plan->dst_used_by != NULL;
}

/* Which of the caller's arrays are reached by steps of a device without memory of its own. */
static bool write_host_users(struct plan *plan)
{
    plan->src_is_host_read = cop_arena_alloc(&plan->arena, (size_t)plan->src_count, sizeof(bool));
    plan->dst_is_host_used = cop_arena_alloc(&plan->arena, (size_t)plan->dst_count, sizeof(bool));
    if (plan->src_is_host_read == NULL || plan->dst_is_host_used == NULL)
        return false;
    for (int i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (cop_device_has_memory(plan->devices.devices[step->device_index]))
            continue;
        for (int k = 0; k < step->kernel->src_count; k++)
            if (step->src[k].place == OPERAND_SRC)
                plan->src_is_host_read[step->src[k].index] = true;
            else if (step->src[k].place == OPERAND_DST)
                plan->dst_is_host_used[step->src[k].index] = true;
        for (int k = 0; k < step->kernel->dst_count; k++)
            if (step->dst[k].place == OPERAND_DST)
                plan->dst_is_host_used[step->dst[k].index] = true;
    }
    return true;
}

/* The keys move into the plan, with their references of layouts. */
static bool move_keys(struct plan_builder *builder)
{
    struct plan *plan = builder->plan;
    plan->weight_keys = cop_arena_copy(&plan->arena, builder->keys, (size_t)builder->weight_count,
                                       sizeof *plan->weight_keys);
    if (plan->weight_keys == NULL)
        return false;
    plan->weight_count = builder->weight_count;
    builder->weight_count = 0;
    return true;
}

/* A context that can never be made is told now and not at the first invocation. */
static cop_status check_arena(const struct plan_builder *builder)
{
    const struct plan *plan = builder->plan;
    struct device *first = plan->devices.devices[0];
    const size_t needed = plan->arena_bytes, there_is = cop_system_memory_bytes();
    if (needed > there_is)
        return cop_fail(builder->error, COP_STATUS_OUT_OF_MEMORY,
                        "intermediate tensors need %zu bytes, and this machine has %zu in all",
                        needed, there_is);
    if (plan->device_arena_bytes == 0)
        return COP_STATUS_OK;
    const size_t device_has = first->backend->memory_bytes(first);
    return plan->device_arena_bytes <= device_has
               ? COP_STATUS_OK
               : cop_fail(builder->error, COP_STATUS_OUT_OF_DEVICE_MEMORY,
                          "intermediate tensors need %zu bytes, and %s has %zu in all",
                          plan->device_arena_bytes, first->name, device_has);
}

/* Offsets in one arena and its size. `*intervals` is to be freed. */
static cop_status solve_arena(struct plan_builder *builder, enum operand_place arena,
                              struct memory_interval **intervals, size_t *bytes)
{
    const size_t count = (size_t)builder->tensor_count + (size_t)builder->step_count;
    *intervals = cop_alloc(count, sizeof **intervals);
    if (*intervals == NULL || count > INT32_MAX)
        return cop_fail_memory(builder->error, "memory plan", count * sizeof **intervals);
    list_intervals(builder, arena, *intervals);
    return cop_memory_plan_solve(*intervals, (int)count, bytes, builder->error);
}

static cop_status place_everything(struct plan_builder *builder)
{
    struct plan *plan = builder->plan;
    struct memory_interval *host = NULL, *device = NULL;
    cop_status status = solve_arena(builder, OPERAND_ARENA, &host, &plan->arena_bytes);
    if (status == COP_STATUS_OK && cop_device_has_memory(plan->devices.devices[0]))
        status = solve_arena(builder, OPERAND_DEVICE_ARENA, &device, &plan->device_arena_bytes);
    if (status == COP_STATUS_OK)
        status = check_arena(builder);
    const struct places places = {host, device};
    if (status == COP_STATUS_OK)
        status = write_steps(builder, &places);
    cop_free(host), cop_free(device);
    return status;
}

cop_status cop_builder_finish(struct plan_builder *builder)
{
    struct plan *plan = builder->plan;
    cop_status status = drop_unneeded_steps(builder);
    if (status == COP_STATUS_OK)
        status = place_everything(builder);
    if (status == COP_STATUS_OK &&
        (!write_descs(builder) || !write_dst_users(plan) || !write_host_users(plan) ||
         !cop_plan_find_segments(plan) || !move_keys(builder)))
        status = cop_fail_memory(builder->error, "plan", sizeof *plan);
    plan->plan_bytes += sizeof *plan + plan->arena.bytes;
    return status;
}
