// SPDX-License-Identifier: Apache-2.0
#include "mxnet/array/mx_reshape.h"

#include <inttypes.h>

#include "base/checked.h"
#include "base/error.h"

enum code {
    CODE_COPY = 0,
    CODE_INFER = -1,
    CODE_COPY_REST = -2,
    CODE_MERGE = -3,
    CODE_SPLIT = -4,
};

/* A shape that grows; `inferred` is the place of the dimension that takes what is left over. */
struct target {
    struct shape shape;
    int inferred; /* −1: none */
};

static cop_status add(struct target *target, int64_t dim, cop_error *error)
{
    if (dim < 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: shape dim size must be >= -1, while received %" PRId64, dim);
    if (target->shape.rank == COP_MAX_RANK)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "an array of more than %d dimensions is not supported", COP_MAX_RANK);
    target->shape.dims[target->shape.rank++] = dim;
    return COP_STATUS_OK;
}

static cop_status add_inferred(struct target *target, cop_error *error)
{
    if (target->inferred >= 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: Invalid new shape: more than one dimensions are -1: one and "
                        "only one dim can be inferred");
    target->inferred = target->shape.rank;
    return add(target, 1, error);
}

static cop_status fail_large(cop_error *error)
{
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                    "Check failed: Invalid new shape: 2^63 elements or more");
}

static cop_status infer(struct target *target, const struct shape *from, cop_error *error)
{
    int64_t others = 1;
    if (target->inferred < 0)
        return COP_STATUS_OK;
    for (int i = 0; i < target->shape.rank; i++)
        if (!cop_mul_int64(others, target->shape.dims[i], &others))
            return fail_large(error);
    if (others == 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: Invalid new shape: a dimension of -1 beside one of 0");
    target->shape.dims[target->inferred] = cop_shape_product(from, 0, from->rank) / others;
    return COP_STATUS_OK;
}

cop_status cop_mx_reshape_plainly(const struct shape *from, int ndim, const int *dims,
                                  struct shape *to, cop_error *error)
{
    struct target target = {cop_shape_of(0, NULL), -1};
    for (int i = 0; i < ndim; i++) {
        if (dims[i] == CODE_COPY && i >= from->rank)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                            "Check failed: Invalid new shape: 0 dimension exceeds original shape "
                            "%s",
                            cop_shape_text(from).text);
        if (dims[i] == CODE_INFER)
            COP_TRY(add_inferred(&target, error));
        else
            COP_TRY(add(&target, dims[i] == CODE_COPY ? from->dims[i] : dims[i], error));
    }
    COP_TRY(infer(&target, from, error));
    *to = target.shape;
    return COP_STATUS_OK;
}

/* Two lists that are read in step, from their beginnings or from their ends. */
struct walk {
    const struct shape *from;
    const int64_t *codes;
    int code_count, code; /* how many, and the next */
    int dim;              /* the next of `from` */
    bool reverse;
};

static int64_t code_at(const struct walk *walk, int index)
{
    return walk->codes[walk->reverse ? walk->code_count - 1 - index : index];
}

/* The next dimension of the source. */
static cop_status take(struct walk *walk, int64_t *dim, cop_error *error)
{
    if (walk->dim >= walk->from->rank)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: src_idx < dshape_len (%d vs. %d) : Invalid new shape: it "
                        "takes more dimensions than %s has",
                        walk->dim, walk->from->rank, cop_shape_text(walk->from).text);
    *dim = walk->from->dims[walk->reverse ? walk->from->rank - 1 - walk->dim : walk->dim];
    walk->dim++;
    return COP_STATUS_OK;
}

static cop_status copy_rest(struct walk *walk, struct target *target, cop_error *error)
{
    int64_t dim;
    while (walk->dim < walk->from->rank) {
        COP_TRY(take(walk, &dim, error));
        COP_TRY(add(target, dim, error));
    }
    return COP_STATUS_OK;
}

static cop_status merge(struct walk *walk, struct target *target, cop_error *error)
{
    int64_t first, second;
    COP_TRY(take(walk, &first, error));
    COP_TRY(take(walk, &second, error));
    return add(target, first * second, error); /* both of an array that exists */
}

static cop_status split(struct walk *walk, struct target *target, cop_error *error)
{
    int64_t dim, product;
    if (walk->code + 1 >= walk->code_count)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: i + 2 < params_len: Invalid new shape: two dimensions must "
                        "follow -4");
    int64_t first = code_at(walk, walk->code), second = code_at(walk, walk->code + 1);
    walk->code += 2;
    COP_TRY(take(walk, &dim, error));
    if (first == -1 && second == -1)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: d1 != -1 || d2 != -1: Split dims cannot both be -1.");
    if (first == -1)
        first = second > 0 ? dim / second : 0;
    if (second == -1)
        second = first > 0 ? dim / first : 0;
    if (first < 0 || second < 0 || !cop_mul_int64(first, second, &product) || product != dim)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: Split dims %" PRId64 ", %" PRId64
                        " do not divide original dim %" PRId64,
                        first, second, dim);
    COP_TRY(add(target, first, error));
    return add(target, second, error);
}

static cop_status follow(struct walk *walk, struct target *target, cop_error *error)
{
    int64_t dim;
    const int64_t code = code_at(walk, walk->code++);
    switch (code) {
    case CODE_COPY:
        COP_TRY(take(walk, &dim, error));
        return add(target, dim, error);
    case CODE_INFER:
        walk->dim++;
        return add_inferred(target, error);
    case CODE_COPY_REST:
        return copy_rest(walk, target, error);
    case CODE_MERGE:
        return merge(walk, target, error);
    case CODE_SPLIT:
        return split(walk, target, error);
    default:
        walk->dim++;
        return add(target, code, error);
    }
}

cop_status cop_mx_reshape_by_codes(const struct shape *from, int ndim, const int64_t *dims,
                                   bool reverse, struct shape *to, cop_error *error)
{
    struct target target = {cop_shape_of(0, NULL), -1};
    struct walk walk = {.from = from, .codes = dims, .code_count = ndim, .reverse = reverse};
    while (walk.code < walk.code_count)
        COP_TRY(follow(&walk, &target, error));
    COP_TRY(infer(&target, from, error));
    *to = target.shape;
    for (int i = 0; reverse && i < target.shape.rank; i++)
        to->dims[i] = target.shape.dims[target.shape.rank - 1 - i];
    return COP_STATUS_OK;
}
