// SPDX-License-Identifier: Apache-2.0
/* Operators that repeat elements, and those that trade channels for positions. */
#include <string.h>

#include "model/mxnet/mxnet_operators.h"

/* The rank of the first input; −1, and the reason noted: it does not follow from the symbol. */
static int known_rank(struct mxnet_call *call)
{
    const int rank = call->graph->values[call->src[0]].shape.rank;
    if (rank == COP_UNKNOWN)
        cop_mxnet_unsupported(call, "the rank of its input does not follow from the symbol");
    return rank;
}

/*
 * Repeats a dimension of size 1 that has `behind` others behind it: multiplied by ones of the same
 * type, which changes no element.
 */
static int emit_copies(struct mxnet_call *call, int src, int64_t count, int behind)
{
    enum { MOST_COPIES = 4096 };
    int64_t dims[COP_MAX_RANK] = {count};
    COP_ZEROED_ATTRS(fill_attrs, attrs);
    attrs.value = 1;
    if (count < 1 || count > MOST_COPIES)
        cop_mxnet_unsupported(call, "repeats other than 1 to 4096 times");
    if (behind < 0 || behind >= COP_MAX_RANK)
        cop_mxnet_malformed(call, "names a dimension that its input does not have");
    if (cop_mxnet_failed(call) || count == 1)
        return src;
    for (int i = 1; i <= behind; i++)
        dims[i] = 1;
    attrs.dtype = call->graph->values[src].dtype;
    int ones = cop_mxnet_emit_ones(call, "ones", behind + 1, dims);
    if (attrs.dtype != COP_DTYPE_FLOAT32)
        ones = cop_mxnet_emit_1(call, OP_FILL, "ones", &attrs, ones);
    return cop_mxnet_emit_binary(call, "copies", BINARY_MUL, src, ones);
}

static int emit_unsqueeze(struct mxnet_call *call, int src, int64_t axis)
{
    COP_ZEROED_ATTRS(axes_attrs, attrs);
    attrs.count = 1;
    attrs.axes[0] = axis;
    return cop_mxnet_emit_1(call, OP_UNSQUEEZE, "apart", &attrs, src);
}

/* MXNet's codes: `before` dimensions as they are, then the codes, then the rest as it is. */
static int emit_reshape(struct mxnet_call *call, const char *part, int src, int before, int count,
                        const int64_t *codes)
{
    COP_ZEROED_ATTRS(reshape_attrs, attrs);
    attrs.is_mxnet = true;
    attrs.count = before + count + 1;
    for (int i = 0; i < count; i++)
        attrs.target[before + i] = codes[i];
    attrs.target[before + count] = -2;
    return cop_mxnet_emit_1(call, OP_RESHAPE, part, &attrs, src);
}

static const int64_t merge[] = {-3};

/* The whole, again and again, along one dimension after the other. */
static void map_tile(struct mxnet_call *call)
{
    const struct attribute_tuple reps =
        cop_attribute_tuple(&call->attributes, "reps", 1, COP_MAX_EXTENT, false);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    int src = call->src[0], rank = known_rank(call);
    for (; rank >= 0 && rank < reps.count && rank < COP_MAX_RANK; rank++)
        src = emit_unsqueeze(call, src, 0);
    if (reps.count > rank || rank >= COP_MAX_RANK)
        cop_mxnet_unsupported(call, "as many dimensions");
    for (int i = 0; i < reps.count && !cop_mxnet_failed(call); i++) {
        const int axis = rank - reps.count + i;
        if (reps.values[i] == 1)
            continue;
        src = emit_unsqueeze(call, src, axis);
        src = emit_copies(call, src, reps.values[i], rank - axis);
        src = emit_reshape(call, "together", src, axis, 1, merge);
    }
    cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_IDENTITY, "", NULL, src));
}

/* Each element, several times. Without an axis the elements stand in a row first. */
static void map_repeat(struct mxnet_call *call)
{
    const int64_t count =
        cop_attribute_required_int(&call->attributes, "repeats", 1, COP_MAX_EXTENT);
    int64_t along = 0;
    const bool has_axis = cop_attribute_optional_int(&call->attributes, "axis", -COP_MAX_RANK,
                                                     COP_MAX_RANK - 1, &along);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    int src = call->src[0], axis = 0, rank = 1;
    if (!has_axis) {
        COP_ZEROED_ATTRS(reshape_attrs, row);
        row.count = 1;
        row.target[0] = -1;
        src = cop_mxnet_emit_1(call, OP_RESHAPE, "row", &row, src);
    } else {
        rank = known_rank(call);
        if (rank >= 0 && !cop_axis_normalize(along, rank, &axis))
            cop_mxnet_malformed(call, "axis is none of its input");
    }
    src = emit_unsqueeze(call, src, axis + 1);
    src = emit_copies(call, src, count, rank - axis - 1);
    cop_mxnet_return(call, emit_reshape(call, "", src, axis, 1, merge));
}

