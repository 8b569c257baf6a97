// SPDX-License-Identifier: Apache-2.0
/* Reshape, Flatten, Squeeze, Unsqueeze: the same elements under another shape. */
#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"
#include "ir/ops/resolve.h"
#include "ir/ops/rules.h"

/* A target shape while its entries are read. */
struct reshaping {
    struct shape src;              /* rank COP_UNKNOWN: nothing is known */
    struct shape dst;              /* built up */
    int inferred;                  /* the axis of dst that follows from the rest; −1: none */
    bool is_carried[COP_MAX_RANK]; /* axis of src that goes into dst whole, alone or in a product */
    bool is_literal[COP_MAX_RANK]; /* axis of dst that comes from a number */
};

static cop_status add_dim(struct reshaping *reshaping, int64_t size, bool is_literal,
                          cop_error *error)
{
    if (reshaping->dst.rank == COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "the target has more than %d dimensions",
                        COP_MAX_RANK);
    reshaping->is_literal[reshaping->dst.rank] = is_literal;
    reshaping->dst.dims[reshaping->dst.rank++] = size;
    return COP_STATUS_OK;
}

static cop_status add_inferred(struct reshaping *reshaping, cop_error *error)
{
    if (reshaping->inferred >= 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "two dimensions of the target are to follow from the rest");
    reshaping->inferred = reshaping->dst.rank;
    return add_dim(reshaping, COP_UNKNOWN, false, error);
}

/* Takes dimension `axis` of src over. */
static cop_status add_carried(struct reshaping *reshaping, int axis, cop_error *error)
{
    if (axis >= reshaping->src.rank)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "the target copies dimension %d of src %s", axis,
                        cop_shape_text(&reshaping->src).text);
    reshaping->is_carried[axis] = true;
    return add_dim(reshaping, reshaping->src.dims[axis], false, error);
}

/* Product of two sizes, either of which may be unknown. */
static cop_status multiply(int64_t a, int64_t b, int64_t *product, cop_error *error)
{
    *product = COP_UNKNOWN;
    if (a == 0 || b == 0)
        *product = 0;
    else if (a != COP_UNKNOWN && b != COP_UNKNOWN && !cop_mul_int64(a, b, product))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "%" PRId64 " times %" PRId64 " overflows", a, b);
    return COP_STATUS_OK;
}

/* The inferred dimension: what of src was not carried over, divided by the numbers. */
static cop_status infer_dim(struct reshaping *reshaping, cop_error *error)
{
    int64_t rest = 1, numbers = 1;
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < reshaping->src.rank && status == COP_STATUS_OK; i++)
        if (!reshaping->is_carried[i])
            status = multiply(rest, reshaping->src.dims[i], &rest, error);
    for (int i = 0; i < reshaping->dst.rank && status == COP_STATUS_OK; i++)
        if (reshaping->is_literal[i])
            status = multiply(numbers, reshaping->dst.dims[i], &numbers, error);
    if (status != COP_STATUS_OK || rest == COP_UNKNOWN)
        return status;
    if (numbers == 0 || rest % numbers != 0)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "no size fits for the open dimension of the target: %" PRId64
                        " elements of src %s over %" PRId64,
                        rest, cop_shape_text(&reshaping->src).text, numbers);
    reshaping->dst.dims[reshaping->inferred] = rest / numbers;
    return COP_STATUS_OK;
}

/* ONNX: 0 copies the dimension at its own place, −1 follows from the rest. */
static cop_status read_onnx_target(struct reshaping *reshaping, const struct reshape_attrs *attrs,
                                   int count, const int64_t *target, cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < count && status == COP_STATUS_OK; i++) {
        if (target[i] == -1)
            status = add_inferred(reshaping, error);
        else if (target[i] == 0 && !attrs->allow_zero)
            status = add_carried(reshaping, i, error);
        else if (target[i] >= 0)
            status = add_dim(reshaping, target[i], true, error);
        else
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "target dimension %d is %" PRId64, i,
                            target[i]);
    }
    return status;
}

