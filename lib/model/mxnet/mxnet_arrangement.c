// SPDX-License-Identifier: Apache-2.0
/* Operators that move elements and change none. */
#include <string.h>

#include "base/error.h"
#include "model/mxnet/mxnet_operators.h"

/* An axis from either end; whether the tensor has it is the shape rule's to say. */
static int64_t read_axis(struct mxnet_call *call, const char *key, int64_t otherwise)
{
    return cop_attribute_int(&call->attributes, key, otherwise, -COP_MAX_RANK - 1, COP_MAX_RANK);
}

/* A list of axes, at most as many as a tensor can have. */
static int read_axes(struct mxnet_call *call, const char *key, int64_t axes[COP_MAX_RANK])
{
    const struct attribute_tuple tuple =
        cop_attribute_tuple(&call->attributes, key, -COP_MAX_RANK, COP_MAX_RANK - 1, false);
    if (tuple.count > COP_MAX_RANK)
        cop_attribute_fail(&call->attributes, COP_STATUS_UNSUPPORTED, key, "at most 8 axes");
    for (int i = 0; i < tuple.count && i < COP_MAX_RANK; i++)
        axes[i] = tuple.values[i];
    return tuple.count > COP_MAX_RANK ? 0 : tuple.count;
}

static void check_num_args(struct mxnet_call *call)
{
    if (cop_attribute_int(&call->attributes, "num_args", call->src_count, 1, INT32_MAX) !=
        call->src_count)
        cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, "num_args",
                           "the number of inputs");
}

static void map_concat(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(concat_attrs, attrs);
    attrs.axis = read_axis(call, "dim", 1);
    check_num_args(call);
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call,
                         cop_mxnet_emit(call, OP_CONCAT, "", &attrs, call->src_count, call->src));
}

/* Joins along a new axis: each input gets it first. */
static void map_stack(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(concat_attrs, attrs);
    attrs.axis = read_axis(call, "axis", 0);
    check_num_args(call);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    COP_ZEROED_ATTRS(axes_attrs, unsqueeze);
    unsqueeze.count = 1;
    unsqueeze.axes[0] = attrs.axis;
    int *src = cop_arena_alloc(call->arena, (size_t)call->src_count, sizeof *src);
    if (src == NULL) {
        call->attributes.status = cop_fail_memory(call->attributes.error, call->node->name,
                                                  (size_t)call->src_count * sizeof *src);
        return;
    }
    for (int i = 0; i < call->src_count; i++)
        src[i] = cop_mxnet_emit_1(call, OP_UNSQUEEZE, "part", &unsqueeze, call->src[i]);
    cop_mxnet_return(call, cop_mxnet_emit(call, OP_CONCAT, "", &attrs, call->src_count, src));
}

static void map_slice_channel(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(split_attrs, attrs);
    const int64_t count =
        cop_attribute_required_int(&call->attributes, "num_outputs", 1, COP_MAX_SPLIT_OUTPUTS);
    attrs.axis = read_axis(call, "axis", 1);
    attrs.squeeze_axis = cop_attribute_bool(&call->attributes, "squeeze_axis", false);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    *call->split_outputs += count;
    if (*call->split_outputs > COP_MAX_SPLIT_OUTPUTS) {
        cop_mxnet_malformed(call, "the splits of this symbol have more than 65536 outputs");
        return;
    }
    if (cop_mxnet_set_outputs(call, (int)count))
        cop_mxnet_emit_many(call, OP_SPLIT, &attrs, call->src[0]);
}

static void map_flatten(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(flatten_attrs, attrs);
    attrs.axis = 1;
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_FLATTEN, "", &attrs, call->src[0]));
}

static void set_target(struct mxnet_call *call, const struct attribute_tuple *tuple,
                       const char *key, struct reshape_attrs *attrs)
{
    if (tuple->count > COP_MAX_RESHAPE) {
        cop_attribute_fail(&call->attributes, COP_STATUS_UNSUPPORTED, key, "at most 16 numbers");
        return;
    }
    attrs->count = tuple->count;
    for (int i = 0; i < tuple->count; i++)
        attrs->target[i] = tuple->values[i];
}

