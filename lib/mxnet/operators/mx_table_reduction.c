// SPDX-License-Identifier: Apache-2.0
/* Operators over whole dimensions, and the heads of losses. */
#include "mxnet/operators/mx_operator_table.h"

static const struct mx_parameter data[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
};

static const struct mx_parameter linear_regression_output[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"label", COP_MX_TENSOR, "What training compares with; inference does not read it.",
     MX_LIMIT_NONE},
    {"grad_scale", "float, optional, default=1", "Factor of the gradient.", MX_LIMIT_NONE},
};

static const struct mx_parameter make_loss[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"grad_scale", "float, optional, default=1", "Factor of the gradient.", MX_LIMIT_NONE},
    {"valid_thresh", "float, optional, default=0", "Least value that counts as valid.",
     MX_LIMIT_NONE},
    {"normalization", "{'batch', 'null', 'valid'},optional, default='null'",
     "What the gradient is divided by.", MX_LIMIT_NONE},
};

static const struct mx_parameter svmoutput[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"label", COP_MX_TENSOR, "What training compares with; inference does not read it.",
     MX_LIMIT_NONE},
    {"margin", "float, optional, default=1", "Distance that training wants.", MX_LIMIT_NONE},
    {"regularization_coefficient", "float, optional, default=1", "Weight of the loss.",
     MX_LIMIT_NONE},
    {"use_linear", "boolean, optional, default=0",
     "Take the linear loss instead of the squared one.", MX_LIMIT_NONE},
};

static const struct mx_parameter softmax_activation[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"mode", "{'channel', 'instance'},optional, default='instance'",
     "Over the last dimension, or over the channels.", MX_LIMIT_NONE},
};

static const struct mx_parameter softmax_output[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"label", COP_MX_TENSOR, "What training compares with; inference does not read it.",
     MX_LIMIT_NONE},
    {"grad_scale", "float, optional, default=1", "Factor of the gradient.", MX_LIMIT_NONE},
    {"ignore_label", "float, optional, default=-1", "Label without a gradient, with use_ignore.",
     MX_LIMIT_NONE},
    {"multi_output", "boolean, optional, default=0",
     "Over the second dimension, at each position of the others.", MX_LIMIT_NONE},
    {"use_ignore", "boolean, optional, default=0", "Leave out ignore_label.", MX_LIMIT_NONE},
    {"preserve_shape", "boolean, optional, default=0",
     "Over the last dimension; otherwise over all but the first.", MX_LIMIT_NONE},
    {"normalization", "{'batch', 'null', 'valid'},optional, default='null'",
     "What the gradient is divided by.", MX_LIMIT_NONE},
    {"out_grad", "boolean, optional, default=0", "Multiply by the gradient of the output.",
     MX_LIMIT_NONE},
    {"smooth_alpha", "float, optional, default=0", "Share that is taken from the true class.",
     MX_LIMIT_0_TO_1},
};

static const struct mx_parameter argmax[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"axis", "int or None, optional, default='None'",
     "The dimension to look along; None: everything.", MX_LIMIT_NONE},
    {"keepdims", "boolean, optional, default=0", "Keep reduced dimensions, with size 1.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter log_softmax[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"axis", "int, optional, default='-1'", "The dimension.", MX_LIMIT_NONE},
    {"temperature", "double or None, optional, default=None",
     "What elements are divided by first; None: 1.", MX_LIMIT_NONE},
    {"dtype", "{None, 'float16', 'float32', 'float64'},optional, default='None'",
     "Element type of the result; None: that of the input.", MX_LIMIT_NONE},
    {"use_length", "boolean or None, optional, default=0", "There is a second input of lengths.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter max_arguments[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"axis", "Shape or None, optional, default=None", "Dimensions to reduce; None: all.",
     MX_LIMIT_NONE},
    {"keepdims", "boolean, optional, default=0", "Keep reduced dimensions, with size 1.",
     MX_LIMIT_NONE},
    {"exclude", "boolean, optional, default=0", "Reduce the other dimensions.", MX_LIMIT_NONE},
};

static const struct mx_parameter norm[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"ord", "int, optional, default='2'",
     "1 for the sum of absolute values, 2 for the Euclidean norm.", MX_LIMIT_NONE},
    {"axis", "Shape or None, optional, default=None", "Dimensions to reduce; None: all.",
     MX_LIMIT_NONE},
    {"out_dtype",
     "{None, 'float16', 'float32', 'float64', 'int32', 'int64', 'int8'},optional, default='None'",
     "Element type of the result; None: that of the input.", MX_LIMIT_NONE},
    {"keepdims", "boolean, optional, default=0", "Keep reduced dimensions, with size 1.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter softmax[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"length", COP_MX_TENSOR, "How many elements of each row count; only there with use_length.",
     MX_LIMIT_NONE},
    {"axis", "int, optional, default='-1'", "The dimension that sums to one.", MX_LIMIT_NONE},
    {"temperature", "double or None, optional, default=None",
     "What elements are divided by first; None: 1.", MX_LIMIT_NONE},
    {"dtype", "{None, 'float16', 'float32', 'float64'},optional, default='None'",
     "Element type of the result; None: that of the input.", MX_LIMIT_NONE},
    {"use_length", "boolean or None, optional, default=0", "There is a second input of lengths.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter softmin[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"axis", "int, optional, default='-1'", "The dimension that sums to one.", MX_LIMIT_NONE},
    {"temperature", "double or None, optional, default=None",
     "What elements are divided by first; None: 1.", MX_LIMIT_NONE},
    {"dtype", "{None, 'float16', 'float32', 'float64'},optional, default='None'",
     "Element type of the result; None: that of the input.", MX_LIMIT_NONE},
    {"use_length", "boolean or None, optional, default=0", "There is a second input of lengths.",
     MX_LIMIT_NONE},
};

