// SPDX-License-Identifier: Apache-2.0
/* From a model's graph to a plan and its weights. */
#include <string.h>

#include <cachedop/ndarray.h>

#include "base/alloc.h"
#include "base/error.h"
#include "passes/passes.h"
#include "plan/plan_builder.h"
#include "plan/run_once.h"

static int find_input(const struct graph *graph, const char *name)
{
    for (int i = 0; name != NULL && i < graph->input_count; i++)
        if (strcmp(graph->values[graph->inputs[i].value].name, name) == 0)
            return i;
    return -1;
}

/* The input becomes a value with known elements, and is no input any more. */
static cop_status bind_constant(struct graph *graph, const cop_constant *constant, cop_error *error)
{
    const int input = find_input(graph, constant->name);
    if (input < 0 || constant->array == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "constant '%s': %s",
                        constant->name == NULL ? "(NULL)" : constant->name,
                        input < 0 ? "the model has no such input" : "its array is NULL");
    struct graph_value *value = &graph->values[graph->inputs[input].value];
    const cop_dtype dtype = cop_ndarray_dtype(constant->array);
    const struct shape shape =
        cop_shape_of(cop_ndarray_rank(constant->array), cop_ndarray_shape(constant->array));
    if (value->dtype != COP_DTYPE_UNKNOWN && value->dtype != dtype)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "constant '%s' is %s, the model needs %s", constant->name,
                        cop_dtype_name(dtype), cop_dtype_name(value->dtype));
    if (!cop_shape_merge(&value->shape, &shape, NULL))
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "constant '%s' has the shape %s, the model needs %s", constant->name,
                        cop_shape_text(&shape).text, cop_shape_text(&value->shape).text);
    value->dtype = dtype;
    value->value = cop_arena_copy(&graph->arena, cop_ndarray_data(constant->array),
                                  cop_ndarray_bytes(constant->array), 1);
    if (value->value == NULL)
        return cop_fail_memory(error, constant->name, cop_ndarray_bytes(constant->array));
    memmove(graph->inputs + input, graph->inputs + input + 1,
            (size_t)(graph->input_count - input - 1) * sizeof *graph->inputs);
    graph->input_count--;
    return COP_STATUS_OK;
}

/* The model's graph, copied, with every shape known and rewritten by the passes. */
static cop_status prepare_graph(const struct plan_request *request, struct device *ref,
                                struct graph **graph, cop_error *error)
{
    const struct graph_evaluator evaluator = cop_device_evaluator(ref);
    cop_status status = cop_graph_copy(request->graph, graph, error);
    if (status == COP_STATUS_OK)
        cop_overlay_apply(request->overlay, *graph);
    if (status == COP_STATUS_OK)
        status = cop_graph_add_extra_outputs(*graph, request->extra_outputs,
                                             request->extra_output_count, error);
    for (size_t i = 0; i < request->constant_count && status == COP_STATUS_OK; i++)
        status = bind_constant(*graph, &request->constants[i], error);
    if (status == COP_STATUS_OK)
        status = cop_graph_bind_inputs(*graph, &request->bindings, error);
    if (status == COP_STATUS_OK && (*graph)->is_mxnet_shaped)
        status = cop_graph_solve_inputs(*graph, &evaluator, error);
    if (status == COP_STATUS_OK)
        status = cop_graph_infer_shapes(*graph, &evaluator, error);
    if (status == COP_STATUS_OK)
        status = cop_passes_run(*graph, request->keep_graph, error);
    return status;
}

/* Which nodes run and which values somebody reads, from the outputs back. */
static void find_needed(struct plan_builder *builder)
{
    const struct graph *graph = builder->graph;
    for (int i = 0; i < graph->value_count; i++)
        builder->values[i] = (struct build_value){.forms = NO_TENSOR, .parent = i, .output = -1};
    for (int i = graph->output_count - 1; i >= 0; i--) {
        struct build_value *value = &builder->values[graph->outputs[i]];
        value->is_needed = true;
        value->uses_left++;
        value->output = i;
        builder->output_tensors[i] = NO_TENSOR;
    }
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const struct graph_node *node = &graph->nodes[i];
        for (int j = 0; j < node->dst_count && !node->is_dead; j++)
            builder->runs[i] |=
                builder->values[node->dst[j]].is_needed && !graph->values[node->dst[j]].is_weight;
        for (int j = 0; j < node->src_count && builder->runs[i]; j++) {
            if (node->src[j] == COP_NO_VALUE)
                continue;
            builder->values[node->src[j]].is_needed = true;
            builder->values[node->src[j]].uses_left++;
        }
    }
}

