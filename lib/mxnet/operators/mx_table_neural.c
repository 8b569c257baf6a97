// SPDX-License-Identifier: Apache-2.0
/* Operators with windows and weights, and activations. */
#include "mxnet/operators/mx_operator_table.h"

static const struct mx_parameter activation[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"act_type", "{'relu', 'sigmoid', 'softrelu', 'softsign', 'tanh'}, required", "Which function.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter convolution[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"weight", COP_MX_TENSOR, "Learned weights.", MX_LIMIT_NONE},
    {"bias", COP_MX_TENSOR, "Learned offsets, one for each output channel; not there with no_bias.",
     MX_LIMIT_NONE},
    {"kernel", "Shape(tuple), required",
     "Size of the window, one number for each spatial dimension.", MX_LIMIT_NONE},
    {"stride", "Shape(tuple), optional, default=[]", "Steps between windows; empty: 1 each.",
     MX_LIMIT_NONE},
    {"dilate", "Shape(tuple), optional, default=[]",
     "Distances between the taps of the kernel; empty: 1 each.", MX_LIMIT_NONE},
    {"pad", "Shape(tuple), optional, default=[]",
     "Zeros on both ends of each dimension; empty: none.", MX_LIMIT_NONE},
    {"num_filter", "int (non-negative), required", "Output channels.", MX_LIMIT_FROM_1},
    {"num_group", "int (non-negative), optional, default=1",
     "Groups into which the channels are divided.", MX_LIMIT_NONE},
    {"workspace", "long (non-negative), optional, default=1024", "Accepted and not used.",
     MX_LIMIT_NONE},
    {"no_bias", "boolean, optional, default=0", "There is no bias.", MX_LIMIT_NONE},
    {"cudnn_tune", "{None, 'fastest', 'limited_workspace', 'off'},optional, default='None'",
     "Accepted and not used.", MX_LIMIT_NONE},
    {"cudnn_off", "boolean, optional, default=0", "Accepted and not used.", MX_LIMIT_NONE},
    {"layout", "{None, 'NCDHW', 'NCHW', 'NCW', 'NDHWC', 'NHWC'},optional, default='None'",
     "Order of the dimensions; None: channels come second.", MX_LIMIT_NONE},
};

static const struct mx_parameter convolution_v1[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"weight", COP_MX_TENSOR, "Learned weights.", MX_LIMIT_NONE},
    {"bias", COP_MX_TENSOR, "Learned offsets, one for each output channel; not there with no_bias.",
     MX_LIMIT_NONE},
    {"kernel", "Shape(tuple), required",
     "Size of the window, one number for each spatial dimension.", MX_LIMIT_NONE},
    {"stride", "Shape(tuple), optional, default=[]", "Steps between windows; empty: 1 each.",
     MX_LIMIT_NONE},
    {"dilate", "Shape(tuple), optional, default=[]",
     "Distances between the taps of the kernel; empty: 1 each.", MX_LIMIT_NONE},
    {"pad", "Shape(tuple), optional, default=[]",
     "Zeros on both ends of each dimension; empty: none.", MX_LIMIT_NONE},
    {"num_filter", "int (non-negative), required", "Output channels.", MX_LIMIT_FROM_1},
    {"num_group", "int (non-negative), optional, default=1",
     "Groups into which the channels are divided.", MX_LIMIT_NONE},
    {"workspace", "long (non-negative), optional, default=1024", "Accepted and not used.",
     MX_LIMIT_NONE},
    {"no_bias", "boolean, optional, default=0", "There is no bias.", MX_LIMIT_NONE},
    {"cudnn_tune", "{None, 'fastest', 'limited_workspace', 'off'},optional, default='None'",
     "Accepted and not used.", MX_LIMIT_NONE},
    {"cudnn_off", "boolean, optional, default=0", "Accepted and not used.", MX_LIMIT_NONE},
    {"layout", "{None, 'NCDHW', 'NCHW', 'NDHWC', 'NHWC'},optional, default='None'",
     "Order of the dimensions; None: channels come second.", MX_LIMIT_NONE},
};

static const struct mx_parameter embedding[] = {
    {"data", COP_MX_TENSOR, "Indices of rows, of any type of numbers.", MX_LIMIT_NONE},
    {"weight", COP_MX_TENSOR, "Table with a row of output_dim numbers for each index.",
     MX_LIMIT_NONE},
    {"input_dim", "int, required", "Rows of the table.", MX_LIMIT_FROM_1},
    {"output_dim", "int, required", "Numbers in a row.", MX_LIMIT_FROM_1},
    {"dtype",
     "{'bfloat16', 'float16', 'float32', 'float64', 'int32', 'int64', 'int8', 'uint8'},optional, "
     "default='float32'",
     "Element type of the table.", MX_LIMIT_NONE},
    {"sparse_grad", "boolean, optional, default=0", "Accepted and not used.", MX_LIMIT_NONE},
};

