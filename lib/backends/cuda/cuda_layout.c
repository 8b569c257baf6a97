// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cuda_layout.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"

/* What only dimensions of 1 tell apart from row-major is row-major. */
static struct cuda_arrangement normalize(const struct cuda_arrangement *arrangement)
{
    struct cuda_arrangement normal = *arrangement;
    if (normal.padded_channels <= normal.channels)
        normal.padded_channels = normal.channels;
    const bool is_linear =
        normal.order == COP_CUDA_ROW_MAJOR ||
        (normal.padded_channels == normal.channels && (normal.channels == 1 || normal.plane == 1));
    if (is_linear)
        normal = (struct cuda_arrangement){
            .stored = normal.stored, .order = COP_CUDA_ROW_MAJOR, .is_tf32 = normal.is_tf32};
    return normal;
}

static const char *short_name(cop_dtype stored)
{
    switch (stored) {
    case COP_DTYPE_FLOAT32:
        return "f32";
    case COP_DTYPE_FLOAT16:
        return "f16";
    case COP_DTYPE_BFLOAT16:
        return "bf16";
    default:
        return cop_dtype_name(stored);
    }
}

static void write_name(struct cuda_layout *layout)
{
    const struct cuda_arrangement *arrangement = &layout->arrangement;
    const char *stored = arrangement->is_tf32 ? "tf32" : short_name(arrangement->stored);
    if (arrangement->order == COP_CUDA_ROW_MAJOR)
        snprintf(layout->name, sizeof layout->name, "gpu:%s", stored);
    else if (arrangement->padded_channels == arrangement->channels)
        snprintf(layout->name, sizeof layout->name, "gpu:nhwc:%s", stored);
    else
        snprintf(layout->name, sizeof layout->name, "gpu:nhw%lldc:%s",
                 (long long)arrangement->padded_channels, stored);
    layout->base.name = layout->name;
}

static uint64_t hash_of(const struct cuda_arrangement *arrangement)
{
    struct hash hash = cop_hash_begin();
    hash = cop_hash_u64(hash, (uint64_t)arrangement->stored);
    hash = cop_hash_u64(hash, (uint64_t)arrangement->order);
    hash = cop_hash_u64(hash, (uint64_t)arrangement->n);
    hash = cop_hash_u64(hash, (uint64_t)arrangement->channels);
    hash = cop_hash_u64(hash, (uint64_t)arrangement->plane);
    hash = cop_hash_u64(hash, (uint64_t)arrangement->padded_channels);
    return cop_hash_u64(hash, arrangement->is_tf32).low;
}

cop_status cop_cuda_layout_create(const struct backend *backend,
                                  const struct cuda_arrangement *arrangement, int64_t elements,
                                  const struct layout **layout, cop_error *error)
{
    struct cuda_layout *made = cop_alloc(1, sizeof *made);
    *layout = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "layout", sizeof *made);
    cop_refcount_init(&made->base.refs);
    made->base.backend = backend;
    made->base.is_on_device = true;
    made->arrangement = normalize(arrangement);
    const struct cuda_arrangement *normal = &made->arrangement;
    made->base.is_linear = normal->order == COP_CUDA_ROW_MAJOR;
    const int64_t stored_elements =
        made->base.is_linear ? elements : normal->n * normal->plane * normal->padded_channels;
    made->base.bytes = (size_t)stored_elements * cop_dtype_bytes(normal->stored);
    made->base.is_lossy = normal->is_tf32 || normal->stored == COP_DTYPE_FLOAT16 ||
                          normal->stored == COP_DTYPE_BFLOAT16;
    made->base.hash = hash_of(normal);
    write_name(made);
    *layout = &made->base;
    return COP_STATUS_OK;
}

const struct cuda_arrangement *cop_cuda_arrangement(const struct layout *layout)
{
    return &((const struct cuda_layout *)layout)->arrangement;
}

struct cuda_arrangement cop_cuda_nhwc(const struct shape *shape, cop_dtype stored)
{
    return (struct cuda_arrangement){
        .stored = stored,
        .order = COP_CUDA_NHWC,
        .n = shape->dims[0],
        .channels = shape->rank > 1 ? shape->dims[1] : 1,
        .plane = shape->rank > 2 ? cop_shape_product(shape, 2, shape->rank) : 1,
    };
}

bool cop_cuda_is_nhwc(const struct layout *layout, const struct shape *shape)
{
    if (layout == NULL || shape->rank < 3)
        return false;
    const struct cuda_arrangement *arrangement = cop_cuda_arrangement(layout);
    return arrangement->order == COP_CUDA_NHWC && arrangement->n == shape->dims[0] &&
           arrangement->channels == shape->dims[1] &&
           arrangement->padded_channels == arrangement->channels;
}

bool cop_cuda_type_of(cop_dtype stored, enum cop_cuda_type *type)
{
    if (stored == COP_DTYPE_FLOAT32)
        *type = COP_CUDA_F32;
    else if (stored == COP_DTYPE_FLOAT16)
        *type = COP_CUDA_F16;
    else if (stored == COP_DTYPE_BFLOAT16)
        *type = COP_CUDA_BF16;
    else
        return false;
    return true;
}

bool cop_cuda_layout_equal(const struct layout *a, const struct layout *b)
{
    const struct cuda_arrangement *left = cop_cuda_arrangement(a);
    const struct cuda_arrangement *right = cop_cuda_arrangement(b);
    return left->stored == right->stored && left->order == right->order && left->n == right->n &&
           left->channels == right->channels && left->plane == right->plane &&
           left->padded_channels == right->padded_channels && left->is_tf32 == right->is_tf32;
}

void cop_cuda_layout_destroy(struct layout *layout)
{
    cop_free(layout);
}

cop_status cop_cuda_layout_linear(struct device *device, const struct layout *like, cop_dtype dtype,
                                  const struct shape *shape, const struct layout **linear,
                                  cop_error *error)
{
    const struct cuda_arrangement arrangement = {
        .stored = like == NULL ? dtype : cop_cuda_arrangement(like)->stored,
        .order = COP_CUDA_ROW_MAJOR,
    };
    return cop_cuda_layout_create(device->backend, &arrangement,
                                  cop_shape_product(shape, 0, shape->rank), linear, error);
}
