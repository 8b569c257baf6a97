// SPDX-License-Identifier: Apache-2.0
#include "ir/ops/rules.h"

#include <inttypes.h>

#include "base/error.h"

cop_status cop_rule_join_shape(struct op_tensor *tensor, const char *what,
                               const struct shape *shape, cop_error *error)
{
    if (cop_shape_merge(&tensor->shape, shape, NULL))
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s %s should be %s", what,
                    cop_shape_text(&tensor->shape).text, cop_shape_text(shape).text);
}

cop_status cop_rule_join_dtype(struct op_tensor *tensor, const char *what, cop_dtype dtype,
                               cop_error *error)
{
    if (dtype == COP_DTYPE_UNKNOWN || tensor->dtype == dtype)
        return COP_STATUS_OK;
    if (tensor->dtype != COP_DTYPE_UNKNOWN)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s is %s and must be %s", what,
                        cop_dtype_name(tensor->dtype), cop_dtype_name(dtype));
    tensor->dtype = dtype;
    return COP_STATUS_OK;
}

cop_status cop_rule_join_dim(struct op_tensor *tensor, const char *what, int axis, int64_t *dim,
                             cop_error *error)
{
    if (tensor->shape.rank == COP_UNKNOWN)
        return COP_STATUS_OK;
    int64_t *own = &tensor->shape.dims[axis];
    if (*own == COP_UNKNOWN)
        *own = *dim;
    else if (*dim == COP_UNKNOWN)
        *dim = *own;
    else if (*own != *dim)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "%s %s must be %" PRId64 " along axis %d", what,
                        cop_shape_text(&tensor->shape).text, *dim, axis);
    return COP_STATUS_OK;
}

cop_status cop_rule_same_dtype(struct op_tensor *a, const char *what_a, struct op_tensor *b,
                               const char *what_b, cop_error *error)
{
    const cop_status status = cop_rule_join_dtype(b, what_b, a->dtype, error);
    return status == COP_STATUS_OK ? cop_rule_join_dtype(a, what_a, b->dtype, error) : status;
}

cop_status cop_rule_join_rank(struct op_tensor *tensor, const char *what, int rank,
                              cop_error *error)
{
    if (tensor->shape.rank != COP_UNKNOWN && tensor->shape.rank != rank)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s %s must have %d dimensions", what,
                        cop_shape_text(&tensor->shape).text, rank);
    if (tensor->shape.rank == COP_UNKNOWN) {
        tensor->shape.rank = rank;
        for (int i = 0; i < rank; i++)
            tensor->shape.dims[i] = COP_UNKNOWN;
    }
    return COP_STATUS_OK;
}

cop_status cop_rule_axis(const char *what, int64_t axis, int rank, int *normalized,
                         cop_error *error)
{
    if (cop_axis_normalize(axis, rank, normalized))
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                    "%s axis %" PRId64 " is outside a rank of %d", what, axis, rank);
}

cop_status cop_rule_same(struct op_tensor *a, const char *what_a, struct op_tensor *b,
                         const char *what_b, cop_error *error)
{
    cop_status status = cop_rule_same_dtype(a, what_a, b, what_b, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_shape(b, what_b, &a->shape, error);
    return status == COP_STATUS_OK ? cop_rule_join_shape(a, what_a, &b->shape, error) : status;
}

cop_status cop_rule_join_vector(struct op_tensor *tensor, const char *what, int64_t *length,
                                cop_error *error)
{
    const cop_status status = cop_rule_join_rank(tensor, what, 1, error);
    return status == COP_STATUS_OK ? cop_rule_join_dim(tensor, what, 0, length, error) : status;
}
