// SPDX-License-Identifier: Apache-2.0
#include "ir/op.h"

#include "base/error.h"
#include "ir/ops/rules.h"

static const struct op_def definitions[OP_KIND_COUNT] = {
#define X(kind, lower, op_name, least_src, most_src, least_dst, most_dst, attributes)              \
    [OP_##kind] = {.name = (op_name),                                                              \
                   .min_src = (least_src),                                                         \
                   .max_src = (most_src),                                                          \
                   .min_dst = (least_dst),                                                         \
                   .max_dst = (most_dst),                                                          \
                   .attrs_bytes = sizeof(struct attributes),                                       \
                   .infer = cop_infer_##lower},
#include "ir/op_list.inc"
#undef X
};

const struct op_def *cop_op_def(enum op_kind kind)
{
    return &definitions[kind];
}

static cop_status check_count(const char *what, int count, int least, int most, cop_error *error)
{
    if (count >= least && (most < 0 || count <= most))
        return COP_STATUS_OK;
    if (most < 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "has %d %s, needs at least %d", count,
                        what, least);
    if (most == least)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "has %d %s, needs %d", count, what,
                        least);
    return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "has %d %s, needs %d to %d", count, what,
                    least, most);
}

/* Elements that are known belong to a tensor of known dtype and shape. */
static cop_status check_tensor(const char *what, int index, const struct op_tensor *tensor,
                               cop_error *error)
{
    int64_t elements;
    if (tensor->shape.rank != COP_UNKNOWN &&
        (tensor->shape.rank < 0 || tensor->shape.rank > COP_MAX_RANK))
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "%s %d has rank %d, at most %d is supported",
                        what, index, tensor->shape.rank, COP_MAX_RANK);
    for (int i = 0; i < tensor->shape.rank; i++)
        if (tensor->shape.dims[i] < COP_UNKNOWN || tensor->shape.dims[i] > COP_MAX_ELEMENTS)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s %d has the shape %s", what,
                            index, cop_shape_text(&tensor->shape).text);
    if (cop_shape_is_known(&tensor->shape) && !cop_shape_elements(&tensor->shape, &elements))
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "%s %d %s is larger than any tensor may be",
                        what, index, cop_shape_text(&tensor->shape).text);
    if (tensor->value != NULL &&
        (tensor->dtype == COP_DTYPE_UNKNOWN || !cop_shape_is_known(&tensor->shape)))
        return cop_fail(error, COP_STATUS_INTERNAL, "%s %d has elements but no known shape", what,
                        index);
    return COP_STATUS_OK;
}

static cop_status check_tensors(const char *what, int count, int required,
                                const struct op_tensor *tensors, cop_error *error)
{
    for (int i = 0; i < count; i++) {
        if (i < required && !tensors[i].is_present)
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s %d is required and absent", what,
                            i);
        if (!tensors[i].is_present)
            continue;
        const cop_status status = check_tensor(what, i, &tensors[i], error);
        if (status != COP_STATUS_OK)
            return status;
    }
    return COP_STATUS_OK;
}

cop_status cop_op_infer(enum op_kind kind, const void *attrs, int src_count, struct op_tensor *src,
                        int dst_count, struct op_tensor *dst, cop_error *error)
{
    const struct op_def *def = cop_op_def(kind);
    cop_status status = check_count("inputs", src_count, def->min_src, def->max_src, error);
    if (status == COP_STATUS_OK)
        status = check_count("outputs", dst_count, def->min_dst, def->max_dst, error);
    if (status == COP_STATUS_OK)
        status = check_tensors("input", src_count, def->min_src, src, error);
    if (status == COP_STATUS_OK)
        status = check_tensors("output", dst_count, 0, dst, error);
    if (status == COP_STATUS_OK)
        status = def->infer(attrs, src_count, src, dst_count, dst, error);
    /* What a rule made of two sound shapes may still be too large. */
    if (status == COP_STATUS_OK)
        status = check_tensors("output", dst_count, 0, dst, error);
    return status;
}

const char *cop_unary_name(enum unary_alg alg)
{
    static const char *const names[UNARY_ALG_COUNT] = {
#define UNARY_NAME(kind, name) [UNARY_##kind] = (name),
        COP_UNARY_LIST(UNARY_NAME)
#undef UNARY_NAME
    };
    return (unsigned)alg < UNARY_ALG_COUNT ? names[alg] : "unknown";
}

const char *cop_binary_name(enum binary_alg alg)
{
    static const char *const names[BINARY_ALG_COUNT] = {
#define BINARY_NAME(kind, name) [BINARY_##kind] = (name),
        COP_BINARY_LIST(BINARY_NAME)
#undef BINARY_NAME
    };
    return (unsigned)alg < BINARY_ALG_COUNT ? names[alg] : "unknown";
}

const struct post_ops cop_no_post_ops = {.count = 0};

bool cop_post_ops_has_sum(const struct post_ops *post_ops)
{
    for (int i = 0; i < post_ops->count; i++)
        if (post_ops->entries[i].kind == POST_OP_SUM)
            return true;
    return false;
}
