// SPDX-License-Identifier: Apache-2.0
/* Arrays that executors of one client share by name, as the client hands them round. */
#ifndef MXNET_EXECUTOR_MX_SHARED_BUFFER_H
#define MXNET_EXECUTOR_MX_SHARED_BUFFER_H

#include <mxnet/c_api/base.h>

#include "mxnet/executor/mx_executor.h"

struct mx_shared_buffer {
    const char *const *wanted_names; /* what may be shared */
    uint32_t wanted_count;
    int *length; /* −1: there is no buffer; how many there are then */
    const char *const *names;
    NDArrayHandle *handles;
    const char ***new_names;
    NDArrayHandle **new_handles;
};

static inline bool cop_mx_has_buffer(const struct mx_shared_buffer *buffer)
{
    return buffer->length != NULL && *buffer->length >= 0;
}

/* INVALID_ARGUMENT: lists, names or handles that are not there. */
cop_status cop_mx_buffer_check(const struct mx_shared_buffer *buffer, cop_error *error);

/* An array for an input: the buffer's where one of that name is what is needed, or a new one. */
cop_status cop_mx_buffer_array(const struct mx_shared_buffer *buffer, const char *name,
                               const struct shape *shape, int type, struct mx_context context,
                               struct mx_array **array, cop_error *error);

/* Hands out what the buffer holds from now on: what was in it, and those of the executor that may
 * be shared and whose names it did not have. New handles and names in the thread's lists. */
cop_status cop_mx_buffer_return(const struct mx_executor *executor,
                                const struct mx_shared_buffer *buffer, cop_error *error);

#endif
