// SPDX-License-Identifier: Apache-2.0
#include "ir/ops/resolve.h"

static int clamp_position(int64_t position, int rank)
{
    if (position < 0)
        position = position < -(int64_t)rank ? 0 : position + rank;
    return position > rank ? rank : (int)position;
}

void cop_resolve_shape_range(const struct shape_attrs *attrs, int rank, int *first, int *end)
{
    *first = clamp_position(attrs->start, rank);
    *end = clamp_position(attrs->end, rank);
    if (*end < *first)
        *end = *first;
}
