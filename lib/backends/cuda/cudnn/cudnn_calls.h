// SPDX-License-Identifier: Apache-2.0
/*
 * How the files of this folder call cuDNN: through a table, with every failure translated at the
 * line of the call.
 */
#ifndef BACKENDS_CUDA_CUDNN_CUDNN_CALLS_H
#define BACKENDS_CUDA_CUDNN_CUDNN_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cudnn.h>

#include "backends/cuda/cudnn/cudnn_library.h"
#include "backends/cuda/cudnn/cudnn_session.h"
#include "base/error.h"

#define COP_CUDNN_FUNCTIONS(X)                                                                     \
    X(GetVersion)                                                                                  \
    X(GetErrorString)                                                                              \
    X(GetLastErrorString)                                                                          \
    X(Create)                                                                                      \
    X(Destroy)                                                                                     \
    X(SetStream)                                                                                   \
    X(BackendCreateDescriptor)                                                                     \
    X(BackendDestroyDescriptor)                                                                    \
    X(BackendFinalize)                                                                             \
    X(BackendSetAttribute)                                                                         \
    X(BackendGetAttribute)                                                                         \
    X(BackendExecute)

/* The declarations of cudnn.h give the types; nothing is linked. */
struct cudnn_calls {
#define COP_CUDNN_MEMBER(name) __typeof__(&cudnn##name) name;
    COP_CUDNN_FUNCTIONS(COP_CUDNN_MEMBER)
#undef COP_CUDNN_MEMBER
};

struct cudnn_session {
    const struct cudnn_calls *calls;
    cudnnHandle_t handle;                /* NULL where the device is only described */
    cudnnBackendDescriptor_t properties; /* NULL where there is a handle */
    bool (*is_dead)(void *user);
    void *user;
    char device_name[256];
};

/* As cop_cudnn_open. */
cop_status cop_cudnn_calls(const struct cudnn_calls **calls, cop_error *error);

/* The status and text for what `call` answered, about `what`; OK for success. */
cop_status cop_cudnn_status(const struct cudnn_session *session, const char *call, const char *what,
                            cudnnStatus_t answer, cop_error *error);

#define CUDNN_TRY_FOR(session, what, error, name, ...)                                             \
    do {                                                                                           \
        const cop_status tried_ = cop_cudnn_status((session), "cudnn" #name, (what),               \
                                                   (session)->calls->name(__VA_ARGS__), (error));  \
        if (tried_ != COP_STATUS_OK)                                                               \
            return tried_;                                                                         \
    } while (0)

/* Returns from the calling function unless session->calls->name(…) succeeds. */
#define CUDNN_TRY(session, error, name, ...) CUDNN_TRY_FOR(session, NULL, error, name, __VA_ARGS__)

#endif