static const struct mx_parameter fully_connected[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"weight", COP_MX_TENSOR, "Learned weights.", MX_LIMIT_NONE},
    {"bias", COP_MX_TENSOR, "Learned offsets, one for each output; not there with no_bias.",
     MX_LIMIT_NONE},
    {"num_hidden", "int, required", "Number of outputs.", MX_LIMIT_FROM_1},
    {"no_bias", "boolean, optional, default=0", "There is no bias.", MX_LIMIT_NONE},
    {"flatten", "boolean, optional, default=1",
     "Everything but the first dimension is contracted; otherwise only the last one.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter leaky_re_lu[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"gamma", COP_MX_TENSOR, "Learned slopes; only there with act_type prelu.", MX_LIMIT_NONE},
    {"act_type", "{'elu', 'gelu', 'leaky', 'prelu', 'rrelu', 'selu'},optional, default='leaky'",
     "Which function.", MX_LIMIT_NONE},
    {"slope", "float, optional, default=0.25",
     "Factor of negative elements for leaky, and of the exponential for elu.", MX_LIMIT_NONE},
    {"lower_bound", "float, optional, default=0.125", "Least slope of rrelu.", MX_LIMIT_NONE},
    {"upper_bound", "float, optional, default=0.333999991", "Largest slope of rrelu.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter pooling[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"kernel", "Shape(tuple), optional, default=[]",
     "Size of the window, one number for each spatial dimension.", MX_LIMIT_NONE},
    {"pool_type", "{'avg', 'lp', 'max', 'sum'},optional, default='max'",
     "What becomes of a window.", MX_LIMIT_NONE},
    {"global_pool", "boolean, optional, default=0", "One window over everything.", MX_LIMIT_NONE},
    {"cudnn_off", "boolean, optional, default=0", "Accepted and not used.", MX_LIMIT_NONE},
    {"pooling_convention", "{'full', 'same', 'valid'},optional, default='valid'",
     "Whether windows that hang over the end count.", MX_LIMIT_NONE},
    {"stride", "Shape(tuple), optional, default=[]", "Steps between windows; empty: 1 each.",
     MX_LIMIT_NONE},
    {"pad", "Shape(tuple), optional, default=[]",
     "Zeros on both ends of each dimension; empty: none.", MX_LIMIT_NONE},
    {"p_value", "int or None, optional, default='None'", "Exponent of pool_type lp.",
     MX_LIMIT_NONE},
    {"count_include_pad", "boolean or None, optional, default=None",
     "Whether the mean counts padding; None: it does.", MX_LIMIT_NONE},
    {"layout", "{None, 'NCDHW', 'NCHW', 'NCW', 'NDHWC', 'NHWC', 'NWC'},optional, default='None'",
     "Order of the dimensions; None: channels come second.", MX_LIMIT_NONE},
};

static const struct mx_parameter pooling_v1[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"kernel", "Shape(tuple), optional, default=[]",
     "Size of the window, one number for each spatial dimension.", MX_LIMIT_NONE},
    {"pool_type", "{'avg', 'max', 'sum'},optional, default='max'", "What becomes of a window.",
     MX_LIMIT_NONE},
    {"global_pool", "boolean, optional, default=0", "One window over everything.", MX_LIMIT_NONE},
    {"pooling_convention", "{'full', 'valid'},optional, default='valid'",
     "Whether windows that hang over the end count.", MX_LIMIT_NONE},
    {"stride", "Shape(tuple), optional, default=[]", "Steps between windows; empty: 1 each.",
     MX_LIMIT_NONE},
    {"pad", "Shape(tuple), optional, default=[]",
     "Zeros on both ends of each dimension; empty: none.", MX_LIMIT_NONE},
};

static const struct mx_parameter up_sampling[] = {
    {"data", "NDArray-or-Symbol[]", "Images; with bilinear interpolation an image and its weight.",
     MX_LIMIT_NONE},
    {"scale", "int, required", "How many times larger.", MX_LIMIT_FROM_1},
    {"num_filter", "int, optional, default='0'", "Channels, for bilinear.", MX_LIMIT_NONE},
    {"sample_type", "{'bilinear', 'nearest'}, required", "How new elements come about.",
     MX_LIMIT_NONE},
    {"multi_input_mode", "{'concat', 'sum'},optional, default='concat'",
     "Whether several inputs are joined or added.", MX_LIMIT_NONE},
    {"num_args", "int, required", "Number of inputs.", MX_LIMIT_FROM_1},
    {"workspace", "long (non-negative), optional, default=512", "Accepted and not used.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter contrib_adaptive_avg_pooling2d[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"output_size", "Shape(tuple), optional, default=[]",
     "Height and width of the result; empty: 1.", MX_LIMIT_NONE},
};

