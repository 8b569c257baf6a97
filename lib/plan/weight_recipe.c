// SPDX-License-Identifier: Apache-2.0
#include "plan/weight_recipe.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "plan/run_once.h"

#define NOT_REACHED (-1)

/*
 * Constants that are padded, repeated or multiplied with each other ask for far more than the file
 * holds. What honest models need is a small multiple of it: folded scales, transposed and padded
 * copies, low-rank factors multiplied out.
 */
#define FREE_BYTES     ((size_t)256 << 20)
#define BYTES_PER_BYTE 16
#define FREE_WORK      2.7e8
#define WORK_PER_BYTE  32.0
#define MAX_SOURCES    64 /* that are told apart; the rest does not count */

/* The bytes of the files that a graph's constants come from, and those of constants without a file.
 */
static size_t source_bytes(const struct graph *graph)
{
    const struct source *known[MAX_SOURCES];
    size_t total = 0;
    int count = 0;
    for (int i = 0; i < graph->value_count; i++) {
        const struct graph_constant *constant = graph->values[i].constant;
        if (constant == NULL)
            continue;
        int j = count - 1;
        while (j >= 0 && known[j] != constant->source)
            j--;
        if (constant->source == NULL)
            total += constant->bytes;
        else if (j < 0 && count < MAX_SOURCES) {
            known[count++] = constant->source;
            total += cop_source_size(constant->source);
        }
    }
    return total;
}

cop_status cop_recipe_runner_init(struct recipe_runner *runner, const struct graph *graph,
                                  struct device *device, cop_error *error)
{
    const size_t nodes = (size_t)graph->node_count, values = (size_t)graph->value_count;
    *runner = (struct recipe_runner){.graph = graph, .device = device};
    runner->values = cop_alloc(values, sizeof *runner->values);
    runner->order = cop_alloc(nodes, sizeof *runner->order);
    runner->next_src = cop_alloc(nodes, sizeof *runner->next_src);
    runner->stack = cop_alloc(nodes, sizeof *runner->stack);
    if (runner->values == NULL || runner->order == NULL || runner->next_src == NULL ||
        runner->stack == NULL) {
        cop_recipe_runner_finish(runner);
        return cop_fail_memory(error, "weights", values * sizeof *runner->values);
    }
    for (size_t i = 0; i < nodes; i++)
        runner->next_src[i] = NOT_REACHED;
    const size_t bytes = source_bytes(graph);
    runner->work_left = FREE_WORK + WORK_PER_BYTE * (double)bytes;
    runner->bytes_left = FREE_BYTES + BYTES_PER_BYTE * bytes;
    return COP_STATUS_OK;
}

cop_status cop_recipe_charge(struct recipe_runner *runner, size_t bytes, cop_error *error)
{
    if (bytes > runner->bytes_left)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "%zu bytes more of weights computed from constants are too many for files "
                        "of this size",
                        bytes);
    runner->bytes_left -= bytes;
    return COP_STATUS_OK;
}

void cop_recipe_runner_finish(struct recipe_runner *runner)
{
    cop_free(runner->values), cop_free(runner->order);
    cop_free(runner->next_src), cop_free(runner->stack);
    cop_free(runner->spare);
    *runner = (struct recipe_runner){0};
}

/* The node that must run to have a value; −1: its elements are there already. */
static int maker_of(const struct recipe_runner *runner, int value)
{
    const struct graph_value *entry = &runner->graph->values[value];
    return entry->constant != NULL || entry->value != NULL ? -1 : entry->producer;
}

/* Lists the nodes between constants and `value`, sources first (depth-first, without recursion). */
static void find_order(struct recipe_runner *runner, int value)
{
    int depth = 0;
    runner->order_count = 0;
    const int last = maker_of(runner, value);
    if (last >= 0) {
        runner->stack[depth++] = last;
        runner->next_src[last] = 0;
    }
    while (depth > 0) {
        const int index = runner->stack[depth - 1];
        const struct graph_node *node = &runner->graph->nodes[index];
        if (runner->next_src[index] == node->src_count) {
            runner->order[runner->order_count++] = index;
            depth--;
            continue;
        }
        const int src = node->src[runner->next_src[index]++];
        const int maker = src == COP_NO_VALUE ? -1 : maker_of(runner, src);
        if (maker >= 0 && runner->next_src[maker] == NOT_REACHED) {
            runner->stack[depth++] = maker;
            runner->next_src[maker] = 0;
        }
    }
    for (int i = 0; i < runner->order_count; i++)
        runner->next_src[runner->order[i]] = NOT_REACHED;
}

/* Calls `visit` for every source of every node of the recipe, or for a constant itself. */
static void for_each_src(struct recipe_runner *runner, int value,
                         void (*visit)(struct recipe_runner *runner, int value))
{
    if (runner->order_count == 0)
        visit(runner, value);
    for (int i = 0; i < runner->order_count; i++) {
        const struct graph_node *node = &runner->graph->nodes[runner->order[i]];
        for (int j = 0; j < node->src_count; j++)
            if (node->src[j] != COP_NO_VALUE)
                visit(runner, node->src[j]);
    }
}

