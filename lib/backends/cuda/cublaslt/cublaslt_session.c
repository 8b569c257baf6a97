// SPDX-License-Identifier: Apache-2.0
/* Handles, and what cuBLASLt answers in the words of this library. */
#include "backends/cuda/cublaslt/cublaslt_calls.h"
#include "base/alloc.h"
#include "base/error.h"

static cop_status translate(cublasStatus_t answer)
{
    switch (answer) {
    case CUBLAS_STATUS_SUCCESS:
        return COP_STATUS_OK;
    case CUBLAS_STATUS_ALLOC_FAILED:
        return COP_STATUS_OUT_OF_DEVICE_MEMORY;
    case CUBLAS_STATUS_NOT_INITIALIZED: /* an installation that does not fit the driver */
    case CUBLAS_STATUS_ARCH_MISMATCH:
    case CUBLAS_STATUS_NOT_SUPPORTED:
        return COP_STATUS_UNSUPPORTED;
    default:
        return COP_STATUS_INTERNAL;
    }
}

/* Whether it may be the echo of an earlier fault of the device, which every later call reports. */
static bool may_be_device(cublasStatus_t answer)
{
    return answer != CUBLAS_STATUS_INVALID_VALUE && answer != CUBLAS_STATUS_NOT_SUPPORTED &&
           answer != CUBLAS_STATUS_ARCH_MISMATCH;
}

cop_status cop_cublaslt_status(const struct cublaslt_session *session, const char *call,
                               cublasStatus_t answer, cop_error *error)
{
    if (answer == CUBLAS_STATUS_SUCCESS)
        return COP_STATUS_OK;
    const char *text = session->calls->GetStatusString(answer);
    const bool is_dead =
        may_be_device(answer) && session->is_dead != NULL && session->is_dead(session->user);
    return cop_fail(error, is_dead ? COP_STATUS_DEVICE_FAILED : translate(answer),
                    "cuBLASLt: %s: %s (%d)", call, text != NULL ? text : "unknown status",
                    (int)answer);
}

cop_status cop_cublaslt_session_create(bool (*is_dead)(void *user), void *user,
                                       struct cublaslt_session **session, cop_error *error)
{
    const struct cublaslt_calls *calls = NULL;
    *session = NULL;
    COP_TRY(cop_cublaslt_calls(&calls, error));
    struct cublaslt_session *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "cuBLASLt's session", sizeof *made);
    made->calls = calls;
    made->is_dead = is_dead;
    made->user = user;
    const cop_status status =
        cop_cublaslt_status(made, "cublasLtCreate", calls->Create(&made->handle), error);
    if (status == COP_STATUS_OK) {
        *session = made;
        return COP_STATUS_OK;
    }
    made->handle = NULL;
    cop_cublaslt_session_destroy(made);
    return status;
}

void cop_cublaslt_session_destroy(struct cublaslt_session *session)
{
    if (session == NULL)
        return;
    if (session->handle != NULL)
        session->calls->Destroy(session->handle);
    cop_free(session);
}