static const struct mx_parameter batch_dot[] = {
    {"lhs", COP_MX_TENSOR, "Left side.", MX_LIMIT_NONE},
    {"rhs", COP_MX_TENSOR, "Right side.", MX_LIMIT_NONE},
    {"transpose_a", "boolean, optional, default=0", "Transpose the left side first.",
     MX_LIMIT_NONE},
    {"transpose_b", "boolean, optional, default=0", "Transpose the right side first.",
     MX_LIMIT_NONE},
    {"forward_stype", "{None, 'csr', 'default', 'row_sparse'},optional, default='None'",
     "Accepted and not used.", MX_LIMIT_NONE},
};

static const struct mx_parameter take[] = {
    {"a", COP_MX_TENSOR, "Where elements are taken from.", MX_LIMIT_NONE},
    {"indices", COP_MX_TENSOR, "Positions along the axis.", MX_LIMIT_NONE},
    {"axis", "int, optional, default='0'", "The dimension.", MX_LIMIT_NONE},
    {"mode", "{'clip', 'raise', 'wrap'},optional, default='clip'",
     "What becomes of positions outside.", MX_LIMIT_NONE},
};

static const struct mx_operator operators[] = {
    {
        .name = "Activation",
        .aliases = COP_MX_NAMES("_npx_activation"),
        .description = "Applies one of several functions to each element.",
        COP_MX_ARGUMENTS(activation, 1),
    },
    {
        .name = "Convolution",
        .aliases = COP_MX_NAMES("_npx_convolution"),
        .description =
            "Cross-correlation with learned kernels over one, two or three spatial dimensions.",
        COP_MX_ARGUMENTS(convolution, 3),
        .types = MX_TYPES_FIRST,
    },
    {
        .name = "Convolution_v1",
        .aliases = COP_MX_NO_NAMES,
        .description = "The older form of Convolution.",
        COP_MX_ARGUMENTS(convolution_v1, 3),
        .types = MX_TYPES_FORWARD,
    },
    {
        .name = "Embedding",
        .aliases = COP_MX_NAMES("_npx_embedding", "_sparse_Embedding"),
        .description = "Replaces each index by a row of a table.",
        COP_MX_ARGUMENTS(embedding, 2),
        .types = MX_TYPES_EMBEDDING,
    },
    {
        .name = "FullyConnected",
        .aliases = COP_MX_NAMES("_npx_fully_connected", "_sparse_FullyConnected"),
        .description = "Product of the input with the transposed weight, plus the bias.",
        COP_MX_ARGUMENTS(fully_connected, 3),
    },
    {
        .name = "LeakyReLU",
        .aliases = COP_MX_NAMES("_npx_leaky_relu"),
        .description = "Keeps positive elements and bends negative ones: leaky, prelu, elu, selu, "
                       "gelu or rrelu.",
        COP_MX_ARGUMENTS(leaky_re_lu, 2),
        .outputs = "output mask",
        .output_rule = MX_OUTPUT_RRELU,
        .training = MX_TRAINING_RRELU,
    },
    {
        .name = "Pooling",
        .aliases = COP_MX_NAMES("_npx_pooling"),
        .description = "Largest element, mean, sum or norm of each window.",
        COP_MX_ARGUMENTS(pooling, 1),
        .types = MX_TYPES_FORWARD,
    },
    {
        .name = "Pooling_v1",
        .aliases = COP_MX_NO_NAMES,
        .description = "The older form of Pooling.",
        COP_MX_ARGUMENTS(pooling_v1, 1),
        .types = MX_TYPES_FORWARD,
    },
    {
        .name = "UpSampling",
        .aliases = COP_MX_NO_NAMES,
        .description = "Enlarges images by a whole factor.",
        COP_MX_ARGUMENTS(up_sampling, 1),
        .key_var_num_args = "num_args",
        .bilinear_inputs = "data weight",
        .types = MX_TYPES_FORWARD,
    },
    {
        .name = "_contrib_AdaptiveAvgPooling2D",
        .aliases = COP_MX_NO_NAMES,
        .description = "Means over as many regions as the result has elements.",
        COP_MX_ARGUMENTS(contrib_adaptive_avg_pooling2d, 1),
    },
    {
        .name = "batch_dot",
        .aliases = COP_MX_NAMES("_npx_batch_dot"),
        .description = "Products of matrices, one for each sample.",
        COP_MX_ARGUMENTS(batch_dot, 2),
    },
    {
        .name = "dot",
        .aliases = COP_MX_NAMES("_sparse_dot"),
        .description =
            "Product over the last dimension of the left and the first of the right side.",
        COP_MX_ARGUMENTS(batch_dot, 2),
    },
    {
        .name = "take",
        .aliases = COP_MX_NAMES("_npi_take"),
        .description = "Takes elements at positions along a dimension.",
        COP_MX_ARGUMENTS(take, 2),
        .types = MX_TYPES_LIKE,
    },
};

const struct mx_operator_family cop_mx_neural_family = COP_MX_FAMILY(operators);
