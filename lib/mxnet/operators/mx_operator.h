// SPDX-License-Identifier: Apache-2.0
/* Placeholder of the interface in the design; replaced by the table's author. */
#ifndef MXNET_OPERATORS_MX_OPERATOR_H
#define MXNET_OPERATORS_MX_OPERATOR_H
#include "model/mxnet/mxnet_operators.h"
struct mx_operator;
struct mx_attributes {
    int count;
    const char *const *keys, *const *values;
};
#endif
