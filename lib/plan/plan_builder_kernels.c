// SPDX-License-Identifier: Apache-2.0
/* Nodes that run: which device, which layouts, which memory the result may take over. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "plan/plan_builder.h"

/* One node while its kernel is chosen. */
struct choice {
    int index;
    const struct graph_node *node;
    struct kernel_tensor *tensors; /* sources, then results */
    const struct layout **hints;   /* retained for the call: how weights are packed already */
    int *operands;                 /* tensors of the step, sources, then results */
    struct kernel *kernel;         /* owned */
    int device_index;
};

static struct kernel_tensor describe(const struct plan_builder *builder, int value)
{
    if (value == COP_NO_VALUE)
        return (struct kernel_tensor){0};
    const struct graph_value *described = &builder->graph->values[value];
    return (struct kernel_tensor){
        .is_present = true,
        .dtype = described->dtype,
        .shape = described->shape,
        .is_weight = described->is_weight,
        .value = described->value,
    };
}

/* A layout in which this weight exists for the device, in this plan or in another of the model. */
static const struct layout *find_packed(struct plan_builder *builder, int value,
                                        struct device *device)
{
    for (int form = builder->values[value].forms; form != NO_TENSOR;
         form = builder->tensors[form].next_form)
        if (builder->tensors[form].layout != NULL &&
            builder->keys[builder->tensors[form].index].device == device)
            return cop_layout_retain(builder->tensors[form].layout);
    return cop_weight_store_find_layout(builder->request->store,
                                        cop_graph_weight_hash(builder->graph, value), device);
}

/* How each source lies, as far as this device can make use of it. */
static void describe_layouts(struct plan_builder *builder, struct choice *choice,
                             struct device *device)
{
    for (int i = 0; i < choice->node->src_count; i++) {
        const int value = choice->node->src[i];
        if (value == COP_NO_VALUE)
            continue;
        const struct layout *layout = NULL;
        cop_layout_release(&choice->hints[i]);
        if (choice->tensors[i].is_weight)
            choice->hints[i] = layout = find_packed(builder, value, device);
        else
            layout = builder->tensors[builder->values[value].forms].layout;
        if (layout != NULL && layout->backend != device->backend)
            layout = NULL;
        choice->tensors[i].layout = layout;
    }
}

static cop_status note_missing(struct plan_builder *builder, const struct graph_node *node,
                               const cop_error *reason)
{
    const char *op = cop_op_def(node->kind)->name;
    const bool is_renamed = node->origin[0] != '\0';
    cop_text_add(&builder->missing, "%snode '%s' (%s): %s", builder->missing_count == 0 ? "" : "; ",
                 node->name, is_renamed ? node->origin : op, reason->message);
    builder->missing_count++;
    return builder->missing.failed ? cop_fail_memory(builder->error, "plan", 0) : COP_STATUS_OK;
}

/* Asks device after device. OK without a kernel: none supports the node, and that is noted. */
static cop_status choose_kernel(struct plan_builder *builder, struct choice *choice)
{
    const struct graph_node *node = choice->node;
    const struct device_chain *chain = &builder->plan->devices;
    cop_error reason = {0};
    cop_status status = COP_STATUS_UNSUPPORTED;
    const struct kernel_request request = {
        .kind = node->kind,
        .attrs = node->attrs,
        .post_ops = node->post_ops,
        .src_count = node->src_count,
        .dst_count = node->dst_count,
        .src = choice->tensors,
        .dst = choice->tensors + node->src_count,
        .intra_op_threads = builder->request->intra_op_threads,
        .fast_run = builder->request->fast_run,
        .precision = builder->request->precision,
        .gpu_kernels = builder->request->gpu_kernels,
        .name = node->name,
    };
    for (int i = 0; i < chain->count && status == COP_STATUS_UNSUPPORTED; i++) {
        describe_layouts(builder, choice, chain->devices[i]);
        choice->device_index = i;
        status = cop_kernel_create(chain->devices[i], &request, &choice->kernel, &reason);
    }
    if (status == COP_STATUS_UNSUPPORTED)
        return note_missing(builder, node, &reason);
    if (status != COP_STATUS_OK)
        return cop_fail(builder->error, status, "node '%s' (%s): %s", node->name,
                        cop_op_def(node->kind)->name, reason.message);
    if (choice->kernel->src_count != node->src_count ||
        choice->kernel->dst_count != node->dst_count)
        return cop_fail(builder->error, COP_STATUS_INTERNAL,
                        "node '%s' (%s): %s made a kernel of %d sources and %d results", node->name,
                        cop_op_def(node->kind)->name, choice->kernel->backend->name,
                        choice->kernel->src_count, choice->kernel->dst_count);
    if (choice->device_index > 0) /* the message is that of the last refusal */
        cop_log(COP_LOG_LEVEL_DEBUG, "node '%.256s' (%s) runs on %s: %.1024s", node->name,
                cop_op_def(node->kind)->name, choice->kernel->backend->name, reason.message);
    return COP_STATUS_OK;
}

