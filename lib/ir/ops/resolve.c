// SPDX-License-Identifier: Apache-2.0
#include "ir/ops/resolve.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "ir/ops/rules.h"

static void read_entries(const struct op_tensor *tensor, struct index_list *list)
{
    for (int i = 0; i < list->count; i++) {
        int32_t narrow;
        if (tensor->dtype == COP_DTYPE_INT32) {
            memcpy(&narrow, (const unsigned char *)tensor->value + (size_t)i * 4, sizeof narrow);
            list->entries[i] = narrow;
        } else {
            memcpy(&list->entries[i], (const unsigned char *)tensor->value + (size_t)i * 8, 8);
        }
    }
    list->is_known = true;
}

cop_status cop_resolve_list(const char *what, const struct op_tensor *tensor, int capacity,
                            struct index_list *list, cop_error *error)
{
    *list = (struct index_list){.count = COP_UNKNOWN};
    if (tensor->dtype != COP_DTYPE_UNKNOWN && tensor->dtype != COP_DTYPE_INT64 &&
        tensor->dtype != COP_DTYPE_INT32)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s are %s and must be int64 or int32",
                        what, cop_dtype_name(tensor->dtype));
    if (tensor->shape.rank > 1)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s %s must have one dimension", what,
                        cop_shape_text(&tensor->shape).text);
    if (!cop_shape_is_known(&tensor->shape) || tensor->dtype == COP_DTYPE_UNKNOWN)
        return COP_STATUS_OK;
    const int64_t count = tensor->shape.rank == 0 ? 1 : tensor->shape.dims[0];
    if (count > capacity)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "%" PRId64 " %s; at most %d are supported",
                        count, what, capacity);
    list->count = (int)count;
    if (tensor->value != NULL)
        read_entries(tensor, list);
    return COP_STATUS_OK;
}

/* The four lists of a slice, from inputs or attributes. */
struct slice_lists {
    bool is_known;
    int count;
    const int64_t *starts, *ends, *axes, *steps; /* axes, steps NULL: all in turn, all 1 */
    struct index_list inputs[4];
};

static cop_status read_slice_inputs(int src_count, const struct op_tensor *src,
                                    struct slice_lists *lists, cop_error *error)
{
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    lists->is_known = true;
    lists->count = COP_UNKNOWN;
    for (int i = 0; i < 4; i++) {
        lists->inputs[i] = (struct index_list){.count = COP_UNKNOWN};
        if (i + 1 >= src_count || !src[i + 1].is_present) {
            if (i < 2)
                return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s are absent", names[i]);
            continue;
        }
        const cop_status status =
            cop_resolve_list(names[i], &src[i + 1], COP_MAX_RANK, &lists->inputs[i], error);
        if (status != COP_STATUS_OK)
            return status;
        lists->is_known &= lists->inputs[i].is_known;
        const int count = lists->inputs[i].count;
        if (count != COP_UNKNOWN && lists->count != COP_UNKNOWN && lists->count != count)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%d %s for %d starts", count,
                            names[i], lists->count);
        if (count != COP_UNKNOWN)
            lists->count = count;
    }
    lists->starts = lists->inputs[0].entries;
    lists->ends = lists->inputs[1].entries;
    lists->axes = lists->inputs[2].is_known ? lists->inputs[2].entries : NULL;
    lists->steps = lists->inputs[3].is_known ? lists->inputs[3].entries : NULL;
    return COP_STATUS_OK;
}

