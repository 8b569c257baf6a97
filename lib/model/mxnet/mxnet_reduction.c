// SPDX-License-Identifier: Apache-2.0
/* Operators over whole axes: softmax and the loss heads made of it, sums, positions of extremes. */
#include <string.h>

#include "model/mxnet/mxnet_operators.h"

/* The head of a classifier: the label and all that concerns gradients is left out. */
static void map_softmax_output(struct mxnet_call *call)
{
    struct attribute_reader *reader = &call->attributes;
    COP_ZEROED_ATTRS(softmax_attrs, attrs);
    const bool multi_output = cop_attribute_bool(reader, "multi_output", false);
    const bool preserve_shape = cop_attribute_bool(reader, "preserve_shape", false);
    cop_attributes_ignore(reader, "grad_scale ignore_label use_ignore normalization out_grad "
                                  "smooth_alpha");
    attrs.axis = multi_output || !preserve_shape ? 1 : -1;
    attrs.coerce_2d = !multi_output && !preserve_shape;
    if (cop_attributes_end(reader) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_SOFTMAX, "", &attrs, call->src[0]));
}

/* "instance" is the last axis, whatever comes before: MXNet views its input as a matrix of such. */
static void map_softmax_activation(struct mxnet_call *call)
{
    static const char *const modes[] = {"instance", "channel", NULL};
    COP_ZEROED_ATTRS(softmax_attrs, attrs);
    attrs.axis = cop_attribute_enum(&call->attributes, "mode", 0, modes) == 0 ? -1 : 1;
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_SOFTMAX, "", &attrs, call->src[0]));
}

enum softmax_function { SOFTMAX_PLAIN, SOFTMAX_LOG, SOFTMAX_NEGATED };

static void map_softmax(struct mxnet_call *call)
{
    struct attribute_reader *reader = &call->attributes;
    double temperature = 1;
    COP_ZEROED_ATTRS(softmax_attrs, attrs);
    attrs.axis = cop_attribute_int(reader, "axis", -1, -COP_MAX_RANK, COP_MAX_RANK - 1);
    attrs.is_log = call->op->variant == SOFTMAX_LOG;
    if (cop_attribute_optional_double(reader, "temperature", &temperature) && !(temperature > 0))
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, "temperature", "more than 0");
    attrs.temperature = (float)temperature;
    if (cop_attribute_bool(reader, "use_length", false))
        cop_attribute_fail(reader, COP_STATUS_UNSUPPORTED, "use_length", "False");
    cop_attributes_ignore(reader, "dtype"); /* a wider result of float16 models */
    if (cop_attributes_end(reader) != COP_STATUS_OK)
        return;
    int src = call->src[0];
    if (call->op->variant == SOFTMAX_NEGATED)
        src = cop_mxnet_emit_unary(call, "negative", UNARY_NEG, 0, 0, src);
    cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_SOFTMAX, "", &attrs, src));
}

/* axis: None or () for all, a number or a tuple; the result keeps at least one dimension. */
static struct reduce_attrs read_reduction(struct mxnet_call *call, enum reduce_alg alg)
{
    struct attribute_reader *reader = &call->attributes;
    COP_ZEROED_ATTRS(reduce_attrs, attrs);
    const struct attribute_tuple axes =
        cop_attribute_tuple(reader, "axis", -COP_MAX_RANK, COP_MAX_RANK - 1, false);
    if (axes.count > COP_MAX_RANK)
        cop_attribute_fail(reader, COP_STATUS_UNSUPPORTED, "axis", "at most 8 axes");
    attrs.alg = alg;
    attrs.keep_dims = cop_attribute_bool(reader, "keepdims", false);
    attrs.rank_at_least_1 = true;
    attrs.axis_count = axes.count > COP_MAX_RANK ? 0 : axes.count;
    for (int i = 0; i < attrs.axis_count; i++)
        attrs.axes[i] = axes.values[i];
    return attrs;
}

static void map_reduce(struct mxnet_call *call)
{
    struct reduce_attrs attrs = read_reduction(call, (enum reduce_alg)call->op->variant);
    const bool exclude = cop_attribute_bool(&call->attributes, "exclude", false);
    attrs.exclude = exclude && attrs.axis_count > 0; /* nothing named is all, either way */
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_REDUCE, "", &attrs, call->src[0]));
}

