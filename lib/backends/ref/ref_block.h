// SPDX-License-Identifier: Apache-2.0
/*
 * Copying a block of elements from one arrangement in memory to another: what slices, transposes
 * and pads come down to. Elements are opaque; only their size counts.
 */
#ifndef BACKENDS_REF_REF_BLOCK_H
#define BACKENDS_REF_REF_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "ir/shape.h"

/* Immutable once prepared. Strides are in bytes and may be negative on the src side. */
struct ref_block {
    int rank;
    size_t element_bytes; /* 1, 2, 4 or 8 */
    int64_t dims[COP_MAX_RANK];
    int64_t src_strides[COP_MAX_RANK], dst_strides[COP_MAX_RANK];
    int64_t src_offset, dst_offset; /* of the first element, in bytes */
    size_t run_bytes; /* set by prepare: contiguous on both sides; 0: nothing to copy */
};

/*
 * Joins dimensions that lie one after the other on both sides and puts the loops into the order
 * that suits caches best. Call once, before any copy.
 */
void cop_ref_block_prepare(struct ref_block *block);

void cop_ref_block_copy(const struct ref_block *block, const void *src, void *dst);

#endif
