// SPDX-License-Identifier: Apache-2.0
/* Concat and Split: rows of parts beside each other in the rows of a whole. */
#include <string.h>

#include "backends/ref/ref_kernel.h"

struct rows {
    int64_t count;
    size_t whole_bytes; /* of one row of the whole */
    const size_t *part_bytes;
};

/* Bytes of one row: everything from the axis on. */
static size_t row_bytes(const struct kernel_tensor *tensor, int axis)
{
    return (size_t)cop_shape_product(&tensor->shape, axis, tensor->shape.rank) *
           cop_dtype_bytes(tensor->dtype);
}

static cop_status prepare(struct ref_kernel *kernel, const struct kernel_tensor *whole,
                          const struct kernel_tensor *parts, int part_count, int64_t axis,
                          ref_run *run, cop_error *error)
{
    struct rows *rows = cop_ref_alloc(kernel, 1, sizeof *rows, error);
    size_t *part_bytes = cop_ref_alloc(kernel, (size_t)part_count, sizeof *part_bytes, error);
    int normal;
    if (rows == NULL || part_bytes == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    (void)cop_axis_normalize(axis, whole->shape.rank, &normal); /* the rule saw that it is inside */
    rows->count = cop_shape_product(&whole->shape, 0, normal);
    rows->whole_bytes = row_bytes(whole, normal);
    /* Parts without the axis have the same bytes from there on. */
    for (int i = 0; i < part_count; i++)
        part_bytes[i] = row_bytes(&parts[i], normal);
    rows->part_bytes = part_bytes;
    kernel->prepared = rows;
    kernel->run = run;
    return COP_STATUS_OK;
}

static cop_status run_concat(const struct ref_kernel *kernel, const struct kernel_args *args,
                             cop_error *error)
{
    (void)error;
    const struct rows *rows = kernel->prepared;
    unsigned char *dst = args->dst[0];
    for (int i = 0; i < kernel->src_count; i++) {
        const unsigned char *src = args->src[i];
        const size_t bytes = rows->part_bytes[i];
        for (int64_t row = 0; row < rows->count && bytes > 0; row++)
            memcpy(dst + (size_t)row * rows->whole_bytes, src + (size_t)row * bytes, bytes);
        dst += bytes;
    }
    return COP_STATUS_OK;
}

static cop_status run_split(const struct ref_kernel *kernel, const struct kernel_args *args,
                            cop_error *error)
{
    (void)error;
    const struct rows *rows = kernel->prepared;
    const unsigned char *src = args->src[0];
    for (int i = 0; i < kernel->dst_count; i++) {
        unsigned char *dst = args->dst[i];
        const size_t bytes = rows->part_bytes[i];
        for (int64_t row = 0; row < rows->count && bytes > 0 && dst != NULL; row++)
            memcpy(dst + (size_t)row * bytes, src + (size_t)row * rows->whole_bytes, bytes);
        src += bytes;
    }
    return COP_STATUS_OK;
}

cop_status cop_ref_concat(struct ref_kernel *kernel, cop_error *error)
{
    const struct concat_attrs *attrs = kernel->attrs;
    return prepare(kernel, &kernel->dst[0], kernel->src, kernel->src_count, attrs->axis, run_concat,
                   error);
}

cop_status cop_ref_split(struct ref_kernel *kernel, cop_error *error)
{
    const struct split_attrs *attrs = kernel->attrs;
    kernel->base.unread_srcs = 1u << 1;
    return prepare(kernel, &kernel->src[0], kernel->dst, kernel->dst_count, attrs->axis, run_split,
                   error);
}
