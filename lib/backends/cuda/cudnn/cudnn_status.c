// SPDX-License-Identifier: Apache-2.0
/* What cuDNN answers, in the words of this library. */
#include <string.h>

#include "backends/cuda/cudnn/cudnn_calls.h"
#include "base/error.h"

/* cuDNN's numbers are classes of a thousand. Versions of 9 add to them, so ranges are compared. */
static cop_status translate(cudnnStatus_t answer)
{
    switch ((int)answer) {
    case CUDNN_STATUS_SUCCESS:
        return COP_STATUS_OK;
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
        return COP_STATUS_OUT_OF_MEMORY;
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
        return COP_STATUS_OUT_OF_DEVICE_MEMORY;
    /* An installation that is not whole, or does not fit the driver. */
    case CUDNN_STATUS_NOT_INITIALIZED:
    case CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH:
    case CUDNN_STATUS_SERIALIZATION_VERSION_MISMATCH:
    case CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED:
        return COP_STATUS_UNSUPPORTED;
    default:
        return (int)answer / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000 ? COP_STATUS_UNSUPPORTED
                                                                       : COP_STATUS_INTERNAL;
    }
}

/* Whether it may be the echo of an earlier fault of the device, which every later call reports. */
static bool may_be_device(cudnnStatus_t answer)
{
    return answer == CUDNN_STATUS_NOT_INITIALIZED ||
           (int)answer >= (int)CUDNN_STATUS_INTERNAL_ERROR;
}

cop_status cop_cudnn_status(const struct cudnn_session *session, const char *call, const char *what,
                            cudnnStatus_t answer, cop_error *error)
{
    char detail[512] = "";
    if (answer == CUDNN_STATUS_SUCCESS)
        return COP_STATUS_OK;
    const char *name = session->calls->GetErrorString(answer);
    session->calls->GetLastErrorString(detail, sizeof detail);
    detail[sizeof detail - 1] = '\0';
    const bool is_dead =
        may_be_device(answer) && session->is_dead != NULL && session->is_dead(session->user);
    return cop_fail(error, is_dead ? COP_STATUS_DEVICE_FAILED : translate(answer),
                    "cuDNN: %s%s%s%s: %s (%d)%s%s", call, what != NULL ? " (" : "",
                    what != NULL ? what : "", what != NULL ? ")" : "",
                    name != NULL ? name : "unknown status", (int)answer,
                    detail[0] != '\0' ? ": " : "", detail);
}