static void map_reshape(struct mxnet_call *call)
{
    struct attribute_reader *reader = &call->attributes;
    COP_ZEROED_ATTRS(reshape_attrs, attrs);
    attrs.is_mxnet = true;
    attrs.reverse = cop_attribute_bool(reader, "reverse", false);
    const bool keep_highest = cop_attribute_bool(reader, "keep_highest", false);
    const struct attribute_tuple shape = cop_attribute_tuple(reader, "shape", -4, INT64_MAX, false);
    const struct attribute_tuple old =
        cop_attribute_tuple(reader, "target_shape", 0, INT64_MAX, false);
    if (shape.count > 0) {
        set_target(call, &shape, "shape", &attrs);
    } else { /* before `shape` there was: 0 is what follows from the rest */
        if (old.count == 0)
            cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, "shape", "a tuple of numbers");
        set_target(call, &old, "target_shape", &attrs);
        for (int i = 0; i < attrs.count; i++)
            attrs.target[i] = attrs.target[i] == 0 ? -1 : attrs.target[i];
        if (keep_highest)
            attrs.target[0] = 0; /* a copy */
    }
    if (cop_attributes_end(reader) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_RESHAPE, "", &attrs, call->src[0]));
}

/* The shape of the second input, which is data like any other. */
static void map_reshape_like(struct mxnet_call *call)
{
    static const char *const parts[] = {"lhs_begin", "lhs_end", "rhs_begin", "rhs_end"};
    int64_t place;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (cop_attribute_optional_int(&call->attributes, parts[i], INT32_MIN, INT32_MAX, &place))
            cop_attribute_fail(&call->attributes, COP_STATUS_UNSUPPORTED, parts[i], "None");
    COP_ZEROED_ATTRS(shape_attrs, all);
    all.end = INT64_MAX;
    COP_ZEROED_ATTRS(reshape_attrs, attrs);
    attrs.allow_zero = true;
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int target = cop_mxnet_emit_1(call, OP_SHAPE, "shape", &all, call->src[1]);
    cop_mxnet_return(call, cop_mxnet_emit_2(call, OP_RESHAPE, "", &attrs, call->src[0], target));
}

static void map_transpose(struct mxnet_call *call)
{
    int64_t axes[COP_MAX_RANK] = {0};
    COP_ZEROED_ATTRS(transpose_attrs, attrs);
    attrs.rank = read_axes(call, "axes", axes);
    for (int i = 0; i < attrs.rank; i++)
        attrs.perm[i] = (int)(axes[i] < 0 ? axes[i] + attrs.rank : axes[i]);
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_TRANSPOSE, "", &attrs, call->src[0]));
}

/* The permutation that exchanges two axes needs the number of all. */
static void map_swap_axis(struct mxnet_call *call)
{
    const int64_t first = read_axis(call, "dim1", 0), second = read_axis(call, "dim2", 0);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int rank = call->graph->values[call->src[0]].shape.rank;
    int a, b;
    if (rank == COP_UNKNOWN) {
        cop_mxnet_unsupported(call, "the rank of its input does not follow from the symbol");
        return;
    }
    if (!cop_axis_normalize(first, rank, &a) || !cop_axis_normalize(second, rank, &b)) {
        cop_mxnet_malformed(call, "dim1 or dim2 is not an axis of its input");
        return;
    }
    COP_ZEROED_ATTRS(transpose_attrs, attrs);
    attrs.rank = rank;
    for (int i = 0; i < rank; i++)
        attrs.perm[i] = i == a ? b : i == b ? a : i;
    cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_TRANSPOSE, "", &attrs, call->src[0]));
}

static void map_expand_dims(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(axes_attrs, attrs);
    attrs.count = 1;
    attrs.axes[0] =
        cop_attribute_required_int(&call->attributes, "axis", -COP_MAX_RANK, COP_MAX_RANK - 1);
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_UNSQUEEZE, "", &attrs, call->src[0]));
}

static void map_squeeze(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(axes_attrs, attrs);
    attrs.count = read_axes(call, "axis", attrs.axes);
    attrs.rank_at_least_1 = true;
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_SQUEEZE, "", &attrs, call->src[0]));
}

static void map_slice_axis(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(slice_attrs, attrs);
    attrs.count = 1;
    attrs.axes[0] =
        cop_attribute_required_int(&call->attributes, "axis", -COP_MAX_RANK, COP_MAX_RANK - 1);
    attrs.starts[0] = cop_attribute_required_int(&call->attributes, "begin", INT64_MIN, INT64_MAX);
    attrs.ends[0] = INT64_MAX;
    attrs.steps[0] = 1;
    cop_attribute_optional_int(&call->attributes, "end", INT64_MIN, INT64_MAX, &attrs.ends[0]);
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_SLICE, "", &attrs, call->src[0]));
}

static struct attribute_tuple read_slice_tuple(struct mxnet_call *call, const char *key, int count)
{
    const struct attribute_tuple tuple =
        cop_attribute_tuple(&call->attributes, key, INT64_MIN, INT64_MAX, true);
    if (tuple.count != count && (tuple.count != 0 || count < 0))
        cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, key,
                           "as many numbers as begin");
    return tuple;
}

