// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cudnn/cudnn_session.h"

#include <stdio.h>
#include <string.h>

#include "backends/cuda/cudnn/cudnn_calls.h"
#include "base/alloc.h"
#include "base/error.h"

static cop_status start(struct cudnn_session *session, cudaStream_t stream, cop_error *error)
{
    CUDNN_TRY(session, error, Create, &session->handle);
    CUDNN_TRY(session, error, SetStream, session->handle, stream);
    return COP_STATUS_OK;
}

static cop_status describe(struct cudnn_session *session, const char *properties, cop_error *error)
{
    static const char what[] = "device properties";
    const int64_t length = (int64_t)strlen(properties);
    CUDNN_TRY_FOR(session, what, error, BackendCreateDescriptor,
                  CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &session->properties);
    CUDNN_TRY_FOR(session, what, error, BackendSetAttribute, session->properties,
                  CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, length, properties);
    CUDNN_TRY_FOR(session, what, error, BackendFinalize, session->properties);
    return COP_STATUS_OK;
}

static cop_status allocate(const char *device_name, struct cudnn_session **session,
                           cop_error *error)
{
    const struct cudnn_calls *calls = NULL;
    COP_TRY(cop_cudnn_calls(&calls, error));
    *session = cop_alloc(1, sizeof **session);
    if (*session == NULL)
        return cop_fail_memory(error, "cuDNN's session", sizeof **session);
    (*session)->calls = calls;
    snprintf((*session)->device_name, sizeof(*session)->device_name, "%s", device_name);
    return COP_STATUS_OK;
}

static cop_status keep_if_ok(cop_status status, struct cudnn_session **session)
{
    if (status == COP_STATUS_OK)
        return COP_STATUS_OK;
    cop_cudnn_session_destroy(*session);
    *session = NULL;
    return status;
}

cop_status cop_cudnn_session_create(const struct cudnn_session_options *options,
                                    struct cudnn_session **session, cop_error *error)
{
    *session = NULL;
    COP_TRY(allocate(options->device_name, session, error));
    (*session)->is_dead = options->is_dead;
    (*session)->user = options->user;
    return keep_if_ok(start(*session, options->stream, error), session);
}

cop_status cop_cudnn_session_imagine(const char *properties, const char *device_name,
                                     struct cudnn_session **session, cop_error *error)
{
    *session = NULL;
    COP_TRY(allocate(device_name, session, error));
    return keep_if_ok(describe(*session, properties, error), session);
}

/* What these answer would not change anything. */
void cop_cudnn_session_destroy(struct cudnn_session *session)
{
    if (session == NULL)
        return;
    if (session->properties != NULL)
        session->calls->BackendDestroyDescriptor(session->properties);
    if (session->handle != NULL)
        session->calls->Destroy(session->handle);
    cop_free(session);
}
