// SPDX-License-Identifier: Apache-2.0
/*
 * The outputs of invoking functions: a list that the client gives, whose handles are filled, or
 * none, and then new handles in a list of the thread's.
 */
#ifndef MXNET_RUN_MX_OUTPUTS_H
#define MXNET_RUN_MX_OUTPUTS_H

#include "mxnet/array/mx_array.h"

#define COP_MX_USUAL_OUTPUTS 8

/* Zero-initialise, open, run into `arrays`, close. */
struct mx_outputs {
    size_t count;
    bool are_given;
    struct mx_array **arrays; /* NULL where one is to be made */
    struct mx_array *usual[COP_MX_USUAL_OUTPUTS];
};

/* Checks given handles. `given` NULL: all are to be made. */
cop_status cop_mx_outputs_open(struct mx_outputs *outputs, size_t count, void *const *given,
                               cop_error *error);

/*
 * Ends a run that came to `status`. On success new handles go to the thread's list, `*returned` to
 * it,
 * `*returned_count` to their number, and `*storage_types` (NULL allowed) to their storage types;
 * after a failure what was made is destroyed and nothing is written.
 */
cop_status cop_mx_outputs_close(struct mx_outputs *outputs, cop_status status, int *returned_count,
                                void ***returned, const int **storage_types, cop_error *error);

/* Handles of arrays from a client, checked. */
cop_status cop_mx_inputs_check(int count, void *const *handles, cop_error *error);

#endif
