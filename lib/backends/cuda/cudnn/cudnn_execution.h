// SPDX-License-Identifier: Apache-2.0
/* What one context needs to run a choice: a plan of its own and the addresses it was last run with.
 */
#ifndef BACKENDS_CUDA_CUDNN_CUDNN_EXECUTION_H
#define BACKENDS_CUDA_CUDNN_CUDNN_EXECUTION_H

#include "backends/cuda/cudnn/cudnn_convolution.h"

struct cudnn_execution; /* Thread-safety: one thread at a time, the session's. */

/* Bytes of host memory that an execution takes, as near as known. */
#define COP_CUDNN_EXECUTION_BYTES ((size_t)16 << 10)

/*
 * 0.1 to 0.6 ms; never while a stream is recorded. Keeps a reference to the choice; the session
 * must live longer.
 */
cop_status cop_cudnn_execution_create(struct cudnn_session *session,
                                      const struct cudnn_choice *choice,
                                      struct cudnn_execution **execution, cop_error *error);
void cop_cudnn_execution_destroy(struct cudnn_execution *execution); /* accepts NULL */

/*
 * Enqueues on the session's stream. Allocates host memory only where an address differs from the
 * last run's; the first run may load kernels, so that one must not be recorded.
 */
cop_status cop_cudnn_execution_run(struct cudnn_execution *execution,
                                   const struct cudnn_pointers *pointers, cop_error *error);

#endif
