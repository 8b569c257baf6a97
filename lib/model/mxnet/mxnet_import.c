// SPDX-License-Identifier: Apache-2.0
/* Models in files: a symbol as JSON, and parameters that its variables find by name. */
#include "base/error.h"
#include "model/model.h"
#include "model/mxnet/mxnet_build.h"
#include "model/mxnet/params.h"

struct file_binding {
    struct mxnet_symbol symbol;
    struct mxnet_params params;
};

/* What a variable says of itself: `__shape__`, with 0 or −1 for what is open, and `__dtype__`. */
static cop_status read_hints(const struct mxnet_node *node, struct shape *shape, cop_dtype *dtype,
                             cop_error *error)
{
    struct attribute_reader reader = {node, error, COP_STATUS_OK};
    const struct attribute_tuple dims =
        cop_attribute_tuple(&reader, "__shape__", -1, COP_MAX_ELEMENTS, false);
    const int64_t number = cop_attribute_int(&reader, "__dtype__", 0, -1, INT32_MAX);
    *dtype = number == -1 ? COP_DTYPE_FLOAT32 : cop_mxnet_dtype(number);
    if (dims.count > COP_MAX_RANK)
        cop_attribute_fail(&reader, COP_STATUS_UNSUPPORTED, "__shape__", "at most 8 dimensions");
    if (*dtype == COP_DTYPE_UNKNOWN)
        cop_attribute_fail(&reader, COP_STATUS_MALFORMED_MODEL, "__dtype__",
                           "the number of an element type");
    *shape = cop_shape_unknown();
    if (reader.status != COP_STATUS_OK || dims.count == 0)
        return reader.status;
    *shape = cop_shape_of(dims.count, dims.values);
    for (int i = 0; i < dims.count; i++)
        shape->dims[i] = dims.values[i] == 0 ? COP_UNKNOWN : dims.values[i];
    return COP_STATUS_OK;
}

static cop_status bind_variable(void *user, int index, enum slot_role role,
                                struct mxnet_variable *variable, cop_error *error)
{
    struct file_binding *binding = user;
    const struct mxnet_node *node = &binding->symbol.nodes[index];
    const struct mxnet_params *params = &binding->params;
    const struct mxnet_array *array = cop_params_find(params, node->name, role == SLOT_AUXILIARY);
    if (array != NULL && !array->is_none) {
        *variable = (struct mxnet_variable){.use = VARIABLE_CONSTANT,
                                            .dtype = (cop_dtype)array->dtype,
                                            .shape = cop_params_shape(params, array),
                                            .source = cop_source_retain(params->source),
                                            .offset = array->data_offset};
        return COP_STATUS_OK;
    }
    if (role != SLOT_TENSOR)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "%s %.256s",
                        array != NULL ? "is an empty array in" : "is not in",
                        cop_source_name(params->source));
    return read_hints(node, &variable->shape, &variable->dtype, error);
}

static cop_status build(struct file_binding *binding, size_t symbol_bytes,
                        struct mxnet_built *built, cop_error *error)
{
    const size_t justified = COP_FREE_NODES + symbol_bytes / COP_SYMBOL_NODE_BYTES;
    const struct mxnet_binding rules = {
        .bind = bind_variable,
        .user = binding,
        .most_nodes = justified < COP_MAX_NODES ? (int)justified : COP_MAX_NODES,
    };
    COP_TRY(cop_symbol_upgrade(&binding->symbol, error));
    COP_TRY(cop_mxnet_build(&binding->symbol, &rules, built, error));
    if (built->graph->input_count == 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "the symbol has no input: every variable has a value in %.256s",
                        cop_source_name(binding->params.source));
    return COP_STATUS_OK;
}

cop_status cop_mxnet_import(struct source *symbol, struct source *params, struct graph **graph,
                            cop_error *error)
{
    struct file_binding binding = {.params = {.source = NULL}};
    struct mxnet_built built = {.graph = NULL};
    *graph = NULL;
    cop_status status = cop_symbol_parse(symbol, &binding.symbol, error);
    if (status == COP_STATUS_OK)
        status = cop_params_parse(params, &binding.params, error);
    if (status == COP_STATUS_OK) {
        status = build(&binding, cop_source_size(symbol), &built, error);
        if (status != COP_STATUS_OK)
            cop_error_prefix(error, status, "%.256s: ", cop_source_name(symbol));
    }
    if (status == COP_STATUS_OK) {
        *graph = built.graph;
        built.graph = NULL;
    }
    cop_mxnet_built_release(&built);
    cop_params_release(&binding.params);
    cop_symbol_release(&binding.symbol);
    return status;
}
