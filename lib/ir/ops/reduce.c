// SPDX-License-Identifier: Apache-2.0
/* Reduce, Arg. */
#include <inttypes.h>

#include "base/error.h"
#include "ir/ops/alignment.h"
#include "ir/ops/rules.h"

cop_status cop_reduce_axes(const struct reduce_attrs *attrs, const int64_t *input,
                           int64_t input_count, int rank, bool reduced[COP_MAX_RANK],
                           cop_error *error)
{
    const int64_t count = input == NULL ? attrs->axis_count : input_count;
    const int64_t *axes = input == NULL ? attrs->axes : input;
    for (int i = 0; i < COP_MAX_RANK; i++)
        reduced[i] = false;
    for (int64_t i = 0; i < count; i++) {
        int axis;
        const cop_status status = cop_rule_axis("reduction", axes[i], rank, &axis, error);
        if (status != COP_STATUS_OK)
            return status;
        if (reduced[axis])
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "reduction axis %" PRId64 " is named twice", axes[i]);
        reduced[axis] = true;
    }
    const bool all = count == 0 && !attrs->identity_if_no_axes;
    const bool inverted = count > 0 && attrs->exclude;
    for (int i = 0; i < rank; i++)
        reduced[i] = all || reduced[i] != inverted;
    return COP_STATUS_OK;
}

static struct shape reduce_shape(const struct shape *src, const bool *reduced, bool keep_dims,
                                 bool rank_at_least_1)
{
    struct shape dst = {.rank = 0};
    for (int i = 0; i < src->rank; i++)
        if (!reduced[i])
            dst.dims[dst.rank++] = src->dims[i];
        else if (keep_dims)
            dst.dims[dst.rank++] = 1;
    if (dst.rank == 0 && rank_at_least_1)
        dst.dims[dst.rank++] = 1;
    return dst;
}

static cop_status check_attributes(const struct reduce_attrs *attrs, cop_error *error)
{
    if ((unsigned)attrs->alg > REDUCE_PROD)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "reduction %d does not exist",
                        (int)attrs->alg);
    if (attrs->axis_count < 0 || attrs->axis_count > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%d reduction axes", attrs->axis_count);
    return COP_STATUS_OK;
}

cop_status cop_infer_reduce(const void *attributes, int src_count, struct op_tensor *src,
                            int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)dst_count;
    const struct reduce_attrs *attrs = attributes;
    struct op_tensor *const axes = src_count > 1 && src[1].is_present ? &src[1] : NULL;
    int64_t axis_count = COP_UNKNOWN;
    cop_status status = check_attributes(attrs, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK && axes != NULL)
        status = cop_rule_join_dtype(axes, "axes", COP_DTYPE_INT64, error);
    if (status == COP_STATUS_OK && axes != NULL)
        status = cop_rule_join_vector(axes, "axes", &axis_count, error);
    if (status != COP_STATUS_OK || src[0].shape.rank == COP_UNKNOWN)
        return status;

    if (axes != NULL && axes->value == NULL)
        return attrs->keep_dims ? cop_rule_join_rank(&dst[0], "dst", src[0].shape.rank, error)
                                : COP_STATUS_OK;
    bool reduced[COP_MAX_RANK];
    status = cop_reduce_axes(attrs, axes == NULL ? NULL : axes->value, axis_count,
                             src[0].shape.rank, reduced, error);
    if (status != COP_STATUS_OK)
        return status;
    const struct shape shape =
        reduce_shape(&src[0].shape, reduced, attrs->keep_dims, attrs->rank_at_least_1);
    return cop_rule_join_shape(&dst[0], "dst", &shape, error);
}

/* There is no position in nothing. */
static cop_status check_searched(const struct shape *src, const bool *searched, cop_error *error)
{
    for (int i = 0; i < src->rank; i++)
        if (searched[i] && src->dims[i] == 0)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                            "src %s has no elements to choose from", cop_shape_text(src).text);
    return COP_STATUS_OK;
}

cop_status cop_infer_arg(const void *attributes, int src_count, struct op_tensor *src,
                         int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct arg_attrs *attrs = attributes;
    const cop_dtype dtype =
        attrs->dst_dtype == COP_DTYPE_UNKNOWN ? COP_DTYPE_INT64 : attrs->dst_dtype;
    cop_status status = cop_rule_join_dtype(&dst[0], "dst", dtype, error);
    if (status != COP_STATUS_OK || src[0].shape.rank == COP_UNKNOWN)
        return status;
    const int rank = src[0].shape.rank;
    bool searched[COP_MAX_RANK] = {false};
    int axis = 0;
    if (!attrs->flatten)
        status = cop_rule_axis("search", attrs->axis, rank, &axis, error);
    if (status != COP_STATUS_OK)
        return status;
    for (int i = 0; i < rank; i++)
        searched[i] = attrs->flatten || i == axis;
    status = check_searched(&src[0].shape, searched, error);
    if (status != COP_STATUS_OK)
        return status;
    const struct shape shape =
        reduce_shape(&src[0].shape, searched, attrs->keep_dims, attrs->flatten);
    return cop_rule_join_shape(&dst[0], "dst", &shape, error);
}
