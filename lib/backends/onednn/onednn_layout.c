// SPDX-License-Identifier: Apache-2.0
#include "backends/onednn/onednn_layout.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"

const struct tensor_desc *cop_onednn_layout_desc(const struct layout *layout)
{
    return &((const struct onednn_layout *)layout)->desc;
}

bool cop_onednn_desc_is_plain(const struct tensor_desc *desc)
{
    struct blocking format;
    cop_onednn_desc_blocking(desc, &format);
    if (!format.is_blocked || format.offset != 0)
        return false;
    /* Inner blocks that are the whole, unpadded dimension are dimensions that go last. */
    int64_t stride = 1, order[DNNL_MAX_NDIMS];
    for (int i = 0; i < format.rank; i++)
        order[i] = format.strides[i];
    for (int i = format.inner_count - 1; i >= 0; i--) {
        const int64_t axis = format.inner_axes[i];
        if (format.inner_blocks[i] != format.dims[axis])
            return false;
        order[axis] = stride;
        stride *= format.inner_blocks[i];
    }
    stride = 1;
    for (int i = format.rank - 1; i >= 0; i--) {
        if (format.padded_dims[i] != format.dims[i] || (format.dims[i] != 1 && order[i] != stride))
            return false;
        stride *= format.dims[i];
    }
    return true;
}

/* Where a dimension has one block, its stride means nothing: 0 then. */
static void normalize_strides(struct blocking *format)
{
    for (int i = 0; i < format->rank; i++) {
        int64_t block = 1;
        for (int k = 0; k < format->inner_count; k++)
            if (format->inner_axes[k] == i)
                block *= format->inner_blocks[k];
        if (format->padded_dims[i] == block)
            format->strides[i] = 0;
    }
}

/* Dimensions from the outermost to the innermost; of equal strides the first goes outside. */
static void sort_axes(const struct blocking *format, int *axes)
{
    for (int i = 0; i < format->rank; i++) {
        int at = i;
        while (at > 0 && format->strides[axes[at - 1]] < format->strides[i]) {
            axes[at] = axes[at - 1];
            at--;
        }
        axes[at] = i;
    }
}

dnnl_status_t cop_onednn_desc_like(struct tensor_desc *desc, const struct tensor_desc *pattern,
                                   const int64_t *dims)
{
    struct blocking format;
    int axes[DNNL_MAX_NDIMS];
    cop_onednn_desc_blocking(pattern, &format);
    if (!format.is_blocked || format.offset != 0)
        return dnnl_unimplemented;
    sort_axes(&format, axes);

    int64_t blocks[DNNL_MAX_NDIMS], stride = 1;
    for (int i = 0; i < format.rank; i++)
        blocks[i] = 1;
    for (int k = 0; k < format.inner_count; k++) {
        blocks[format.inner_axes[k]] *= format.inner_blocks[k];
        stride *= format.inner_blocks[k];
    }
    for (int i = format.rank - 1; i >= 0; i--) {
        const int axis = axes[i];
        const int64_t outer = (dims[axis] + blocks[axis] - 1) / blocks[axis];
        format.dims[axis] = dims[axis];
        format.padded_dims[axis] = outer * blocks[axis];
        format.strides[axis] = stride;
        stride *= outer;
    }
    return cop_onednn_desc_of_blocking(desc, &format);
}

static const char *axis_letters(int rank, bool is_weight)
{
    static const char *const activation[] = {"", "x", "nc", "ncw", "nchw", "ncdhw"};
    static const char *const weight[] = {"", "x", "oi", "oiw", "oihw", "goihw", "goidhw"};
    if (is_weight && rank <= 6)
        return weight[rank];
    return !is_weight && rank <= 5 ? activation[rank] : "abcdefghijkl";
}

/* "nChw16c": dimensions outermost first, capital where blocked, then the blocks. */
static void write_name(const struct blocking *format, bool is_weight, char *name, size_t capacity)
{
    const char *letters = axis_letters(format->rank, is_weight);
    int axes[DNNL_MAX_NDIMS];
    size_t length = 0;
    sort_axes(format, axes);
    for (int i = 0; i < format->rank && length + 1 < capacity; i++) {
        bool is_split = false;
        for (int k = 0; k < format->inner_count; k++)
            is_split |= format->inner_axes[k] == axes[i];
        const char letter = letters[axes[i]];
        name[length++] = is_split ? (char)toupper((unsigned char)letter) : letter;
    }
    name[length] = '\0';
    for (int k = 0; k < format->inner_count && length < capacity; k++)
        length += (size_t)snprintf(name + length, capacity - length, "%" PRId64 "%c",
                                   format->inner_blocks[k], letters[format->inner_axes[k]]);
}

static uint64_t hash_format(struct blocking *format, size_t bytes)
{
    normalize_strides(format);
    struct hash hash = cop_hash_u64(cop_hash_begin(), bytes);
    hash = cop_hash_u64(hash, (uint64_t)format->type);
    hash = cop_hash_bytes(hash, format->dims, sizeof format->dims);
    hash = cop_hash_bytes(hash, format->padded_dims, sizeof format->padded_dims);
    hash = cop_hash_bytes(hash, format->strides, sizeof format->strides);
    for (int k = 0; k < format->inner_count; k++) {
        hash = cop_hash_u64(hash, (uint64_t)format->inner_blocks[k]);
        hash = cop_hash_u64(hash, (uint64_t)format->inner_axes[k]);
    }
    return hash.low;
}

cop_status cop_onednn_layout_create(const struct tensor_desc *desc, bool is_weight,
                                    const struct layout **layout, cop_error *error)
{
    *layout = NULL;
    if (cop_onednn_desc_is_plain(desc))
        return COP_STATUS_OK;
    struct onednn_layout *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "layout", sizeof *made);
    struct blocking format;
    cop_onednn_desc_blocking(desc, &format);
    made->desc = *desc;
    if (format.is_blocked)
        write_name(&format, is_weight, made->name, sizeof made->name);
    else
        snprintf(made->name, sizeof made->name, "private");
    cop_refcount_init(&made->base.refs);
    made->base.backend = cop_onednn_backend;
    made->base.name = made->name;
    made->base.bytes = cop_onednn_desc_bytes(desc);
    made->base.hash = hash_format(&format, made->base.bytes);
    *layout = &made->base;
    return COP_STATUS_OK;
}

bool cop_onednn_layout_equal(const struct layout *a, const struct layout *b)
{
    return cop_onednn_desc_equal(cop_onednn_layout_desc(a), cop_onednn_layout_desc(b));
}

void cop_onednn_layout_destroy(struct layout *layout)
{
    cop_free(layout);
}
