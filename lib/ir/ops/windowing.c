// SPDX-License-Identifier: Apache-2.0
/* Slice, Pad, Transpose, Gather: elements chosen by position. */
#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"
#include "ir/ops/resolve.h"
#include "ir/ops/rules.h"

/* Ranks of src and dst are one. */
static cop_status same_rank(struct op_tensor *src, struct op_tensor *dst, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    if (src->shape.rank != COP_UNKNOWN)
        status = cop_rule_join_rank(dst, "dst", src->shape.rank, error);
    if (status == COP_STATUS_OK && dst->shape.rank != COP_UNKNOWN)
        status = cop_rule_join_rank(src, "src", dst->shape.rank, error);
    return status;
}

cop_status cop_infer_slice(const void *attributes, int src_count, struct op_tensor *src,
                           int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)dst_count;
    struct resolved_slice slice;
    cop_status status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK)
        status = same_rank(&src[0], &dst[0], error);
    if (status != COP_STATUS_OK || src[0].shape.rank == COP_UNKNOWN)
        return status;
    status = cop_resolve_slice(attributes, src_count, src, &slice, error);
    for (int i = 0; i < src[0].shape.rank && slice.is_known && status == COP_STATUS_OK; i++) {
        status = cop_rule_join_dim(&dst[0], "dst", i, &slice.count[i], error);
        if (status == COP_STATUS_OK && !slice.is_sliced[i])
            status = cop_rule_join_dim(&src[0], "src", i, &slice.count[i], error);
    }
    return status;
}

/* What is there after negative pads have cut, and whether positive ones have something to repeat.
 */
static cop_status check_pads(const struct pad_attrs *attrs, int64_t size, int64_t begin,
                             int64_t end, int axis, cop_error *error)
{
    const int64_t cut = (begin < 0 ? -begin : 0) + (end < 0 ? -end : 0);
    const int64_t kept = size - cut;
    const int64_t longest = begin > end ? begin : end;
    if (kept < 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "pads %" PRId64 " and %" PRId64 " cut more than the %" PRId64
                        " elements of axis %d",
                        begin, end, size, axis);
    if (attrs->mode == PAD_EDGE && longest > 0 && kept == 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "axis %d has no edge to repeat", axis);
    if (attrs->mode == PAD_REFLECT && longest > 0 && longest >= kept)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "%" PRId64 " elements of axis %d cannot be reflected from %" PRId64,
                        longest, axis, kept);
    return COP_STATUS_OK;
}

static cop_status join_padded(const struct pad_attrs *attrs, const struct resolved_pads *pads,
                              struct op_tensor *src, struct op_tensor *dst, int axis,
                              cop_error *error)
{
    const int64_t begin = pads->begin[axis], end = pads->end[axis];
    if (begin < -COP_MAX_ELEMENTS || begin > COP_MAX_ELEMENTS || end < -COP_MAX_ELEMENTS ||
        end > COP_MAX_ELEMENTS)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "pads %" PRId64 " and %" PRId64 " of axis %d are out of range", begin, end,
                        axis);
    const int64_t added = begin + end;
    int64_t *size = &src->shape.dims[axis], padded = COP_UNKNOWN;
    if (*size != COP_UNKNOWN) {
        const cop_status status = check_pads(attrs, *size, begin, end, axis, error);
        if (status != COP_STATUS_OK)
            return status;
        if (!cop_add_int64(*size, added, &padded))
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "axis %d becomes too long", axis);
        return cop_rule_join_dim(dst, "dst", axis, &padded, error);
    }
    padded = dst->shape.dims[axis];
    if (padded == COP_UNKNOWN)
        return COP_STATUS_OK;
    if (padded < added)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "dst %s is shorter than its pads along axis %d",
                        cop_shape_text(&dst->shape).text, axis);
    *size = padded - added;
    return check_pads(attrs, *size, begin, end, axis, error);
}

