// SPDX-License-Identifier: Apache-2.0
#include "mxnet/executor/mx_binding_shapes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_names.h"

void cop_mx_binding_shapes_close(struct mx_binding_shapes *shapes)
{
    cop_mx_shapes_close(&shapes->shapes);
    cop_mx_types_close(&shapes->types);
    cop_free(shapes->inputs);
    cop_mx_order_free(&shapes->order);
}

bool cop_mx_is_given(const struct mx_known_shapes *shapes, const char *name)
{
    for (uint32_t i = 0; i < shapes->count; i++)
        if (strcmp(shapes->names[i], name) == 0)
            return true;
    return false;
}

static cop_status check_known(const struct mx_known *known, cop_error *error)
{
    const struct mx_known_shapes *shapes = &known->shapes;
    if (shapes->count > 0 &&
        (shapes->names == NULL || shapes->offsets == NULL || shapes->dims == NULL))
        return cop_mx_fail_null("provided_arg_shape names, data or idx", error);
    if (known->types.count > 0 && (known->types.names == NULL || known->types.types == NULL))
        return cop_mx_fail_null("provided_arg_dtype names or dtypes", error);
    for (uint32_t i = 0; i < shapes->count; i++) {
        if (shapes->names[i] == NULL)
            return cop_mx_fail_null("a name of provided_arg_shape_names", error);
        if (shapes->offsets[i + 1] < shapes->offsets[i])
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "provided_arg_shape_idx[%u] is %u, after %u: offsets do not decrease",
                            i + 1, shapes->offsets[i + 1], shapes->offsets[i]);
    }
    for (uint32_t i = 0; i < known->types.count; i++) {
        if (known->types.names[i] == NULL)
            return cop_mx_fail_null("a name of provided_arg_dtype_names", error);
        if (known->types.types[i] != MX_TYPE_NONE && !cop_mx_type_is_one(known->types.types[i]))
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "argument '%.100s': type %d is none", known->types.names[i],
                            known->types.types[i]);
    }
    return COP_STATUS_OK;
}

static cop_status give_shape(const struct mx_known_shapes *known, uint32_t index,
                             struct shape *shape, cop_error *error)
{
    const uint32_t begin = known->offsets[index], rank = known->offsets[index + 1] - begin;
    const bool is_numpy = cop_mx_is_numpy_shape();
    if (rank > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "argument '%.100s' has %u dimensions, at most %d are supported",
                        known->names[index], rank, COP_MAX_RANK);
    if (rank == 0 && !is_numpy)
        return COP_STATUS_OK;
    *shape = (struct shape){.rank = (int)rank};
    for (uint32_t i = 0; i < rank; i++) {
        const int dim = known->dims[begin + i];
        shape->dims[i] = dim < 0 || (dim == 0 && !is_numpy) ? COP_UNKNOWN : dim;
    }
    return COP_STATUS_OK;
}

/* Of two shapes or types for one name the last counts. */
static cop_status give_by_name(const struct mx_known *known, const struct mx_names *shape_names,
                               const struct mx_names *type_names, struct mx_binding_shapes *shapes,
                               cop_error *error)
{
    for (size_t i = 0; i < shapes->count; i++) {
        const int node = shapes->inputs[i];
        const char *name = cop_mx_binding_name(shapes, i);
        const int shape = cop_mx_names_last(shape_names, name);
        const int type = cop_mx_names_last(type_names, name);
        if (known->arrays != NULL)
            shapes->types.types[node][0] = known->arrays[i]->type;
        if (type >= 0)
            shapes->types.types[node][0] = known->types.types[type];
        if (shape >= 0)
            COP_TRY(give_shape(&known->shapes, (uint32_t)shape, &shapes->shapes.shapes[node][0],
                               error));
    }
    return COP_STATUS_OK;
}

static cop_status give(const struct mx_known *known, struct mx_binding_shapes *shapes,
                       cop_error *error)
{
    struct mx_names shape_names, type_names = {NULL, 0};
    cop_status status =
        cop_mx_names_of(&shape_names, known->shapes.names, known->shapes.count, error);
    if (status == COP_STATUS_OK)
        status = cop_mx_names_of(&type_names, known->types.names, known->types.count, error);
    if (status == COP_STATUS_OK)
        status = give_by_name(known, &shape_names, &type_names, shapes, error);
    cop_mx_names_close(&type_names);
    cop_mx_names_close(&shape_names);
    return status;
}

/* Twice where something is left open: what nobody says is float32, as MXNet's clients have it. */
static cop_status infer_types(struct mx_binding_shapes *shapes, cop_error *error)
{
    bool is_open = false;
    COP_TRY(cop_mx_types_infer(&shapes->order, &shapes->types, error));
    for (size_t i = 0; i < shapes->count; i++) {
        int *type = &shapes->types.types[shapes->inputs[i]][0];
        is_open = is_open || *type == MX_TYPE_NONE;
        *type = *type == MX_TYPE_NONE ? MX_FLOAT32 : *type;
    }
    return is_open ? cop_mx_types_infer(&shapes->order, &shapes->types, error) : COP_STATUS_OK;
}

static cop_status check_complete(const struct mx_binding_shapes *shapes, cop_error *error)
{
    struct text open = {0};
    int count = 0;
    for (size_t i = 0; i < shapes->count; i++) {
        const struct shape *shape = cop_mx_binding_shape(shapes, i);
        if (!cop_shape_is_known(shape) && count++ < 16)
            cop_text_add(&open, "%s%.100s: %s", count == 1 ? "" : ", ",
                         cop_mx_binding_name(shapes, i), cop_shape_text(shape).text);
    }
    cop_status status = COP_STATUS_OK;
    if (count > 0)
        status = cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                          "InferShape pass cannot decide shapes for the following arguments. "
                          "Please consider providing them as inputs: %s%s",
                          open.failed ? "" : open.bytes, count > 16 ? ", …" : "");
    cop_text_free(&open);
    return status;
}

cop_status cop_mx_binding_shapes_open(const struct mx_symbol *symbol, const struct mx_known *known,
                                      struct mx_binding_shapes *shapes, cop_error *error)
{
    *shapes = (struct mx_binding_shapes){.inputs = NULL};
    COP_TRY(check_known(known, error));
    COP_TRY(cop_mx_symbol_order(symbol, &shapes->order, error));
    COP_TRY(cop_mx_types_open(&shapes->order, &shapes->types, error));
    COP_TRY(cop_mx_shapes_open(&shapes->order, &shapes->shapes, error));
    COP_TRY(
        cop_mx_order_inputs(&shapes->order, MX_INPUTS_ALL, &shapes->inputs, &shapes->count, error));
    COP_TRY(give(known, shapes, error));
    COP_TRY(infer_types(shapes, error));
    COP_TRY(cop_mx_shapes_infer(symbol, &shapes->order, &shapes->types, &shapes->shapes, error));
    return check_complete(shapes, error);
}
