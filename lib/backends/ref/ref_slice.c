// SPDX-License-Identifier: Apache-2.0
/* Slice and Transpose: src walked with other strides. */
#include "backends/ref/ref_block.h"
#include "backends/ref/ref_kernel.h"
#include "backends/ref/ref_strides.h"
#include "base/error.h"
#include "ir/ops/resolve.h"

static cop_status run(const struct ref_kernel *kernel, const struct kernel_args *args,
                      cop_error *error)
{
    (void)error;
    cop_ref_block_copy(kernel->prepared, args->src[0], args->dst[0]);
    return COP_STATUS_OK;
}

/* A block that fills dst; the walk over src is the caller's to say. */
static struct ref_block *make_block(struct ref_kernel *kernel, cop_error *error)
{
    struct ref_block *block = cop_ref_alloc(kernel, 1, sizeof *block, error);
    if (block == NULL)
        return NULL;
    const struct shape *shape = &kernel->dst[0].shape;
    const struct ref_strides strides = cop_ref_plain_strides(shape);
    block->rank = shape->rank;
    block->element_bytes = cop_dtype_bytes(kernel->dst[0].dtype);
    for (int i = 0; i < shape->rank; i++) {
        block->dims[i] = shape->dims[i];
        block->dst_strides[i] = strides.elements[i] * (int64_t)block->element_bytes;
    }
    kernel->prepared = block;
    kernel->run = run;
    return block;
}

cop_status cop_ref_slice(struct ref_kernel *kernel, cop_error *error)
{
    struct op_tensor src[5];
    struct resolved_slice slice;
    for (int i = 0; i < kernel->src_count; i++)
        src[i] = (struct op_tensor){kernel->src[i].is_present, kernel->src[i].dtype,
                                    kernel->src[i].shape, kernel->src[i].value};
    const cop_status status =
        cop_resolve_slice(kernel->attrs, kernel->src_count, src, &slice, error);
    if (status != COP_STATUS_OK)
        return status;
    if (!slice.is_known)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "the bounds are only known at run time");
    struct ref_block *block = make_block(kernel, error);
    if (block == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    const struct ref_strides strides = cop_ref_plain_strides(&src[0].shape);
    for (int i = 0; i < block->rank; i++) {
        const int64_t stride = strides.elements[i] * (int64_t)block->element_bytes;
        /* A step that is never made may be too large to multiply. */
        block->src_strides[i] = block->dims[i] > 1 ? stride * slice.step[i] : stride;
        block->src_offset += block->dims[i] > 0 ? stride * slice.start[i] : 0;
    }
    kernel->base.unread_srcs = 0x1eu;
    cop_ref_block_prepare(block);
    return COP_STATUS_OK;
}

cop_status cop_ref_transpose(struct ref_kernel *kernel, cop_error *error)
{
    int perm[COP_MAX_RANK];
    const struct ref_strides strides = cop_ref_plain_strides(&kernel->src[0].shape);
    const cop_status status =
        cop_resolve_perm(kernel->attrs, kernel->src[0].shape.rank, perm, error);
    struct ref_block *block = status == COP_STATUS_OK ? make_block(kernel, error) : NULL;
    if (block == NULL)
        return status == COP_STATUS_OK ? COP_STATUS_OUT_OF_MEMORY : status;
    for (int i = 0; i < block->rank; i++)
        block->src_strides[i] = strides.elements[perm[i]] * (int64_t)block->element_bytes;
    cop_ref_block_prepare(block);
    return COP_STATUS_OK;
}