static void count_use(struct recipe_runner *runner, int value)
{
    runner->values[value].uses++;
}

static void announce_constant(struct recipe_runner *runner, int value)
{
    runner->values[value].waiting_recipes++;
}

static void retire_constant(struct recipe_runner *runner, int value)
{
    const struct graph_constant *constant = runner->graph->values[value].constant;
    if (--runner->values[value].waiting_recipes == 0 && constant != NULL &&
        constant->source != NULL)
        cop_source_drop(constant->source, constant->offset, constant->bytes);
}

/* Smaller blocks come quickly enough. */
#define LEAST_SPARE_BYTES ((size_t)64 << 10)

static bool take_block(struct recipe_runner *runner, struct recipe_value *entry, size_t bytes)
{
    if (bytes >= LEAST_SPARE_BYTES && runner->spare_bytes >= bytes) {
        entry->memory = runner->spare;
        entry->memory_bytes = runner->spare_bytes;
        runner->spare = NULL;
        runner->spare_bytes = 0;
    } else {
        entry->memory = cop_alloc_aligned(bytes);
        entry->memory_bytes = bytes;
    }
    entry->elements = entry->memory;
    return entry->memory != NULL;
}

static void give_block(struct recipe_runner *runner, struct recipe_value *entry)
{
    void *freed = entry->memory;
    if (freed != NULL && entry->memory_bytes > runner->spare_bytes &&
        entry->memory_bytes >= LEAST_SPARE_BYTES) {
        freed = runner->spare;
        runner->spare = entry->memory;
        runner->spare_bytes = entry->memory_bytes;
    }
    cop_free(freed);
    entry->memory = NULL;
}

static void forget(struct recipe_runner *runner, int value)
{
    struct recipe_value *entry = &runner->values[value];
    if (entry->is_pinned)
        cop_source_unpin(runner->graph->values[value].constant->source);
    give_block(runner, entry);
    entry->elements = NULL;
    entry->is_pinned = false;
    entry->uses = 0;
}

void cop_recipe_announce(struct recipe_runner *runner, int value)
{
    find_order(runner, value);
    for_each_src(runner, value, announce_constant);
}

void cop_recipe_retire(struct recipe_runner *runner, int value)
{
    find_order(runner, value);
    for_each_src(runner, value, forget);
    forget(runner, value);
    if (!runner->values[value].is_retired)
        for_each_src(runner, value, retire_constant);
    runner->values[value].is_retired = false;
}

/* Makes the elements of a constant readable: in place, or copied where they are misaligned. */
static cop_status load(struct recipe_runner *runner, int value, cop_error *error)
{
    const struct graph_value *described = &runner->graph->values[value];
    const struct graph_constant *constant = described->constant;
    struct recipe_value *entry = &runner->values[value];
    if (entry->elements != NULL)
        return COP_STATUS_OK;
    if (constant == NULL || constant->source == NULL) {
        entry->elements = described->value;
        return entry->elements != NULL ? COP_STATUS_OK
                                       : cop_fail(error, COP_STATUS_INTERNAL,
                                                  "weight '%s' has no elements", described->name);
    }
    const unsigned char *bytes;
    const cop_status status =
        cop_source_pin(constant->source, constant->offset, constant->bytes, &bytes, error);
    if (status != COP_STATUS_OK)
        return status;
    if ((uintptr_t)bytes % cop_dtype_bytes(described->dtype) == 0) {
        entry->elements = bytes;
        entry->is_pinned = true;
        return COP_STATUS_OK;
    }
    const bool has_memory = take_block(runner, entry, constant->bytes);
    if (has_memory)
        memcpy(entry->memory, bytes, constant->bytes);
    cop_source_unpin(constant->source);
    return has_memory ? COP_STATUS_OK : cop_fail_memory(error, described->name, constant->bytes);
}

static cop_status allocate(struct recipe_runner *runner, int value, cop_error *error)
{
    const struct graph_value *described = &runner->graph->values[value];
    struct recipe_value *entry = &runner->values[value];
    size_t bytes;
    if (!cop_shape_bytes(&described->shape, described->dtype, &bytes))
        return cop_fail(error, COP_STATUS_INTERNAL, "weight '%s' has no shape", described->name);
    const cop_status status = cop_recipe_charge(runner, bytes, error);
    if (status != COP_STATUS_OK)
        return status;
    return take_block(runner, entry, bytes) ? COP_STATUS_OK
                                            : cop_fail_memory(error, described->name, bytes);
}

static struct op_tensor describe(const struct recipe_runner *runner, int value)
{
    if (value == COP_NO_VALUE)
        return (struct op_tensor){0};
    const struct graph_value *described = &runner->graph->values[value];
    return (struct op_tensor){true, described->dtype, described->shape,
                              runner->values[value].elements};
}

/* Scaling weights, most of what there is, goes over memory that nobody reads any more. */
static bool take_memory_of_src(struct recipe_runner *runner, const struct graph_node *node)
{
    if (node->kind != OP_FOLD_SCALE)
        return false;
    struct recipe_value *src = &runner->values[node->src[0]];
    struct recipe_value *dst = &runner->values[node->dst[0]];
    if (src->memory == NULL || src->uses != 1)
        return false;
    dst->memory = src->memory;
    dst->memory_bytes = src->memory_bytes;
    dst->elements = dst->memory;
    src->memory = NULL; /* its elements are still there to be read */
    return true;
}

