// SPDX-License-Identifier: Apache-2.0
/* Element types of inputs and outputs, as MXNet concludes them from each other. */
#include <string.h>

#include "base/error.h"
#include "mxnet/base/mx_dtype.h"
#include "mxnet/operators/mx_operator.h"

/* The types of one node while they are inferred. */
struct node_types {
    const struct mx_operator *op;
    const struct mx_attributes *attributes;
    int input_count, output_count;
    int *inputs, *outputs;
    bool *changed;
    cop_error *error;
};

/* The type at a place that counts inputs, then outputs. */
static int *type_at(const struct node_types *node, int place)
{
    return place < node->input_count ? &node->inputs[place]
                                     : &node->outputs[place - node->input_count];
}

/* Notes that a place has a type; −1: nothing is known of it. */
static cop_status set_type(const struct node_types *node, int place, int type)
{
    int *known = type_at(node, place);
    const bool is_input = place < node->input_count;
    const int index = is_input ? place : place - node->input_count;
    if (type == MX_TYPE_NONE || *known == type)
        return COP_STATUS_OK;
    if (*known != MX_TYPE_NONE)
        return cop_fail(node->error, COP_STATUS_INVALID_ARGUMENT,
                        "Incompatible attr at %d-th %s: expected %s, got %s", index,
                        is_input ? "input" : "output", cop_mx_type_name(type),
                        cop_mx_type_name(*known));
    *known = type;
    *node->changed = true;
    return COP_STATUS_OK;
}

static cop_status set_inputs(const struct node_types *node, int from, int type)
{
    for (int i = from; i < node->input_count; i++)
        COP_TRY(set_type(node, i, type));
    return COP_STATUS_OK;
}

static cop_status set_outputs(const struct node_types *node, int from, int type)
{
    for (int i = from; i < node->output_count; i++)
        COP_TRY(set_type(node, node->input_count + i, type));
    return COP_STATUS_OK;
}

static cop_status set_all(const struct node_types *node, int type)
{
    COP_TRY(set_inputs(node, 0, type));
    return set_outputs(node, 0, type);
}

static int first_input(const struct node_types *node)
{
    return node->input_count > 0 ? node->inputs[0] : MX_TYPE_NONE;
}

static int first_output(const struct node_types *node)
{
    return node->output_count > 0 ? node->outputs[0] : MX_TYPE_NONE;
}

static int first_of_both(const struct node_types *node)
{
    return first_input(node) != MX_TYPE_NONE ? first_input(node) : first_output(node);
}

static bool is_float(int type)
{
    return type == MX_FLOAT32 || type == MX_FLOAT64 || type == MX_FLOAT16 || type == MX_BFLOAT16;
}

/* The type that an attribute names; `otherwise` where it names none. */
static int named_type(const struct node_types *node, const char *key, int otherwise)
{
    const char *name = cop_mx_attribute(node->attributes, key);
    for (int type = 0; name != NULL && type < MX_TYPE_COUNT; type++)
        if (strcmp(cop_mx_type_name(type), name) == 0)
            return type;
    return otherwise;
}

static cop_status infer_same(const struct node_types *node)
{
    int type = MX_TYPE_NONE;
    for (int i = 0; i < node->input_count + node->output_count && type == MX_TYPE_NONE; i++)
        type = *type_at(node, i);
    return set_all(node, type);
}

/* The second input is an example of a shape, or positions. */
static cop_status infer_like(const struct node_types *node)
{
    if (node->input_count < 2 || node->inputs[1] == MX_TYPE_NONE)
        return COP_STATUS_OK;
    COP_TRY(set_type(node, 0, first_of_both(node)));
    return set_outputs(node, 0, first_input(node));
}

static cop_status infer_amp_cast(const struct node_types *node)
{
    const int src = first_input(node);
    const bool is_converted = is_float(src) && src != MX_FLOAT64;
    return set_outputs(node, 0, is_converted ? named_type(node, "dtype", MX_FLOAT32) : src);
}

static cop_status infer_batch_norm(const struct node_types *node, bool is_old)
{
    const int type = is_old ? first_input(node) : first_of_both(node);
    if (type == MX_TYPE_NONE)
        return COP_STATUS_OK;
    if (!is_old && !is_float(type))
        return cop_fail(node->error, COP_STATUS_INVALID_ARGUMENT,
                        "This operation only support floating point types, not %s",
                        cop_mx_type_name(type));
    const bool is_short = type == MX_FLOAT16 || (type == MX_BFLOAT16 && !is_old);
    const int vectors = is_short ? MX_FLOAT32 : type;
    COP_TRY(set_type(node, 0, type));
    COP_TRY(set_inputs(node, 1, vectors));
    COP_TRY(set_outputs(node, 1, vectors));
    return node->output_count > 0 ? set_type(node, node->input_count, type) : COP_STATUS_OK;
}

static cop_status infer_embedding(const struct node_types *node)
{
    if (node->input_count < 2 || node->inputs[0] == MX_TYPE_NONE)
        return COP_STATUS_OK;
    if (node->inputs[1] == MX_TYPE_NONE)
        COP_TRY(set_type(node, 1, named_type(node, "dtype", MX_FLOAT32)));
    return set_outputs(node, 0, node->inputs[1]);
}