/* MXNet's −4 a b: one dimension becomes two, one of which may be −1. */
static cop_status split_dim(struct reshaping *reshaping, int axis, int64_t a, int64_t b,
                            cop_error *error)
{
    if (axis >= reshaping->src.rank || (a < 1 && a != -1) || (b < 1 && b != -1) ||
        (a == -1 && b == -1))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "dimension %d of src %s cannot become %" PRId64 " and %" PRId64, axis,
                        cop_shape_text(&reshaping->src).text, a, b);
    const int64_t size = reshaping->src.dims[axis];
    reshaping->is_carried[axis] = true;
    if (a == -1 && size != COP_UNKNOWN)
        a = size / b;
    if (b == -1 && size != COP_UNKNOWN)
        b = size / a;
    int64_t product;
    cop_status status = multiply(a, b, &product, error);
    if (status == COP_STATUS_OK && size != COP_UNKNOWN && product != size)
        status = cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                          "%" PRId64 " elements do not divide into %" PRId64 " and %" PRId64, size,
                          a, b);
    if (status == COP_STATUS_OK)
        status = add_dim(reshaping, a, false, error);
    return status == COP_STATUS_OK ? add_dim(reshaping, b, false, error) : status;
}

/* MXNet's −3: two dimensions become one. */
static cop_status merge_dims(struct reshaping *reshaping, int axis, cop_error *error)
{
    int64_t product;
    if (axis + 1 >= reshaping->src.rank)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL,
                        "the target multiplies dimensions %d and %d of src %s", axis, axis + 1,
                        cop_shape_text(&reshaping->src).text);
    reshaping->is_carried[axis] = reshaping->is_carried[axis + 1] = true;
    const cop_status status =
        multiply(reshaping->src.dims[axis], reshaping->src.dims[axis + 1], &product, error);
    return status == COP_STATUS_OK ? add_dim(reshaping, product, false, error) : status;
}

/* MXNet: the target is walked together with the dimensions of src. */
static cop_status read_mxnet_target(struct reshaping *reshaping, int count, const int64_t *target,
                                    cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    int axis = 0;
    for (int i = 0; i < count && status == COP_STATUS_OK; i++) {
        if (target[i] > 0) {
            status = add_dim(reshaping, target[i], true, error);
            axis++;
        } else if (target[i] == 0) {
            status = add_carried(reshaping, axis++, error);
        } else if (target[i] == -1) {
            status = add_inferred(reshaping, error);
            axis++;
        } else if (target[i] == -2) {
            while (axis < reshaping->src.rank && status == COP_STATUS_OK)
                status = add_carried(reshaping, axis++, error);
        } else if (target[i] == -3) {
            status = merge_dims(reshaping, axis, error);
            axis += 2;
        } else if (target[i] == -4 && i + 2 < count) {
            status = split_dim(reshaping, axis++, target[i + 1], target[i + 2], error);
            i += 2;
        } else {
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "target entry %d is %" PRId64, i,
                            target[i]);
        }
    }
    return status;
}

static void reverse(int64_t *entries, int count)
{
    for (int i = 0; i < count / 2; i++) {
        const int64_t entry = entries[i];
        entries[i] = entries[count - 1 - i];
        entries[count - 1 - i] = entry;
    }
}

static cop_status read_target(struct reshaping *reshaping, const struct reshape_attrs *attrs,
                              int count, int64_t *target, cop_error *error)
{
    cop_status status;
    if (attrs->is_mxnet && attrs->reverse) {
        reverse(reshaping->src.dims, reshaping->src.rank);
        reverse(target, count);
    }
    status = attrs->is_mxnet ? read_mxnet_target(reshaping, count, target, error)
                             : read_onnx_target(reshaping, attrs, count, target, error);
    if (status == COP_STATUS_OK && reshaping->inferred >= 0)
        status = infer_dim(reshaping, error);
    if (attrs->is_mxnet && attrs->reverse)
        reverse(reshaping->dst.dims, reshaping->dst.rank);
    return status;
}

/* Both sides hold the same number of elements: the last unknown dimension of `open` follows. */
static cop_status balance(struct op_tensor *open, const char *what, const struct op_tensor *known,
                          cop_error *error)
{
    int64_t elements, rest = 1, *unknown = NULL;
    if (!cop_shape_is_known(&known->shape) || open->shape.rank == COP_UNKNOWN ||
        !cop_shape_elements(&known->shape, &elements))
        return COP_STATUS_OK;
    for (int i = 0; i < open->shape.rank; i++) {
        int64_t *size = &open->shape.dims[i];
        if (*size == COP_UNKNOWN && unknown != NULL)
            return COP_STATUS_OK;
        if (*size == COP_UNKNOWN)
            unknown = size;
        else if (!cop_mul_int64(rest, *size, &rest))
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s %s is too large", what,
                            cop_shape_text(&open->shape).text);
    }
    if (unknown != NULL && rest > 0 && elements % rest == 0) {
        *unknown = elements / rest;
        return COP_STATUS_OK;
    }
    if ((unknown == NULL && rest == elements) || (rest == 0 && elements == 0))
        return COP_STATUS_OK;
    return cop_fail(
        error, COP_STATUS_MALFORMED_MODEL, "%s %s cannot hold the %" PRId64 " elements of %s", what,
        cop_shape_text(&open->shape).text, elements, cop_shape_text(&known->shape).text);
}

