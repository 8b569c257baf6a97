// SPDX-License-Identifier: Apache-2.0
/*
 * Operators that leave the elements as they are (Reshape, Flatten, Squeeze, Unsqueeze, Identity),
 * and Shape, which does not look at them.
 */
#include <string.h>

#include "backends/ref/ref_kernel.h"
#include "ir/ops/resolve.h"

static cop_status run_copy(const struct ref_kernel *kernel, const struct kernel_args *args,
                           cop_error *error)
{
    (void)error;
    const size_t bytes =
        (size_t)cop_ref_elements(&kernel->dst[0]) * cop_dtype_bytes(kernel->dst[0].dtype);
    if (args->dst[0] != args->src[0] && bytes > 0)
        memcpy(args->dst[0], args->src[0], bytes);
    return COP_STATUS_OK;
}

static cop_status prepare_copy(struct ref_kernel *kernel)
{
    kernel->base.in_place_srcs = 1;
    kernel->base.unread_srcs = 1u << 1; /* target shape or axes */
    kernel->run = run_copy;
    return COP_STATUS_OK;
}

cop_status cop_ref_reshape(struct ref_kernel *kernel, cop_error *error)
{
    (void)error;
    return prepare_copy(kernel);
}

cop_status cop_ref_flatten(struct ref_kernel *kernel, cop_error *error)
{
    (void)error;
    return prepare_copy(kernel);
}

cop_status cop_ref_squeeze(struct ref_kernel *kernel, cop_error *error)
{
    (void)error;
    return prepare_copy(kernel);
}

cop_status cop_ref_unsqueeze(struct ref_kernel *kernel, cop_error *error)
{
    (void)error;
    return prepare_copy(kernel);
}

cop_status cop_ref_identity(struct ref_kernel *kernel, cop_error *error)
{
    (void)error;
    kernel->base.in_place_srcs = 1;
    kernel->run = run_copy;
    return COP_STATUS_OK;
}

static cop_status run_shape(const struct ref_kernel *kernel, const struct kernel_args *args,
                            cop_error *error)
{
    (void)error;
    int first, end;
    const struct shape *src = &kernel->src[0].shape;
    cop_resolve_shape_range(kernel->attrs, src->rank, &first, &end);
    for (int i = first; i < end; i++)
        ((int64_t *)args->dst[0])[i - first] = src->dims[i];
    return COP_STATUS_OK;
}

cop_status cop_ref_shape(struct ref_kernel *kernel, cop_error *error)
{
    (void)error;
    kernel->base.unread_srcs = 1u;
    kernel->run = run_shape;
    return COP_STATUS_OK;
}
