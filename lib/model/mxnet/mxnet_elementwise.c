// SPDX-License-Identifier: Apache-2.0
/* Operators that take one element of each input at a time. */
#include <math.h>
#include <string.h>

#include "model/mxnet/mxnet_operators.h"

/* Ends reading and returns the function of one argument. */
static void return_unary(struct mxnet_call *call, enum unary_alg alg, float alpha, float beta)
{
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_unary(call, "", alg, alpha, beta, call->src[0]));
}

static void map_identity(struct mxnet_call *call)
{
    cop_attributes_ignore(&call->attributes, "grad_scale margin regularization_coefficient "
                                             "use_linear valid_thresh normalization");
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_IDENTITY, "", NULL, call->src[0]));
}

static bool is_whole(cop_dtype dtype)
{
    return dtype != COP_DTYPE_UNKNOWN && dtype != COP_DTYPE_FLOAT32 && dtype != COP_DTYPE_BOOL;
}

/* Whether a function does nothing to elements of a type. */
static bool is_without_effect(enum unary_alg alg, cop_dtype dtype)
{
    if (alg == UNARY_FLOOR || alg == UNARY_CEIL)
        return is_whole(dtype);
    return dtype == COP_DTYPE_UINT8 && (alg == UNARY_ABS || alg == UNARY_RELU);
}

/* What else has no form for bytes: negative, sign, square. */
static int emit_of_bytes(struct mxnet_call *call, enum unary_alg alg, int src)
{
    const int zero = cop_mxnet_emit_integer(call, "zero", COP_DTYPE_UINT8, 0);
    if (alg == UNARY_NEG)
        return cop_mxnet_emit_binary(call, "", BINARY_SUB, zero, src);
    if (alg == UNARY_SIGN)
        return cop_mxnet_emit_binary(call, "", BINARY_NOT_EQUAL, src, zero);
    return cop_mxnet_emit_binary(call, "", BINARY_MUL, src, src);
}

static void map_unary(struct mxnet_call *call)
{
    const enum unary_alg alg = (enum unary_alg)call->op->variant;
    const cop_dtype dtype = call->graph->values[call->src[0]].dtype;
    const bool is_of_two = alg == UNARY_NEG || alg == UNARY_SIGN || alg == UNARY_SQUARE;
    if (is_without_effect(alg, dtype))
        map_identity(call);
    else if (dtype != COP_DTYPE_UINT8 || !is_of_two)
        return_unary(call, alg, 0, 0);
    else if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, emit_of_bytes(call, alg, call->src[0]));
}

enum rounding { ROUND_TO_ZERO, ROUND_TO_NEAREST, ROUND_HALVES_DOWN };

/* floor(x) + (x − floor(x) > ceil(x) − x), where every difference is exact. */
static int emit_halves_down(struct mxnet_call *call, int src)
{
    const int below = cop_mxnet_emit_unary(call, "below", UNARY_FLOOR, 0, 0, src);
    const int above = cop_mxnet_emit_unary(call, "above", UNARY_CEIL, 0, 0, src);
    const int down = cop_mxnet_emit_binary(call, "down", BINARY_SUB, src, below);
    const int up = cop_mxnet_emit_binary(call, "up", BINARY_SUB, above, src);
    const int one = cop_mxnet_emit_binary(call, "one", BINARY_GREATER, down, up);
    return cop_mxnet_emit_binary(call, "", BINARY_ADD, below, one);
}

/* sign(x) · (floor(|x|) + (|x| − floor(|x|) ≥ ½)), or without the second part. */
static int emit_by_size(struct mxnet_call *call, int src, bool is_nearest)
{
    const int sign = cop_mxnet_emit_unary(call, "sign", UNARY_SIGN, 0, 0, src);
    const int size = cop_mxnet_emit_unary(call, "size", UNARY_ABS, 0, 0, src);
    int whole = cop_mxnet_emit_unary(call, "whole", UNARY_FLOOR, 0, 0, size);
    if (is_nearest) {
        const int rest = cop_mxnet_emit_binary(call, "rest", BINARY_SUB, size, whole);
        const int half = cop_mxnet_emit_scalar(call, "half", 0.5F);
        const int one = cop_mxnet_emit_binary(call, "one", BINARY_GREATER_EQUAL, rest, half);
        whole = cop_mxnet_emit_binary(call, "nearest", BINARY_ADD, whole, one);
    }
    return cop_mxnet_emit_binary(call, "", BINARY_MUL, sign, whole);
}