static void map_broadcast_to(struct mxnet_call *call)
{
    const struct attribute_tuple shape =
        cop_attribute_tuple(&call->attributes, "shape", 0, COP_MAX_EXTENT, false);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int rank = known_rank(call);
    const struct shape known = call->graph->values[call->src[0]].shape;
    int src = call->src[0];
    if (rank >= 0 && shape.count != rank)
        cop_mxnet_malformed(call, "shape needs a number for each dimension of its input");
    for (int i = 0; i < rank && !cop_mxnet_failed(call); i++)
        if (shape.values[i] != 0 && shape.values[i] != known.dims[i])
            src = emit_copies(call, src, shape.values[i], rank - 1 - i);
    cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_IDENTITY, "", NULL, src));
}

static void map_broadcast_axis(struct mxnet_call *call)
{
    struct attribute_reader *reader = &call->attributes;
    const struct attribute_tuple axes =
        cop_attribute_tuple(reader, "axis", -COP_MAX_RANK, COP_MAX_RANK - 1, false);
    const struct attribute_tuple sizes =
        cop_attribute_tuple(reader, "size", 1, COP_MAX_EXTENT, false);
    if (axes.count != sizes.count)
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, "size", "as many numbers as axis");
    if (cop_attributes_end(reader) != COP_STATUS_OK)
        return;
    const int rank = known_rank(call);
    int src = call->src[0], axis;
    for (int i = 0; i < axes.count && !cop_mxnet_failed(call); i++) {
        if (!cop_axis_normalize(axes.values[i], rank, &axis))
            cop_mxnet_malformed(call, "axis names a dimension that its input does not have");
        else
            src = emit_copies(call, src, sizes.values[i], rank - 1 - axis);
    }
    cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_IDENTITY, "", NULL, src));
}

static int emit_transpose(struct mxnet_call *call, int src, const int perm[6])
{
    COP_ZEROED_ATTRS(transpose_attrs, attrs);
    attrs.rank = 6;
    memcpy(attrs.perm, perm, 6 * sizeof *perm);
    return cop_mxnet_emit_1(call, OP_TRANSPOSE, "swapped", &attrs, src);
}

/* [n,c,h,w] to [n,c/b²,h·b,w·b]: the outer parts of c are rows and columns of a block. */
static void map_depth_to_space(struct mxnet_call *call)
{
    const int64_t block =
        cop_attribute_required_int(&call->attributes, "block_size", 1, COP_MAX_EXTENT);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int64_t split[] = {-4, block, -1}, together[] = {-3, -3};
    int src = emit_reshape(call, "rows", call->src[0], 1, 3, split);
    src = emit_reshape(call, "columns", src, 2, 3, split);
    src = emit_transpose(call, src, (const int[]){0, 3, 4, 1, 5, 2});
    cop_mxnet_return(call, emit_reshape(call, "", src, 2, 2, together));
}

static void map_space_to_depth(struct mxnet_call *call)
{
    const int64_t block =
        cop_attribute_required_int(&call->attributes, "block_size", 1, COP_MAX_EXTENT);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int64_t split[] = {-4, -1, block, -4, -1, block};
    int src = emit_reshape(call, "blocks", call->src[0], 2, 6, split);
    src = emit_transpose(call, src, (const int[]){0, 3, 5, 1, 2, 4});
    src = emit_reshape(call, "places", src, 1, 1, merge);
    cop_mxnet_return(call, emit_reshape(call, "", src, 1, 1, merge));
}

static const struct mxnet_operator operators[] = {
    {"broadcast_axes", "data", map_broadcast_axis, 0, LAST_ALWAYS},
    {"broadcast_axis", "data", map_broadcast_axis, 0, LAST_ALWAYS},
    {"broadcast_to", "data", map_broadcast_to, 0, LAST_ALWAYS},
    {"depth_to_space", "data", map_depth_to_space, 0, LAST_ALWAYS},
    {"repeat", "data", map_repeat, 0, LAST_ALWAYS},
    {"space_to_depth", "data", map_space_to_depth, 0, LAST_ALWAYS},
    {"tile", "data", map_tile, 0, LAST_ALWAYS},
};

const struct mxnet_operator_family cop_mxnet_repetition_family = {
    operators, sizeof operators / sizeof operators[0]};