static void map_norm(struct mxnet_call *call)
{
    const struct reduce_attrs attrs = read_reduction(call, REDUCE_SUM);
    const int64_t order = cop_attribute_int(&call->attributes, "ord", 2, 1, 2);
    cop_attributes_ignore(&call->attributes, "out_dtype");
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const bool is_euclidean = order == 2;
    int dst = cop_mxnet_emit_unary(call, is_euclidean ? "square" : "abs",
                                   is_euclidean ? UNARY_SQUARE : UNARY_ABS, 0, 0, call->src[0]);
    dst = cop_mxnet_emit_1(call, OP_REDUCE, is_euclidean ? "sum" : "", &attrs, dst);
    if (is_euclidean)
        dst = cop_mxnet_emit_unary(call, "", UNARY_SQRT, 0, 0, dst);
    cop_mxnet_return(call, dst);
}

enum arg_function { ARG_MAX, ARG_MIN, ARG_MAX_CHANNEL };

/* Positions come as numbers of the data's type. */
static void map_arg(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(arg_attrs, attrs);
    attrs.is_min = call->op->variant == ARG_MIN;
    attrs.dst_dtype = COP_DTYPE_FLOAT32;
    attrs.axis = 1;
    if (call->op->variant != ARG_MAX_CHANNEL) {
        attrs.flatten = !cop_attribute_optional_int(&call->attributes, "axis", -COP_MAX_RANK,
                                                    COP_MAX_RANK - 1, &attrs.axis);
        attrs.keep_dims = cop_attribute_bool(&call->attributes, "keepdims", false);
    }
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const bool is_scalar = attrs.flatten && !attrs.keep_dims;
    const cop_dtype dtype = call->graph->values[call->src[0]].dtype;
    const bool is_cast = dtype != COP_DTYPE_FLOAT32 && dtype != COP_DTYPE_UNKNOWN;
    int dst = cop_mxnet_emit_1(call, OP_ARG, is_scalar || is_cast ? "position" : "", &attrs,
                               call->src[0]);
    if (is_cast) {
        COP_ZEROED_ATTRS(cast_attrs, cast);
        cast.to = dtype;
        dst = cop_mxnet_emit_1(call, OP_CAST, is_scalar ? "number" : "", &cast, dst);
    }
    if (is_scalar) { /* one number is a list of one */
        COP_ZEROED_ATTRS(reshape_attrs, one);
        one.count = 1;
        one.target[0] = 1;
        dst = cop_mxnet_emit_1(call, OP_RESHAPE, "", &one, dst);
    }
    cop_mxnet_return(call, dst);
}

#define REDUCE(name, alg)                                                                          \
    {                                                                                              \
        name, "data", map_reduce, REDUCE_##alg, LAST_ALWAYS                                        \
    }
/* Only the plain one can have lengths. */
#define SOFTMAX(name)                                                                              \
    {                                                                                              \
        name, "data length", map_softmax, SOFTMAX_PLAIN, LAST_IF_USE_LENGTH                        \
    }
#define SOFTMAX_OF(name, kind)                                                                     \
    {                                                                                              \
        name, "data", map_softmax, SOFTMAX_##kind, LAST_ALWAYS                                     \
    }

static const struct mxnet_operator operators[] = {
    {"Softmax", "data label", map_softmax_output, 0, LAST_ALWAYS},
    {"SoftmaxActivation", "data", map_softmax_activation, 0, LAST_ALWAYS},
    {"SoftmaxOutput", "data label", map_softmax_output, 0, LAST_ALWAYS},
    SOFTMAX_OF("_npx_log_softmax", LOG),
    SOFTMAX("_npx_softmax"),
    {"argmax", "data", map_arg, ARG_MAX, LAST_ALWAYS},
    {"argmax_channel", "data", map_arg, ARG_MAX_CHANNEL, LAST_ALWAYS},
    {"argmin", "data", map_arg, ARG_MIN, LAST_ALWAYS},
    SOFTMAX_OF("log_softmax", LOG),
    REDUCE("max", MAX),
    REDUCE("max_axis", MAX),
    REDUCE("mean", MEAN),
    REDUCE("min", MIN),
    REDUCE("min_axis", MIN),
    {"norm", "data", map_norm, 0, LAST_ALWAYS},
    REDUCE("prod", PROD),
    SOFTMAX("softmax"),
    SOFTMAX_OF("softmin", NEGATED),
    REDUCE("sum", SUM),
    REDUCE("sum_axis", SUM),
};

const struct mxnet_operator_family cop_mxnet_reduction_family = {
    operators, sizeof operators / sizeof operators[0]};
