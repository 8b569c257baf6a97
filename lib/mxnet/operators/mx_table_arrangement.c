// SPDX-License-Identifier: Apache-2.0
/* Operators that move elements. */
#include "mxnet/operators/mx_operator_table.h"

static const struct mx_parameter concat[] = {
    {"data", "NDArray-or-Symbol[]", "Parts to be joined, in their order.", MX_LIMIT_NONE},
    {"num_args", "int, required", "Number of inputs.", MX_LIMIT_FROM_1},
    {"dim", "int, optional, default='1'",
     "The dimension to join along; negative ones count from the end.", MX_LIMIT_NONE},
};

static const struct mx_parameter crop[] = {
    {"data", "Symbol or Symbol[]", "An image, and one whose height and width it gets.",
     MX_LIMIT_NONE},
    {"num_args", "int, required", "Number of inputs.", MX_LIMIT_1_TO_3},
    {"offset", "Shape(tuple), optional, default=[0,0]", "Row and column where the cut begins.",
     MX_LIMIT_NONE},
    {"h_w", "Shape(tuple), optional, default=[0,0]", "Height and width of the cut, with one input.",
     MX_LIMIT_NONE},
    {"center_crop", "boolean, optional, default=0", "Cut out of the middle.", MX_LIMIT_NONE},
};

static const struct mx_parameter data[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
};

static const struct mx_parameter pad_arguments[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"mode", "{'constant', 'edge', 'reflect'}, required",
     "What new elements are: one value, the nearest element, or a mirror image.", MX_LIMIT_NONE},
    {"pad_width", "Shape(tuple), required",
     "Elements before and after, for each dimension; none in the first two.", MX_LIMIT_NONE},
    {"constant_value", "double, optional, default=0", "The value of mode constant.", MX_LIMIT_NONE},
};

static const struct mx_parameter reshape[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"shape", "Shape(tuple), optional, default=[]",
     "The new shape; 0, -1, -2, -3 and -4 copy, infer, copy the rest, merge two and split one.",
     MX_LIMIT_NONE},
    {"reverse", "boolean, optional, default=0", "Read both shapes from the end.", MX_LIMIT_NONE},
    {"target_shape", "Shape(tuple), optional, default=[]",
     "The old form of shape, where 0 is inferred.", MX_LIMIT_NONE},
    {"keep_highest", "boolean, optional, default=0", "With target_shape: keep the first dimension.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter slice_channel[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"num_outputs", "int, required", "Number of equal parts.", MX_LIMIT_FROM_1},
    {"axis", "int, optional, default='1'", "The dimension that is divided.", MX_LIMIT_NONE},
    {"squeeze_axis", "boolean, optional, default=0", "Parts of size 1 lose the dimension.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter swap_axis[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"dim1", "int, optional, default='0'", "One dimension.", MX_LIMIT_NONE},
    {"dim2", "int, optional, default='0'", "The other one.", MX_LIMIT_NONE},
};

static const struct mx_parameter broadcast_axis[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"axis", "Shape(tuple), optional, default=[]", "Dimensions of size 1 that are repeated.",
     MX_LIMIT_NONE},
    {"size", "Shape(tuple), optional, default=[]", "How large each becomes.", MX_LIMIT_NONE},
};

static const struct mx_parameter broadcast_to[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"shape", "Shape(tuple), optional, default=[]", "The new shape; 0 keeps a dimension.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter depth_to_space[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"block_size", "int, required", "Side of a block.", MX_LIMIT_NONE},
};

static const struct mx_parameter expand_dims[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"axis", "int, required", "Where the new dimension comes.", MX_LIMIT_NONE},
};

