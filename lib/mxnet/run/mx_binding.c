// SPDX-License-Identifier: Apache-2.0
/* From a program and arrays to a model: parameters become its constants, everything else its
 * inputs. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/model.h"
#include "model/mxnet/mxnet_build.h"
#include "model/mxnet/params.h"
#include "mxnet/run/mx_program_parts.h"

/* What the importer asks while the graph is built. */
struct building {
    struct mx_program *program;
    struct mx_binding *binding;
    struct mx_array *const *src;
    int *input_of_node;      /* of the computed order; −1: no variable */
    int *parameter_of_input; /* −1: none */
    bool with_dims;          /* shapes as the arrays have them, not only their ranks */
};

void cop_mx_binding_destroy(struct mx_binding *binding)
{
    if (binding == NULL)
        return;
    struct mx_compiled_list *list = atomic_load(&binding->operators);
    for (int i = 0; list != NULL && i < list->count; i++)
        cop_mx_compiled_destroy(list->compiled[i]);
    cop_free(list);
    cop_model_release(&binding->model);
    for (int i = 0; i < binding->parameter_count; i++)
        cop_mx_chunk_release(binding->parameters[i].chunk);
    cop_free(binding->parameters);
    cop_free(binding->bound);
    cop_free(binding);
}

static void destroy_retired(struct mx_retired *retired)
{
    cop_mx_binding_destroy((struct mx_binding *)retired); /* its first member */
}

bool cop_mx_binding_is_stale(const struct mx_binding *binding)
{
    for (int i = 0; i < binding->parameter_count; i++) {
        const struct mx_packed *parameter = &binding->parameters[i];
        if (atomic_load(&parameter->chunk->writes_begun) != parameter->version)
            return true;
    }
    return false;
}

static cop_status note_parameter(struct mx_binding *binding, int input,
                                 const struct mx_array *array, cop_error *error)
{
    struct mx_packed *parameter = &binding->parameters[binding->parameter_count++];
    *parameter = (struct mx_packed){.input = input,
                                    .chunk = array->chunk,
                                    .offset_bytes = array->offset_bytes,
                                    .type = array->type,
                                    .shape = array->shape};
    cop_mx_chunk_retain(array->chunk);
    COP_TRY(cop_mx_stable_version(array, &parameter->version, error));
    /* Whatever was asked before is done before anything is packed: errors belong to this call. */
    COP_TRY(cop_mx_array_wait(array, error));
    if (!atomic_load_explicit(&array->chunk->is_exposed, memory_order_relaxed))
        return COP_STATUS_OK;
    parameter->has_hash = true;
    return cop_mx_content_hash(array, &parameter->hash, error);
}

static cop_status note_inputs(struct mx_program *program, struct mx_binding *binding,
                              struct mx_array *const *src, cop_error *error)
{
    const bool packs_nothing = atomic_load_explicit(&program->packs_nothing, memory_order_relaxed);
    for (int i = 0; i < program->input_count; i++) {
        const enum mx_input_role role = program->inputs[i].role;
        if (role == MX_INPUT_PARAMETER && !packs_nothing)
            COP_TRY(note_parameter(binding, i, src[i], error));
        else if (role != MX_INPUT_UNUSED)
            binding->bound[binding->bound_count++] = (struct mx_bound_input){
                .input = i, .type = src[i]->type, .rank = src[i]->shape.rank, .graph_input = -1};
    }
    return COP_STATUS_OK;
}

/* The importer asks what a variable is. */
static cop_status bind_variable(void *user, int node, enum slot_role role,
                                struct mxnet_variable *variable, cop_error *error)
{
    struct building *building = user;
    const int input = building->input_of_node[node];
    const struct mx_array *array = building->src[input];
    const int parameter = building->parameter_of_input[input];
    (void)role; /* the program knows all uses, this is one */
    *variable = (struct mxnet_variable){
        .use = VARIABLE_INPUT, .dtype = cop_mxnet_dtype(array->type), .shape = array->shape};
    if (parameter >= 0) {
        variable->use = VARIABLE_CONSTANT;
        return cop_mx_content_source(array, building->program->inputs[input].name,
                                     building->binding->parameters[parameter].version,
                                     &variable->source, error);
    }
    for (int i = 0; i < array->shape.rank && !building->with_dims; i++)
        variable->shape.dims[i] = COP_UNKNOWN;
    return COP_STATUS_OK;
}

/* The element types of the computed outputs. */
static cop_status find_types(struct mx_program *program, struct mx_array *const *src,
                             cop_dtype *dtypes, cop_error *error)
{
    struct mx_types types;
    cop_status status = cop_mx_types_open(&program->order, &types, error);
    for (int i = 0; i < program->input_count && status == COP_STATUS_OK; i++)
        if (src[i] != NULL && !cop_mx_array_is_none(src[i]))
            types.types[program->inputs[i].node][0] = src[i]->type;
    if (status == COP_STATUS_OK)
        status = cop_mx_types_infer(&program->order, &types, error);
    int computed = 0;
    for (int i = 0; i < program->output_count && status == COP_STATUS_OK; i++) {
        const struct mx_program_output *output = &program->outputs[i];
        if (output->input < 0)
            dtypes[computed++] = cop_mxnet_dtype(types.types[output->node][output->index]);
    }
    cop_mx_types_close(&types);
    return status;
}

