// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "base/error.h"
#include "ir/ops/rules.h"
#include "ir/ops/window.h"

static cop_status check_attributes(const struct pooling_attrs *attrs, int dst_count,
                                   cop_error *error)
{
    if ((unsigned)attrs->alg > POOLING_LP)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "pooling %d does not exist",
                        (int)attrs->alg);
    if (attrs->alg == POOLING_LP && attrs->p < 1)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "LP pooling with p %" PRId64, attrs->p);
    if (dst_count > 1 && attrs->alg != POOLING_MAX)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "only maximum pooling has a second output");
    if (!attrs->is_global && (attrs->spatial_rank < 1 || attrs->spatial_rank > COP_MAX_SPATIAL))
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "%d spatial dimensions; 1 to %d are supported", attrs->spatial_rank,
                        COP_MAX_SPATIAL);
    return COP_STATUS_OK;
}

static cop_status join_ranks(const struct pooling_attrs *attrs, struct op_tensor *src,
                             struct op_tensor *dst, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    if (!attrs->is_global)
        status = cop_rule_join_rank(src, "src", attrs->spatial_rank + 2, error);
    else if (src->shape.rank == COP_UNKNOWN && dst->shape.rank != COP_UNKNOWN)
        status = cop_rule_join_rank(src, "src", dst->shape.rank, error);
    if (status != COP_STATUS_OK || src->shape.rank == COP_UNKNOWN)
        return status;
    if (src->shape.rank < 3 || src->shape.rank > 2 + COP_MAX_SPATIAL)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "src %s needs 1 to %d spatial dimensions",
                        cop_shape_text(&src->shape).text, COP_MAX_SPATIAL);
    return cop_rule_join_rank(dst, "dst", src->shape.rank, error);
}

static cop_status join_dims(const struct pooling_attrs *attrs, struct op_tensor *src,
                            struct op_tensor *dst, cop_error *error)
{
    struct window_geometry geometry;
    cop_status status = cop_window_pooling(attrs, &src->shape, &geometry, error);
    for (int i = 0; i < 2 && status == COP_STATUS_OK; i++) {
        int64_t dim = src->shape.dims[i];
        status = cop_rule_join_dim(dst, "dst", i, &dim, error);
        if (status == COP_STATUS_OK)
            status = cop_rule_join_dim(src, "src", i, &dim, error);
    }
    for (int i = 0; i < geometry.rank && status == COP_STATUS_OK; i++)
        status = cop_rule_join_dim(dst, "dst", 2 + i, &geometry.dst[i], error);
    return status;
}

cop_status cop_infer_pooling(const void *attributes, int src_count, struct op_tensor *src,
                             int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count;
    const struct pooling_attrs *attrs = attributes;
    cop_status status = check_attributes(attrs, dst_count, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK)
        status = join_ranks(attrs, &src[0], &dst[0], error);
    if (status == COP_STATUS_OK && src[0].shape.rank != COP_UNKNOWN)
        status = join_dims(attrs, &src[0], &dst[0], error);
    if (status != COP_STATUS_OK || dst_count < 2 || !dst[1].is_present)
        return status;
    status = cop_rule_join_shape(&dst[1], "indices", &dst[0].shape, error);
    return status == COP_STATUS_OK ? cop_rule_join_dtype(&dst[1], "indices", COP_DTYPE_INT64, error)
                                   : status;
}
