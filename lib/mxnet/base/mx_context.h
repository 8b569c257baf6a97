// SPDX-License-Identifier: Apache-2.0
/* Contexts: MXNet's words for devices, as (type, id) pairs, and ours for them. */
#ifndef MXNET_BASE_MX_CONTEXT_H
#define MXNET_BASE_MX_CONTEXT_H

#include <stdbool.h>

#include <cachedop/device.h>
#include <cachedop/status.h>

enum mx_device_type { MX_CPU = 1, MX_GPU = 2, MX_CPU_PINNED = 3, MX_CPU_SHARED = 5 };

struct mx_context {
    int type; /* enum mx_device_type; 0: of a none array */
    int id;
};

/* INVALID_ARGUMENT: no such type or a negative id (−1 is 0). Whether there is such a GPU is not
 * asked. */
cop_status cop_mx_context_make(int type, int id, struct mx_context *context, cop_error *error);

/* "cpu(0)". INVALID_ARGUMENT: something else than a name and a number in brackets. */
cop_status cop_mx_context_parse(const char *text, struct mx_context *context, cop_error *error);

#define COP_MX_CONTEXT_NAME_BYTES 32
struct mx_context_name {
    char text[COP_MX_CONTEXT_NAME_BYTES];
};
struct mx_context_name cop_mx_context_name(struct mx_context context); /* "gpu(1)" */

static inline bool cop_mx_context_is_equal(struct mx_context a, struct mx_context b)
{
    return a.type == b.type && a.id == b.id;
}

static inline bool cop_mx_context_is_gpu(struct mx_context context)
{
    return context.type == MX_GPU;
}

/* The device that operators of this context run on: the CPU (or, where it is not built in, REF) or
 * a GPU. */
cop_device cop_mx_context_device(struct mx_context context);

/* Where arrays of this context lie; pinned memory is the process's where there is no GPU. */
cop_memory cop_mx_context_memory(struct mx_context context);

#endif
