// SPDX-License-Identifier: Apache-2.0
/* Operators of a tensor and one number, which is an attribute. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "model/mxnet/mxnet_operators.h"

/* X(function, algorithm, whether the number comes first) */
#define SCALAR_LIST(X)                                                                             \
    X(PLUS, ADD, false)                                                                            \
    X(MINUS, SUB, false)                                                                           \
    X(RMINUS, SUB, true)                                                                           \
    X(MUL, MUL, false)                                                                             \
    X(DIV, DIV, false)                                                                             \
    X(RDIV, DIV, true)                                                                             \
    X(TRUE_DIV, DIV, false)                                                                        \
    X(MAXIMUM, MAX, false)                                                                         \
    X(MINIMUM, MIN, false)                                                                         \
    X(POWER, POW, false)                                                                           \
    X(RPOWER, POW, true)                                                                           \
    X(MOD, MOD, false)                                                                             \
    X(RMOD, MOD, true)                                                                             \
    X(HYPOT, HYPOT, false)                                                                         \
    X(EQUAL, EQUAL, false)                                                                         \
    X(NOT_EQUAL, NOT_EQUAL, false)                                                                 \
    X(GREATER, GREATER, false)                                                                     \
    X(GREATER_EQUAL, GREATER_EQUAL, false)                                                         \
    X(LESS, LESS, false)                                                                           \
    X(LESS_EQUAL, LESS_EQUAL, false)                                                               \
    X(AND, AND, false)                                                                             \
    X(OR, OR, false)                                                                               \
    X(XOR, XOR, false)

enum scalar_function {
#define SCALAR_ENUM(function, alg, is_first) SCALAR_##function,
    SCALAR_LIST(SCALAR_ENUM)
#undef SCALAR_ENUM
};

static const struct {
    enum binary_alg alg;
    bool is_first;
} functions[] = {
#define SCALAR_ROW(function, alg, is_first) {BINARY_##alg, is_first},
    SCALAR_LIST(SCALAR_ROW)
#undef SCALAR_ROW
};

static bool is_float(cop_dtype dtype)
{
    return dtype == COP_DTYPE_FLOAT32 || dtype == COP_DTYPE_UNKNOWN;
}

static int cast(struct mxnet_call *call, int src, cop_dtype to)
{
    COP_ZEROED_ATTRS(cast_attrs, attrs);
    attrs.to = to;
    return cop_mxnet_emit_1(call, OP_CAST, "src", &attrs, src);
}

/*
 * The tensor in the type that the function is computed in: integers beside a number that is not
 * meant to be one become float32, as true quotients do, and bool beside one that is, int64.
 */
static int widen(struct mxnet_call *call, bool is_int)
{
    const int src = call->src[0];
    const cop_dtype dtype = call->graph->values[src].dtype;
    if (is_float(dtype))
        return src;
    if (!is_int || call->op->variant == SCALAR_TRUE_DIV)
        return cast(call, src, COP_DTYPE_FLOAT32);
    return dtype == COP_DTYPE_BOOL ? cast(call, src, COP_DTYPE_INT64) : src;
}

/* Of float32, what a function of one argument does as well. False: nothing. */
static bool return_unary(struct mxnet_call *call, float number, int src)
{
    switch (call->op->variant) {
    case SCALAR_PLUS:
        src = cop_mxnet_emit_unary(call, "", UNARY_LINEAR, 1, number, src);
        break;
    case SCALAR_MINUS:
        src = cop_mxnet_emit_unary(call, "", UNARY_LINEAR, 1, -number, src);
        break;
    case SCALAR_RMINUS:
        src = cop_mxnet_emit_unary(call, "", UNARY_LINEAR, -1, number, src);
        break;
    case SCALAR_MUL:
        src = cop_mxnet_emit_unary(call, "", UNARY_LINEAR, number, 0, src);
        break;
    case SCALAR_MAXIMUM:
        src = cop_mxnet_emit_unary(call, "", UNARY_CLIP, number, INFINITY, src);
        break;
    case SCALAR_MINIMUM:
        src = cop_mxnet_emit_unary(call, "", UNARY_CLIP, -INFINITY, number, src);
        break;
    default: /* with the number as an operand: exact where a factor would round twice */
        return false;
    }
    cop_mxnet_return(call, src);
    return true;
}

/* The number as float32, unless an integer takes it. */
static float as_float(struct mxnet_call *call, cop_dtype dtype, double number)
{
    if (!is_float(dtype) || !isfinite(number) || fabs(number) <= (double)FLT_MAX)
        return is_float(dtype) ? (float)number : 0;
    cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, "scalar",
                       "a number within float32");
    return 0;
}

