// SPDX-License-Identifier: Apache-2.0
/* Functions of one element, and of one element and a number. */
#include "mxnet/operators/mx_operator_table.h"

static const struct mx_parameter cast[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"dtype",
     "{'bfloat16', 'bool', 'float16', 'float32', 'float64', 'int32', 'int64', 'int8', 'uint8'}, "
     "required",
     "Element type of the result.", MX_LIMIT_NONE},
};

static const struct mx_parameter data[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
};

static const struct mx_parameter data_and_number[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"scalar", "double, optional, default=1", "The number.", MX_LIMIT_NONE},
    {"is_int", "boolean, optional, default=1",
     "The number stands for an integer, so that integers remain integers.", MX_LIMIT_NONE},
};

static const struct mx_parameter amp_cast[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"dtype",
     "{'bfloat16', 'float16', 'float32', 'float64', 'int32', 'int64', 'int8', 'uint8'}, required",
     "Floating-point type of the result.", MX_LIMIT_NONE},
};

static const struct mx_parameter clip[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"a_min", "float, required", "Least value.", MX_LIMIT_NONE},
    {"a_max", "float, required", "Largest value.", MX_LIMIT_NONE},
};

static const struct mx_parameter hard_sigmoid[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"alpha", "float, optional, default=0.200000003", "Slope.", MX_LIMIT_NONE},
    {"beta", "float, optional, default=0.5", "Value at zero.", MX_LIMIT_NONE},
};

#define UNARY(own_name, text, names)                                                               \
    {                                                                                              \
        .name = (own_name), .aliases = names, .description = (text), COP_MX_ARGUMENTS(data, 1),    \
    }
#define SCALAR(own_name, text, names)                                                              \
    {                                                                                              \
        .name = (own_name), .aliases = names, .description = (text),                               \
        COP_MX_ARGUMENTS(data_and_number, 1), .types = MX_TYPES_SCALAR,                            \
    }