static cop_status balance_both(struct op_tensor *src, struct op_tensor *dst, cop_error *error)
{
    const cop_status status = balance(dst, "dst", src, error);
    return status == COP_STATUS_OK ? balance(src, "src", dst, error) : status;
}

/* The list of target entries, from the input or the attributes. */
static cop_status find_target(const struct reshape_attrs *attrs, int src_count,
                              const struct op_tensor *src, struct index_list *list,
                              cop_error *error)
{
    if (src_count > 1 && src[1].is_present)
        return cop_resolve_list("target dimensions", &src[1], COP_MAX_RESHAPE, list, error);
    if (attrs->count < 0 || attrs->count > COP_MAX_RESHAPE)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%d target dimensions", attrs->count);
    list->is_known = true;
    list->count = attrs->count;
    for (int i = 0; i < attrs->count; i++)
        list->entries[i] = attrs->target[i];
    return COP_STATUS_OK;
}

/* Without knowing src, a target of plain numbers says something all the same. */
static bool needs_src(const struct reshape_attrs *attrs, const struct index_list *list)
{
    for (int i = 0; i < list->count; i++)
        if (list->entries[i] < -1 ||
            (list->entries[i] == 0 && (attrs->is_mxnet || !attrs->allow_zero)))
            return true;
    return false;
}

cop_status cop_infer_reshape(const void *attributes, int src_count, struct op_tensor *src,
                             int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)dst_count;
    const struct reshape_attrs *attrs = attributes;
    struct reshaping reshaping = {.src = src[0].shape, .inferred = -1};
    struct index_list list;
    cop_status status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK)
        status = find_target(attrs, src_count, src, &list, error);
    if (status != COP_STATUS_OK)
        return status;
    if (!list.is_known && list.count != COP_UNKNOWN && list.count <= COP_MAX_RANK &&
        !attrs->is_mxnet)
        return cop_rule_join_rank(&dst[0], "dst", list.count, error);
    if (!list.is_known || (src[0].shape.rank == COP_UNKNOWN && needs_src(attrs, &list)))
        return COP_STATUS_OK;
    if (src[0].shape.rank == COP_UNKNOWN)
        reshaping.src = (struct shape){.rank = 1, .dims = {COP_UNKNOWN}};
    status = read_target(&reshaping, attrs, list.count, list.entries, error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_shape(&dst[0], "dst", &reshaping.dst, error);
    return status == COP_STATUS_OK ? balance_both(&src[0], &dst[0], error) : status;
}

/* Product of dims begin … end − 1 of src, which may be unknown. */
static cop_status group(const struct shape *src, int begin, int end, int64_t *product,
                        cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    *product = 1;
    for (int i = begin; i < end && status == COP_STATUS_OK; i++)
        status = multiply(*product, src->dims[i], product, error);
    return status;
}

/* The one unknown dimension of a group follows from the group's product. */
static void solve_group(struct shape *src, int begin, int end, int64_t product)
{
    int64_t rest = 1, *unknown = NULL;
    for (int i = begin; i < end; i++) {
        if (src->dims[i] == COP_UNKNOWN && unknown == NULL)
            unknown = &src->dims[i];
        else if (src->dims[i] == COP_UNKNOWN || !cop_mul_int64(rest, src->dims[i], &rest))
            return;
    }
    if (unknown != NULL && product != COP_UNKNOWN && rest > 0 && product % rest == 0)
        *unknown = product / rest;
}

cop_status cop_infer_flatten(const void *attributes, int src_count, struct op_tensor *src,
                             int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)src_count, (void)dst_count;
    const struct flatten_attrs *attrs = attributes;
    struct shape *shape = &src[0].shape;
    cop_status status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_rank(&dst[0], "dst", 2, error);
    if (status != COP_STATUS_OK || shape->rank == COP_UNKNOWN)
        return status;
    int axis = shape->rank;
    if (attrs->axis != shape->rank)
        status = cop_rule_axis("flattened", attrs->axis, shape->rank, &axis, error);
    struct shape flat = {.rank = 2};
    if (status == COP_STATUS_OK)
        status = group(shape, 0, axis, &flat.dims[0], error);
    if (status == COP_STATUS_OK)
        status = group(shape, axis, shape->rank, &flat.dims[1], error);
    if (status == COP_STATUS_OK)
        status = cop_rule_join_shape(&dst[0], "dst", &flat, error);
    if (status != COP_STATUS_OK)
        return status;
    solve_group(shape, 0, axis, dst[0].shape.dims[0]);
    solve_group(shape, axis, shape->rank, dst[0].shape.dims[1]);
    return COP_STATUS_OK;
}

