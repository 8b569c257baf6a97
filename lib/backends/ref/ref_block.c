// SPDX-License-Identifier: Apache-2.0
#include "backends/ref/ref_block.h"

#include <string.h>

/* Side of the squares that a transpose is done in: 32 lines of each side stay in the first cache.
 */
#define TILE 32

static void remove_axis(struct ref_block *block, int axis)
{
    block->rank--;
    for (int i = axis; i < block->rank; i++) {
        block->dims[i] = block->dims[i + 1];
        block->src_strides[i] = block->src_strides[i + 1];
        block->dst_strides[i] = block->dst_strides[i + 1];
    }
}

/* Joins axis and axis + 1 where both sides step through them as through one. */
static bool join_axes(struct ref_block *block, int axis)
{
    const int next = axis + 1;
    if (block->src_strides[axis] != block->src_strides[next] * block->dims[next] ||
        block->dst_strides[axis] != block->dst_strides[next] * block->dims[next])
        return false;
    block->dims[next] *= block->dims[axis];
    remove_axis(block, axis);
    return true;
}

/* Makes the axis along which src is contiguous the last but one, so that it tiles with the last. */
static void order_axes(struct ref_block *block)
{
    const int target = block->rank - 2;
    int axis = target;
    for (int i = 0; i < target; i++)
        if (block->src_strides[i] == (int64_t)block->element_bytes)
            axis = i;
    if (target < 0 || axis == target ||
        block->src_strides[target + 1] == (int64_t)block->element_bytes)
        return;
    const int64_t dim = block->dims[axis], src = block->src_strides[axis],
                  dst = block->dst_strides[axis];
    remove_axis(block, axis);
    block->rank++;
    block->dims[target + 1] = block->dims[target];
    block->src_strides[target + 1] = block->src_strides[target];
    block->dst_strides[target + 1] = block->dst_strides[target];
    block->dims[target] = dim;
    block->src_strides[target] = src;
    block->dst_strides[target] = dst;
}

void cop_ref_block_prepare(struct ref_block *block)
{
    block->run_bytes = block->element_bytes;
    for (int i = 0; i < block->rank; i++)
        if (block->dims[i] == 0)
            block->run_bytes = 0;
    for (int i = block->rank - 1; i >= 0; i--)
        if (block->dims[i] == 1)
            remove_axis(block, i);
    for (int i = block->rank - 2; i >= 0; i--)
        (void)join_axes(block, i);
    const int last = block->rank - 1;
    if (last >= 0 && block->src_strides[last] == (int64_t)block->element_bytes &&
        block->dst_strides[last] == (int64_t)block->element_bytes) {
        block->run_bytes *= (size_t)block->dims[last];
        block->rank = last;
    } else {
        order_axes(block);
    }
}

/* The two innermost loops over elements of one size. */
#define DEFINE_COPY(bytes)                                                                         \
    static void copy_##bytes(const struct ref_block *block, const unsigned char *src,              \
                             unsigned char *dst)                                                   \
    {                                                                                              \
        const int last = block->rank - 1;                                                          \
        const int64_t rows = last > 0 ? block->dims[last - 1] : 1, columns = block->dims[last];    \
        const int64_t src_row = last > 0 ? block->src_strides[last - 1] : 0;                       \
        const int64_t dst_row = last > 0 ? block->dst_strides[last - 1] : 0;                       \
        const int64_t src_column = block->src_strides[last];                                       \
        const int64_t dst_column = block->dst_strides[last];                                       \
        for (int64_t top = 0; top < rows; top += TILE)                                             \
            for (int64_t left = 0; left < columns; left += TILE) {                                 \
                const int64_t bottom = top + TILE < rows ? top + TILE : rows;                      \
                const int64_t right = left + TILE < columns ? left + TILE : columns;               \
                for (int64_t i = top; i < bottom; i++)                                             \
                    for (int64_t j = left; j < right; j++)                                         \
                        memcpy(dst + i * dst_row + j * dst_column,                                 \
                               src + i * src_row + j * src_column, bytes);                         \
            }                                                                                      \
    }

DEFINE_COPY(1)
DEFINE_COPY(2)
DEFINE_COPY(4)
DEFINE_COPY(8)

static void copy_plane(const struct ref_block *block, const unsigned char *src, unsigned char *dst)
{
    switch (block->element_bytes) {
    case 1:
        copy_1(block, src, dst);
        break;
    case 2:
        copy_2(block, src, dst);
        break;
    case 4:
        copy_4(block, src, dst);
        break;
    default:
        copy_8(block, src, dst);
        break;
    }
}

void cop_ref_block_copy(const struct ref_block *block, const void *src, void *dst)
{
    const bool has_runs = block->run_bytes != block->element_bytes || block->rank == 0;
    const int outer_rank = has_runs ? block->rank : block->rank > 2 ? block->rank - 2 : 0;
    const unsigned char *from = (const unsigned char *)src + block->src_offset;
    unsigned char *to = (unsigned char *)dst + block->dst_offset;
    int64_t at[COP_MAX_RANK] = {0};
    int axis = 0;
    while (block->run_bytes > 0 && axis >= 0) {
        if (has_runs)
            memcpy(to, from, block->run_bytes);
        else
            copy_plane(block, from, to);
        /* The next position; carries go outward. */
        for (axis = outer_rank - 1; axis >= 0; axis--) {
            from += block->src_strides[axis];
            to += block->dst_strides[axis];
            if (++at[axis] < block->dims[axis])
                break;
            from -= block->src_strides[axis] * block->dims[axis];
            to -= block->dst_strides[axis] * block->dims[axis];
            at[axis] = 0;
        }
    }
}