static cop_status read_slice(const struct slice_attrs *attrs, int src_count,
                             const struct op_tensor *src, struct slice_lists *lists,
                             cop_error *error)
{
    if (src_count > 1)
        return read_slice_inputs(src_count, src, lists, error);
    if (attrs->count < 0 || attrs->count > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%d sliced axes", attrs->count);
    lists->is_known = true;
    lists->count = attrs->count;
    lists->starts = attrs->starts;
    lists->ends = attrs->ends;
    lists->axes = attrs->axes;
    lists->steps = attrs->steps;
    return COP_STATUS_OK;
}

static int64_t clamp(int64_t position, int64_t low, int64_t high)
{
    return position < low ? low : position > high ? high : position;
}

/* One axis of a known size, as numpy does it. */
static void resolve_axis(int64_t size, int64_t start, int64_t end, int64_t step,
                         struct resolved_slice *slice, int axis)
{
    /* Larger steps reach no second element either, and cannot overflow. */
    step = clamp(step, -COP_MAX_ELEMENTS - 1, COP_MAX_ELEMENTS + 1);
    if (start < 0)
        start += size;
    if (end < 0)
        end += size;
    if (step > 0) {
        start = clamp(start, 0, size);
        end = clamp(end, 0, size);
    } else {
        start = clamp(start, -1, size - 1);
        end = clamp(end, -1, size - 1);
    }
    const int64_t distance = step > 0 ? end - start : start - end;
    const int64_t stride = step > 0 ? step : -step;
    slice->start[axis] = start;
    slice->step[axis] = step;
    slice->count[axis] = distance <= 0 ? 0 : (distance - 1) / stride + 1;
}

cop_status cop_resolve_slice(const struct slice_attrs *attrs, int src_count,
                             const struct op_tensor *src, struct resolved_slice *slice,
                             cop_error *error)
{
    struct slice_lists lists;
    const struct shape *shape = &src[0].shape;
    *slice = (struct resolved_slice){.is_known = false};
    cop_status status = read_slice(attrs, src_count, src, &lists, error);
    if (status != COP_STATUS_OK || !lists.is_known)
        return status;
    for (int i = 0; i < shape->rank; i++) {
        slice->step[i] = 1;
        slice->count[i] = shape->dims[i];
    }
    for (int i = 0; i < lists.count; i++) {
        int axis;
        status = cop_rule_axis("sliced", lists.axes == NULL ? i : lists.axes[i], shape->rank, &axis,
                               error);
        if (status != COP_STATUS_OK)
            return status;
        if (slice->is_sliced[axis])
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "axis %d is sliced twice", axis);
        slice->is_sliced[axis] = true;
        const int64_t step = lists.steps == NULL || lists.steps[i] == 0 ? 1 : lists.steps[i];
        if (shape->dims[axis] != COP_UNKNOWN)
            resolve_axis(shape->dims[axis], lists.starts[i], lists.ends[i], step, slice, axis);
    }
    slice->is_known = true;
    return COP_STATUS_OK;
}

cop_status cop_resolve_pads(const struct pad_attrs *attrs, int src_count,
                            const struct op_tensor *src, struct resolved_pads *pads,
                            cop_error *error)
{
    *pads = (struct resolved_pads){.rank = COP_UNKNOWN};
    if (src_count < 2 || !src[1].is_present) {
        if (attrs->rank < 0 || attrs->rank > COP_MAX_RANK)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "pads of %d dimensions",
                            attrs->rank);
        pads->is_known = true;
        pads->rank = attrs->rank;
        memcpy(pads->begin, attrs->begin, sizeof pads->begin);
        memcpy(pads->end, attrs->end, sizeof pads->end);
        return COP_STATUS_OK;
    }
    struct index_list list;
    const cop_status status = cop_resolve_list("pads", &src[1], 2 * COP_MAX_RANK, &list, error);
    if (status != COP_STATUS_OK || list.count == COP_UNKNOWN)
        return status;
    if (list.count % 2 != 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%d pads are no pairs", list.count);
    pads->is_known = list.is_known;
    pads->rank = list.count / 2;
    for (int i = 0; i < pads->rank; i++) {
        pads->begin[i] = list.entries[i];
        pads->end[i] = list.entries[pads->rank + i];
    }
    return COP_STATUS_OK;
}

cop_status cop_resolve_perm(const struct transpose_attrs *attrs, int rank, int *perm,
                            cop_error *error)
{
    unsigned seen = 0;
    if (attrs->rank != 0 && attrs->rank != rank)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%d axes for %d dimensions", attrs->rank,
                        rank);
    for (int i = 0; i < rank; i++) {
        perm[i] = attrs->rank == 0 ? rank - 1 - i : attrs->perm[i];
        if (perm[i] < 0 || perm[i] >= rank || (seen & 1u << perm[i]) != 0)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "axis %d at position %d makes no permutation of %d", perm[i], i, rank);
        seen |= 1u << perm[i];
    }
    return COP_STATUS_OK;
}

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
