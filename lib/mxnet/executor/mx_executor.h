// SPDX-License-Identifier: Apache-2.0
/*
 * Executors: a symbol bound to arrays. Forward reads what the arguments hold then and writes the
 * executor's outputs, whose memory stays the same.
 *
 * Thread-safety: synchronized, as runs of a program are: two that write the outputs follow one
 * another. A monitor that is taken off lives on in the runs that it sees.
 */
#ifndef MXNET_EXECUTOR_MX_EXECUTOR_H
#define MXNET_EXECUTOR_MX_EXECUTOR_H

#include "base/lock.h"
#include "mxnet/array/mx_array.h"
#include "mxnet/executor/mx_monitor.h"
#include "mxnet/run/mx_program.h"
#include "mxnet/symbol/mx_symbol.h"

struct mx_executor {
    struct mx_object object;
    struct mx_symbol *symbol; /* our copy */
    struct mx_order order;    /* of the copy */
    struct mx_program *program;
    struct mx_context context;
    struct mx_array **src; /* views of our own, in the order of all inputs */
    struct mx_array **outputs;
    size_t src_count, output_count;
    struct lock monitor_lock; /* of who takes or replaces the monitor; not held while it runs */
    _Atomic(struct mx_monitor *) monitor; /* NULL: nobody looks (relaxed); else under the lock */
};

/* What is bound. */
struct mx_arguments {
    void *const *arguments, *const *auxiliaries; /* handles; checked here */
    size_t argument_count, auxiliary_count;
};

/*
 * `program` NULL, or one of the same symbol, which is used as well: what it has packed serves all.
 * INVALID_ARGUMENT: counts, handles, empty arrays, contexts, shapes or types that do not fit.
 */
cop_status cop_mx_executor_create(const struct mx_symbol *symbol, struct mx_context context,
                                  const struct mx_arguments *arguments, struct mx_program *program,
                                  struct mx_executor **executor, cop_error *error);

/* The same of arrays in the order of all inputs; that they fit is not checked before they run. */
cop_status cop_mx_executor_create_of(const struct mx_symbol *symbol, struct mx_context context,
                                     struct mx_array *const *src, struct mx_program *program,
                                     struct mx_executor **executor, cop_error *error);
void cop_mx_executor_destroy(struct mx_executor *executor); /* accepts NULL */

/* Groups of nodes may be assigned to devices, as long as it is this one. UNSUPPORTED: another. */
cop_status cop_mx_check_groups(uint32_t count, const char *const *keys, const int *types,
                               const int *ids, struct mx_context context, cop_error *error);

/* UNSUPPORTED with `is_training` where it would make a difference. */
cop_status cop_mx_executor_forward(struct mx_executor *executor, bool is_training,
                                   cop_error *error);

/* A NULL callback in there unsets the monitor. */
cop_status cop_mx_executor_set_monitor(struct mx_executor *executor,
                                       const struct mx_monitor_callback *callback,
                                       cop_error *error);

#endif