static const struct mx_parameter repeat[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"repeats", "int, required", "How often.", MX_LIMIT_NONE},
    {"axis", "int or None, optional, default='None'", "The dimension; None: the elements in a row.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter reshape_like[] = {
    {"lhs", COP_MX_TENSOR, "What gets another shape.", MX_LIMIT_NONE},
    {"rhs", COP_MX_TENSOR, "Tensor whose shape the result gets.", MX_LIMIT_NONE},
    {"lhs_begin", "int or None, optional, default='None'",
     "First of the dimensions that are replaced.", MX_LIMIT_NONE},
    {"lhs_end", "int or None, optional, default='None'", "End of the dimensions that are replaced.",
     MX_LIMIT_NONE},
    {"rhs_begin", "int or None, optional, default='None'",
     "First of the dimensions that are copied.", MX_LIMIT_NONE},
    {"rhs_end", "int or None, optional, default='None'", "End of the dimensions that are copied.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter reverse[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"axis", "Shape(tuple), required", "Dimensions whose order is reversed.", MX_LIMIT_NONE},
};

static const struct mx_parameter slice_arguments[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"begin", "Shape(tuple), required", "Where each dimension begins; None: at its start.",
     MX_LIMIT_NONE_ELEMENTS},
    {"end", "Shape(tuple), required", "Where each dimension ends; None: at its end.",
     MX_LIMIT_NONE_ELEMENTS},
    {"step", "Shape(tuple), optional, default=[]", "Steps; None: 1.", MX_LIMIT_NONE_ELEMENTS},
};

static const struct mx_parameter slice_axis[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"axis", "int, required", "The dimension.", MX_LIMIT_NONE},
    {"begin", "int, required", "First position; negative ones count from the end.", MX_LIMIT_NONE},
    {"end", "int or None, required", "Position after the last one; None: the end.", MX_LIMIT_NONE},
};

static const struct mx_parameter slice_like[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"shape_like", COP_MX_TENSOR, "Tensor whose sizes are taken over.", MX_LIMIT_NONE},
    {"axes", "Shape(tuple), optional, default=[]", "Dimensions that are cut; empty: all.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter squeeze[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"axis", "Shape or None, optional, default=None",
     "Dimensions of size 1 that are removed; None: all such.", MX_LIMIT_NONE},
};

static const struct mx_parameter stack[] = {
    {"data", "NDArray-or-Symbol[]", "Parts of one shape, in their order.", MX_LIMIT_NONE},
    {"axis", "int, optional, default='0'", "Where the new dimension comes.", MX_LIMIT_NONE},
    {"num_args", "int, required", "Number of inputs.", MX_LIMIT_FROM_1},
};

static const struct mx_parameter tile[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"reps", "Shape(tuple), required", "How often, for each dimension.", MX_LIMIT_NONE},
};

static const struct mx_parameter transpose[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"axes", "Shape(tuple), optional, default=[]", "The new order of dimensions; empty: reversed.",
     MX_LIMIT_NONE},
};

