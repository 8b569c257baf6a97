// SPDX-License-Identifier: Apache-2.0
/*
 * Shapes of a symbol's entries: those of the graph that it becomes, as far as they follow, and
 * those of labels, which are no part of it.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph.h"
#include "model/mxnet/mxnet_build.h"
#include "model/mxnet/params.h"
#include "mxnet/base/mx_dtype.h"
#include "mxnet/symbol/mx_node.h"

struct shaping {
    const struct mx_order *order;
    const struct mx_types *types; /* NULL: float32 */
    struct mx_shapes *shapes;
};

/* Shapes that variables state in a way that cannot be read, or of too many dimensions, are no
 * hints. */
static struct shape stated_shape(const struct mx_node *node, const char *key)
{
    struct attribute_tuple dims;
    const char *text = cop_mx_node_attribute(node, key);
    if (text == NULL || !cop_parse_tuple(text, false, &dims) || dims.count == 0 ||
        dims.count > COP_MAX_RANK)
        return cop_shape_unknown();
    struct shape shape = cop_shape_of(dims.count, dims.values);
    for (int i = 0; i < shape.rank; i++)
        if (shape.dims[i] <= 0)
            shape.dims[i] = COP_UNKNOWN;
    return shape;
}

cop_status cop_mx_shapes_open(const struct mx_order *order, struct mx_shapes *shapes,
                              cop_error *error)
{
    *shapes = (struct mx_shapes){.shapes = NULL};
    shapes->shapes = cop_arena_alloc(&shapes->arena, order->count, sizeof(struct shape *));
    shapes->counts = cop_arena_ints(&shapes->arena, order->count);
    bool is_made = shapes->shapes != NULL && shapes->counts != NULL;
    for (size_t i = 0; i < order->count && is_made; i++) {
        const int count = cop_mx_node_output_count(order->nodes[i]);
        shapes->counts[i] = count;
        shapes->shapes[i] = cop_arena_alloc(&shapes->arena, (size_t)count, sizeof(struct shape));
        is_made = shapes->shapes[i] != NULL;
        for (int k = 0; k < count && is_made; k++)
            shapes->shapes[i][k] = cop_shape_unknown();
    }
    if (is_made)
        return COP_STATUS_OK;
    cop_mx_shapes_close(shapes);
    return cop_fail_memory(error, "the symbol's shapes", order->count * sizeof(struct shape));
}

void cop_mx_shapes_close(struct mx_shapes *shapes)
{
    cop_arena_release(&shapes->arena);
    *shapes = (struct mx_shapes){.shapes = NULL};
}

static struct shape *find(const struct shaping *shaping, const struct mx_entry *entry)
{
    return &shaping->shapes->shapes[cop_mx_order_find(shaping->order, entry->node)][entry->index];
}

/* Operators that are run on arrays alone, such as _zeros: nothing comes in, and nothing of a graph
 * stands for them. */
static bool stands_alone(const struct mx_node *node)
{
    return !cop_mx_node_is_variable(node) && node->op->mapping == NULL && node->input_count == 0;
}

static void pass_over_alone(const struct shaping *shaping, struct mxnet_symbol *flat)
{
    for (int i = 0; i < flat->node_count; i++)
        if (stands_alone(shaping->order->nodes[i]))
            flat->nodes[i].op = "null";
}

/* Every variable is an input of what is known of it. */
static cop_status bind_variable(void *user, int node, enum slot_role role,
                                struct mxnet_variable *variable, cop_error *error)
{
    const struct shaping *shaping = user;
    const int type = shaping->types == NULL ? MX_TYPE_NONE : shaping->types->types[node][0];
    (void)role;
    (void)error;
    variable->use = VARIABLE_INPUT;
    variable->dtype = type == MX_TYPE_NONE ? COP_DTYPE_FLOAT32 : cop_mxnet_dtype(type);
    variable->shape = shaping->shapes->shapes[node][0];
    return COP_STATUS_OK;
}