static void map_rounding(struct mxnet_call *call)
{
    const int src = call->src[0];
    if (is_whole(call->graph->values[src].dtype)) {
        map_identity(call);
        return;
    }
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    if (call->op->variant == ROUND_HALVES_DOWN)
        cop_mxnet_return(call, emit_halves_down(call, src));
    else
        cop_mxnet_return(call, emit_by_size(call, src, call->op->variant == ROUND_TO_NEAREST));
}

static void map_activation(struct mxnet_call *call)
{
    static const char *const types[] = {"relu", "sigmoid", "tanh", "softrelu", "softsign", NULL};
    static const enum unary_alg algs[] = {UNARY_RELU, UNARY_SIGMOID, UNARY_TANH, UNARY_SOFTPLUS,
                                          UNARY_SOFTSIGN};
    const int type = cop_attribute_enum(&call->attributes, "act_type", -1, types);
    if (type < 0)
        cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, "act_type",
                           "a function such as relu");
    return_unary(call, type < 0 ? UNARY_RELU : algs[type], 0, 0);
}

static void map_leaky_relu(struct mxnet_call *call)
{
    static const char *const types[] = {"leaky", "elu", "selu", "gelu", "rrelu", "prelu", NULL};
    enum { LEAKY, ELU, SELU, GELU, RRELU, PRELU };
    struct attribute_reader *reader = &call->attributes;
    const int type = cop_attribute_enum(reader, "act_type", LEAKY, types);
    const float slope = cop_attribute_float(reader, "slope", 0.25F);
    const float lower = cop_attribute_float(reader, "lower_bound", 0.125F);
    const float upper = cop_attribute_float(reader, "upper_bound", 0.334F);
    if (cop_attributes_end(reader) != COP_STATUS_OK || !cop_mxnet_set_outputs(call, 2))
        return;
    switch (type) {
    case LEAKY:
        return_unary(call, UNARY_LEAKY_RELU, slope, 0);
        break;
    case ELU:
        return_unary(call, UNARY_ELU, slope, 0);
        break;
    case SELU: /* Klambauer et al. 2017, with the digits MXNet uses */
        return_unary(call, UNARY_SELU, 1.6732632423543772F, 1.0507009873554805F);
        break;
    case GELU:
        return_unary(call, UNARY_GELU, 0, 0);
        break;
    case RRELU: /* random slopes in training; inference takes their mean */
        return_unary(call, UNARY_LEAKY_RELU, (lower + upper) / 2, 0);
        break;
    default: {
        COP_ZEROED_ATTRS(prelu_attrs, attrs);
        attrs.channel_slope = true;
        cop_mxnet_return(call,
                         cop_mxnet_emit_2(call, OP_PRELU, "", &attrs, call->src[0], call->src[1]));
    }
    }
}

static void map_hard_sigmoid(struct mxnet_call *call)
{
    const float alpha = cop_attribute_float(&call->attributes, "alpha", 0.2F);
    const float beta = cop_attribute_float(&call->attributes, "beta", 0.5F);
    return_unary(call, UNARY_HARD_SIGMOID, alpha, beta);
}

static void map_clip(struct mxnet_call *call)
{
    static const char *const keys[] = {"a_min", "a_max"};
    float bounds[2];
    for (int i = 0; i < 2; i++) {
        if (!cop_attribute_is_given(&call->attributes, keys[i]))
            cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, keys[i], "a number");
        bounds[i] = cop_attribute_float(&call->attributes, keys[i], 0);
    }
    return_unary(call, UNARY_CLIP, bounds[0], bounds[1]);
}

/* log to another base: a factor on the natural one. */
static void map_log(struct mxnet_call *call)
{
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int natural = cop_mxnet_emit_unary(call, "log", UNARY_LOG, 0, 0, call->src[0]);
    const double factor = 1 / log(call->op->variant);
    cop_mxnet_return(call, cop_mxnet_emit_unary(call, "", UNARY_LINEAR, (float)factor, 0, natural));
}

static void map_rcbrt(struct mxnet_call *call)
{
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int root = cop_mxnet_emit_unary(call, "root", UNARY_CBRT, 0, 0, call->src[0]);
    cop_mxnet_return(call, cop_mxnet_emit_unary(call, "", UNARY_RECIPROCAL, 0, 0, root));
}

enum angle { ANGLE_DEGREES, ANGLE_RADIANS };