static void map_slice(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(slice_attrs, attrs);
    const struct attribute_tuple begin =
        cop_attribute_tuple(&call->attributes, "begin", INT64_MIN, INT64_MAX, true);
    if (begin.count < 1 || begin.count > COP_MAX_RANK)
        cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, "begin",
                           "1 to 8 numbers or None");
    const struct attribute_tuple end = read_slice_tuple(call, "end", begin.count);
    const struct attribute_tuple step = read_slice_tuple(call, "step", begin.count);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    attrs.count = begin.count;
    for (int i = 0; i < begin.count; i++) {
        const bool has_step = step.count > 0 && step.values[i] != COP_TUPLE_NONE;
        const bool is_backwards = has_step && step.values[i] < 0;
        const bool has_end = end.count > 0 && end.values[i] != COP_TUPLE_NONE;
        attrs.axes[i] = i;
        attrs.steps[i] = has_step ? step.values[i] : 1;
        attrs.starts[i] = is_backwards ? INT64_MAX : 0;
        attrs.ends[i] = is_backwards ? INT64_MIN : INT64_MAX;
        if (begin.values[i] != COP_TUPLE_NONE)
            attrs.starts[i] = begin.values[i];
        if (has_end)
            attrs.ends[i] = end.values[i];
        if (attrs.steps[i] == 0)
            cop_mxnet_malformed(call, "a step of 0");
    }
    cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_SLICE, "", &attrs, call->src[0]));
}

/* The sizes of a tensor along some axes: a part of its shape where they follow one another, which
 * is known as soon as the tensor's is. */
static int emit_sizes(struct mxnet_call *call, int src, int count, const int64_t *axes,
                      int axes_value)
{
    COP_ZEROED_ATTRS(shape_attrs, part);
    COP_ZEROED_ATTRS(gather_attrs, chosen);
    bool is_run = true;
    for (int i = 1; i < count; i++)
        is_run &= axes[i] == axes[i - 1] + 1 && axes[i] != 0;
    part.start = is_run ? axes[0] : 0;
    part.end = is_run && axes[count - 1] != -1 ? axes[count - 1] + 1 : INT64_MAX;
    const int sizes = cop_mxnet_emit_1(call, OP_SHAPE, is_run ? "end" : "shape", &part, src);
    return is_run ? sizes : cop_mxnet_emit_2(call, OP_GATHER, "end", &chosen, sizes, axes_value);
}

/* Cuts the first input to the sizes of the second along some axes. */
static void return_cut(struct mxnet_call *call, int count, const int64_t *axes)
{
    static const int64_t zeros[COP_MAX_RANK];
    COP_ZEROED_ATTRS(slice_attrs, attrs);
    const int axes_value = cop_mxnet_emit_int64s(call, "axes", count, axes);
    const int src[4] = {
        call->src[0],
        cop_mxnet_emit_int64s(call, "begin", count, zeros),
        emit_sizes(call, call->src[1], count, axes, axes_value),
        axes_value,
    };
    cop_mxnet_return(call, cop_mxnet_emit(call, OP_SLICE, "", &attrs, 4, src));
}

static void map_slice_like(struct mxnet_call *call)
{
    int64_t axes[COP_MAX_RANK] = {0};
    const int count = read_axes(call, "axes", axes);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int rank = call->graph->values[call->src[1]].shape.rank;
    const int data_rank = call->graph->values[call->src[0]].shape.rank;
    if (call->is_for_inference_of_shapes && count == 0 && rank != data_rank && rank >= 0 &&
        data_rank >= 0)
        cop_mxnet_malformed(call, "without axes both inputs need as many dimensions");
    for (int i = 0; count == 0 && i < rank; i++)
        axes[i] = i;
    if (count == 0 && rank < 1)
        cop_mxnet_unsupported(call, "no axes, and the rank of its input does not follow from the "
                                    "symbol");
    else
        return_cut(call, count == 0 ? rank : count, axes);
}

