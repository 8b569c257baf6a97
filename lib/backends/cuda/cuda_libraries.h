// SPDX-License-Identifier: Apache-2.0
/* cuDNN and cuBLASLt: for planning one user of each a device, for running one a stream. */
#ifndef CUDA_LIBRARIES_H
#define CUDA_LIBRARIES_H

#include "backends/cuda/cuda_stream.h"
#include "backends/cuda/cublaslt/cublaslt_product.h"
#include "backends/cuda/cudnn/cudnn_convolution.h"

/* Whether a request is to be served by the libraries: OK yes; UNSUPPORTED no, take own kernels;
 * NOT_FOUND: they were asked for by name and are not there. */
cop_status cop_cuda_want_cudnn(const struct kernel_request *request, cop_error *error);
cop_status cop_cuda_want_cublaslt(const struct kernel_request *request, cop_error *error);

/*
 * What becomes of a failure of a library, whose text is in `reason`: UNSUPPORTED where own kernels
 * take over, which the log hears of, otherwise the failure, told to `error`: memory is short, the
 * device is lost, or the library was asked for by name.
 */
cop_status cop_cuda_fall_back(const struct kernel_request *request, cop_status status,
                              const cop_error *reason, cop_error *error);

/* The device's own users, for choosing while kernels are made; one thread at a time between the
 * two. */
cop_status cop_cuda_planning_begin(struct cuda_device *device, struct cudnn_session **cudnn,
                                   struct cublaslt_session **cublaslt, cop_error *error);
void cop_cuda_planning_end(struct cuda_device *device);
void cop_cuda_planning_close(struct cuda_device *device); /* when the device is closed */

/* The stream's users, made when they are first asked for; never while it is recorded. */
cop_status cop_cuda_stream_cudnn(struct cuda_stream *stream, struct cudnn_session **session,
                                 cop_error *error);
cop_status cop_cuda_stream_cublaslt(struct cuda_stream *stream, struct cublaslt_session **session,
                                    cop_error *error);
void cop_cuda_libraries_close(struct cuda_stream *stream);

#endif