/* Counts the work of a node whose tensors are described. */
static cop_status charge_work(struct recipe_runner *runner, const struct graph_node *node,
                              const struct op_tensor *tensors, cop_error *error)
{
    runner->work_left -= cop_op_work(node->kind, node->attrs, node->src_count, tensors,
                                     node->dst_count, tensors + node->src_count);
    if (runner->work_left >= 0)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_UNSUPPORTED,
                    "computing weights from constants takes too long for files of this size");
}

/* Loads what a node reads and allocates what it writes. */
static cop_status prepare_node(struct recipe_runner *runner, const struct graph_node *node,
                               struct op_tensor *tensors, void **dst_elements, cop_error *error)
{
    for (int i = 0; i < node->src_count; i++) {
        const int value = node->src[i];
        const cop_status status =
            value == COP_NO_VALUE ? COP_STATUS_OK : load(runner, value, error);
        if (status != COP_STATUS_OK)
            return status;
        tensors[i] = describe(runner, value);
    }
    for (int i = 0; i < node->dst_count; i++) {
        const cop_status status = take_memory_of_src(runner, node)
                                      ? COP_STATUS_OK
                                      : allocate(runner, node->dst[i], error);
        if (status != COP_STATUS_OK)
            return status;
        tensors[node->src_count + i] = describe(runner, node->dst[i]);
        tensors[node->src_count + i].value = NULL;
        dst_elements[i] = runner->values[node->dst[i]].memory;
    }
    return COP_STATUS_OK;
}

static void free_unneeded(struct recipe_runner *runner, const struct graph_node *node)
{
    for (int i = 0; i < node->src_count; i++)
        if (node->src[i] != COP_NO_VALUE && --runner->values[node->src[i]].uses == 0)
            forget(runner, node->src[i]);
    for (int i = 0; i < node->dst_count; i++)
        if (runner->values[node->dst[i]].uses == 0)
            forget(runner, node->dst[i]);
}

static cop_status run_node(struct recipe_runner *runner, int index, cop_error *error)
{
    const struct graph_node *node = &runner->graph->nodes[index];
    const size_t tensor_count = (size_t)node->src_count + (size_t)node->dst_count;
    struct op_tensor *tensors = cop_alloc(tensor_count, sizeof *tensors);
    void **dst_elements = cop_alloc((size_t)node->dst_count, sizeof *dst_elements);
    cop_status status = tensors == NULL || dst_elements == NULL
                            ? cop_fail_memory(error, node->name, tensor_count * sizeof *tensors)
                            : prepare_node(runner, node, tensors, dst_elements, error);
    if (status == COP_STATUS_OK)
        status = charge_work(runner, node, tensors, error);
    if (status == COP_STATUS_OK)
        status =
            cop_evaluate_node(runner->device, node->kind, node->attrs, node->src_count, tensors,
                              node->dst_count, tensors + node->src_count, dst_elements, error);
    if (status != COP_STATUS_OK)
        status = cop_error_prefix(error, status, "node '%s' (%s): ", node->name,
                                  cop_op_def(node->kind)->name);
    else
        free_unneeded(runner, node);
    cop_free(tensors), cop_free(dst_elements);
    return status;
}

/* Frees what a recipe that failed has made so far. */
static void forget_all(struct recipe_runner *runner, int value)
{
    for_each_src(runner, value, forget);
    for (int i = 0; i < runner->order_count; i++) {
        const struct graph_node *node = &runner->graph->nodes[runner->order[i]];
        for (int j = 0; j < node->dst_count; j++)
            forget(runner, node->dst[j]);
    }
}

cop_status cop_recipe_run(struct recipe_runner *runner, int value, struct recipe_result *result,
                          cop_error *error)
{
    *result = (struct recipe_result){0};
    find_order(runner, value);
    cop_status status = COP_STATUS_OK;
    if (runner->order_count == 0)
        status = load(runner, value, error);
    for_each_src(runner, value, count_use);
    runner->values[value].uses++; /* by the caller */
    for (int i = 0; i < runner->order_count && status == COP_STATUS_OK; i++)
        status = run_node(runner, runner->order[i], error);
    if (status != COP_STATUS_OK) {
        forget_all(runner, value);
        return status;
    }
    const struct recipe_value *entry = &runner->values[value];
    result->elements = entry->elements;
    result->memory_bytes = entry->memory == NULL ? 0 : entry->memory_bytes;
    if (entry->is_pinned)
        result->source = runner->graph->values[value].constant->source;
    if (entry->memory != NULL) {
        for_each_src(runner, value, retire_constant);
        runner->values[value].is_retired = true;
    }
    return COP_STATUS_OK;
}

void *cop_recipe_take_memory(struct recipe_runner *runner, int value)
{
    void *memory = runner->values[value].memory;
    runner->values[value].memory = NULL;
    return memory;
}