static void map_scalar(struct mxnet_call *call)
{
    const double number = cop_attribute_double(&call->attributes, "scalar", 1);
    const bool is_int = cop_attribute_bool(&call->attributes, "is_int", true);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int src = widen(call, is_int);
    if (cop_mxnet_failed(call))
        return;
    const cop_dtype dtype = call->graph->values[src].dtype;
    const float plain = as_float(call, dtype, number);
    if (is_float(dtype) && return_unary(call, plain, src))
        return;
    const int operand = is_float(dtype) ? cop_mxnet_emit_scalar(call, "scalar", plain)
                                        : cop_mxnet_emit_integer(call, "scalar", dtype, number);
    const enum binary_alg alg = functions[call->op->variant].alg;
    if (functions[call->op->variant].is_first)
        cop_mxnet_return(call, cop_mxnet_emit_binary(call, "", alg, operand, src));
    else
        cop_mxnet_return(call, cop_mxnet_emit_binary(call, "", alg, src, operand));
}

/* 1 where an element is 0. */
static void map_logical_not(struct mxnet_call *call)
{
    const cop_dtype dtype = call->graph->values[call->src[0]].dtype;
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int zero = is_float(dtype) ? cop_mxnet_emit_scalar(call, "zero", 0)
                                     : cop_mxnet_emit_integer(call, "zero", dtype, 0);
    cop_mxnet_return(call, cop_mxnet_emit_binary(call, "", BINARY_EQUAL, call->src[0], zero));
}

#define SCALAR(name, function)                                                                     \
    {                                                                                              \
        name, "data", map_scalar, SCALAR_##function, LAST_ALWAYS                                   \
    }

/* Sorted as strcmp does: capitals, then '_', then small letters. */
static const struct mxnet_operator operators[] = {
    SCALAR("_DivScalar", DIV),
    SCALAR("_EqualScalar", EQUAL),
    SCALAR("_GreaterEqualScalar", GREATER_EQUAL),
    SCALAR("_GreaterScalar", GREATER),
    SCALAR("_HypotScalar", HYPOT),
    SCALAR("_LesserEqualScalar", LESS_EQUAL),
    SCALAR("_LesserScalar", LESS),
    SCALAR("_LogicalAndScalar", AND),
    SCALAR("_LogicalOrScalar", OR),
    SCALAR("_LogicalXorScalar", XOR),
    SCALAR("_MaximumScalar", MAXIMUM),
    SCALAR("_MinimumScalar", MINIMUM),
    SCALAR("_MinusScalar", MINUS),
    SCALAR("_ModScalar", MOD),
    SCALAR("_MulScalar", MUL),
    SCALAR("_NotEqualScalar", NOT_EQUAL),
    SCALAR("_PlusScalar", PLUS),
    SCALAR("_PowerScalar", POWER),
    SCALAR("_RDivScalar", RDIV),
    SCALAR("_RMinusScalar", RMINUS),
    SCALAR("_RModScalar", RMOD),
    SCALAR("_RPowerScalar", RPOWER),
    SCALAR("_div_scalar", DIV),
    SCALAR("_equal_scalar", EQUAL),
    SCALAR("_greater_equal_scalar", GREATER_EQUAL),
    SCALAR("_greater_scalar", GREATER),
    SCALAR("_hypot_scalar", HYPOT),
    SCALAR("_lesser_equal_scalar", LESS_EQUAL),
    SCALAR("_lesser_scalar", LESS),
    SCALAR("_logical_and_scalar", AND),
    SCALAR("_logical_or_scalar", OR),
    SCALAR("_logical_xor_scalar", XOR),
    SCALAR("_maximum_scalar", MAXIMUM),
    SCALAR("_minimum_scalar", MINIMUM),
    SCALAR("_minus_scalar", MINUS),
    SCALAR("_mod_scalar", MOD),
    SCALAR("_mul_scalar", MUL),
    SCALAR("_not_equal_scalar", NOT_EQUAL),
    SCALAR("_npi_add_scalar", PLUS),
    SCALAR("_npi_multiply_scalar", MUL),
    SCALAR("_npi_subtract_scalar", MINUS),
    SCALAR("_npi_true_divide_scalar", TRUE_DIV),
    SCALAR("_plus_scalar", PLUS),
    SCALAR("_power_scalar", POWER),
    SCALAR("_rdiv_scalar", RDIV),
    SCALAR("_rminus_scalar", RMINUS),
    SCALAR("_rmod_scalar", RMOD),
    SCALAR("_rpower_scalar", RPOWER),
    {"logical_not", "data", map_logical_not, 0, LAST_ALWAYS},
};

const struct mxnet_operator_family cop_mxnet_scalar_family = {operators, sizeof operators /
                                                                             sizeof operators[0]};