static const struct mx_operator operators[] = {
    {
        .name = "Concat",
        .aliases = COP_MX_NAMES("_sparse_concat", "concat"),
        .description = "Joins tensors along a dimension.",
        COP_MX_ARGUMENTS(concat, 1),
        .key_var_num_args = "num_args",
    },
    {
        .name = "Crop",
        .aliases = COP_MX_NO_NAMES,
        .description = "Cuts images to a stated size or to that of a second input.",
        COP_MX_ARGUMENTS(crop, 1),
        .key_var_num_args = "num_args",
        .types = MX_TYPES_FLOAT32,
    },
    {
        .name = "Flatten",
        .aliases = COP_MX_NAMES("_npx_batch_flatten", "flatten"),
        .description = "A matrix with a row for each sample.",
        COP_MX_ARGUMENTS(data, 1),
    },
    {
        .name = "Pad",
        .aliases = COP_MX_NAMES("pad"),
        .description = "Makes images larger at their borders.",
        COP_MX_ARGUMENTS(pad_arguments, 1),
    },
    {
        .name = "Reshape",
        .aliases = COP_MX_NAMES("reshape"),
        .description = "The same elements in another shape.",
        COP_MX_ARGUMENTS(reshape, 1),
    },
    {
        .name = "SliceChannel",
        .aliases = COP_MX_NAMES("split"),
        .description = "Divides a dimension into equal parts, each an output.",
        COP_MX_ARGUMENTS(slice_channel, 1),
        .output_rule = MX_OUTPUT_PARTS,
    },
    {
        .name = "SwapAxis",
        .aliases = COP_MX_NAMES("_npi_swapaxes", "swapaxes"),
        .description = "Exchanges two dimensions.",
        COP_MX_ARGUMENTS(swap_axis, 1),
        .types = MX_TYPES_FORWARD,
    },
    {
        .name = "broadcast_axis",
        .aliases = COP_MX_NAMES("broadcast_axes"),
        .description = "Repeats some dimensions of size 1.",
        COP_MX_ARGUMENTS(broadcast_axis, 1),
    },
    {
        .name = "broadcast_to",
        .aliases = COP_MX_NO_NAMES,
        .description = "Repeats dimensions of size 1 up to a shape.",
        COP_MX_ARGUMENTS(broadcast_to, 1),
    },
    {
        .name = "depth_to_space",
        .aliases = COP_MX_NO_NAMES,
        .description = "Spreads channels over blocks of positions.",
        COP_MX_ARGUMENTS(depth_to_space, 1),
    },
    {
        .name = "expand_dims",
        .aliases = COP_MX_NAMES("_npi_expand_dims"),
        .description = "Adds a dimension of size 1.",
        COP_MX_ARGUMENTS(expand_dims, 1),
    },
    {
        .name = "repeat",
        .aliases = COP_MX_NAMES("_np_repeat"),
        .description = "Repeats each element.",
        COP_MX_ARGUMENTS(repeat, 1),
    },
    {
        .name = "reshape_like",
        .aliases = COP_MX_NAMES("_npx_reshape_like"),
        .description = "The elements of the left side in the shape of the right side.",
        COP_MX_ARGUMENTS(reshape_like, 2),
        .types = MX_TYPES_LIKE,
    },
    {
        .name = "reverse",
        .aliases = COP_MX_NAMES("flip"),
        .description = "Reverses the order along some dimensions.",
        COP_MX_ARGUMENTS(reverse, 1),
    },
    {
        .name = "shape_array",
        .aliases = COP_MX_NAMES("_npx_shape_array"),
        .description = "The sizes of the input, as a vector.",
        COP_MX_ARGUMENTS(data, 1),
        .types = MX_TYPES_INT64,
    },
    {
        .name = "slice",
        .aliases = COP_MX_NAMES("_npi_slice", "_npx_slice", "_sparse_slice", "crop"),
        .description = "Cuts a region out, with steps.",
        COP_MX_ARGUMENTS(slice_arguments, 1),
    },
    {
        .name = "slice_axis",
        .aliases = COP_MX_NO_NAMES,
        .description = "Cuts a range out of one dimension.",
        COP_MX_ARGUMENTS(slice_axis, 1),
    },
    {
        .name = "slice_like",
        .aliases = COP_MX_NO_NAMES,
        .description = "Cuts the first input to the sizes of the second.",
        COP_MX_ARGUMENTS(slice_like, 2),
        .types = MX_TYPES_LIKE,
    },
    {
        .name = "space_to_depth",
        .aliases = COP_MX_NO_NAMES,
        .description = "Gathers blocks of positions in channels.",
        COP_MX_ARGUMENTS(depth_to_space, 1),
    },
    {
        .name = "squeeze",
        .aliases = COP_MX_NO_NAMES,
        .description = "Removes dimensions of size 1.",
        COP_MX_ARGUMENTS(squeeze, 1),
    },
    {
        .name = "stack",
        .aliases = COP_MX_NO_NAMES,
        .description = "Joins tensors of one shape along a new dimension.",
        COP_MX_ARGUMENTS(stack, 1),
        .key_var_num_args = "num_args",
    },
    {
        .name = "tile",
        .aliases = COP_MX_NAMES("_npi_tile"),
        .description = "Repeats the whole tensor along its dimensions.",
        COP_MX_ARGUMENTS(tile, 1),
    },
    {
        .name = "transpose",
        .aliases = COP_MX_NO_NAMES,
        .description = "Brings the dimensions into another order.",
        COP_MX_ARGUMENTS(transpose, 1),
    },
};

const struct mx_operator_family cop_mx_arrangement_family = COP_MX_FAMILY(operators);
