// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_builder.h"

#include <limits.h>

#include "base/alloc.h"
#include "base/error.h"

/* Makes room for one more; false: out of memory, `error` is set. */
static bool grow(struct plan_builder *builder, void **array, int count, int *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    const int more = *capacity > INT_MAX / 2 ? INT_MAX : *capacity == 0 ? 64 : 2 * *capacity;
    void *grown = count == INT_MAX ? NULL : cop_realloc(*array, (size_t)more, size);
    if (grown == NULL) {
        (void)cop_fail_memory(builder->error, "plan", (size_t)more * size);
        return false;
    }
    *array = grown;
    *capacity = more;
    return true;
}

bool cop_builder_add_tensor(struct plan_builder *builder, const struct build_tensor *tensor,
                            int *index)
{
    void *tensors = builder->tensors;
    const bool has_room = grow(builder, &tensors, builder->tensor_count, &builder->tensor_capacity,
                               sizeof *builder->tensors);
    builder->tensors = tensors;
    if (!has_room)
        return false;
    *index = builder->tensor_count;
    builder->tensors[builder->tensor_count++] = *tensor;
    return true;
}

cop_status cop_builder_add_step(struct plan_builder *builder, const struct build_step *step)
{
    struct build_step added = *step;
    void *steps = builder->steps;
    bool is_kept =
        grow(builder, &steps, builder->step_count, &builder->step_capacity, sizeof *builder->steps);
    builder->steps = steps;
    added.src = cop_arena_copy(&builder->arena, step->src, (size_t)step->kernel->src_count,
                               sizeof *step->src);
    added.dst = cop_arena_copy(&builder->arena, step->dst, (size_t)step->kernel->dst_count,
                               sizeof *step->dst);
    if (is_kept && (added.src == NULL || added.dst == NULL)) {
        (void)cop_fail_memory(builder->error, "plan", sizeof added);
        is_kept = false;
    }
    if (!is_kept) {
        cop_kernel_destroy(&added.kernel);
        return COP_STATUS_OUT_OF_MEMORY;
    }
    builder->steps[builder->step_count++] = added;
    return COP_STATUS_OK;
}

int cop_builder_root(struct plan_builder *builder, int tensor, size_t *offset)
{
    size_t sum = 0;
    int root = tensor;
    for (; builder->tensors[root].alias_of != NO_TENSOR; root = builder->tensors[root].alias_of)
        sum += builder->tensors[root].alias_offset;
    *offset = sum;
    while (tensor != root) { /* later searches go straight */
        struct build_tensor *entry = &builder->tensors[tensor];
        const int next = entry->alias_of;
        const size_t own = entry->alias_offset;
        entry->alias_of = root;
        entry->alias_offset = sum;
        sum -= own;
        tensor = next;
    }
    return root;
}

int cop_builder_family(struct plan_builder *builder, int value)
{
    struct build_value *values = builder->values;
    while (values[value].parent != value) {
        values[value].parent = values[values[value].parent].parent;
        value = values[value].parent;
    }
    return value;
}

/* Views of views of … a value are followed this far to find an output. */
#define LONGEST_VIEW_CHAIN 8

static int find_open_output(const struct plan_builder *builder, int value, int depth)
{
    const int output = builder->values[value].output;
    if (output >= 0 && builder->output_tensors[output] == NO_TENSOR)
        return output;
    for (int i = builder->uses.first[value]; i < builder->uses.first[value + 1]; i++) {
        const struct graph_node *node = &builder->graph->nodes[builder->uses.nodes[i]];
        if (depth == 0 || !builder->runs[builder->uses.nodes[i]] || node->src[0] != value ||
            !cop_node_is_view(builder->graph, node))
            continue;
        const int behind = find_open_output(builder, node->dst[0], depth - 1);
        if (behind >= 0)
            return behind;
    }
    return -1;
}

int cop_builder_open_output(const struct plan_builder *builder, int value)
{
    return find_open_output(builder, value, LONGEST_VIEW_CHAIN);
}

int cop_builder_device_of(const struct plan_builder *builder, const struct layout *layout)
{
    const struct device_chain *chain = &builder->plan->devices;
    int index = 0;
    while (index < chain->count - 1 && chain->devices[index]->backend != layout->backend)
        index++;
    return index;
}