static void map_angle(struct mxnet_call *call)
{
    const double factor = call->op->variant == ANGLE_DEGREES ? 180 / M_PI : M_PI / 180;
    return_unary(call, UNARY_LINEAR, (float)factor, 0);
}

static void map_logistic_output(struct mxnet_call *call)
{
    cop_attributes_ignore(&call->attributes, "grad_scale");
    return_unary(call, UNARY_SIGMOID, 0, 0);
}

static void map_fill(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(fill_attrs, attrs);
    attrs.value = call->op->variant;
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_FILL, "", &attrs, call->src[0]));
}

/* float16, float64 and bfloat16 are computed in float32. */
static void map_cast(struct mxnet_call *call)
{
    static const char *const names[] = {"float32", "float64", "float16", "bfloat16", "uint8",
                                        "int8",    "int32",   "int64",   "bool",     "int16",
                                        "uint16",  "uint32",  "uint64",  NULL};
    static const cop_dtype dtypes[] = {
        COP_DTYPE_FLOAT32, COP_DTYPE_FLOAT32, COP_DTYPE_FLOAT32, COP_DTYPE_FLOAT32, COP_DTYPE_UINT8,
        COP_DTYPE_INT8,    COP_DTYPE_INT32,   COP_DTYPE_INT64,   COP_DTYPE_BOOL,    COP_DTYPE_INT16,
        COP_DTYPE_UINT16,  COP_DTYPE_UINT32,  COP_DTYPE_UINT64};
    const int type = cop_attribute_enum(&call->attributes, "dtype", -1, names);
    if (type < 0)
        cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, "dtype",
                           "an element type");
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    COP_ZEROED_ATTRS(cast_attrs, attrs);
    attrs.to = dtypes[type];
    cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_CAST, "", &attrs, call->src[0]));
}

/* elementwise: both sides have one shape. */
static void map_same_shape(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(binary_attrs, attrs);
    attrs.alg = (enum binary_alg)call->op->variant;
    attrs.same_shape = true;
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call,
                         cop_mxnet_emit_2(call, OP_BINARY, "", &attrs, call->src[0], call->src[1]));
}

static void map_broadcast(struct mxnet_call *call)
{
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_binary(call, "", (enum binary_alg)call->op->variant,
                                                     call->src[0], call->src[1]));
}

/* Of integers, too: they are divided as float32. */
static void map_quotient(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(cast_attrs, attrs);
    attrs.to = COP_DTYPE_FLOAT32;
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    int src[2];
    for (int i = 0; i < 2; i++) {
        const cop_dtype dtype = call->graph->values[call->src[i]].dtype;
        const bool is_plain = dtype == COP_DTYPE_FLOAT32 || dtype == COP_DTYPE_UNKNOWN;
        src[i] = is_plain ? call->src[i]
                          : cop_mxnet_emit_1(call, OP_CAST, i == 0 ? "lhs" : "rhs", &attrs,
                                             call->src[i]);
    }
    cop_mxnet_return(call, cop_mxnet_emit_binary(call, "", BINARY_DIV, src[0], src[1]));
}

/* lhs in the shape of rhs: multiplied by ones of that shape. */
static void map_broadcast_like(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(fill_attrs, ones);
    ones.value = 1;
    for (int i = 0; i < 2; i++) {
        const char *key = i == 0 ? "lhs_axes" : "rhs_axes";
        if (cop_attribute_tuple(&call->attributes, key, INT64_MIN, INT64_MAX, false).is_given)
            cop_attribute_fail(&call->attributes, COP_STATUS_UNSUPPORTED, key, "None");
    }
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int like = cop_mxnet_emit_1(call, OP_FILL, "ones", &ones, call->src[1]);
    cop_mxnet_return(call, cop_mxnet_emit_binary(call, "", BINARY_MUL, call->src[0], like));
}

static void map_add_n(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(binary_attrs, attrs);
    attrs.alg = BINARY_ADD;
    attrs.same_shape = true;
    if (cop_attribute_int(&call->attributes, "num_args", call->src_count, 1, INT32_MAX) !=
        call->src_count)
        cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, "num_args",
                           "the number of inputs");
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    if (call->src_count == 1)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_IDENTITY, "", NULL, call->src[0]));
    int sum = call->src[0];
    for (int i = 1; i < call->src_count; i++)
        sum = cop_mxnet_emit_2(call, OP_BINARY, i + 1 == call->src_count ? "" : "sum", &attrs, sum,
                               call->src[i]);
    if (call->src_count > 1)
        cop_mxnet_return(call, sum);
}