/* The axes of Squeeze and Unsqueeze, relative to `rank` once that is known. */
static cop_status find_axes(const struct axes_attrs *attrs, int src_count,
                            const struct op_tensor *src, struct index_list *list, cop_error *error)
{
    if (src_count > 1 && src[1].is_present)
        return cop_resolve_list("axes", &src[1], COP_MAX_RANK, list, error);
    if (attrs->count < 0 || attrs->count > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%d axes", attrs->count);
    list->is_known = true;
    list->count = attrs->count;
    for (int i = 0; i < attrs->count; i++)
        list->entries[i] = attrs->axes[i];
    return COP_STATUS_OK;
}

static cop_status mark_axes(const struct index_list *list, int rank, bool *is_marked,
                            cop_error *error)
{
    for (int i = 0; i < COP_MAX_RANK; i++)
        is_marked[i] = false;
    for (int i = 0; i < list->count; i++) {
        int axis;
        const cop_status status = cop_rule_axis("the", list->entries[i], rank, &axis, error);
        if (status != COP_STATUS_OK)
            return status;
        if (is_marked[axis])
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "axis %" PRId64 " is named twice",
                            list->entries[i]);
        is_marked[axis] = true;
    }
    return COP_STATUS_OK;
}

cop_status cop_infer_squeeze(const void *attributes, int src_count, struct op_tensor *src,
                             int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)dst_count;
    const struct axes_attrs *attrs = attributes;
    struct shape *shape = &src[0].shape, squeezed = {.rank = 0};
    struct index_list list;
    bool is_marked[COP_MAX_RANK];
    cop_status status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK)
        status = find_axes(attrs, src_count, src, &list, error);
    if (status != COP_STATUS_OK || !list.is_known || shape->rank == COP_UNKNOWN)
        return status;
    const bool has_axes = list.count > 0 || (src_count > 1 && src[1].is_present);
    if (!has_axes && !cop_shape_is_known(shape))
        return COP_STATUS_OK; /* which dimensions are 1 is not known yet */
    status = mark_axes(&list, shape->rank, is_marked, error);
    for (int i = 0; i < shape->rank && status == COP_STATUS_OK; i++) {
        int64_t one = 1;
        if (has_axes && is_marked[i])
            status = cop_rule_join_dim(&src[0], "src", i, &one, error);
        else if (has_axes || shape->dims[i] != 1)
            squeezed.dims[squeezed.rank++] = shape->dims[i];
    }
    if (squeezed.rank == 0 && attrs->rank_at_least_1)
        squeezed.dims[squeezed.rank++] = 1;
    if (status == COP_STATUS_OK)
        status = cop_rule_join_shape(&dst[0], "dst", &squeezed, error);
    return status == COP_STATUS_OK ? balance_both(&src[0], &dst[0], error) : status;
}

cop_status cop_infer_unsqueeze(const void *attributes, int src_count, struct op_tensor *src,
                               int dst_count, struct op_tensor *dst, cop_error *error)
{
    (void)dst_count;
    const struct shape *shape = &src[0].shape;
    struct index_list list;
    bool is_marked[COP_MAX_RANK];
    cop_status status = cop_rule_same_dtype(&src[0], "src", &dst[0], "dst", error);
    if (status == COP_STATUS_OK)
        status = find_axes(attributes, src_count, src, &list, error);
    if (status != COP_STATUS_OK || list.count == COP_UNKNOWN || shape->rank == COP_UNKNOWN)
        return status;
    struct shape longer = {.rank = shape->rank + list.count};
    if (longer.rank > COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "the result has more than %d dimensions",
                        COP_MAX_RANK);
    if (!list.is_known)
        return cop_rule_join_rank(&dst[0], "dst", longer.rank, error);
    status = mark_axes(&list, longer.rank, is_marked, error);
    if (status != COP_STATUS_OK)
        return status;
    for (int i = 0, from = 0; i < longer.rank; i++)
        longer.dims[i] = is_marked[i] ? 1 : shape->dims[from++];
    status = cop_rule_join_shape(&dst[0], "dst", &longer, error);
    for (int i = 0, from = 0; i < longer.rank && status == COP_STATUS_OK; i++)
        if (!is_marked[i])
            src[0].shape.dims[from++] = dst[0].shape.dims[i];
    return status;
}
