// SPDX-License-Identifier: Apache-2.0
/* What a run would make. */
#include "base/error.h"
#include "mxnet/run/mx_program_parts.h"

static cop_status give_inputs(const struct mx_program *program, struct mx_array *const *src,
                              struct mx_types *types, struct mx_shapes *shapes, cop_error *error)
{
    for (int i = 0; i < program->input_count; i++) {
        const int node = program->inputs[i].node;
        if (src[i] == NULL || cop_mx_array_is_none(src[i]))
            continue;
        types->types[node][0] = src[i]->type;
        shapes->shapes[node][0] = src[i]->shape;
    }
    COP_TRY(cop_mx_types_infer(&program->order, types, error));
    return cop_mx_shapes_infer(program->symbol, &program->order, types, shapes, error);
}

cop_status cop_mx_program_infer(struct mx_program *program, struct mx_array *const *src,
                                struct shape *shapes, int *types, cop_error *error)
{
    struct mx_types all_types = {0};
    struct mx_shapes all_shapes = {0};
    cop_status status = cop_mx_types_open(&program->order, &all_types, error);
    if (status == COP_STATUS_OK)
        status = cop_mx_shapes_open(&program->order, &all_shapes, error);
    if (status == COP_STATUS_OK)
        status = give_inputs(program, src, &all_types, &all_shapes, error);
    for (int i = 0; i < program->output_count && status == COP_STATUS_OK; i++) {
        const struct mx_program_output *output = &program->outputs[i];
        shapes[i] = all_shapes.shapes[output->node][output->index];
        types[i] = all_types.types[output->node][output->index];
        if (!cop_shape_is_known(&shapes[i]))
            status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                              "the shape of output %d ('%.200s') does not follow from the inputs",
                              i, output->name);
    }
    cop_mx_types_close(&all_types);
    cop_mx_shapes_close(&all_shapes);
    return status;
}
