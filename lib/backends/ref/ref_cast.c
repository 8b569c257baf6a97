// SPDX-License-Identifier: Apache-2.0
/* Cast and Fill. */
#include <string.h>

#include "backends/ref/ref_convert.h"
#include "backends/ref/ref_kernel.h"

static cop_status run_cast(const struct ref_kernel *kernel, const struct kernel_args *args,
                           cop_error *error)
{
    (void)error;
    cop_ref_convert(kernel->src[0].dtype, args->src[0], kernel->dst[0].dtype, args->dst[0],
                    cop_ref_elements(&kernel->dst[0]));
    return COP_STATUS_OK;
}

cop_status cop_ref_cast(struct ref_kernel *kernel, cop_error *error)
{
    (void)error;
    /* Elements are read before those of the same size and place are written. */
    if (cop_dtype_bytes(kernel->src[0].dtype) == cop_dtype_bytes(kernel->dst[0].dtype))
        kernel->base.in_place_srcs = 1;
    kernel->run = run_cast;
    return COP_STATUS_OK;
}

static cop_status run_fill(const struct ref_kernel *kernel, const struct kernel_args *args,
                           cop_error *error)
{
    (void)error;
    const size_t bytes = cop_dtype_bytes(kernel->dst[0].dtype);
    const size_t total = (size_t)cop_ref_elements(&kernel->dst[0]) * bytes;
    for (size_t at = 0; at < total; at += bytes)
        memcpy((unsigned char *)args->dst[0] + at, kernel->prepared, bytes);
    return COP_STATUS_OK;
}

cop_status cop_ref_fill(struct ref_kernel *kernel, cop_error *error)
{
    const struct fill_attrs *attrs = kernel->attrs;
    unsigned char *element = cop_ref_alloc(kernel, 1, 8, error);
    if (element == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    cop_ref_convert(COP_DTYPE_FLOAT64, &attrs->value, kernel->dst[0].dtype, element, 1);
    kernel->base.unread_srcs = 1u;
    kernel->prepared = element;
    kernel->run = run_fill;
    return COP_STATUS_OK;
}
