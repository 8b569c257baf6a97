// SPDX-License-Identifier: Apache-2.0
/*
 * How the tables are written. One file per family has the parameters, and rows made of them; names,
 * types, defaults and orders are MXNet's, descriptions are ours.
 */
#ifndef MXNET_OPERATORS_MX_OPERATOR_TABLE_H
#define MXNET_OPERATORS_MX_OPERATOR_TABLE_H

#include "mxnet/operators/mx_operator.h"

struct mx_operator_family {
    const struct mx_operator *operators; /* in any order; `mapping` is not set yet */
    size_t count;
};

extern const struct mx_operator_family cop_mx_neural_family;
extern const struct mx_operator_family cop_mx_normalization_family;
extern const struct mx_operator_family cop_mx_unary_family;
extern const struct mx_operator_family cop_mx_binary_family;
extern const struct mx_operator_family cop_mx_arrangement_family;
extern const struct mx_operator_family cop_mx_reduction_family;
extern const struct mx_operator_family cop_mx_creation_family;

#define COP_MX_TENSOR "NDArray-or-Symbol"
#define COP_MX_FAMILY(rows)                                                                        \
    {                                                                                              \
        rows, sizeof(rows) / sizeof(rows)[0]                                                       \
    }

/* Aliases of a row; MX_NO_ALIAS: none. */
#define COP_MX_NAMES(...)                                                                          \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define COP_MX_NO_NAMES                                                                            \
    (const char *const[])                                                                          \
    {                                                                                              \
        NULL                                                                                       \
    }

/* The documented arguments of a row, `tensors` of which are tensors. */
#define COP_MX_ARGUMENTS(list, tensors)                                                            \
    .arguments = (list), .tensor_count = (tensors),                                                \
    .argument_count = (int)(sizeof(list) / sizeof(list)[0])

#endif
