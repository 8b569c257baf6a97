// SPDX-License-Identifier: Apache-2.0
/* Products of matrices: FullyConnected, Gemm, MatMul. */
#include "base/error.h"
#include "ir/ops/rules.h"

/* dst has the dimensions of src but for the last; whichever is known tells the other. */
static cop_status join_leading(struct op_tensor *src, struct op_tensor *dst, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < src->shape.rank - 1 && status == COP_STATUS_OK; i++) {
        int64_t dim = src->shape.dims[i];
        status = cop_rule_join_dim(dst, "dst", i, &dim, error);
        if (status == COP_STATUS_OK)
            status = cop_rule_join_dim(src, "src", i, &dim, error);
    }
    return status;
}

/* A bias is [oc]; MXNet files may hold it as [oc,1]. */
static cop_status join_bias(struct op_tensor *bias, int64_t *oc, cop_error *error)
{
    if (bias->shape.rank != 2)
        return cop_rule_join_vector(bias, "bias", oc, error);
    int64_t one = 1;
    const cop_status status = cop_rule_join_dim(bias, "bias", 1, &one, error);
    return status == COP_STATUS_OK ? cop_rule_join_dim(bias, "bias", 0, oc, error) : status;
}

static cop_status join_output_channels(struct op_tensor *weights, struct op_tensor *bias,
                                       struct op_tensor *dst, cop_error *error)
{
    int64_t oc = COP_UNKNOWN;
    /* Two rounds: the last to know tells the first. */
    for (int round = 0; round < 2; round++) {
        cop_status status = cop_rule_join_dim(weights, "weights", 0, &oc, error);
        if (status == COP_STATUS_OK)
            status = cop_rule_join_dim(dst, "dst", dst->shape.rank - 1, &oc, error);
        if (status == COP_STATUS_OK && bias != NULL)
            status = join_bias(bias, &oc, error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

cop_status cop_infer_fully_connected(const void *attributes, int src_count, struct op_tensor *src,
                                     int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)attributes, (void)dst_count;
    struct op_tensor *const weights = &src[1];
    struct op_tensor *const bias = src_count > 2 && src[2].is_present ? &src[2] : NULL;
    cop_status status = cop_rule_same_dtype(&src[0], "src", weights, "weights", error);
    if (status == COP_STATUS_OK && bias != NULL)
        status = cop_rule_same_dtype(weights, "weights", bias, "bias", error);
    if (status == COP_STATUS_OK)
        status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_rank(weights, "weights", 2, error);
    if (status != COP_STATUS_OK)
        return status;

    if (src[0].shape.rank == 0 || dst[0].shape.rank == 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "src or dst is a scalar");
    if (src[0].shape.rank != COP_UNKNOWN)
        status = cop_rule_join_rank(&dst[0], "dst", src[0].shape.rank, error);
    else if (dst[0].shape.rank != COP_UNKNOWN)
        status = cop_rule_join_rank(&src[0], "src", dst[0].shape.rank, error);
    if (status == COP_STATUS_OK)
        status = join_leading(&src[0], &dst[0], error);
    if (status == COP_STATUS_OK)
        status = join_output_channels(weights, bias, &dst[0], error);

    int64_t k = weights->shape.dims[1];
    if (status == COP_STATUS_OK)
        status = cop_rule_join_dim(&src[0], "src", src[0].shape.rank - 1, &k, error);
    return status == COP_STATUS_OK ? cop_rule_join_dim(weights, "weights", 1, &k, error) : status;
}

/* c must broadcast to [m,n] and not beyond. */
static cop_status check_addend(const struct op_tensor *addend, const struct op_tensor *dst,
                               cop_error *error)
{
    struct shape joined;
    if (cop_shape_broadcast(&addend->shape, &dst->shape, &joined) &&
        cop_shape_merge(&joined, &dst->shape, NULL))
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "c %s does not broadcast to %s",
                    cop_shape_text(&addend->shape).text, cop_shape_text(&dst->shape).text);
}

cop_status cop_infer_gemm(const void *attributes, int src_count, struct op_tensor *src,
                          int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)dst_count;
    const struct gemm_attrs *attrs = attributes;
    struct op_tensor *const c = src_count > 2 && src[2].is_present ? &src[2] : NULL;
    cop_status status = cop_rule_same_dtype(&src[0], "a", &src[1], "b", error);
    if (status == COP_STATUS_OK && c != NULL)
        status = cop_rule_same_dtype(&src[0], "a", c, "c", error);
    if (status == COP_STATUS_OK)
        status = cop_rule_same_dtype(&src[0], "a", &dst[0], "dst", error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_rank(&src[0], "a", 2, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_rank(&src[1], "b", 2, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_rank(&dst[0], "dst", 2, error);

    const int row = attrs->trans_a ? 1 : 0, column = attrs->trans_b ? 0 : 1;
    int64_t m = src[0].shape.dims[row], n = src[1].shape.dims[column];
    int64_t k = src[0].shape.dims[1 - row];
    if (status == COP_STATUS_OK)
        status = cop_rule_join_dim(&src[1], "b", 1 - column, &k, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_dim(&src[0], "a", 1 - row, &k, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_dim(&dst[0], "dst", 0, &m, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_dim(&dst[0], "dst", 1, &n, error);
    return status == COP_STATUS_OK && c != NULL ? check_addend(c, &dst[0], error) : status;
}

/* The shape of one side of a product as a stack of matrices: a vector becomes a row or a column. */
static cop_status view_as_matrix(const struct op_tensor *tensor, const char *what, bool transpose,
                                 bool is_left, struct shape *matrix, cop_error *error)
{
    *matrix = tensor->shape;
    if (matrix->rank == 0 || (matrix->rank == 1 && transpose))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s %s is no matrix%s", what,
                        cop_shape_text(&tensor->shape).text,
                        transpose ? " that can be transposed" : "");
    if (matrix->rank == 1) {
        const int64_t length = matrix->dims[0];
        *matrix = is_left ? cop_shape_of(2, (int64_t[]){1, length})
                          : cop_shape_of(2, (int64_t[]){length, 1});
    }
    if (transpose) {
        const int64_t rows = matrix->dims[matrix->rank - 2];
        matrix->dims[matrix->rank - 2] = matrix->dims[matrix->rank - 1];
        matrix->dims[matrix->rank - 1] = rows;
    }
    return COP_STATUS_OK;
}

/* Batch dimensions broadcast; then rows of a and columns of b, where that side has them. */
static cop_status multiply_shapes(const struct op_tensor *src, const struct shape *a,
                                  const struct shape *b, struct shape *product, cop_error *error)
{
    const int64_t inner_a = a->dims[a->rank - 1], inner_b = b->dims[b->rank - 2];
    const struct shape batch_a = cop_shape_of(a->rank - 2, a->dims);
    const struct shape batch_b = cop_shape_of(b->rank - 2, b->dims);
    if (!cop_shape_broadcast(&batch_a, &batch_b, product) ||
        (inner_a != COP_UNKNOWN && inner_b != COP_UNKNOWN && inner_a != inner_b))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "a %s and b %s do not fit",
                        cop_shape_text(&src[0].shape).text, cop_shape_text(&src[1].shape).text);
    if (src[0].shape.rank > 1)
        product->dims[product->rank++] = a->dims[a->rank - 2];
    if (src[1].shape.rank > 1)
        product->dims[product->rank++] = b->dims[b->rank - 1];
    return COP_STATUS_OK;
}

cop_status cop_infer_matmul(const void *attributes, int src_count, struct op_tensor *src,
                            int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct matmul_attrs *attrs = attributes;
    cop_status status = cop_rule_same_dtype(&src[0], "a", &src[1], "b", error);
    if (status == COP_STATUS_OK)
        status = cop_rule_same_dtype(&src[0], "a", &dst[0], "dst", error);
    if (status != COP_STATUS_OK || src[0].shape.rank == COP_UNKNOWN ||
        src[1].shape.rank == COP_UNKNOWN)
        return status;
    struct shape a, b, product;
    status = view_as_matrix(&src[0], "a", attrs->trans_a, true, &a, error);
    if (status == COP_STATUS_OK)
        status = view_as_matrix(&src[1], "b", attrs->trans_b, false, &b, error);
    if (status == COP_STATUS_OK)
        status = multiply_shapes(src, &a, &b, &product, error);
    return status == COP_STATUS_OK ? cop_rule_join_shape(&dst[0], "dst", &product, error) : status;
}
