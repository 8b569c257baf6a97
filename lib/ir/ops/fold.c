// SPDX-License-Identifier: Apache-2.0
/* FoldScale, FoldShift: a batch normalization worked into the weights beside it. */
#include <inttypes.h>

#include "base/error.h"
#include "ir/ops/rules.h"

/* Joins `count` vectors with one another. */
static cop_status join_vectors(struct op_tensor *const *vectors, const char *const *names,
                               int count, int64_t *length, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    /* Two rounds: the last to know tells the first. */
    for (int i = 0; i < 2 * count && status == COP_STATUS_OK; i++) {
        status = cop_rule_join_vector(vectors[i % count], names[i % count], length, error);
        if (status == COP_STATUS_OK)
            status = cop_rule_same_dtype(vectors[0], names[0], vectors[i % count], names[i % count],
                                         error);
    }
    return status;
}

cop_status cop_infer_fold_scale(const void *attributes, int src_count, struct op_tensor *src,
                                int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct fold_attrs *attrs = attributes;
    struct op_tensor *const vectors[] = {&src[1], &src[2]};
    int axis = 0;
    int64_t channels = COP_UNKNOWN;
    cop_status status = cop_rule_same(&src[0], "weights", &dst[0], "dst", error);
    if (status == COP_STATUS_OK)
        status = cop_rule_same_dtype(&src[0], "weights", &src[1], "scale", error);
    if (status == COP_STATUS_OK && src[0].shape.rank != COP_UNKNOWN) {
        status = cop_rule_axis("fold", attrs->axis, src[0].shape.rank, &axis, error);
        channels = status == COP_STATUS_OK ? src[0].shape.dims[axis] : COP_UNKNOWN;
    }
    if (status == COP_STATUS_OK)
        status =
            join_vectors(vectors, (const char *const[]){"scale", "variance"}, 2, &channels, error);
    return status == COP_STATUS_OK ? cop_rule_join_dim(&dst[0], "dst", axis, &channels, error)
                                   : status;
}

cop_status cop_infer_fold_shift(const void *attributes, int src_count, struct op_tensor *src,
                                int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)attributes, (void)dst_count;
    static const char *const names[] = {"dst", "scale", "shift", "mean", "variance", "bias"};
    struct op_tensor *const vectors[] = {&dst[0], &src[0], &src[1],
                                         &src[2], &src[3], src_count > 4 ? &src[4] : NULL};
    const int count = src_count > 4 && src[4].is_present ? 6 : 5;
    int64_t channels = COP_UNKNOWN;
    return join_vectors(vectors, names, count, &channels, error);
}
