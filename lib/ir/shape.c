// SPDX-License-Identifier: Apache-2.0
#include "ir/shape.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"

struct shape cop_shape_unknown(void)
{
    return (struct shape){.rank = COP_UNKNOWN};
}

struct shape cop_shape_of(int rank, const int64_t *dims)
{
    struct shape shape = {.rank = rank};
    for (int i = 0; i < rank; i++)
        shape.dims[i] = dims[i];
    return shape;
}

bool cop_shape_is_known(const struct shape *shape)
{
    for (int i = 0; i < shape->rank; i++)
        if (shape->dims[i] == COP_UNKNOWN)
            return false;
    return shape->rank != COP_UNKNOWN;
}

bool cop_shape_equal(const struct shape *a, const struct shape *b)
{
    for (int i = 0; i < a->rank && a->rank == b->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return a->rank == b->rank;
}

bool cop_shape_elements(const struct shape *shape, int64_t *elements)
{
    bool is_empty = false;
    int64_t product = 1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return false;
        is_empty |= shape->dims[i] == 0;
        if (shape->dims[i] != 0 &&
            (!cop_mul_int64(product, shape->dims[i], &product) || product > COP_MAX_ELEMENTS))
            return false; /* also with a zero beside it: nothing may multiply such dimensions later
                           */
    }
    *elements = is_empty ? 0 : product;
    return shape->rank != COP_UNKNOWN;
}

int64_t cop_shape_product(const struct shape *shape, int begin, int end)
{
    int64_t product = 1;
    for (int i = begin; i < end; i++)
        product *= shape->dims[i];
    return product;
}

bool cop_shape_bytes(const struct shape *shape, cop_dtype dtype, size_t *bytes)
{
    int64_t elements;
    return cop_shape_elements(shape, &elements) &&
           cop_mul_size((size_t)elements, cop_dtype_bytes(dtype), bytes);
}

bool cop_shape_merge(struct shape *into, const struct shape *other, bool *changed)
{
    if (other->rank == COP_UNKNOWN)
        return true;
    struct shape merged = into->rank == COP_UNKNOWN ? *other : *into;
    bool learned = into->rank == COP_UNKNOWN;
    if (merged.rank != other->rank)
        return false;
    for (int i = 0; i < merged.rank; i++) {
        if (merged.dims[i] == COP_UNKNOWN && other->dims[i] != COP_UNKNOWN) {
            merged.dims[i] = other->dims[i];
            learned = true;
        } else if (other->dims[i] != COP_UNKNOWN && other->dims[i] != merged.dims[i]) {
            return false;
        }
    }
    *into = merged;
    if (changed != NULL)
        *changed |= learned;
    return true;
}

static bool broadcast_dim(int64_t a, int64_t b, int64_t *result)
{
    if (a == b || b == 1)
        *result = a;
    else if (a == 1 || (a == COP_UNKNOWN && b > 1))
        *result = b;
    else if (b == COP_UNKNOWN && a > 1)
        *result = a;
    else if (a == COP_UNKNOWN || b == COP_UNKNOWN)
        *result = COP_UNKNOWN;
    else
        return false;
    return true;
}

bool cop_shape_broadcast(const struct shape *a, const struct shape *b, struct shape *result)
{
    *result = cop_shape_unknown();
    if (a->rank == COP_UNKNOWN || b->rank == COP_UNKNOWN)
        return true;
    struct shape joined = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 0; i < joined.rank; i++) {
        const int from_a = i - (joined.rank - a->rank), from_b = i - (joined.rank - b->rank);
        if (!broadcast_dim(from_a < 0 ? 1 : a->dims[from_a], from_b < 0 ? 1 : b->dims[from_b],
                           &joined.dims[i]))
            return false;
    }
    *result = joined;
    return true;
}

bool cop_axis_normalize(int64_t axis, int rank, int *normalized)
{
    if (axis < -(int64_t)rank || axis >= rank)
        return false;
    *normalized = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

struct shape_text cop_shape_text(const struct shape *shape)
{
    struct shape_text out = {"unknown"};
    if (shape->rank == COP_UNKNOWN)
        return out;
    int length = snprintf(out.text, sizeof out.text, "[");
    for (int i = 0; i < shape->rank; i++) {
        const char *comma = i == 0 ? "" : ",";
        length += shape->dims[i] == COP_UNKNOWN
                      ? snprintf(out.text + length, sizeof out.text - (size_t)length, "%s?", comma)
                      : snprintf(out.text + length, sizeof out.text - (size_t)length, "%s%" PRId64,
                                 comma, shape->dims[i]);
    }
    snprintf(out.text + length, sizeof out.text - (size_t)length, "]");
    return out;
}
