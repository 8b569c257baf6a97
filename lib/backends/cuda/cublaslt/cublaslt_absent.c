// SPDX-License-Identifier: Apache-2.0
/* A build without cuBLASLt's headers. */
#include "backends/cuda/cublaslt/cublaslt_library.h"
#include "backends/cuda/cublaslt/cublaslt_product.h"
#include "base/error.h"

static cop_status say_absent(cop_error *error)
{
    return cop_fail(error, COP_STATUS_NOT_FOUND, "cuBLASLt: this library was built without it");
}

cop_status cop_cublaslt_open(cop_error *error)
{
    return say_absent(error);
}

size_t cop_cublaslt_version(void)
{
    return 0;
}

const char *cop_cublaslt_path(void)
{
    return "";
}

cop_status cop_cublaslt_session_create(bool (*is_dead)(void *user), void *user,
                                       struct cublaslt_session **session, cop_error *error)
{
    (void)is_dead, (void)user;
    *session = NULL;
    return say_absent(error);
}

/* There is none of what the others take. */
void cop_cublaslt_session_destroy(struct cublaslt_session *session)
{
    (void)session;
}

cop_status cop_cublaslt_choose(struct cublaslt_session *session,
                               const struct cublaslt_product *product, size_t workspace_bytes,
                               struct cublaslt_choice *choice, cop_error *error)
{
    (void)session, (void)product, (void)workspace_bytes, (void)choice;
    return say_absent(error);
}

cop_status cop_cublaslt_execution_create(struct cublaslt_session *session,
                                         const struct cublaslt_choice *choice,
                                         struct cublaslt_execution **execution, cop_error *error)
{
    (void)session, (void)choice;
    *execution = NULL;
    return say_absent(error);
}

void cop_cublaslt_execution_destroy(struct cublaslt_execution *execution)
{
    (void)execution;
}

cop_status cop_cublaslt_execution_run(struct cublaslt_execution *execution,
                                      const struct cublaslt_pointers *pointers, cudaStream_t stream,
                                      cop_error *error)
{
    (void)execution, (void)pointers, (void)stream;
    return say_absent(error);
}
