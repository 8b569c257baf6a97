// SPDX-License-Identifier: Apache-2.0
/* Functions of an element of each input. */
#include "mxnet/operators/mx_operator_table.h"

static const struct mx_parameter sides[] = {
    {"lhs", COP_MX_TENSOR, "Left side.", MX_LIMIT_NONE},
    {"rhs", COP_MX_TENSOR, "Right side.", MX_LIMIT_NONE},
};

static const struct mx_parameter add_n[] = {
    {"args", "NDArray-or-Symbol[]", "What is added up.", MX_LIMIT_NONE},
    {"num_args", "int, required", "Number of inputs.", MX_LIMIT_FROM_1},
};

static const struct mx_parameter broadcast_like[] = {
    {"lhs", COP_MX_TENSOR, "What is repeated.", MX_LIMIT_NONE},
    {"rhs", COP_MX_TENSOR, "Tensor whose shape the result gets.", MX_LIMIT_NONE},
    {"lhs_axes", "Shape or None, optional, default=None",
     "Dimensions that are repeated; None: all.", MX_LIMIT_NONE},
    {"rhs_axes", "Shape or None, optional, default=None",
     "Dimensions whose sizes are taken; None: all.", MX_LIMIT_NONE},
};

#define BINARY(own_name, text, names)                                                              \
    {                                                                                              \
        .name = (own_name), .aliases = names, .description = (text), COP_MX_ARGUMENTS(sides, 2),   \
    }

