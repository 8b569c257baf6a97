// SPDX-License-Identifier: Apache-2.0
/*
 * Running one operator on arrays. It becomes a program of one node, kept with those that were used
 * last, so that the next call of the same operator with the same attributes compiles nothing.
 *
 * Thread-safety: synchronized.
 */
#ifndef MXNET_RUN_MX_IMPERATIVE_H
#define MXNET_RUN_MX_IMPERATIVE_H

#include "mxnet/run/mx_program.h"

/* Programs of single operators that are kept. */
#define COP_MX_KEPT_PROGRAMS 256

/* One use of an operator. */
struct mx_call {
    const struct mx_operator *op;
    struct mx_attributes attributes; /* checked */
    int src_count;
    struct mx_array *const *src;
};

/* The program of a call's operator, attributes and number of inputs; a reference for the caller. */
cop_status cop_mx_program_of_call(const struct mx_call *call, struct mx_program **program,
                                  cop_error *error);

/* mx_creation.c: operators that are no graph: they fill, make or copy arrays. `dst` as in a run. */
cop_status cop_mx_create_by_call(const struct mx_call *call, struct mx_array **dst,
                                 cop_error *error);

#endif
