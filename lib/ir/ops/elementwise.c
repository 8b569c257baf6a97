// SPDX-License-Identifier: Apache-2.0
/* Unary, Binary, PRelu. */
#include "base/error.h"
#include "ir/ops/alignment.h"
#include "ir/ops/rules.h"

cop_status cop_infer_unary(const void *attributes, int src_count, struct op_tensor *src,
                           int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct unary_attrs *attrs = attributes;
    if ((unsigned)attrs->alg >= UNARY_ALG_COUNT)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "function %d does not exist",
                        (int)attrs->alg);
    return cop_rule_same(&src[0], "src", &dst[0], "dst", error);
}

static cop_status refuse_broadcast(const struct op_tensor *src, cop_error *error)
{
    return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "a %s and b %s do not broadcast",
                    cop_shape_text(&src[0].shape).text, cop_shape_text(&src[1].shape).text);
}

bool cop_binary_align(const struct binary_attrs *attrs, const struct shape *a,
                      const struct shape *b, struct shape *aligned)
{
    *aligned = *b;
    if (!attrs->align_left || attrs->same_shape || a->rank == COP_UNKNOWN || b->rank == COP_UNKNOWN)
        return true;
    int axis = 0;
    if (b->rank > a->rank || (b->rank > 0 && !cop_axis_normalize(attrs->axis, a->rank, &axis)) ||
        axis + b->rank > a->rank)
        return false;
    aligned->rank = a->rank;
    for (int i = 0; i < a->rank; i++)
        aligned->dims[i] = i < axis || i >= axis + b->rank ? 1 : b->dims[i - axis];
    return true;
}

/* A side of ones alone decides nothing: the other one has the shape of dst. */
static cop_status join_beside_scalar(const struct shape *ones, struct op_tensor *other,
                                     const char *what, const struct op_tensor *dst,
                                     cop_error *error)
{
    for (int i = 0; i < ones->rank; i++)
        if (ones->dims[i] != 1)
            return COP_STATUS_OK;
    if (ones->rank == COP_UNKNOWN || dst->shape.rank == COP_UNKNOWN ||
        (other->shape.rank == COP_UNKNOWN ? ones->rank > 0 && dst->shape.rank <= ones->rank
                                          : other->shape.rank != dst->shape.rank))
        return COP_STATUS_OK;
    return cop_rule_join_shape(other, what, &dst->shape, error);
}

/* The shape of a vector that lies along an axis of a, if nothing contradicts that it is one. */
static void find_vector(const struct binary_attrs *attrs, const struct shape *a, struct shape *b)
{
    int axis;
    if (!attrs->is_vector || a->rank == COP_UNKNOWN || (b->rank != COP_UNKNOWN && b->rank != 1) ||
        (b->rank == 1 && b->dims[0] != COP_UNKNOWN) ||
        !cop_axis_normalize(attrs->axis, a->rank, &axis))
        return;
    *b = cop_shape_of(1, &a->dims[axis]);
}

cop_status cop_infer_binary(const void *attributes, int src_count, struct op_tensor *src,
                            int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct binary_attrs *attrs = attributes;
    if ((unsigned)attrs->alg >= BINARY_ALG_COUNT)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "function %d does not exist",
                        (int)attrs->alg);
    cop_status status = cop_rule_same_dtype(&src[0], "a", &src[1], "b", error);
    if (status == COP_STATUS_OK)
        status = cop_rule_same_dtype(&src[0], "a", &dst[0], "dst", error);
    if (status == COP_STATUS_OK && attrs->same_shape) {
        /* Each tells both others. */
        status = cop_rule_same(&src[0], "a", &src[1], "b", error);
        if (status == COP_STATUS_OK)
            status = cop_rule_same(&src[1], "b", &dst[0], "dst", error);
        return status == COP_STATUS_OK ? cop_rule_same(&src[0], "a", &src[1], "b", error) : status;
    }
    if (status != COP_STATUS_OK)
        return status;

    find_vector(attrs, &src[0].shape, &src[1].shape);
    struct shape b, joined;
    if (!cop_binary_align(attrs, &src[0].shape, &src[1].shape, &b) ||
        !cop_shape_broadcast(&src[0].shape, &b, &joined) ||
        (attrs->align_left && !cop_shape_merge(&joined, &src[0].shape, NULL)))
        return refuse_broadcast(src, error);
    status = cop_rule_join_shape(&dst[0], "dst", &joined, error);
    if (status == COP_STATUS_OK)
        status = join_beside_scalar(&src[1].shape, &src[0], "a", &dst[0], error);
    if (status == COP_STATUS_OK && !attrs->align_left)
        status = join_beside_scalar(&src[0].shape, &src[1], "b", &dst[0], error);
    return status;
}

/* A vector of slopes lies along axis 1, or along the only axis; one slope serves all. */
static cop_status join_channel_slope(const struct op_tensor *src, struct op_tensor *slope,
                                     cop_error *error)
{
    if (src->shape.rank < 1 || (slope->shape.rank == 1 && slope->shape.dims[0] == 1))
        return COP_STATUS_OK;
    int64_t channels = src->shape.dims[src->shape.rank > 1 ? 1 : 0];
    return cop_rule_join_vector(slope, "slope", &channels, error);
}

cop_status cop_infer_prelu(const void *attributes, int src_count, struct op_tensor *src,
                           int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct prelu_attrs *attrs = attributes;
    struct op_tensor *const slope = &src[1];
    cop_status status = cop_rule_same_dtype(&src[0], "src", slope, "slope", error);
    if (status == COP_STATUS_OK)
        status = cop_rule_same(&src[0], "src", &dst[0], "dst", error);
    if (status != COP_STATUS_OK || src[0].shape.rank == COP_UNKNOWN)
        return status;
    if (attrs->channel_slope && (slope->shape.rank == COP_UNKNOWN || slope->shape.rank == 1))
        return join_channel_slope(&src[0], slope, error);
    struct shape joined;
    if (!cop_shape_broadcast(&src[0].shape, &slope->shape, &joined) ||
        !cop_shape_merge(&joined, &src[0].shape, NULL))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "slope %s does not broadcast to src %s",
                        cop_shape_text(&slope->shape).text, cop_shape_text(&src[0].shape).text);
    return COP_STATUS_OK;
}