static const struct mx_operator operators[] = {
    BINARY("_equal",
           "Of two tensors of one shape, element by element: 1 where both are equal, otherwise 0.",
           COP_MX_NAMES("_Equal")),
    BINARY("_grad_add", "Sum of two tensors of one shape, as gradients are added.",
           COP_MX_NO_NAMES),
    BINARY("_greater",
           "Of two tensors of one shape, element by element: 1 where the left one is greater, "
           "otherwise 0.",
           COP_MX_NAMES("_Greater")),
    BINARY("_greater_equal",
           "Of two tensors of one shape, element by element: 1 where the left one is not smaller, "
           "otherwise 0.",
           COP_MX_NAMES("_Greater_Equal")),
    BINARY("_hypot", "Root of the sum of squares of two tensors of one shape, element by element.",
           COP_MX_NAMES("_Hypot")),
    BINARY("_lesser",
           "Of two tensors of one shape, element by element: 1 where the left one is smaller, "
           "otherwise 0.",
           COP_MX_NAMES("_Lesser")),
    BINARY("_lesser_equal",
           "Of two tensors of one shape, element by element: 1 where the left one is not greater, "
           "otherwise 0.",
           COP_MX_NAMES("_Lesser_Equal")),
    BINARY("_logical_and",
           "Of two tensors of one shape, element by element: 1 where neither is zero, otherwise 0.",
           COP_MX_NAMES("_Logical_And")),
    BINARY("_logical_or",
           "Of two tensors of one shape, element by element: 1 where at least one is not zero, "
           "otherwise 0.",
           COP_MX_NAMES("_Logical_Or")),
    BINARY("_logical_xor",
           "Of two tensors of one shape, element by element: 1 where exactly one is zero, "
           "otherwise 0.",
           COP_MX_NAMES("_Logical_Xor")),
    BINARY("_maximum", "Larger of two tensors of one shape, element by element.",
           COP_MX_NAMES("_Maximum")),
    BINARY("_minimum", "Smaller of two tensors of one shape, element by element.",
           COP_MX_NAMES("_Minimum")),
    BINARY("_mod",
           "Remainder of the quotient, with the sign of the divisor, of two tensors of one shape, "
           "element by element.",
           COP_MX_NAMES("_Mod")),
    BINARY("_not_equal",
           "Of two tensors of one shape, element by element: 1 where they differ, otherwise 0.",
           COP_MX_NAMES("_Not_Equal")),
    BINARY("_npi_add", "Sum of two tensors, as numpy names it; dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("_npi_multiply",
           "Product of two tensors, as numpy names it; dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("_npi_subtract",
           "Difference of two tensors, as numpy names it; dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    {
        .name = "_npi_true_divide",
        .aliases = COP_MX_NO_NAMES,
        .description =
            "Quotient of two tensors, as numpy names it; dimensions of size 1 are repeated.",
        COP_MX_ARGUMENTS(sides, 2),
        .types = MX_TYPES_QUOTIENT,
    },
    BINARY("_power", "Power of two tensors of one shape, element by element.",
           COP_MX_NAMES("_Power")),
    {
        .name = "add_n",
        .aliases = COP_MX_NAMES("ElementWiseSum", "_sparse_ElementWiseSum", "_sparse_add_n"),
        .description = "Sum of any number of tensors of one shape.",
        .arguments = add_n,
        .tensor_count = 1,
        .argument_count = 1,
        .key_var_num_args = "num_args",
        .undocumented_count = 1,
    },
    BINARY("broadcast_add",
           "Sum of two tensors, element by element; dimensions of size 1 are repeated.",
           COP_MX_NAMES("_sparse_broadcast_add", "_sparse_broadcast_plus", "broadcast_plus")),
    BINARY("broadcast_div",
           "Quotient of two tensors, element by element; dimensions of size 1 are repeated.",
           COP_MX_NAMES("_sparse_broadcast_div")),
    BINARY("broadcast_equal",
           "Of two tensors, element by element: 1 where both are equal, otherwise 0; dimensions of "
           "size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_greater",
           "Of two tensors, element by element: 1 where the left one is greater, otherwise 0; "
           "dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_greater_equal",
           "Of two tensors, element by element: 1 where the left one is not smaller, otherwise 0; "
           "dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_hypot",
           "Root of the sum of squares of two tensors, element by element; dimensions of size 1 "
           "are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_lesser",
           "Of two tensors, element by element: 1 where the left one is smaller, otherwise 0; "
           "dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_lesser_equal",
           "Of two tensors, element by element: 1 where the left one is not greater, otherwise 0; "
           "dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    {
        .name = "broadcast_like",
        .aliases = COP_MX_NO_NAMES,
        .description = "The left side, repeated to the shape of the right side.",
        COP_MX_ARGUMENTS(broadcast_like, 2),
        .types = MX_TYPES_LIKE,
    },
    BINARY("broadcast_logical_and",
           "Of two tensors, element by element: 1 where neither is zero, otherwise 0; dimensions "
           "of size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_logical_or",
           "Of two tensors, element by element: 1 where at least one is not zero, otherwise 0; "
           "dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_logical_xor",
           "Of two tensors, element by element: 1 where exactly one is zero, otherwise 0; "
           "dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_maximum",
           "Larger of two tensors, element by element; dimensions of size 1 are repeated.",
           COP_MX_NAMES("_npi_maximum")),
    BINARY("broadcast_minimum",
           "Smaller of two tensors, element by element; dimensions of size 1 are repeated.",
           COP_MX_NAMES("_npi_minimum")),
    BINARY("broadcast_mod",
           "Remainder of the quotient, with the sign of the divisor, of two tensors, element by "
           "element; dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_mul",
           "Product of two tensors, element by element; dimensions of size 1 are repeated.",
           COP_MX_NAMES("_sparse_broadcast_mul")),
    BINARY("broadcast_not_equal",
           "Of two tensors, element by element: 1 where they differ, otherwise 0; dimensions of "
           "size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_power",
           "Power of two tensors, element by element; dimensions of size 1 are repeated.",
           COP_MX_NO_NAMES),
    BINARY("broadcast_sub",
           "Difference of two tensors, element by element; dimensions of size 1 are repeated.",
           COP_MX_NAMES("_sparse_broadcast_minus", "_sparse_broadcast_sub", "broadcast_minus")),
    BINARY("elemwise_add", "Sum of two tensors of one shape, element by element.",
           COP_MX_NAMES("_Plus", "_add", "_plus", "_sparse_elemwise_add")),
    BINARY("elemwise_div", "Quotient of two tensors of one shape, element by element.",
           COP_MX_NAMES("_Div", "_div", "_sparse_elemwise_div")),
    BINARY("elemwise_mul", "Product of two tensors of one shape, element by element.",
           COP_MX_NAMES("_Mul", "_mul", "_sparse_elemwise_mul")),
    BINARY("elemwise_sub", "Difference of two tensors of one shape, element by element.",
           COP_MX_NAMES("_Minus", "_minus", "_sparse_elemwise_sub", "_sub")),
};

const struct mx_operator_family cop_mx_binary_family = COP_MX_FAMILY(operators);
