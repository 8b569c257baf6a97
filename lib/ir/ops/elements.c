// SPDX-License-Identifier: Apache-2.0
/* Shape, Cast, Fill, Identity. */
#include "base/error.h"
#include "ir/ops/resolve.h"
#include "ir/ops/rules.h"

cop_status cop_infer_shape(const void *attributes, int src_count, struct op_tensor *src,
                           int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    int first, end;
    int64_t count = COP_UNKNOWN;
    if (src[0].shape.rank != COP_UNKNOWN) {
        cop_resolve_shape_range(attributes, src[0].shape.rank, &first, &end);
        count = end - first;
    }
    const cop_status status = cop_rule_join_dtype(&dst[0], "dst", COP_DTYPE_INT64, error);
    return status == COP_STATUS_OK ? cop_rule_join_vector(&dst[0], "dst", &count, error) : status;
}

static cop_status join_shapes(struct op_tensor *src, struct op_tensor *dst, cop_error *error)
{
    const cop_status status = cop_rule_join_shape(dst, "dst", &src->shape, error);
    return status == COP_STATUS_OK ? cop_rule_join_shape(src, "src", &dst->shape, error) : status;
}

cop_status cop_infer_cast(const void *attributes, int src_count, struct op_tensor *src,
                          int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct cast_attrs *attrs = attributes;
    if (cop_dtype_bytes(attrs->to) == 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "element type %d does not exist",
                        (int)attrs->to);
    const cop_status status = cop_rule_join_dtype(&dst[0], "dst", attrs->to, error);
    return status == COP_STATUS_OK ? join_shapes(&src[0], &dst[0], error) : status;
}

cop_status cop_infer_fill(const void *attributes, int src_count, struct op_tensor *src,
                          int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct fill_attrs *attrs = attributes;
    cop_status status = attrs->dtype == COP_DTYPE_UNKNOWN
                            ? cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error)
                            : cop_rule_join_dtype(&dst[0], "dst", attrs->dtype, error);
    if (status == COP_STATUS_OK && attrs->dtype != COP_DTYPE_UNKNOWN &&
        cop_dtype_bytes(attrs->dtype) == 0)
        status = cop_fail(error, COP_STATUS_MALFORMED_MODEL, "element type %d does not exist",
                          (int)attrs->dtype);
    return status == COP_STATUS_OK ? join_shapes(&src[0], &dst[0], error) : status;
}

cop_status cop_infer_identity(const void *attributes, int src_count, struct op_tensor *src,
                              int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)attributes, (void)src_count, (void)dst_count;
    return cop_rule_same(&src[0], "src", &dst[0], "dst", error);
}