cop_status cop_builder_new_form(struct plan_builder *builder, int value,
                                const struct layout *layout, int *tensor)
{
    const struct graph_value *described = &builder->graph->values[value];
    struct build_tensor made = {
        .value = value,
        .layout = layout,
        .bytes = cop_layout_bytes(layout, described->dtype, &described->shape),
        .place = cop_builder_arena(layout),
        .alias_of = NO_TENSOR,
        .next_form = NO_TENSOR,
        .seen_by = -1,
    };
    const int output = layout == NULL ? cop_builder_open_output(builder, value) : -1;
    if (output >= 0) {
        made.place = OPERAND_DST;
        made.index = output;
    }
    if (made.bytes == SIZE_MAX)
        return cop_fail(builder->error, COP_STATUS_INTERNAL, "value '%s' has no shape",
                        described->name);
    if (!cop_builder_add_tensor(builder, &made, tensor))
        return COP_STATUS_OUT_OF_MEMORY;
    if (output >= 0)
        builder->output_tensors[output] = *tensor;
    return COP_STATUS_OK;
}

static void append_form(struct plan_builder *builder, int value, int tensor)
{
    int *at = &builder->values[value].forms;
    while (*at != NO_TENSOR)
        at = &builder->tensors[*at].next_form;
    *at = tensor;
}

static cop_status add_reorder(struct plan_builder *builder, int src, int dst)
{
    const struct build_tensor *from = &builder->tensors[src], *to = &builder->tensors[dst];
    const struct graph_value *described = &builder->graph->values[from->value];
    struct build_step step = {
        .device_index =
            cop_builder_device_of(builder, to->layout != NULL ? to->layout : from->layout),
        .name = described->name,
        .op_name = cop_layout_equal(from->layout, to->layout) ? "Copy" : "Reorder",
        .fused = "",
        .src = &src,
        .dst = &dst,
    };
    const cop_status status = cop_reorder_create(
        builder->plan->devices.devices[step.device_index], described->dtype, &described->shape,
        from->layout, to->layout, builder->request->intra_op_threads, &step.kernel, builder->error);
    return status == COP_STATUS_OK ? cop_builder_add_step(builder, &step) : status;
}

/* A copy between plain tensors, which every device leaves to the last of the chain. */
static cop_status add_plain_copy(struct plan_builder *builder, int src, int dst)
{
    static const struct no_attrs no_attrs;
    const struct graph_value *described = &builder->graph->values[builder->tensors[src].value];
    const struct kernel_tensor tensor = {
        .is_present = true, .dtype = described->dtype, .shape = described->shape};
    const struct kernel_request request = {
        .kind = OP_IDENTITY,
        .attrs = &no_attrs,
        .post_ops = &cop_no_post_ops,
        .src_count = 1,
        .dst_count = 1,
        .src = &tensor,
        .dst = &tensor,
        .intra_op_threads = builder->request->intra_op_threads,
        .name = described->name,
    };
    struct build_step step = {
        .device_index = builder->plan->devices.count - 1,
        .name = described->name,
        .op_name = "Copy",
        .fused = "",
        .src = &src,
        .dst = &dst,
    };
    const cop_status status = cop_kernel_create(builder->plan->devices.devices[step.device_index],
                                                &request, &step.kernel, builder->error);
    return status == COP_STATUS_OK ? cop_builder_add_step(builder, &step) : status;
}

cop_status cop_builder_add_copy(struct plan_builder *builder, int src, int dst)
{
    return builder->tensors[src].layout == NULL && builder->tensors[dst].layout == NULL
               ? add_plain_copy(builder, src, dst)
               : add_reorder(builder, src, dst);
}

static cop_status make_linear(struct plan_builder *builder, int value, const struct layout *on,
                              const struct layout *like, const struct layout **linear)
{
    const struct graph_value *described = &builder->graph->values[value];
    struct device *device = builder->plan->devices.devices[cop_builder_device_of(builder, on)];
    return on->backend->layout_linear(device, like, described->dtype, &described->shape, linear,
                                      builder->error);
}

cop_status cop_builder_get_linear(struct plan_builder *builder, int value, const struct layout *on,
                                  const struct layout *like, int *tensor)
{
    const struct layout *linear = NULL;
    cop_status status = make_linear(builder, value, on, like, &linear);
    if (status == COP_STATUS_OK)
        status = cop_builder_get_form(builder, value, linear, NULL, tensor);
    cop_layout_release(&linear); /* the kernel that makes the form holds it */
    return status;
}

cop_status cop_builder_cross(struct plan_builder *builder, int value, const struct layout *wanted,
                             int *tensor)
{
    const struct layout *have = builder->tensors[*tensor].layout;
    const struct layout *there = wanted != NULL ? wanted : have;
    if ((have == NULL) == (wanted == NULL) || !there->is_on_device)
        return COP_STATUS_OK;
    const struct layout *linear = NULL;
    cop_status status = make_linear(builder, value, there, NULL, &linear);
    if (status == COP_STATUS_OK && !cop_layout_equal(wanted, linear))
        status = cop_builder_get_form(builder, value, linear, NULL, tensor);
    cop_layout_release(&linear);
    return status;
}