static const struct mx_operator operators[] = {
    {
        .name = "BlockGrad",
        .aliases = COP_MX_NAMES("_sparse_stop_gradient", "stop_gradient"),
        .description = "The input, through which no gradient passes.",
        COP_MX_ARGUMENTS(data, 1),
    },
    {
        .name = "LinearRegressionOutput",
        .aliases = COP_MX_NAMES("_sparse_LinearRegressionOutput"),
        .description = "The input; training compares it with the label by squared differences.",
        COP_MX_ARGUMENTS(linear_regression_output, 2),
        .label = MX_LABEL_REGRESSION,
    },
    {
        .name = "LogisticRegressionOutput",
        .aliases = COP_MX_NAMES("_sparse_LogisticRegressionOutput"),
        .description = "The sigmoid of the input; training compares it with the label.",
        COP_MX_ARGUMENTS(linear_regression_output, 2),
        .label = MX_LABEL_REGRESSION,
    },
    {
        .name = "MAERegressionOutput",
        .aliases = COP_MX_NAMES("_sparse_MAERegressionOutput"),
        .description = "The input; training compares it with the label by absolute differences.",
        COP_MX_ARGUMENTS(linear_regression_output, 2),
        .label = MX_LABEL_REGRESSION,
    },
    {
        .name = "MakeLoss",
        .aliases = COP_MX_NO_NAMES,
        .description = "The input, which training takes for a loss, with a scale.",
        COP_MX_ARGUMENTS(make_loss, 1),
        .types = MX_TYPES_FORWARD,
    },
    {
        .name = "SVMOutput",
        .aliases = COP_MX_NO_NAMES,
        .description = "The input; training compares it with the label by margins.",
        COP_MX_ARGUMENTS(svmoutput, 2),
        .types = MX_TYPES_FORWARD,
        .label = MX_LABEL_SVM,
    },
    {
        .name = "SoftmaxActivation",
        .aliases = COP_MX_NO_NAMES,
        .description = "Softmax over the last dimension or the channels.",
        COP_MX_ARGUMENTS(softmax_activation, 1),
    },
    {
        .name = "SoftmaxOutput",
        .aliases = COP_MX_NAMES("Softmax"),
        .description = "Softmax; training compares it with the label by cross-entropy.",
        COP_MX_ARGUMENTS(softmax_output, 2),
        .types = MX_TYPES_FIRST,
        .label = MX_LABEL_SOFTMAX,
    },
    {
        .name = "argmax",
        .aliases = COP_MX_NO_NAMES,
        .description = "Positions of the largest elements.",
        COP_MX_ARGUMENTS(argmax, 1),
    },
    {
        .name = "argmax_channel",
        .aliases = COP_MX_NO_NAMES,
        .description = "Positions of the largest elements along the second dimension.",
        COP_MX_ARGUMENTS(data, 1),
    },
    {
        .name = "argmin",
        .aliases = COP_MX_NO_NAMES,
        .description = "Positions of the smallest elements.",
        COP_MX_ARGUMENTS(argmax, 1),
    },
    {
        .name = "log_softmax",
        .aliases = COP_MX_NAMES("_npx_log_softmax"),
        .description = "Logarithm of softmax.",
        COP_MX_ARGUMENTS(log_softmax, 1),
        .types = MX_TYPES_SOFTMAX,
    },
    {
        .name = "make_loss",
        .aliases = COP_MX_NAMES("_sparse_make_loss"),
        .description = "The input, which training takes for a loss.",
        COP_MX_ARGUMENTS(data, 1),
        .outputs = "loss",
    },
    {
        .name = "max",
        .aliases = COP_MX_NAMES("max_axis"),
        .description = "Largest element over some dimensions.",
        COP_MX_ARGUMENTS(max_arguments, 1),
    },
    {
        .name = "mean",
        .aliases = COP_MX_NAMES("_sparse_mean"),
        .description = "Mean over some dimensions.",
        COP_MX_ARGUMENTS(max_arguments, 1),
    },
    {
        .name = "min",
        .aliases = COP_MX_NAMES("min_axis"),
        .description = "Smallest element over some dimensions.",
        COP_MX_ARGUMENTS(max_arguments, 1),
    },
    {
        .name = "norm",
        .aliases = COP_MX_NAMES("_sparse_norm"),
        .description = "Norm over some dimensions.",
        COP_MX_ARGUMENTS(norm, 1),
        .types = MX_TYPES_NORM,
    },
    {
        .name = "prod",
        .aliases = COP_MX_NO_NAMES,
        .description = "Product over some dimensions.",
        COP_MX_ARGUMENTS(max_arguments, 1),
    },
    {
        .name = "softmax",
        .aliases = COP_MX_NAMES("_npx_softmax"),
        .description = "Exponentials divided by their sum along a dimension.",
        COP_MX_ARGUMENTS(softmax, 2),
        .types = MX_TYPES_SOFTMAX,
    },
    {
        .name = "softmin",
        .aliases = COP_MX_NO_NAMES,
        .description = "Softmax of the elements of opposite sign.",
        COP_MX_ARGUMENTS(softmin, 1),
        .types = MX_TYPES_SOFTMAX,
    },
    {
        .name = "sum",
        .aliases = COP_MX_NAMES("_sparse_sum", "sum_axis"),
        .description = "Sum over some dimensions.",
        COP_MX_ARGUMENTS(max_arguments, 1),
    },
};

const struct mx_operator_family cop_mx_reduction_family = COP_MX_FAMILY(operators);
