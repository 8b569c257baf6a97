// SPDX-License-Identifier: Apache-2.0
/*
 * Running a symbol while the client looks at every value on the way: a program of all internal
 * values, and a callback for each, in the order of the nodes. Slower than a plain run, and nothing
 * is fused.
 *
 * Thread-safety: a monitor may be run by several threads; the callback is called in each of them.
 */
#ifndef MXNET_EXECUTOR_MX_MONITOR_H
#define MXNET_EXECUTOR_MX_MONITOR_H

#include <mxnet/c_api/cached_op.h>
#include <mxnet/c_api/executor.h>

#include "mxnet/array/mx_array.h"
#include "mxnet/symbol/mx_symbol.h"

/* Clients have callbacks of two kinds; one of them is set. */
struct mx_monitor_callback {
    CachedOpMonitorCallback with_operator;
    ExecutorMonitorCallback with_user;
    void *user;
    bool monitor_all; /* inputs of nodes, too */
};

struct mx_monitor;

cop_status cop_mx_monitor_create(const struct mx_symbol *symbol,
                                 const struct mx_monitor_callback *callback,
                                 struct mx_monitor **monitor, cop_error *error);
void cop_mx_monitor_retain(struct mx_monitor *monitor);
void cop_mx_monitor_release(struct mx_monitor *monitor); /* accepts NULL */

/* As cop_mx_program_run of the symbol. */
cop_status cop_mx_monitor_run(struct mx_monitor *monitor, struct mx_array *const *src,
                              struct mx_array **dst, cop_error *error);

#endif