/* Layouts of different backends meet in the plain one. */
static cop_status add_form_by_reorder(struct plan_builder *builder, int value,
                                      const struct layout *layout, int *tensor)
{
    int from = builder->values[value].forms;
    const struct layout *have = builder->tensors[from].layout;
    cop_status status = COP_STATUS_OK;
    if (have != NULL && layout != NULL && have->backend != layout->backend)
        status = cop_builder_get_form(builder, value, NULL, NULL, &from);
    if (status == COP_STATUS_OK)
        status = cop_builder_cross(builder, value, layout, &from);
    if (status == COP_STATUS_OK)
        status = cop_builder_new_form(builder, value, layout, tensor);
    return status == COP_STATUS_OK ? cop_builder_add_copy(builder, from, *tensor) : status;
}

static cop_status add_weight(struct plan_builder *builder, int value, const struct layout *layout,
                             struct device *device, int *tensor)
{
    const struct graph_value *described = &builder->graph->values[value];
    int capacity = builder->weight_capacity;
    void *keys = builder->keys, *values = builder->weight_values;
    const bool has_keys =
        grow(builder, &keys, builder->weight_count, &capacity, sizeof *builder->keys);
    builder->keys = keys;
    const bool has_values =
        has_keys && grow(builder, &values, builder->weight_count, &builder->weight_capacity,
                         sizeof *builder->weight_values);
    builder->weight_values = values;
    const struct build_tensor made = {
        .value = value,
        .layout = layout,
        .bytes = cop_layout_bytes(layout, described->dtype, &described->shape),
        .place = OPERAND_WEIGHT,
        .index = builder->weight_count,
        .alias_of = NO_TENSOR,
        .next_form = NO_TENSOR,
        .seen_by = -1,
    };
    if (!has_values || !cop_builder_add_tensor(builder, &made, tensor))
        return COP_STATUS_OUT_OF_MEMORY;
    builder->weight_values[builder->weight_count] = value;
    builder->keys[builder->weight_count++] = (struct weight_key){
        .identity = cop_graph_weight_hash(builder->graph, value),
        .dtype = described->dtype,
        .shape = described->shape,
        .layout = cop_layout_retain(layout),
        .device = device,
    };
    return COP_STATUS_OK;
}

cop_status cop_builder_get_form(struct plan_builder *builder, int value,
                                const struct layout *layout, struct device *device, int *tensor)
{
    const bool is_weight = cop_graph_is_weight(builder->graph, value);
    if (layout == NULL || device == NULL) /* plain weights lie in host memory, shared by all */
        device = builder->plan->devices.devices[builder->plan->devices.count - 1];
    for (int form = builder->values[value].forms; form != NO_TENSOR;
         form = builder->tensors[form].next_form) {
        const struct build_tensor *found = &builder->tensors[form];
        *tensor = form;
        if (cop_layout_equal(found->layout, layout) &&
            (!is_weight || builder->keys[found->index].device == device))
            return COP_STATUS_OK;
    }
    const cop_status status = is_weight ? add_weight(builder, value, layout, device, tensor)
                                        : add_form_by_reorder(builder, value, layout, tensor);
    if (status == COP_STATUS_OK)
        append_form(builder, value, *tensor);
    return status;
}

/* The existing form in this layout, otherwise the one its producer made. */
static int nearest_form(const struct plan_builder *builder, int value, const struct layout *layout)
{
    for (int form = builder->values[value].forms; form != NO_TENSOR;
         form = builder->tensors[form].next_form)
        if (cop_layout_equal(builder->tensors[form].layout, layout))
            return form;
    return builder->values[value].forms;
}

cop_status cop_builder_get_writable(struct plan_builder *builder, int value,
                                    const struct layout *layout, bool dies, int *tensor)
{
    cop_status status = COP_STATUS_OK;
    size_t offset;
    int from;
    if (cop_graph_is_weight(builder->graph, value)) {
        status = cop_builder_get_form(builder, value, NULL, NULL, &from);
    } else if (dies) {
        status = cop_builder_get_form(builder, value, layout, NULL, &from);
        *tensor = from;
        if (status != COP_STATUS_OK ||
            builder->tensors[cop_builder_root(builder, from, &offset)].place ==
                cop_builder_arena(layout))
            return status;
    } else {
        from = nearest_form(builder, value, layout);
    }
    if (status != COP_STATUS_OK)
        return status;
    const struct build_tensor copy = {
        .value = value,
        .layout = layout,
        .bytes = cop_layout_bytes(layout, builder->graph->values[value].dtype,
                                  &builder->graph->values[value].shape),
        .place = cop_builder_arena(layout),
        .alias_of = NO_TENSOR,
        .next_form = NO_TENSOR,
        .seen_by = -1,
    };
    if (!cop_builder_add_tensor(builder, &copy, tensor))
        return COP_STATUS_OUT_OF_MEMORY;
    return cop_builder_add_copy(builder, from, *tensor);
}