static bool is_read(const struct kernel *kernel, int src)
{
    return src >= 32 || (kernel->unread_srcs >> src & 1) == 0;
}

/* Nobody reads the memory of source `src` after this node, nor does the node read it twice. */
static bool dies_here(struct plan_builder *builder, const struct graph_node *node, int src)
{
    return !cop_graph_is_weight(builder->graph, node->src[src]) &&
           builder->values[cop_builder_family(builder, node->src[src])].uses_left == 1;
}

static cop_status find_sources(struct plan_builder *builder, struct choice *choice)
{
    const struct kernel *kernel = choice->kernel;
    struct device *device = builder->plan->devices.devices[choice->device_index];
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < choice->node->src_count && status == COP_STATUS_OK; i++) {
        const int value = choice->node->src[i];
        choice->operands[i] = NO_TENSOR;
        if (value == COP_NO_VALUE || !is_read(kernel, i))
            continue;
        if (i == kernel->accumulates_src)
            status =
                cop_builder_get_writable(builder, value, kernel->src_layouts[i],
                                         dies_here(builder, choice->node, i), &choice->operands[i]);
        else
            status = cop_builder_get_form(builder, value, kernel->src_layouts[i], device,
                                          &choice->operands[i]);
    }
    return status;
}

/* A source in whose memory the first result may lie; NO_TENSOR: there is none. */
static int find_in_place(struct plan_builder *builder, const struct choice *choice, size_t bytes,
                         enum operand_place place)
{
    const struct graph_node *node = choice->node;
    for (int i = 0; i < node->src_count && i < 32; i++) {
        const int tensor = choice->operands[i];
        size_t offset;
        if ((choice->kernel->in_place_srcs >> i & 1) == 0 || tensor == NO_TENSOR ||
            !dies_here(builder, node, i) || builder->tensors[tensor].bytes < bytes)
            continue;
        if (builder->tensors[cop_builder_root(builder, tensor, &offset)].place == place)
            return tensor;
    }
    return NO_TENSOR;
}

/* The first result, on the memory of a source where that is asked for or allowed. */
static cop_status add_first_result(struct plan_builder *builder, struct choice *choice, int value,
                                   int *tensor)
{
    const struct kernel *kernel = choice->kernel;
    const struct graph_value *described = &builder->graph->values[value];
    struct build_tensor made = {
        .value = value,
        .layout = kernel->dst_layouts[0],
        .bytes = cop_layout_bytes(kernel->dst_layouts[0], described->dtype, &described->shape),
        .place = cop_builder_arena(kernel->dst_layouts[0]),
        .alias_of = NO_TENSOR,
        .next_form = NO_TENSOR,
        .seen_by = -1,
    };
    int memory = NO_TENSOR;
    if (kernel->accumulates_src >= 0)
        memory = choice->operands[kernel->accumulates_src];
    else if (made.layout != NULL || cop_builder_open_output(builder, value) < 0)
        memory = find_in_place(builder, choice, made.bytes, made.place);
    if (memory == NO_TENSOR)
        return cop_builder_new_form(builder, value, made.layout, tensor);
    made.alias_of = cop_builder_root(builder, memory, &made.alias_offset);
    if (made.bytes > builder->tensors[memory].bytes)
        return cop_fail(builder->error, COP_STATUS_INTERNAL,
                        "node '%s': %s accumulates %zu bytes onto %zu", choice->node->name,
                        kernel->implementation, made.bytes, builder->tensors[memory].bytes);
    return cop_builder_add_tensor(builder, &made, tensor) ? COP_STATUS_OK
                                                          : COP_STATUS_OUT_OF_MEMORY;
}

/* Somebody reads what the kernel writes; results whose elements are known are weights. */
static bool is_read_result(const struct plan_builder *builder, int value)
{
    return builder->values[value].is_needed && !cop_graph_is_weight(builder->graph, value);
}

