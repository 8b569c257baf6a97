// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/cuda_ops.h"

#include <math.h>
#include <string.h>

int cop_cuda_own_src_count(const struct kernel_request *request)
{
    return request->src_count - (cop_cuda_added_src(request) < 0 ? 0 : 1);
}

const struct kernel_tensor *cop_cuda_own_src(const struct kernel_request *request, int index)
{
    return index < cop_cuda_own_src_count(request) && request->src[index].is_present
               ? &request->src[index]
               : NULL;
}

cop_status cop_cuda_check_post_ops(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const int added = cop_cuda_added_src(request);
    if (request->post_ops->count > 0 && request->dst[0].dtype != COP_DTYPE_FLOAT32)
        return cop_cuda_refuse(build, "post-ops of this element type");
    if (added >= 0 && (request->src[added].dtype != COP_DTYPE_FLOAT32 ||
                       !cop_shape_equal(&request->src[added].shape, &request->dst[0].shape)))
        return cop_cuda_refuse(build, "an addition of another shape or element type");
    return COP_STATUS_OK;
}

cop_status cop_cuda_refuse_post_ops(struct cuda_build *build)
{
    return build->request->post_ops->count == 0 ? COP_STATUS_OK
                                                : cop_cuda_refuse(build, "post-ops of it");
}

cop_status cop_cuda_take_added(struct cuda_build *build, enum cop_cuda_order order)
{
    const int added = cop_cuda_added_src(build->request);
    if (added < 0)
        return COP_STATUS_OK;
    if (added < 32)
        build->kernel->base.in_place_srcs |= 1u << added;
    return cop_cuda_take_ordered(build, added, order);
}

enum cop_cuda_order cop_cuda_follow(const struct kernel_tensor *src)
{
    return src->is_present && src->dtype == COP_DTYPE_FLOAT32 && !src->is_weight
               ? cop_cuda_order_of(src)
               : COP_CUDA_ROW_MAJOR;
}

int cop_cuda_place_of(const struct shape *shape, enum cop_cuda_order order, int axis)
{
    int64_t dims[COP_MAX_RANK];
    int axes[COP_MAX_RANK], place = 0;
    const int rank = cop_cuda_memory_dims(shape, order, dims, axes);
    while (place < rank - 1 && axes[place] != axis)
        place++;
    return place;
}

void cop_cuda_strides(const struct shape *shape, enum cop_cuda_order order, int64_t *strides)
{
    int64_t dims[COP_MAX_RANK], stride = 1;
    int axes[COP_MAX_RANK];
    for (int i = cop_cuda_memory_dims(shape, order, dims, axes) - 1; i >= 0; i--) {
        strides[axes[i]] = stride;
        stride *= dims[i];
    }
}

/* Whether the elements of dst in this order follow one another as they do in src. */
static bool follows(const int *src_places, const struct shape *dst, enum cop_cuda_order order,
                    const int *src_axes)
{
    int64_t dims[COP_MAX_RANK];
    int axes[COP_MAX_RANK], last = -1;
    const int rank = cop_cuda_memory_dims(dst, order, dims, axes);
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 1)
            continue;
        const int place = src_places[src_axes[axes[i]]];
        if (place < last)
            return false;
        last = place;
    }
    return true;
}

bool cop_cuda_order_after(const struct shape *src, enum cop_cuda_order src_order,
                          const struct shape *dst, const int *src_axes, enum cop_cuda_order *order)
{
    int64_t dims[COP_MAX_RANK];
    int axes[COP_MAX_RANK], places[COP_MAX_RANK];
    const int rank = cop_cuda_memory_dims(src, src_order, dims, axes);
    for (int i = 0; i < rank; i++)
        places[axes[i]] = i;
    for (int i = 0; i < 2; i++) {
        *order = i == 0 ? COP_CUDA_ROW_MAJOR : COP_CUDA_NHWC;
        if (follows(places, dst, *order, src_axes))
            return true;
    }
    return false;
}

static cop_dtype stored_as(const struct kernel_request *request, cop_dtype dtype)
{
    return dtype == COP_DTYPE_FLOAT32 ? cop_cuda_stored(request) : dtype;
}

int cop_cuda_element_bytes(const struct kernel_request *request, cop_dtype dtype)
{
    return (int)cop_dtype_bytes(stored_as(request, dtype));
}

/*
 * The nearest number with 16 bits, of which `fraction_bits` are of the fraction; ties to even.
 * Counted in steps of the last place of its binade, it is a whole number; those steps, put below
 * the exponent that they belong to, are the format, and a carry ends in the right place.
 */
static uint16_t narrow(double value, int fraction_bits)
{
    const int largest = (1 << (15 - fraction_bits)) - 1, least = 2 - (largest + 1) / 2;
    const uint16_t infinity = (uint16_t)(largest << fraction_bits);
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value))
        return (uint16_t)(sign | infinity | 1 << (fraction_bits - 1));
    if (isinf(value) || fabs(value) >= 0x1p129)
        return sign | infinity;
    const int binade = value == 0 || ilogb(value) < least ? least : ilogb(value);
    const int64_t steps = (int64_t)rint(scalbn(fabs(value), fraction_bits - binade));
    const int64_t bits = ((int64_t)(binade - least) << fraction_bits) + steps;
    return (uint16_t)(sign | (bits < infinity ? bits : infinity));
}

/* Without its fraction, and inside lowest … highest; NaN becomes 0. */
static int64_t saturate(double value, int64_t lowest, int64_t highest)
{
    if (isnan(value))
        return 0;
    if (value <= (double)lowest)
        return lowest;
    return value >= (double)highest ? highest : (int64_t)value;
}

static uint64_t saturate_unsigned(double value)
{
    if (!(value > 0))
        return 0;
    return value >= 0x1p64 ? UINT64_MAX : (uint64_t)value;
}

#define WRITE(dtype, type, expression)                                                             \
    case COP_DTYPE_##dtype: {                                                                      \
        const type written = (type)(expression);                                                   \
        memcpy(element, &written, sizeof written);                                                 \
        break;                                                                                     \
    }

void cop_cuda_write_constant(const struct kernel_request *request, cop_dtype dtype, double value,
                             unsigned char element[8])
{
    memset(element, 0, 8);
    switch (stored_as(request, dtype)) {
        WRITE(FLOAT32, float, value)
        WRITE(FLOAT64, double, value)
        WRITE(FLOAT16, uint16_t, narrow(value, 10))
        WRITE(BFLOAT16, uint16_t, narrow(value, 7))
        WRITE(INT8, int8_t, saturate(value, INT8_MIN, INT8_MAX))
        WRITE(UINT8, uint8_t, saturate(value, 0, UINT8_MAX))
        WRITE(INT16, int16_t, saturate(value, INT16_MIN, INT16_MAX))
        WRITE(UINT16, uint16_t, saturate(value, 0, UINT16_MAX))
        WRITE(INT32, int32_t, saturate(value, INT32_MIN, INT32_MAX))
        WRITE(UINT32, uint32_t, saturate(value, 0, UINT32_MAX))
        WRITE(INT64, int64_t, saturate(value, INT64_MIN, INT64_MAX))
        WRITE(UINT64, uint64_t, saturate_unsigned(value))
        WRITE(BOOL, uint8_t, value != 0)
    case COP_DTYPE_UNKNOWN:
        break;
    }
}
