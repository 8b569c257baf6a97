// SPDX-License-Identifier: Apache-2.0
/*
 * How the files of this folder call cuBLASLt: through a table, with every failure translated at the
 * line of the call.
 */
#ifndef BACKENDS_CUDA_CUBLASLT_CUBLASLT_CALLS_H
#define BACKENDS_CUDA_CUBLASLT_CUBLASLT_CALLS_H

#include <stdbool.h>

#include <cublasLt.h>

#include "backends/cuda/cublaslt/cublaslt_library.h"
#include "backends/cuda/cublaslt/cublaslt_product.h"
#include "base/error.h"

#define COP_CUBLASLT_FUNCTIONS(X)                                                                  \
    X(GetVersion)                                                                                  \
    X(GetStatusString)                                                                             \
    X(Create)                                                                                      \
    X(Destroy)                                                                                     \
    X(MatmulDescCreate)                                                                            \
    X(MatmulDescDestroy)                                                                           \
    X(MatmulDescSetAttribute)                                                                      \
    X(MatrixLayoutCreate)                                                                          \
    X(MatrixLayoutDestroy)                                                                         \
    X(MatrixLayoutSetAttribute)                                                                    \
    X(MatmulPreferenceCreate)                                                                      \
    X(MatmulPreferenceDestroy)                                                                     \
    X(MatmulPreferenceSetAttribute)                                                                \
    X(MatmulAlgoGetHeuristic)                                                                      \
    X(Matmul)

/* The declarations of cublasLt.h give the types; nothing is linked. */
struct cublaslt_calls {
#define COP_CUBLASLT_MEMBER(name) __typeof__(&cublasLt##name) name;
    COP_CUBLASLT_FUNCTIONS(COP_CUBLASLT_MEMBER)
#undef COP_CUBLASLT_MEMBER
};

struct cublaslt_session {
    const struct cublaslt_calls *calls;
    cublasLtHandle_t handle;
    bool (*is_dead)(void *user);
    void *user;
};

/* As cop_cublaslt_open. */
cop_status cop_cublaslt_calls(const struct cublaslt_calls **calls, cop_error *error);

/* The status and text for what `call` answered; OK for success. */
cop_status cop_cublaslt_status(const struct cublaslt_session *session, const char *call,
                               cublasStatus_t answer, cop_error *error);

/* Returns from the calling function unless session->calls->name(…) succeeds. */
#define CUBLASLT_TRY(session, error, name, ...)                                                    \
    do {                                                                                           \
        const cop_status tried_ = cop_cublaslt_status(                                             \
            (session), "cublasLt" #name, (session)->calls->name(__VA_ARGS__), (error));            \
        if (tried_ != COP_STATUS_OK)                                                               \
            return tried_;                                                                         \
    } while (0)

#endif