/* Says it as MXNet does: "Error in operator fc: …" instead of "node 'fc' (FullyConnected): …". */
static cop_status reword(cop_status status, cop_error *error)
{
    static const char before[] = "node '", after_name[] = "' (", after_op[] = "): ";
    char node[128], rest[sizeof error->message];
    if (status == COP_STATUS_MALFORMED_MODEL)
        status = COP_STATUS_INVALID_ARGUMENT; /* the arrays' fault, or the symbol's maker's */
    if (error == NULL || strncmp(error->message, before, sizeof before - 1) != 0)
        return error == NULL ? status : cop_error_prefix(error, status, "%s", "");
    const char *name = error->message + sizeof before - 1;
    const char *op = strstr(name, after_name);
    const char *text = op == NULL ? NULL : strstr(op, after_op);
    if (text == NULL || (size_t)(op - name) >= sizeof node)
        return cop_error_prefix(error, status, "%s", "");
    memcpy(node, name, (size_t)(op - name));
    node[op - name] = '\0';
    strcpy(rest, text + sizeof after_op - 1); /* no longer than what it is a part of */
    const bool is_conflict = strstr(rest, "would have to be") != NULL;
    return cop_fail(error, status, "Error in operator %s: %s%s", node,
                    is_conflict ? "Shape inconsistent: " : "", rest);
}

static void read_back(const struct shaping *shaping, const struct mxnet_built *built)
{
    for (size_t i = 0; i < shaping->order->count; i++)
        for (int k = 0; k < built->value_counts[i] && k < shaping->shapes->counts[i]; k++)
            if (built->values[i][k] != COP_NO_VALUE)
                shaping->shapes->shapes[i][k] = built->graph->values[built->values[i][k]].shape;
}

static cop_status infer_graph(const struct mx_symbol *symbol, struct shaping *shaping,
                              cop_error *error)
{
    struct mxnet_symbol flat;
    struct mxnet_built built = {.graph = NULL};
    const struct mxnet_binding rules = {
        .bind = bind_variable, .user = shaping, .is_for_inference_of_shapes = true};
    COP_TRY(cop_mx_symbol_flatten(symbol, shaping->order, &flat, error));
    pass_over_alone(shaping, &flat);
    cop_status status = cop_mxnet_build(&flat, &rules, &built, error);
    if (status == COP_STATUS_OK)
        status = cop_graph_infer_partially(built.graph, error);
    if (status == COP_STATUS_OK)
        read_back(shaping, &built);
    else
        status = reword(status, error);
    cop_mxnet_built_release(&built);
    cop_symbol_release(&flat);
    return status;
}

static cop_status infer_labels(const struct shaping *shaping, cop_error *error)
{
    for (size_t i = 0; i < shaping->order->count; i++) {
        const struct mx_node *node = shaping->order->nodes[i];
        if (node->op == NULL || node->op->label == MX_LABEL_NONE || node->input_count < 2)
            continue;
        const struct mx_attributes attributes = cop_mx_node_attributes(node);
        const cop_status status =
            cop_mx_operator_infer_label(node->op, &attributes, find(shaping, &node->inputs[0]),
                                        find(shaping, &node->inputs[1]), error);
        if (status != COP_STATUS_OK)
            return cop_error_prefix(error, status, "Error in operator %.200s: ", node->name);
    }
    return COP_STATUS_OK;
}

/* As in MXNet, what a variable states stands for all of what is known in part only. */
static void seed_shape(const struct mx_node *node, struct shape *shape)
{
    const char *key = stands_alone(node)              ? "shape"
                      : cop_mx_node_is_variable(node) ? "__shape__"
                                                      : NULL;
    const struct shape stated =
        key == NULL || cop_shape_is_known(shape) ? cop_shape_unknown() : stated_shape(node, key);
    if (stated.rank != COP_UNKNOWN)
        *shape = stated;
}

cop_status cop_mx_shapes_infer(const struct mx_symbol *symbol, const struct mx_order *order,
                               const struct mx_types *types, struct mx_shapes *shapes,
                               cop_error *error)
{
    struct shaping shaping = {order, types, shapes};
    for (size_t i = 0; i < order->count; i++)
        seed_shape(order->nodes[i], &shapes->shapes[i][0]);
    COP_TRY(infer_graph(symbol, &shaping, error));
    return infer_labels(&shaping, error);
}
