// SPDX-License-Identifier: Apache-2.0
/* From the files of a symbol and its parameters to a graph. */
#include "base/error.h"
#include "model/model.h"
#include "model/mxnet/mxnet_build.h"
#include "model/mxnet/params.h"

struct mxnet_import {
    struct mxnet_symbol symbol;
    struct mxnet_params params;
    struct mxnet_built built;
};

/* What a variable says of itself: `__shape__`, with 0 or −1 for what is open, and `__dtype__`. */
static cop_status read_hints(const struct mxnet_node *node, struct mxnet_variable *variable,
                             cop_error *error)
{
    struct attribute_reader reader = {node, error, COP_STATUS_OK};
    const struct attribute_tuple dims =
        cop_attribute_tuple(&reader, "__shape__", -1, COP_MAX_ELEMENTS, false);
    const int64_t number = cop_attribute_int(&reader, "__dtype__", 0, -1, INT32_MAX);
    variable->dtype = number == -1 ? COP_DTYPE_FLOAT32 : cop_mxnet_dtype(number);
    if (dims.count > COP_MAX_RANK)
        cop_attribute_fail(&reader, COP_STATUS_UNSUPPORTED, "__shape__", "at most 8 dimensions");
    if (variable->dtype == COP_DTYPE_UNKNOWN)
        cop_attribute_fail(&reader, COP_STATUS_MALFORMED_MODEL, "__dtype__",
                           "the number of an element type");
    if (reader.status != COP_STATUS_OK || dims.count == 0)
        return reader.status;
    variable->shape = cop_shape_of(dims.count, dims.values);
    for (int i = 0; i < dims.count; i++)
        variable->shape.dims[i] = dims.values[i] == 0 ? COP_UNKNOWN : dims.values[i];
    return COP_STATUS_OK;
}

/* A variable that the parameter file has a value for is a constant. */
static cop_status bind_from_files(void *user, int node, enum slot_role role,
                                  struct mxnet_variable *variable, cop_error *error)
{
    struct mxnet_import *import = user;
    const struct mxnet_array *array =
        cop_params_find(&import->params, import->symbol.nodes[node].name, role == SLOT_AUXILIARY);
    if (array == NULL || array->is_none) {
        if (role == SLOT_TENSOR)
            return read_hints(&import->symbol.nodes[node], variable, error);
        return cop_fail(error, COP_STATUS_NOT_FOUND, "%s %.256s",
                        array != NULL ? "is an empty array in" : "is not in",
                        cop_source_name(import->params.source));
    }
    variable->use = VARIABLE_CONSTANT;
    variable->dtype = (cop_dtype)array->dtype;
    variable->shape = cop_params_shape(&import->params, array);
    variable->source = cop_source_retain(import->params.source);
    variable->offset = array->data_offset;
    return COP_STATUS_OK;
}

static cop_status build_from_files(struct mxnet_import *import, size_t symbol_bytes,
                                   cop_error *error)
{
    const size_t justified = COP_FREE_NODES + symbol_bytes / COP_SYMBOL_NODE_BYTES;
    const struct mxnet_binding binding = {
        .bind = bind_from_files,
        .user = import,
        .most_nodes = justified < COP_MAX_NODES ? (int)justified : COP_MAX_NODES,
    };
    cop_status status = cop_symbol_upgrade(&import->symbol, error);
    if (status == COP_STATUS_OK)
        status = cop_mxnet_build(&import->symbol, &binding, &import->built, error);
    if (status == COP_STATUS_OK && import->built.graph->input_count == 0)
        status = cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                          "the symbol has no input: every variable has a value in %.256s",
                          cop_source_name(import->params.source));
    return status;
}

cop_status cop_mxnet_import(struct source *symbol, struct source *params, struct graph **graph,
                            cop_error *error)
{
    struct mxnet_import import = {.built = {.graph = NULL}};
    *graph = NULL;
    cop_status status = cop_symbol_parse(symbol, &import.symbol, error);
    if (status == COP_STATUS_OK)
        status = cop_params_parse(params, &import.params, error);
    if (status == COP_STATUS_OK) {
        status = build_from_files(&import, cop_source_size(symbol), error);
        if (status != COP_STATUS_OK)
            cop_error_prefix(error, status, "%.256s: ", cop_source_name(symbol));
    }
    if (status == COP_STATUS_OK) {
        *graph = import.built.graph;
        import.built.graph = NULL;
    }
    cop_mxnet_built_release(&import.built);
    cop_params_release(&import.params);
    cop_symbol_release(&import.symbol);
    return status;
}
