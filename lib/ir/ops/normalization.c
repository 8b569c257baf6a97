// SPDX-License-Identifier: Apache-2.0
/* BatchNormalization, LRN, Softmax: results of the shape of src. */
#include <inttypes.h>

#include "base/error.h"
#include "ir/ops/rules.h"

/* The four vectors have one dtype, that of src; float16 networks keep them in float32. */
static cop_status join_statistics_dtypes(struct op_tensor *src, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (int i = 2; i < 5 && status == COP_STATUS_OK; i++)
        status = cop_rule_same_dtype(&src[1], "scale", &src[i], "shift, mean or variance", error);
    if (status != COP_STATUS_OK ||
        (src[0].dtype == COP_DTYPE_FLOAT16 && src[1].dtype == COP_DTYPE_FLOAT32))
        return status;
    return cop_rule_same_dtype(&src[0], "src", &src[1], "scale", error);
}

cop_status cop_infer_batch_normalization(const void *attributes, int src_count,
                                         struct op_tensor *src, int dst_count,
                                         struct op_tensor *dst, cop_error *error)
{
    static const char *const names[] = {"src", "scale", "shift", "mean", "variance"};
    (void)src_count, (void)dst_count;
    const struct batch_normalization_attrs *attrs = attributes;
    int axis = 0;
    cop_status status = join_statistics_dtypes(src, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_same(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK && src[0].shape.rank != COP_UNKNOWN)
        status = cop_rule_axis("normalization", attrs->axis, src[0].shape.rank, &axis, error);
    if (status != COP_STATUS_OK)
        return status;

    int64_t channels = src[0].shape.rank == COP_UNKNOWN ? COP_UNKNOWN : src[0].shape.dims[axis];
    /* Two rounds: the last to know tells the first. */
    for (int i = 0; i < 8 && status == COP_STATUS_OK; i++)
        status = cop_rule_join_vector(&src[1 + i % 4], names[1 + i % 4], &channels, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_dim(&src[0], "src", axis, &channels, error);
    return status == COP_STATUS_OK ? cop_rule_join_dim(&dst[0], "dst", axis, &channels, error)
                                   : status;
}

cop_status cop_infer_lrn(const void *attributes, int src_count, struct op_tensor *src,
                         int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct lrn_attrs *attrs = attributes;
    if (attrs->size < 1)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "LRN over %" PRId64 " channels",
                        attrs->size);
    const cop_status status = cop_rule_same(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK && src[0].shape.rank != COP_UNKNOWN && src[0].shape.rank < 2)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "src %s has no channels",
                        cop_shape_text(&src[0].shape).text);
    return status;
}

cop_status cop_infer_softmax(const void *attributes, int src_count, struct op_tensor *src,
                             int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct softmax_attrs *attrs = attributes;
    int axis;
    const cop_status status = cop_rule_same(&src[0], "src", &dst[0], "dst", error);
    if (status != COP_STATUS_OK || src[0].shape.rank == COP_UNKNOWN)
        return status;
    return cop_rule_axis("softmax", attrs->axis, src[0].shape.rank, &axis, error);
}