/* The older `Crop` of images: to the size of a second input, or to a stated one. */
static void map_crop(struct mxnet_call *call)
{
    struct attribute_reader *reader = &call->attributes;
    const struct attribute_tuple offset =
        cop_attribute_tuple(reader, "offset", 0, COP_MAX_EXTENT, false);
    const struct attribute_tuple size =
        cop_attribute_tuple(reader, "h_w", 0, COP_MAX_EXTENT, false);
    const bool is_like = call->src_count == 2;
    check_num_args(call);
    if (cop_attribute_bool(reader, "center_crop", false))
        cop_attribute_fail(reader, COP_STATUS_UNSUPPORTED, "center_crop", "False");
    if (is_like && (offset.values[0] != 0 || offset.values[1] != 0))
        cop_attribute_fail(reader, COP_STATUS_UNSUPPORTED, "offset", "(0, 0) with two inputs");
    if (call->src_count > 2 || (offset.count != 0 && offset.count != 2) ||
        (!is_like && (size.count != 2 || size.values[0] == 0 || size.values[1] == 0)))
        cop_mxnet_malformed(call, "needs a second input or h_w=(height, width)");
    if (cop_attributes_end(reader) != COP_STATUS_OK)
        return;
    COP_ZEROED_ATTRS(slice_attrs, attrs);
    attrs.count = 2;
    for (int i = 0; i < 2; i++) {
        attrs.axes[i] = i + 2;
        attrs.starts[i] = offset.values[i];
        attrs.ends[i] = offset.values[i] + size.values[i];
        attrs.steps[i] = 1;
    }
    if (is_like)
        return_cut(call, 2, attrs.axes);
    else
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_SLICE, "", &attrs, call->src[0]));
}

static void map_reverse(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(slice_attrs, attrs);
    attrs.count = read_axes(call, "axis", attrs.axes);
    if (attrs.count == 0)
        cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, "axis", "axes");
    for (int i = 0; i < attrs.count; i++) {
        attrs.starts[i] = INT64_MAX;
        attrs.ends[i] = INT64_MIN;
        attrs.steps[i] = -1;
    }
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_SLICE, "", &attrs, call->src[0]));
}

static void map_pad(struct mxnet_call *call)
{
    static const char *const modes[] = {"constant", "reflect", "edge", NULL};
    static const enum pad_mode pad_modes[] = {PAD_CONSTANT, PAD_REFLECT, PAD_EDGE};
    struct attribute_reader *reader = &call->attributes;
    COP_ZEROED_ATTRS(pad_attrs, attrs);
    const int mode = cop_attribute_enum(reader, "mode", -1, modes);
    if (mode < 0)
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, "mode", "constant, reflect, edge");
    const struct attribute_tuple width =
        cop_attribute_tuple(reader, "pad_width", 0, COP_MAX_EXTENT, false);
    if ((width.count != 8 && width.count != 10) || width.values[0] != 0 || width.values[1] != 0 ||
        width.values[2] != 0 || width.values[3] != 0)
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, "pad_width",
                           "8 or 10 numbers, the first four 0");
    attrs.value = cop_attribute_float(reader, "constant_value", 0);
    if (cop_attributes_end(reader) != COP_STATUS_OK)
        return;
    attrs.mode = pad_modes[mode];
    attrs.rank = width.count / 2;
    for (int i = 0; i < attrs.rank; i++) {
        attrs.begin[i] = width.values[2 * i];
        attrs.end[i] = width.values[2 * i + 1];
    }
    cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_PAD, "", &attrs, call->src[0]));
}

static void map_shape_array(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(shape_attrs, attrs);
    attrs.end = INT64_MAX;
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_SHAPE, "", &attrs, call->src[0]));
}

#define ONE(name, map)                                                                             \
    {                                                                                              \
        name, "data", map, 0, LAST_ALWAYS                                                          \
    }
#define MANY(name, map)                                                                            \
    {                                                                                              \
        name, "*", map, 0, LAST_ALWAYS                                                             \
    }

static const struct mxnet_operator operators[] = {
    MANY("Concat", map_concat),
    MANY("Crop", map_crop),
    ONE("Flatten", map_flatten),
    ONE("Pad", map_pad),
    ONE("Reshape", map_reshape),
    ONE("SliceChannel", map_slice_channel),
    ONE("SwapAxis", map_swap_axis),
    ONE("_npx_batch_flatten", map_flatten),
    MANY("_sparse_concat", map_concat),
    MANY("concat", map_concat),
    ONE("crop", map_slice),
    ONE("expand_dims", map_expand_dims),
    ONE("flatten", map_flatten),
    ONE("flip", map_reverse),
    ONE("pad", map_pad),
    ONE("reshape", map_reshape),
    {"reshape_like", "lhs rhs", map_reshape_like, 0, LAST_ALWAYS},
    ONE("reverse", map_reverse),
    ONE("shape_array", map_shape_array),
    ONE("slice", map_slice),
    ONE("slice_axis", map_slice_axis),
    {"slice_like", "data shape_like", map_slice_like, 0, LAST_ALWAYS},
    ONE("split", map_slice_channel),
    ONE("squeeze", map_squeeze),
    MANY("stack", map_stack),
    ONE("swapaxes", map_swap_axis),
    ONE("transpose", map_transpose),
};

const struct mxnet_operator_family cop_mxnet_arrangement_family = {
    operators, sizeof operators / sizeof operators[0]};
