// SPDX-License-Identifier: Apache-2.0
/* A build without cuDNN's headers. */
#include "backends/cuda/cudnn/cudnn_execution.h"
#include "backends/cuda/cudnn/cudnn_library.h"
#include "base/error.h"

static cop_status say_absent(cop_error *error)
{
    return cop_fail(error, COP_STATUS_NOT_FOUND, "cuDNN: this library was built without it");
}

cop_status cop_cudnn_open(cop_error *error)
{
    return say_absent(error);
}

int cop_cudnn_version(void)
{
    return 0;
}

const char *cop_cudnn_path(void)
{
    return "";
}

cop_status cop_cudnn_session_create(const struct cudnn_session_options *options,
                                    struct cudnn_session **session, cop_error *error)
{
    (void)options;
    *session = NULL;
    return say_absent(error);
}

cop_status cop_cudnn_session_imagine(const char *properties, const char *device_name,
                                     struct cudnn_session **session, cop_error *error)
{
    (void)properties, (void)device_name;
    *session = NULL;
    return say_absent(error);
}

/* There is none of what the others take. */
void cop_cudnn_session_destroy(struct cudnn_session *session)
{
    (void)session;
}

cop_status cop_cudnn_choose(struct cudnn_session *session,
                            const struct cudnn_convolution *convolution,
                            const struct cudnn_limits *limits, const struct cudnn_trial *trial,
                            const struct cudnn_choice **choice, cop_error *error)
{
    (void)session, (void)convolution, (void)limits, (void)trial;
    *choice = NULL;
    return say_absent(error);
}

const struct cudnn_choice *cop_cudnn_choice_retain(const struct cudnn_choice *choice)
{
    return choice;
}

void cop_cudnn_choice_release(const struct cudnn_choice **choice)
{
    *choice = NULL;
}

bool cop_cudnn_fuses(const struct cudnn_convolution *convolution)
{
    (void)convolution;
    return false;
}

bool cop_cudnn_dst_spatial(const struct cudnn_convolution *convolution,
                           int64_t dst[COP_CUDNN_MAX_SPATIAL])
{
    (void)convolution, (void)dst;
    return false;
}

void cop_cudnn_store_clear(void)
{
}

cop_status cop_cudnn_execution_create(struct cudnn_session *session,
                                      const struct cudnn_choice *choice,
                                      struct cudnn_execution **execution, cop_error *error)
{
    (void)session, (void)choice;
    *execution = NULL;
    return say_absent(error);
}

void cop_cudnn_execution_destroy(struct cudnn_execution *execution)
{
    (void)execution;
}

cop_status cop_cudnn_execution_run(struct cudnn_execution *execution,
                                   const struct cudnn_pointers *pointers, cop_error *error)
{
    (void)execution, (void)pointers;
    return say_absent(error);
}