static cop_status add_results(struct plan_builder *builder, struct choice *choice)
{
    const struct graph_node *node = choice->node;
    for (int i = 0; i < node->dst_count; i++) {
        const int value = node->dst[i];
        int *tensor = &choice->operands[node->src_count + i];
        *tensor = NO_TENSOR;
        if (i > 0 && !is_read_result(builder, value))
            continue;
        const cop_status status =
            i == 0 ? add_first_result(builder, choice, value, tensor)
                   : cop_builder_new_form(builder, value, choice->kernel->dst_layouts[i], tensor);
        if (status != COP_STATUS_OK)
            return status;
        if (!cop_graph_is_weight(builder->graph, value))
            builder->values[value].forms = *tensor;
    }
    return COP_STATUS_OK;
}

/* So that later nodes can be looked at all the same, and everything missing is reported at once. */
static cop_status pretend_results(struct plan_builder *builder, const struct graph_node *node)
{
    for (int i = 0; i < node->dst_count; i++) {
        int tensor;
        const cop_status status = cop_builder_new_form(builder, node->dst[i], NULL, &tensor);
        if (status != COP_STATUS_OK)
            return status;
        if (!cop_graph_is_weight(builder->graph, node->dst[i]))
            builder->values[node->dst[i]].forms = tensor;
    }
    return COP_STATUS_OK;
}

static void count_down_uses(struct plan_builder *builder, const struct graph_node *node)
{
    for (int i = 0; i < node->src_count; i++)
        if (node->src[i] != COP_NO_VALUE && !cop_graph_is_weight(builder->graph, node->src[i]))
            builder->values[cop_builder_family(builder, node->src[i])].uses_left--;
}

static cop_status add_chosen(struct plan_builder *builder, struct choice *choice)
{
    const struct graph_node *node = choice->node;
    cop_status status = find_sources(builder, choice);
    if (status == COP_STATUS_OK)
        status = add_results(builder, choice);
    if (status != COP_STATUS_OK)
        return status;
    const struct build_step step = {
        .kernel = choice->kernel,
        .device_index = choice->device_index,
        .name = node->name,
        .op_name = node->kind == OP_UNARY
                       ? cop_unary_name(((const struct unary_attrs *)node->attrs)->alg)
                   : node->kind == OP_BINARY
                       ? cop_binary_name(((const struct binary_attrs *)node->attrs)->alg)
                       : cop_op_def(node->kind)->name,
        .fused = node->fused,
        .src = choice->operands,
        .dst = choice->operands + node->src_count,
    };
    choice->kernel = NULL;
    return cop_builder_add_step(builder, &step);
}

static cop_status begin_choice(struct plan_builder *builder, int index, struct choice *choice)
{
    const struct graph_node *node = &builder->graph->nodes[index];
    const size_t count = (size_t)node->src_count + (size_t)node->dst_count;
    *choice = (struct choice){.index = index, .node = node};
    choice->tensors = cop_alloc(count, sizeof *choice->tensors);
    choice->operands = cop_alloc(count, sizeof *choice->operands);
    choice->hints = cop_alloc((size_t)node->src_count, sizeof *choice->hints);
    if (choice->tensors == NULL || choice->operands == NULL || choice->hints == NULL)
        return cop_fail_memory(builder->error, node->name, count * sizeof *choice->tensors);
    for (int i = 0; i < node->src_count; i++)
        choice->tensors[i] = describe(builder, node->src[i]);
    for (int i = 0; i < node->dst_count; i++) {
        choice->tensors[node->src_count + i] = describe(builder, node->dst[i]);
        choice->tensors[node->src_count + i].is_present =
            i == 0 || is_read_result(builder, node->dst[i]);
    }
    return COP_STATUS_OK;
}

cop_status cop_builder_add_kernel(struct plan_builder *builder, int index)
{
    struct choice choice;
    cop_status status = begin_choice(builder, index, &choice);
    if (status == COP_STATUS_OK)
        status = choose_kernel(builder, &choice);
    if (status == COP_STATUS_OK)
        status = choice.kernel == NULL ? pretend_results(builder, choice.node)
                                       : add_chosen(builder, &choice);
    if (status == COP_STATUS_OK)
        count_down_uses(builder, choice.node);
    for (int i = 0; choice.hints != NULL && i < choice.node->src_count; i++)
        cop_layout_release(&choice.hints[i]);
    cop_kernel_destroy(&choice.kernel);
    cop_free(choice.tensors), cop_free(choice.operands), cop_free(choice.hints);
    return status;
}