static const struct mx_operator operators[] = {
    {
        .name = "Cast",
        .aliases = COP_MX_NAMES("_npi_cast", "_npx_cast", "cast"),
        .description = "Converts the elements to another type.",
        COP_MX_ARGUMENTS(cast, 1),
        .types = MX_TYPES_CAST,
    },
    {
        .name = "_CrossDeviceCopy",
        .aliases = COP_MX_NO_NAMES,
        .description = "The input, on another device.",
        .types = MX_TYPES_FORWARD,
    },
    UNARY("_copy", "The input, as it is.", COP_MX_NAMES("identity")),
    SCALAR("_div_scalar", "Each element divided by a number.", COP_MX_NAMES("_DivScalar")),
    SCALAR("_equal_scalar", "Of each element and a number: 1 where both are equal, otherwise 0.",
           COP_MX_NAMES("_EqualScalar")),
    SCALAR("_greater_equal_scalar",
           "Of each element and a number: 1 where the left one is not smaller, otherwise 0.",
           COP_MX_NAMES("_GreaterEqualScalar")),
    SCALAR("_greater_scalar",
           "Of each element and a number: 1 where the left one is greater, otherwise 0.",
           COP_MX_NAMES("_GreaterScalar")),
    SCALAR("_hypot_scalar", "Root of the sum of squares of each element and a number.",
           COP_MX_NAMES("_HypotScalar", "_npi_hypot_scalar")),
    SCALAR("_lesser_equal_scalar",
           "Of each element and a number: 1 where the left one is not greater, otherwise 0.",
           COP_MX_NAMES("_LesserEqualScalar")),
    SCALAR("_lesser_scalar",
           "Of each element and a number: 1 where the left one is smaller, otherwise 0.",
           COP_MX_NAMES("_LesserScalar")),
    SCALAR("_logical_and_scalar",
           "Of each element and a number: 1 where neither is zero, otherwise 0.",
           COP_MX_NAMES("_LogicalAndScalar")),
    SCALAR("_logical_or_scalar",
           "Of each element and a number: 1 where at least one is not zero, otherwise 0.",
           COP_MX_NAMES("_LogicalOrScalar")),
    SCALAR("_logical_xor_scalar",
           "Of each element and a number: 1 where exactly one is zero, otherwise 0.",
           COP_MX_NAMES("_LogicalXorScalar")),
    SCALAR("_maximum_scalar", "The larger of each element and a number.",
           COP_MX_NAMES("_MaximumScalar", "_npi_maximum_scalar")),
    SCALAR("_minimum_scalar", "The smaller of each element and a number.",
           COP_MX_NAMES("_MinimumScalar", "_npi_minimum_scalar")),
    SCALAR("_minus_scalar", "Each element minus a number.", COP_MX_NAMES("_MinusScalar")),
    SCALAR("_mod_scalar",
           "Remainder of each element divided by a number, with the sign of the divisor.",
           COP_MX_NAMES("_ModScalar")),
    SCALAR("_mul_scalar", "Each element times a number.", COP_MX_NAMES("_MulScalar")),
    SCALAR("_not_equal_scalar", "Of each element and a number: 1 where they differ, otherwise 0.",
           COP_MX_NAMES("_NotEqualScalar")),
    SCALAR("_npi_add_scalar", "Sum of each element and a number, as numpy names it.",
           COP_MX_NO_NAMES),
    SCALAR("_npi_multiply_scalar", "Product of each element and a number, as numpy names it.",
           COP_MX_NO_NAMES),
    SCALAR("_npi_subtract_scalar", "Difference of each element and a number, as numpy names it.",
           COP_MX_NO_NAMES),
    {
        .name = "_npi_true_divide_scalar",
        .aliases = COP_MX_NO_NAMES,
        .description = "Quotient of each element and a number, as numpy names it.",
        COP_MX_ARGUMENTS(data_and_number, 1),
        .types = MX_TYPES_QUOTIENT,
    },
    UNARY("_npx_relu", "Of each element: itself if positive, otherwise 0.", COP_MX_NO_NAMES),
    UNARY("_npx_sigmoid", "Of each element: 1 / (1 + exp(-x)).", COP_MX_NO_NAMES),
    SCALAR("_plus_scalar", "Each element plus a number.", COP_MX_NAMES("_PlusScalar")),
    SCALAR("_power_scalar", "Each element to the power of a number.", COP_MX_NAMES("_PowerScalar")),
    SCALAR("_rdiv_scalar", "A number divided by each element.", COP_MX_NAMES("_RDivScalar")),
    SCALAR("_rminus_scalar", "A number minus each element.", COP_MX_NAMES("_RMinusScalar")),
    SCALAR("_rmod_scalar",
           "Remainder of a number divided by each element, with the sign of the divisor.",
           COP_MX_NAMES("_RModScalar")),
    SCALAR("_rpower_scalar", "A number to the power of each element.",
           COP_MX_NAMES("_RPowerScalar")),
    UNARY("abs", "Of each element: the absolute value.", COP_MX_NAMES("_sparse_abs")),
    {
        .name = "amp_cast",
        .aliases = COP_MX_NO_NAMES,
        .description = "Converts floating-point elements to another floating-point type, and "
                       "leaves others as they are.",
        COP_MX_ARGUMENTS(amp_cast, 1),
        .types = MX_TYPES_AMP_CAST,
    },
    UNARY("arccos", "Of each element: the inverse cosine.", COP_MX_NAMES("_sparse_arccos")),
    UNARY("arccosh", "Of each element: the inverse hyperbolic cosine.",
          COP_MX_NAMES("_sparse_arccosh")),
    UNARY("arcsin", "Of each element: the inverse sine.", COP_MX_NAMES("_sparse_arcsin")),
    UNARY("arcsinh", "Of each element: the inverse hyperbolic sine.",
          COP_MX_NAMES("_sparse_arcsinh")),
    UNARY("arctan", "Of each element: the inverse tangent.", COP_MX_NAMES("_sparse_arctan")),
    UNARY("arctanh", "Of each element: the inverse hyperbolic tangent.",
          COP_MX_NAMES("_sparse_arctanh")),
    UNARY("cbrt", "Of each element: the cube root.", COP_MX_NAMES("_sparse_cbrt")),
    UNARY("ceil", "Of each element: the next whole number not below it.",
          COP_MX_NAMES("_sparse_ceil")),
    {
        .name = "clip",
        .aliases = COP_MX_NAMES("_npi_clip", "_sparse_clip"),
        .description = "Keeps each element between two bounds.",
        COP_MX_ARGUMENTS(clip, 1),
    },
    UNARY("cos", "Of each element: the cosine.", COP_MX_NAMES("_sparse_cos")),
    UNARY("cosh", "Of each element: the hyperbolic cosine.", COP_MX_NAMES("_sparse_cosh")),
    UNARY("degrees", "Of each element: an angle in degrees for one in radians.",
          COP_MX_NAMES("_sparse_degrees")),
    UNARY("erf", "Of each element: the error function.", COP_MX_NAMES("_npx_erf")),
    UNARY("exp", "Of each element: e to its power.", COP_MX_NAMES("_sparse_exp")),
    UNARY("expm1", "Of each element: exp(x) - 1.", COP_MX_NAMES("_sparse_expm1")),
    UNARY("fix", "Of each element: its whole part.", COP_MX_NAMES("_sparse_fix")),
    UNARY("floor", "Of each element: the next whole number not above it.",
          COP_MX_NAMES("_sparse_floor")),
    {
        .name = "hard_sigmoid",
        .aliases = COP_MX_NO_NAMES,
        .description = "Of each element: alpha * x + beta, kept between 0 and 1.",
        COP_MX_ARGUMENTS(hard_sigmoid, 1),
    },
    UNARY("log", "Of each element: the natural logarithm.", COP_MX_NAMES("_sparse_log")),
    UNARY("log10", "Of each element: the logarithm to base 10.", COP_MX_NAMES("_sparse_log10")),
    UNARY("log1p", "Of each element: log(1 + x).", COP_MX_NAMES("_sparse_log1p")),
    UNARY("log2", "Of each element: the logarithm to base 2.", COP_MX_NAMES("_sparse_log2")),
    UNARY("logical_not", "Of each element: 1 if it is zero, otherwise 0.", COP_MX_NO_NAMES),
    UNARY("negative", "Of each element: the number of opposite sign.",
          COP_MX_NAMES("_sparse_negative")),
    UNARY("ones_like", "Ones in the shape of the input.", COP_MX_NO_NAMES),
    UNARY("radians", "Of each element: an angle in radians for one in degrees.",
          COP_MX_NAMES("_sparse_radians")),
    UNARY("rcbrt", "Of each element: 1 divided by its cube root.", COP_MX_NO_NAMES),
    UNARY("reciprocal", "Of each element: 1 divided by it.", COP_MX_NO_NAMES),
    UNARY("relu", "Of each element: itself if positive, otherwise 0.",
          COP_MX_NAMES("_sparse_relu")),
    UNARY("rint", "Of each element: the nearest whole number, halves downwards.",
          COP_MX_NAMES("_sparse_rint")),
    UNARY("round", "Of each element: the nearest whole number, halves away from zero.",
          COP_MX_NAMES("_sparse_round")),
    UNARY("rsqrt", "Of each element: 1 divided by its square root.", COP_MX_NAMES("_sparse_rsqrt")),
    UNARY("sigmoid", "Of each element: 1 / (1 + exp(-x)).", COP_MX_NAMES("_sparse_sigmoid")),
    UNARY("sign", "Of each element: -1, 0 or 1.", COP_MX_NAMES("_sparse_sign")),
    UNARY("sin", "Of each element: the sine.", COP_MX_NAMES("_sparse_sin")),
    UNARY("sinh", "Of each element: the hyperbolic sine.", COP_MX_NAMES("_sparse_sinh")),
    UNARY("softsign", "Of each element: x / (1 + |x|).", COP_MX_NO_NAMES),
    UNARY("sqrt", "Of each element: the square root.", COP_MX_NAMES("_sparse_sqrt")),
    UNARY("square", "Of each element: its product with itself.", COP_MX_NAMES("_sparse_square")),
    UNARY("tan", "Of each element: the tangent.", COP_MX_NAMES("_sparse_tan")),
    UNARY("tanh", "Of each element: the hyperbolic tangent.", COP_MX_NAMES("_sparse_tanh")),
    UNARY("trunc", "Of each element: its whole part.", COP_MX_NAMES("_sparse_trunc")),
    UNARY("zeros_like", "Zeros in the shape of the input.", COP_MX_NAMES("_sparse_zeros_like")),
};

const struct mx_operator_family cop_mx_unary_family = COP_MX_FAMILY(operators);