#define UNARY(name, alg)                                                                           \
    {                                                                                              \
        name, "data", map_unary, UNARY_##alg, LAST_ALWAYS                                          \
    }
#define IDENTITY(name)                                                                             \
    {                                                                                              \
        name, "data", map_identity, 0, LAST_ALWAYS                                                 \
    }
#define SAME_SHAPE(name, alg)                                                                      \
    {                                                                                              \
        name, "lhs rhs", map_same_shape, BINARY_##alg, LAST_ALWAYS                                 \
    }
#define BROADCAST(name, alg)                                                                       \
    {                                                                                              \
        name, "lhs rhs", map_broadcast, BINARY_##alg, LAST_ALWAYS                                  \
    }

/* Sorted as strcmp does: capitals, then '_', then small letters. */
static const struct mxnet_operator operators[] = {
    {"Activation", "data", map_activation, 0, LAST_ALWAYS},
    IDENTITY("BlockGrad"),
    {"Cast", "data", map_cast, 0, LAST_ALWAYS},
    {"ElementWiseSum", "*", map_add_n, 0, LAST_ALWAYS},
    {"LeakyReLU", "data gamma", map_leaky_relu, 0, LAST_IF_PRELU},
    {"LinearRegressionOutput", "data label", map_identity, 0, LAST_ALWAYS},
    {"LogisticRegressionOutput", "data label", map_logistic_output, 0, LAST_ALWAYS},
    {"MAERegressionOutput", "data label", map_identity, 0, LAST_ALWAYS},
    IDENTITY("MakeLoss"),
    {"SVMOutput", "data label", map_identity, 0, LAST_ALWAYS},
    IDENTITY("_CrossDeviceCopy"),
    SAME_SHAPE("_Div", DIV),
    SAME_SHAPE("_Equal", EQUAL),
    SAME_SHAPE("_Greater", GREATER),
    SAME_SHAPE("_Greater_Equal", GREATER_EQUAL),
    SAME_SHAPE("_Hypot", HYPOT),
    SAME_SHAPE("_Lesser", LESS),
    SAME_SHAPE("_Lesser_Equal", LESS_EQUAL),
    SAME_SHAPE("_Logical_And", AND),
    SAME_SHAPE("_Logical_Or", OR),
    SAME_SHAPE("_Logical_Xor", XOR),
    SAME_SHAPE("_Maximum", MAX),
    SAME_SHAPE("_Minimum", MIN),
    SAME_SHAPE("_Minus", SUB),
    SAME_SHAPE("_Mod", MOD),
    SAME_SHAPE("_Mul", MUL),
    SAME_SHAPE("_Not_Equal", NOT_EQUAL),
    SAME_SHAPE("_Plus", ADD),
    SAME_SHAPE("_Power", POW),
    SAME_SHAPE("_add", ADD),
    IDENTITY("_copy"),
    SAME_SHAPE("_div", DIV),
    SAME_SHAPE("_equal", EQUAL),
    SAME_SHAPE("_grad_add", ADD),
    SAME_SHAPE("_greater", GREATER),
    SAME_SHAPE("_greater_equal", GREATER_EQUAL),
    SAME_SHAPE("_hypot", HYPOT),
    SAME_SHAPE("_lesser", LESS),
    SAME_SHAPE("_lesser_equal", LESS_EQUAL),
    SAME_SHAPE("_logical_and", AND),
    SAME_SHAPE("_logical_or", OR),
    SAME_SHAPE("_logical_xor", XOR),
    SAME_SHAPE("_maximum", MAX),
    SAME_SHAPE("_minimum", MIN),
    SAME_SHAPE("_minus", SUB),
    SAME_SHAPE("_mod", MOD),
    SAME_SHAPE("_mul", MUL),
    SAME_SHAPE("_not_equal", NOT_EQUAL),
    BROADCAST("_npi_add", ADD),
    BROADCAST("_npi_multiply", MUL),
    BROADCAST("_npi_subtract", SUB),
    {"_npi_true_divide", "lhs rhs", map_quotient, 0, LAST_ALWAYS},
    {"_npx_activation", "data", map_activation, 0, LAST_ALWAYS},
    {"_npx_leaky_relu", "data gamma", map_leaky_relu, 0, LAST_IF_PRELU},
    UNARY("_npx_relu", RELU),
    UNARY("_npx_sigmoid", SIGMOID),
    SAME_SHAPE("_plus", ADD),
    SAME_SHAPE("_power", POW),
    SAME_SHAPE("_sub", SUB),
    UNARY("abs", ABS),
    {"add_n", "*", map_add_n, 0, LAST_ALWAYS},
    {"amp_cast", "data", map_cast, 0, LAST_ALWAYS},
    UNARY("arccos", ACOS),
    UNARY("arccosh", ACOSH),
    UNARY("arcsin", ASIN),
    UNARY("arcsinh", ASINH),
    UNARY("arctan", ATAN),
    UNARY("arctanh", ATANH),
    BROADCAST("broadcast_add", ADD),
    BROADCAST("broadcast_div", DIV),
    BROADCAST("broadcast_equal", EQUAL),
    BROADCAST("broadcast_greater", GREATER),
    BROADCAST("broadcast_greater_equal", GREATER_EQUAL),
    BROADCAST("broadcast_hypot", HYPOT),
    BROADCAST("broadcast_lesser", LESS),
    BROADCAST("broadcast_lesser_equal", LESS_EQUAL),
    {"broadcast_like", "lhs rhs", map_broadcast_like, 0, LAST_ALWAYS},
    BROADCAST("broadcast_logical_and", AND),
    BROADCAST("broadcast_logical_or", OR),
    BROADCAST("broadcast_logical_xor", XOR),
    BROADCAST("broadcast_maximum", MAX),
    BROADCAST("broadcast_minimum", MIN),
    BROADCAST("broadcast_minus", SUB),
    BROADCAST("broadcast_mod", MOD),
    BROADCAST("broadcast_mul", MUL),
    BROADCAST("broadcast_not_equal", NOT_EQUAL),
    BROADCAST("broadcast_plus", ADD),
    BROADCAST("broadcast_power", POW),
    BROADCAST("broadcast_sub", SUB),
    {"cast", "data", map_cast, 0, LAST_ALWAYS},
    UNARY("cbrt", CBRT),
    UNARY("ceil", CEIL),
    {"clip", "data", map_clip, 0, LAST_ALWAYS},
    UNARY("cos", COS),
    UNARY("cosh", COSH),
    {"degrees", "data", map_angle, ANGLE_DEGREES, LAST_ALWAYS},
    SAME_SHAPE("elemwise_add", ADD),
    SAME_SHAPE("elemwise_div", DIV),
    SAME_SHAPE("elemwise_mul", MUL),
    SAME_SHAPE("elemwise_sub", SUB),
    UNARY("erf", ERF),
    UNARY("exp", EXP),
    UNARY("expm1", EXPM1),
    {"fix", "data", map_rounding, ROUND_TO_ZERO, LAST_ALWAYS},
    UNARY("floor", FLOOR),
    {"hard_sigmoid", "data", map_hard_sigmoid, 0, LAST_ALWAYS},
    IDENTITY("identity"),
    UNARY("log", LOG),
    {"log10", "data", map_log, 10, LAST_ALWAYS},
    UNARY("log1p", LOG1P),
    {"log2", "data", map_log, 2, LAST_ALWAYS},
    IDENTITY("make_loss"),
    UNARY("negative", NEG),
    {"ones_like", "data", map_fill, 1, LAST_ALWAYS},
    {"radians", "data", map_angle, ANGLE_RADIANS, LAST_ALWAYS},
    {"rcbrt", "data", map_rcbrt, 0, LAST_ALWAYS},
    UNARY("reciprocal", RECIPROCAL),
    UNARY("relu", RELU),
    {"rint", "data", map_rounding, ROUND_HALVES_DOWN, LAST_ALWAYS},
    {"round", "data", map_rounding, ROUND_TO_NEAREST, LAST_ALWAYS},
    UNARY("rsqrt", RSQRT),
    UNARY("sigmoid", SIGMOID),
    UNARY("sign", SIGN),
    UNARY("sin", SIN),
    UNARY("sinh", SINH),
    UNARY("softsign", SOFTSIGN),
    UNARY("sqrt", SQRT),
    UNARY("square", SQUARE),
    IDENTITY("stop_gradient"),
    UNARY("tan", TAN),
    UNARY("tanh", TANH),
    {"trunc", "data", map_rounding, ROUND_TO_ZERO, LAST_ALWAYS},
    {"zeros_like", "data", map_fill, 0, LAST_ALWAYS},
};

const struct mxnet_operator_family cop_mxnet_elementwise_family = {
    operators, sizeof operators / sizeof operators[0]};