static cop_status open_building(struct building *building, cop_error *error)
{
    const struct mx_program *program = building->program;
    const size_t nodes = program->computed_order.count, inputs = (size_t)program->input_count;
    building->input_of_node = cop_alloc(nodes, sizeof *building->input_of_node);
    building->parameter_of_input = cop_alloc(inputs, sizeof *building->parameter_of_input);
    if (building->input_of_node == NULL || building->parameter_of_input == NULL)
        return cop_fail_memory(error, "a program's parameters", nodes * sizeof(int));
    memset(building->input_of_node, -1, nodes * sizeof(int));
    memset(building->parameter_of_input, -1, inputs * sizeof(int));
    for (int i = 0; i < program->input_count; i++)
        if (program->inputs[i].computed >= 0)
            building->input_of_node[program->inputs[i].computed] = i;
    for (int i = 0; i < building->binding->parameter_count; i++)
        building->parameter_of_input[building->binding->parameters[i].input] = i;
    return COP_STATUS_OK;
}

static void close_building(struct building *building)
{
    cop_free(building->parameter_of_input);
    cop_free(building->input_of_node);
}

/* Which of the graph's inputs each of ours became. */
static void match_inputs(const struct mx_program *program, struct mx_binding *binding,
                         const struct mxnet_built *built)
{
    const struct graph *graph = built->graph;
    binding->graph_input_count = graph->input_count;
    for (int i = 0; i < binding->bound_count; i++) {
        const int node = program->inputs[binding->bound[i].input].computed;
        const int value =
            node < 0 || built->value_counts[node] == 0 ? COP_NO_VALUE : built->values[node][0];
        for (int k = 0; k < graph->input_count && value != COP_NO_VALUE; k++)
            if (graph->inputs[k].value == value)
                binding->bound[i].graph_input = k;
    }
}

static cop_status build_model(struct building *building, const cop_dtype *dtypes, cop_error *error)
{
    struct mx_program *program = building->program;
    struct mxnet_symbol flat;
    struct mxnet_built built = {0};
    const struct mxnet_binding rules = {
        .bind = bind_variable, .user = building, .head_dtypes = dtypes};
    COP_TRY(cop_mx_symbol_flatten(program->computed, &program->computed_order, &flat, error));
    cop_status status = cop_mxnet_build(&flat, &rules, &built, error);
    if (status == COP_STATUS_OK) {
        match_inputs(program, building->binding, &built);
        status = cop_model_create(built.graph, &building->binding->model, error);
        built.graph = NULL; /* the model's, also on failure */
    }
    cop_mxnet_built_release(&built);
    cop_symbol_release(&flat);
    return status;
}

static cop_status make_model(struct mx_program *program, struct mx_binding *binding,
                             struct mx_array *const *src, cop_error *error)
{
    const size_t count = (size_t)program->computed_count;
    struct building building = {.program = program, .binding = binding, .src = src};
    cop_dtype *dtypes = cop_alloc(count, sizeof *dtypes);
    cop_status status = dtypes == NULL ? cop_fail_memory(error, "types", count * sizeof *dtypes)
                                       : find_types(program, src, dtypes, error);
    if (status == COP_STATUS_OK)
        status = open_building(&building, error);
    if (status == COP_STATUS_OK)
        status = build_model(&building, dtypes, error);
    /* A few operators need to know more than ranks; the graph then is for these shapes only. */
    if (status == COP_STATUS_UNSUPPORTED) {
        building.with_dims = binding->is_for_one_shape = true;
        status = build_model(&building, dtypes, error);
    }
    close_building(&building);
    cop_free(dtypes);
    return status;
}

cop_status cop_mx_binding_create(struct mx_program *program, struct mx_array *const *src,
                                 struct mx_binding **binding, cop_error *error)
{
    const size_t inputs = (size_t)program->input_count;
    struct mx_binding *made = cop_alloc(1, sizeof *made);
    *binding = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "a program's parameters", sizeof *made);
    made->retired.destroy = destroy_retired;
    made->context = cop_mx_run_context(program, src);
    made->computed_count = program->computed_count;
    made->parameters = cop_alloc(inputs, sizeof *made->parameters);
    made->bound = cop_alloc(inputs, sizeof *made->bound);
    cop_status status = COP_STATUS_OK;
    if (made->parameters == NULL || made->bound == NULL)
        status =
            cop_fail_memory(error, "a program's parameters", inputs * sizeof *made->parameters);
    if (status == COP_STATUS_OK)
        status = note_inputs(program, made, src, error);
    if (status == COP_STATUS_OK)
        status = make_model(program, made, src, error);
    if (status == COP_STATUS_OK)
        *binding = made;
    else
        cop_mx_binding_destroy(made);
    return status;
}
