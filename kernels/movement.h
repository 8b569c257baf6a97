// SPDX-License-Identifier: Apache-2.0
/* Elements moved as they are; only their size counts: 1, 2, 4 or 8 bytes. */
#ifndef KERNELS_MOVEMENT_H
#define KERNELS_MOVEMENT_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A block of elements from one arrangement to another: transposes, slices (negative src strides),
 * expansion (src stride 0), parts of concatenations and splits (dst or src not dense). Strides are
 * in elements; the addresses are those of the element at index 0 of every dimension. dst strides
 * are positive, and no two elements go to one place.
 */
struct cop_cuda_copy {
    int element_bytes;
    int rank; /* 0 … COP_CUDA_MAX_RANK */
    int64_t dims[COP_CUDA_MAX_RANK];
    int64_t src_strides[COP_CUDA_MAX_RANK], dst_strides[COP_CUDA_MAX_RANK];
};

cudaError_t cop_cuda_copy(const struct cop_cuda_copy *self, const void *src, void *dst,
                          cudaStream_t stream);

enum cop_cuda_pad_mode { COP_CUDA_PAD_CONSTANT, COP_CUDA_PAD_REFLECT, COP_CUDA_PAD_EDGE };

/*
 * src [src_dims] → dst [dst_dims], both dense: position i of src goes to i + begin, where that is
 * inside dst and what remains of the axis is filled. Negative pads cut; `end` is what dst_dims
 * leave over. Reflection and edges are those of what was left after cutting; a reflected border is
 * shorter than it. Where nothing is left to repeat, an axis is filled with `value`.
 */
struct cop_cuda_pad {
    int element_bytes;
    enum cop_cuda_pad_mode mode;
    int rank;
    int64_t src_dims[COP_CUDA_MAX_RANK], dst_dims[COP_CUDA_MAX_RANK];
    int64_t begin[COP_CUDA_MAX_RANK], end[COP_CUDA_MAX_RANK]; /* dst = begin + src + end */
    unsigned char value[8];                                   /* one element, for PAD_CONSTANT */
};

/* device_value: one element in device memory that wins over self->value, or NULL. */
cudaError_t cop_cuda_pad(const struct cop_cuda_pad *self, const void *src, const void *device_value,
                         void *dst, cudaStream_t stream);

/* src [outer, length, inner] → dst [outer, index_count, inner]. */
struct cop_cuda_gather {
    int element_bytes;
    int64_t outer, length, inner, index_count;
    bool has_wide_indices; /* int64 rather than int32 */
    bool clip;             /* indices are clamped; otherwise negative ones count from the end */
};

/*
 * bad_index: an int in device memory, 0 before. An index that is outside yields zeros in dst, and
 * bad_index becomes INT32_MAX − i for the smallest such position i (positions from INT32_MAX − 1 on
 * count as that one). It stays 0 where all are inside, and is never touched with `clip` unless
 * length is 0. NULL: not wanted.
 */
cudaError_t cop_cuda_gather(const struct cop_cuda_gather *self, const void *src,
                            const void *indices, void *dst, int *bad_index, cudaStream_t stream);

/* `count` elements, each a copy of the element_bytes at `value`, which is host memory. */
cudaError_t cop_cuda_fill(int element_bytes, int64_t count, const void *value, void *dst,
                          cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
