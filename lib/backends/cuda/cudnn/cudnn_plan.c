// SPDX-License-Identifier: Apache-2.0
/* Plans: from a configuration, from a text, and the choice that a finished one is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backends/cuda/cudnn/cudnn_candidates.h"
#include "backends/cuda/cudnn/cudnn_planning.h"
#include "base/alloc.h"
#include "base/error.h"

static cop_status fill_plan(const struct cudnn_session *session, cudnnBackendDescriptor_t plan,
                            cudnnBackendAttributeName_t attribute, cudnnBackendAttributeType_t type,
                            int64_t count, const void *values, cop_error *error)
{
    static const char what[] = "plan";
    CUDNN_TRY_FOR(session, what, error, BackendSetAttribute, plan, attribute, type, count, values);
    if (session->handle != NULL)
        CUDNN_TRY_FOR(session, what, error, BackendSetAttribute, plan,
                      CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &session->handle);
    else
        CUDNN_TRY_FOR(session, what, error, BackendSetAttribute, plan,
                      CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                      &session->properties);
    CUDNN_TRY_FOR(session, what, error, BackendFinalize, plan);
    return COP_STATUS_OK;
}

static cop_status make_plan(const struct cudnn_session *session,
                            cudnnBackendAttributeName_t attribute, cudnnBackendAttributeType_t type,
                            int64_t count, const void *values, cudnnBackendDescriptor_t *plan,
                            cop_error *error)
{
    *plan = NULL;
    CUDNN_TRY_FOR(session, "plan", error, BackendCreateDescriptor,
                  CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, plan);
    const cop_status status = fill_plan(session, *plan, attribute, type, count, values, error);
    if (status != COP_STATUS_OK) {
        session->calls->BackendDestroyDescriptor(*plan);
        *plan = NULL;
    }
    return status;
}

cop_status cop_cudnn_plan_of_config(const struct cudnn_session *session,
                                    cudnnBackendDescriptor_t config, cudnnBackendDescriptor_t *plan,
                                    cop_error *error)
{
    return make_plan(session, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                     CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config, plan, error);
}

cop_status cop_cudnn_plan_of_text(const struct cudnn_session *session, const char *text,
                                  size_t bytes, cudnnBackendDescriptor_t *plan, cop_error *error)
{
    return make_plan(session, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                     (int64_t)bytes, text, plan, error);
}

static cop_status read_text(const struct cudnn_session *session, cudnnBackendDescriptor_t plan,
                            struct cudnn_choice *choice, cop_error *error)
{
    static const char what[] = "plan's text";
    int64_t count = 0;
    CUDNN_TRY_FOR(session, what, error, BackendGetAttribute, plan,
                  CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 0, &count, NULL);
    if (count <= 0 || count > INT32_MAX)
        return cop_fail(error, COP_STATUS_INTERNAL, "cuDNN: a plan's text of %" PRId64 " bytes",
                        count);
    choice->plan = cop_alloc((size_t)count + 1, 1); /* with a terminator, whoever counts it */
    if (choice->plan == NULL)
        return cop_fail_memory(error, "cuDNN's plan", (size_t)count + 1);
    CUDNN_TRY_FOR(session, what, error, BackendGetAttribute, plan,
                  CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, count, &count,
                  choice->plan);
    choice->plan_bytes = (size_t)count;
    return COP_STATUS_OK;
}

/* The string after "finalizeMode": in the text, which says whether cuDNN knew the pattern. */
static void read_mode(struct cudnn_choice *choice)
{
    static const char key[] = "\"finalizeMode\"";
    const char *found = strstr(choice->plan, key);
    size_t length = 0;
    if (found != NULL) {
        found += sizeof key - 1;
        found += strspn(found, " :\"\n\t");
        length = strcspn(found, "\",}\n");
    }
    if (found == NULL || length == 0 || length >= sizeof choice->finalize_mode) {
        found = "unknown";
        length = strlen(found);
    }
    memcpy(choice->finalize_mode, found, length);
}

static cop_status describe(const struct cudnn_session *session, cudnnBackendDescriptor_t plan,
                           struct cudnn_choice *choice, cop_error *error)
{
    int64_t workspace = 0, count = 0;
    COP_TRY(read_text(session, plan, choice, error));
    CUDNN_TRY_FOR(session, "plan", error, BackendGetAttribute, plan,
                  CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
                  &workspace);
    choice->workspace_bytes = workspace > 0 ? (size_t)workspace : 0;
    read_mode(choice);
    snprintf(choice->name, sizeof choice->name, "cudnn:%s:%" PRId64 "%s", choice->finalize_mode,
             choice->engine, choice->is_compiled ? ":compiled" : "");
    return COP_STATUS_OK;
}

cop_status cop_cudnn_choice_of(const struct cudnn_session *session,
                               const struct cudnn_convolution *convolution,
                               const struct cudnn_candidate *candidate,
                               struct cudnn_choice **choice, cop_error *error)
{
    cudnnBackendDescriptor_t plan = NULL;
    *choice = NULL;
    COP_TRY(cop_cudnn_plan_of_config(session, candidate->config, &plan, error));
    struct cudnn_choice *made = cop_alloc(1, sizeof *made);
    cop_status status = COP_STATUS_OK;
    if (made == NULL) {
        status = cop_fail_memory(error, "cuDNN's choice", sizeof *made);
    } else {
        cop_refcount_init(&made->refs);
        made->convolution = *convolution;
        made->engine = candidate->engine;
        made->numerical_notes = candidate->numerical_notes;
        made->behaviour_notes = candidate->behaviour_notes;
        made->is_compiled = candidate->verdict == CANDIDATE_COMPILED_SMALL ||
                            candidate->verdict == CANDIDATE_COMPILED_LARGE;
        made->is_large =
            candidate->verdict == CANDIDATE_LARGE || candidate->verdict == CANDIDATE_COMPILED_LARGE;
        status = describe(session, plan, made, error);
    }
    session->calls->BackendDestroyDescriptor(plan);
    if (status == COP_STATUS_OK)
        *choice = made;
    else
        cop_cudnn_choice_release((const struct cudnn_choice **)&made);
    return status;
}

const struct cudnn_choice *cop_cudnn_choice_retain(const struct cudnn_choice *choice)
{
    cop_refcount_retain((struct refcount *)&choice->refs);
    return choice;
}

void cop_cudnn_choice_release(const struct cudnn_choice **choice)
{
    struct cudnn_choice *released = (struct cudnn_choice *)*choice;
    *choice = NULL;
    if (released == NULL || !cop_refcount_release(&released->refs))
        return;
    cop_free(released->plan);
    cop_free(released);
}
