// SPDX-License-Identifier: Apache-2.0
/*
 * What cuDNN keeps for one user: a handle on the current device that enqueues on one stream. Or,
 * for planning where no device is, a description of one; nothing runs on that.
 */
#ifndef BACKENDS_CUDA_CUDNN_CUDNN_SESSION_H
#define BACKENDS_CUDA_CUDNN_CUDNN_SESSION_H

#include <stdbool.h>

#include <cuda_runtime_api.h>

#include <cachedop/status.h>

struct cudnn_session; /* Thread-safety: one thread at a time. */

struct cudnn_session_options {
    cudaStream_t stream;
    const char *device_name; /* copied; plans chosen for one name serve all devices of that name */
    /* Whether the current device answers no more, asked after calls that failed; NULL: never. */
    bool (*is_dead)(void *user);
    void *user;
};

/*
 * On the current device. Opens the library if need be; allocates device memory and may wait for
 * the device, so never while a stream is recorded. NOT_FOUND, UNSUPPORTED: as cop_cudnn_open, or
 * cuDNN does not start here.
 */
cop_status cop_cudnn_session_create(const struct cudnn_session_options *options,
                                    struct cudnn_session **session, cop_error *error);

/* For a device that is described: cuDNN's JSON of device properties (9.8 and later). */
cop_status cop_cudnn_session_imagine(const char *properties, const char *device_name,
                                     struct cudnn_session **session, cop_error *error);

void cop_cudnn_session_destroy(struct cudnn_session *session); /* accepts NULL */

#endif