static cop_status begin(struct plan_builder *builder)
{
    const struct graph *graph = builder->graph;
    struct arena *arena = &builder->arena;
    builder->values = cop_arena_alloc(arena, (size_t)graph->value_count, sizeof *builder->values);
    builder->runs = cop_arena_alloc(arena, (size_t)graph->node_count, sizeof *builder->runs);
    builder->output_tensors =
        cop_arena_alloc(arena, (size_t)graph->output_count, sizeof *builder->output_tensors);
    if (builder->values == NULL || builder->runs == NULL || builder->output_tensors == NULL)
        return cop_fail_memory(builder->error, "plan",
                               (size_t)graph->value_count * sizeof *builder->values);
    find_needed(builder);
    return cop_graph_uses_create(graph, &builder->uses, builder->error);
}

static cop_status add_inputs(struct plan_builder *builder)
{
    for (int i = 0; i < builder->graph->input_count; i++) {
        const int value = builder->graph->inputs[i].value;
        const struct graph_value *described = &builder->graph->values[value];
        const struct build_tensor tensor = {
            .value = value,
            .bytes = cop_layout_bytes(NULL, described->dtype, &described->shape),
            .place = OPERAND_SRC,
            .index = i,
            .alias_of = NO_TENSOR,
            .next_form = NO_TENSOR,
            .seen_by = -1,
        };
        if (!cop_builder_add_tensor(builder, &tensor, &builder->values[value].forms))
            return COP_STATUS_OUT_OF_MEMORY;
    }
    return COP_STATUS_OK;
}

static cop_status add_node(struct plan_builder *builder, int index)
{
    bool is_done = false;
    cop_status status = cop_builder_add_view(builder, &builder->graph->nodes[index], &is_done);
    if (status == COP_STATUS_OK && !is_done)
        status = cop_builder_add_concat(builder, index, &is_done);
    if (status == COP_STATUS_OK && !is_done)
        status = cop_builder_add_kernel(builder, index);
    return status;
}

/* Everything that no device can do, in one message. */
static cop_status fail_missing(struct plan_builder *builder)
{
    return cop_fail(builder->error, COP_STATUS_UNSUPPORTED,
                    "%d of the model's nodes cannot run on %s: %s", builder->missing_count,
                    builder->plan->devices.devices[0]->name, builder->missing.bytes);
}

static cop_status build(struct plan_builder *builder)
{
    cop_status status = begin(builder);
    if (status == COP_STATUS_OK)
        status = add_inputs(builder);
    for (int i = 0; i < builder->graph->node_count && status == COP_STATUS_OK; i++)
        if (builder->runs[i])
            status = add_node(builder, i);
    if (status == COP_STATUS_OK && builder->missing_count > 0)
        status = fail_missing(builder);
    if (status == COP_STATUS_OK)
        status = cop_builder_add_outputs(builder);
    return status == COP_STATUS_OK ? cop_builder_finish(builder) : status;
}

static void free_builder(struct plan_builder *builder)
{
    for (int i = 0; i < builder->step_count; i++)
        cop_kernel_destroy(&builder->steps[i].kernel);
    for (int i = 0; i < builder->weight_count; i++)
        cop_layout_release(&builder->keys[i].layout);
    cop_graph_uses_free(&builder->uses);
    cop_free(builder->tensors), cop_free(builder->steps);
    cop_free(builder->keys), cop_free(builder->weight_values);
    cop_text_free(&builder->missing);
    cop_arena_release(&builder->arena);
    cop_graph_destroy(builder->graph);
}

static cop_status make_weights(const struct plan_builder *builder, struct weight_set **weights,
                               size_t *added_bytes)
{
    const struct plan *plan = builder->plan;
    const struct weight_origin origin = {
        .graph = builder->graph,
        .values = builder->weight_values,
        .ref = plan->devices.devices[plan->devices.count - 1],
    };
    return cop_weight_set_create(builder->request->store, &origin, plan->weight_keys,
                                 plan->weight_count, weights, added_bytes, builder->error);
}

cop_status cop_plan_create(const struct plan_request *request, struct plan **plan,
                           struct weight_set **weights, size_t *added_bytes, cop_error *error)
{
    struct plan_builder builder = {.request = request, .error = error};
    size_t added = 0;
    *plan = NULL;
    *weights = NULL;
    builder.plan = cop_alloc(1, sizeof *builder.plan);
    if (builder.plan == NULL)
        return cop_fail_memory(error, "plan", sizeof *builder.plan);
    cop_refcount_init(&builder.plan->refs);
    builder.plan->intra_op_threads = request->intra_op_threads;
    struct device_chain *devices = &builder.plan->devices;
    cop_status status = cop_device_chain(request->device, devices, error);
    if (status == COP_STATUS_OK)
        status =
            prepare_graph(request, devices->devices[devices->count - 1], &builder.graph, error);
    if (status == COP_STATUS_OK)
        status = build(&builder);
    if (status == COP_STATUS_OK)
        status = cop_plan_keep_recipes(builder.plan, request->graph, builder.graph,
                                       builder.weight_values, error);
    if (status == COP_STATUS_OK)
        status = make_weights(&builder, weights, &added);
    free_builder(&builder);
    if (status != COP_STATUS_OK)
        cop_plan_release(&builder.plan);
    *plan = builder.plan;
    if (added_bytes != NULL)
        *added_bytes = added;
    return status;
}
