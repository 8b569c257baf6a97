// SPDX-License-Identifier: Apache-2.0
/*
 * What a handle points to says what it is, in its first word, so that a symbol given where an array
 * is expected is an error and not a crash. A word of its own for freed objects makes some uses
 * after free visible, too.
 */
#ifndef MXNET_BASE_MX_HANDLES_H
#define MXNET_BASE_MX_HANDLES_H

#include <stdint.h>

#include "base/error.h"

enum mx_kind {
    MX_KIND_FREED = 0x66726565,
    MX_KIND_ARRAY = 0x41525259,
    MX_KIND_SYMBOL = 0x53594d42,
    MX_KIND_CACHED_OP = 0x4f504341,
    MX_KIND_EXECUTOR = 0x45584543,
    MX_KIND_PREDICTOR = 0x50524544,
    MX_KIND_ARRAY_LIST = 0x4c495354,
};

/* The first member of every such object. */
struct mx_object {
    enum mx_kind kind;
};

/* OK; INVALID_ARGUMENT: `handle` is NULL or no `kind`; `what` is the parameter's name. */
cop_status cop_mx_check_handle(const void *handle, enum mx_kind kind, const char *what,
                               cop_error *error);

#endif
