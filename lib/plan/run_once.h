// SPDX-License-Identifier: Apache-2.0
/* Running a kernel outside of any invocation: to know elements while compiling, and to make
 * weights. */
#ifndef PLAN_RUN_ONCE_H
#define PLAN_RUN_ONCE_H

#include "backends/backend.h"
#include "graph/graph.h"

/* Runs to its end with a stream, a state and scratch memory of its own, on one thread. The scratch
 * of `args` is not looked at. */
cop_status cop_run_once(struct device *device, const struct kernel *kernel,
                        const struct kernel_args *args, cop_error *error);

/*
 * Computes one node whose sources are all known (`value` of each present one) into `dst_elements`,
 * on the kernels of `device`. dst_elements[0] may be where a source lies if the kernel allows it.
 */
cop_status cop_evaluate_node(struct device *device, enum op_kind kind, const void *attrs,
                             int src_count, const struct op_tensor *src, int dst_count,
                             const struct op_tensor *dst, void *const *dst_elements,
                             cop_error *error);

/* An evaluator for shape inference that runs on `device`. */
struct graph_evaluator cop_device_evaluator(struct device *device);

#endif