/* Integers remain what they are beside a whole number; bool cannot hold one. */
static cop_status infer_scalar(const struct node_types *node)
{
    const int src = first_input(node);
    int dst = src;
    if (src == MX_TYPE_NONE)
        return node->input_count > 0 ? set_type(node, 0, first_output(node)) : COP_STATUS_OK;
    if (cop_mx_attribute_bool(node->attributes, "is_int", true))
        dst = src == MX_BOOL ? MX_INT64 : src;
    else if (!is_float(src))
        dst = MX_FLOAT64;
    return set_outputs(node, 0, dst);
}

static cop_status infer_quotient(const struct node_types *node)
{
    int type = first_input(node);
    for (int i = 0; i < node->input_count; i++) {
        if (node->inputs[i] == MX_TYPE_NONE)
            return COP_STATUS_OK;
        COP_TRY(set_type(node, i, type));
    }
    if (!is_float(type) || type == MX_BFLOAT16)
        type = MX_FLOAT32;
    return set_outputs(node, 0, type);
}

static cop_status infer_softmax(const struct node_types *node)
{
    const int named = named_type(node, "dtype", MX_TYPE_NONE);
    if (named != MX_TYPE_NONE && first_input(node) == MX_TYPE_NONE && node->input_count > 0)
        COP_TRY(set_type(node, 0, named));
    return set_outputs(node, 0, named != MX_TYPE_NONE ? named : first_input(node));
}

static cop_status infer_norm(const struct node_types *node)
{
    const int named = named_type(node, "out_dtype", MX_TYPE_NONE);
    if (named == MX_TYPE_NONE)
        return infer_same(node);
    return first_input(node) == MX_TYPE_NONE ? COP_STATUS_OK : set_outputs(node, 0, named);
}

static cop_status infer_where(const struct node_types *node)
{
    int type = first_output(node);
    for (int i = 1; i < node->input_count && type == MX_TYPE_NONE; i++)
        type = node->inputs[i];
    COP_TRY(set_inputs(node, 1, type));
    return set_outputs(node, 0, type);
}

/* An array that is there decides, unless a type is named or the default is one. */
static cop_status infer_new(const struct node_types *node)
{
    const bool is_random = node->op->imperative == MX_IMPERATIVE_UNIFORM ||
                           node->op->imperative == MX_IMPERATIVE_NORMAL;
    const int there = is_random ? first_output(node) : MX_TYPE_NONE;
    if (there != MX_TYPE_NONE && (!is_float(there) || there == MX_BFLOAT16))
        return cop_fail(node->error, COP_STATUS_INVALID_ARGUMENT,
                        "Random numbers are float16, float32 or float64, not %s",
                        cop_mx_type_name(there));
    return set_outputs(node, 0,
                       named_type(node, "dtype", there != MX_TYPE_NONE ? there : MX_FLOAT32));
}

static cop_status infer_float32(const struct node_types *node)
{
    for (int i = 0; i < node->input_count + node->output_count; i++)
        if (*type_at(node, i) != MX_TYPE_NONE && *type_at(node, i) != MX_FLOAT32)
            return cop_fail(node->error, COP_STATUS_INVALID_ARGUMENT, "Unsupported data type %s",
                            cop_mx_type_name(*type_at(node, i)));
    return set_all(node, MX_FLOAT32);
}

static cop_status infer(const struct node_types *node)
{
    switch (node->op->types) {
    case MX_TYPES_SAME:
        return infer_same(node);
    case MX_TYPES_FIRST:
        return first_of_both(node) == MX_TYPE_NONE ? COP_STATUS_OK
                                                   : set_all(node, first_of_both(node));
    case MX_TYPES_FORWARD:
        return set_all(node, first_input(node));
    case MX_TYPES_LIKE:
        return infer_like(node);
    case MX_TYPES_FLOAT32:
        return infer_float32(node);
    case MX_TYPES_CAST:
        return set_outputs(node, 0, named_type(node, "dtype", MX_TYPE_NONE));
    case MX_TYPES_AMP_CAST:
        return infer_amp_cast(node);
    case MX_TYPES_BATCH_NORM:
    case MX_TYPES_OLD_BATCH_NORM:
        return infer_batch_norm(node, node->op->types == MX_TYPES_OLD_BATCH_NORM);
    case MX_TYPES_EMBEDDING:
        return infer_embedding(node);
    case MX_TYPES_INT64:
        return set_outputs(node, 0, MX_INT64);
    case MX_TYPES_SCALAR:
        return infer_scalar(node);
    case MX_TYPES_QUOTIENT:
        return infer_quotient(node);
    case MX_TYPES_SOFTMAX:
        return infer_softmax(node);
    case MX_TYPES_NORM:
        return infer_norm(node);
    case MX_TYPES_WHERE:
        return infer_where(node);
    case MX_TYPES_NEW:
        return infer_new(node);
    case MX_TYPES_ANY:
        break;
    }
    return COP_STATUS_OK;
}

cop_status cop_mx_operator_infer_types(const struct mx_operator *op,
                                       const struct mx_attributes *attributes, int input_count,
                                       int *input_types, int output_count, int *output_types,
                                       bool *changed, cop_error *error)
{
    bool ignored;
    const struct node_types node = {
        .op = op,
        .attributes = attributes,
        .input_count = input_count,
        .output_count = output_count,
        .inputs = input_types,
        .outputs = output_types,
        .changed = changed == NULL ? &ignored : changed,
        .error = error,
    };
    return infer(&node);
}