cop_status cop_infer_pad(const void *attributes, int src_count, struct op_tensor *src,
                         int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)dst_count;
    const struct pad_attrs *attrs = attributes;
    struct resolved_pads pads;
    int64_t elements;
    if ((unsigned)attrs->mode > PAD_EDGE)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "pad mode %d does not exist",
                        (int)attrs->mode);
    cop_status status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK && src_count > 2 && src[2].is_present) {
        status = cop_rule_join_dtype(&src[2], "value", src[0].dtype, error);
        if (status == COP_STATUS_OK && cop_shape_is_known(&src[2].shape) &&
            (!cop_shape_elements(&src[2].shape, &elements) || elements != 1))
            status = cop_fail(error, COP_STATUS_MALFORMED_MODEL, "value %s must be one element",
                              cop_shape_text(&src[2].shape).text);
    }
    if (status == COP_STATUS_OK)
        status = cop_resolve_pads(attrs, src_count, src, &pads, error);
    if (status == COP_STATUS_OK && pads.rank != COP_UNKNOWN)
        status = cop_rule_join_rank(&src[0], "src", pads.rank, error);
    if (status == COP_STATUS_OK)
        status = same_rank(&src[0], &dst[0], error);
    for (int i = 0; i < pads.rank && status == COP_STATUS_OK && pads.is_known; i++)
        status = join_padded(attrs, &pads, &src[0], &dst[0], i, error);
    return status;
}

cop_status cop_infer_transpose(const void *attributes, int src_count, struct op_tensor *src,
                               int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct transpose_attrs *attrs = attributes;
    if (attrs->rank < 0 || attrs->rank > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%d axes", attrs->rank);
    cop_status status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK && attrs->rank > 0)
        status = cop_rule_join_rank(&src[0], "src", attrs->rank, error);
    if (status == COP_STATUS_OK)
        status = same_rank(&src[0], &dst[0], error);
    const int rank = src[0].shape.rank;
    int perm[COP_MAX_RANK];
    if (status != COP_STATUS_OK || rank == COP_UNKNOWN)
        return status;
    status = cop_resolve_perm(attrs, rank, perm, error);
    for (int i = 0; i < rank && status == COP_STATUS_OK; i++) {
        status = cop_rule_join_dim(&dst[0], "dst", i, &src[0].shape.dims[perm[i]], error);
        src[0].shape.dims[perm[i]] = dst[0].shape.dims[i];
    }
    return status;
}

cop_status cop_infer_gather(const void *attributes, int src_count, struct op_tensor *src,
                            int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct gather_attrs *attrs = attributes;
    const struct shape *taken = &src[0].shape, *indices = &src[1].shape;
    if (src[1].dtype != COP_DTYPE_UNKNOWN && src[1].dtype != COP_DTYPE_INT64 &&
        src[1].dtype != COP_DTYPE_INT32)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "indices are %s and must be int64 or int32", cop_dtype_name(src[1].dtype));
    cop_status status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status != COP_STATUS_OK || taken->rank == COP_UNKNOWN)
        return status;
    int axis;
    status = cop_rule_axis("gathered", attrs->axis, taken->rank, &axis, error);
    if (status != COP_STATUS_OK || indices->rank == COP_UNKNOWN)
        return status;
    if (taken->rank - 1 + indices->rank > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "the result of src %s and indices %s has more than %d dimensions",
                        cop_shape_text(taken).text, cop_shape_text(indices).text, COP_MAX_RANK);
    struct shape shape = {.rank = 0};
    for (int i = 0; i < axis; i++)
        shape.dims[shape.rank++] = taken->dims[i];
    for (int i = 0; i < indices->rank; i++)
        shape.dims[shape.rank++] = indices->dims[i];
    for (int i = axis + 1; i < taken->rank; i++)
        shape.dims[shape.rank++] = taken->dims[i];
    return cop_rule_join_shape(&dst[0], "dst", &shape, error);
}
