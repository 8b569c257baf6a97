// SPDX-License-Identifier: Apache-2.0
/* Normalizations. */
#include "mxnet/operators/mx_operator_table.h"

static const struct mx_parameter batch_norm[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"gamma", COP_MX_TENSOR, "Learned factors, one for each channel.", MX_LIMIT_NONE},
    {"beta", COP_MX_TENSOR, "Learned offsets, one for each channel.", MX_LIMIT_NONE},
    {"moving_mean", COP_MX_TENSOR, "Mean of each channel, as training has seen it.", MX_LIMIT_NONE},
    {"moving_var", COP_MX_TENSOR, "Variance of each channel, as training has seen it.",
     MX_LIMIT_NONE},
    {"eps", "double, optional, default=0.0010000000474974513",
     "Small number that keeps the divisor from being zero.", MX_LIMIT_NONE},
    {"momentum", "float, optional, default=0.899999976",
     "How slowly training moves the stored statistics.", MX_LIMIT_NONE},
    {"fix_gamma", "boolean, optional, default=1", "Take 1 instead of gamma.", MX_LIMIT_NONE},
    {"use_global_stats", "boolean, optional, default=0",
     "Take the stored statistics while training, too.", MX_LIMIT_NONE},
    {"output_mean_var", "boolean, optional, default=0", "Show mean and deviation as outputs, too.",
     MX_LIMIT_NONE},
    {"axis", "int, optional, default='1'", "The dimension of channels.", MX_LIMIT_NONE},
    {"cudnn_off", "boolean, optional, default=0", "Accepted and not used.", MX_LIMIT_NONE},
    {"min_calib_range", "float or None, optional, default=None", "Accepted and not used.",
     MX_LIMIT_NONE},
    {"max_calib_range", "float or None, optional, default=None", "Accepted and not used.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter batch_norm_v1[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"gamma", COP_MX_TENSOR, "Learned factors, one for each channel.", MX_LIMIT_NONE},
    {"beta", COP_MX_TENSOR, "Learned offsets, one for each channel.", MX_LIMIT_NONE},
    {"eps", "float, optional, default=0.00100000005",
     "Small number that keeps the divisor from being zero.", MX_LIMIT_NONE},
    {"momentum", "float, optional, default=0.899999976",
     "How slowly training moves the stored statistics.", MX_LIMIT_NONE},
    {"fix_gamma", "boolean, optional, default=1", "Take 1 instead of gamma.", MX_LIMIT_NONE},
    {"use_global_stats", "boolean, optional, default=0",
     "Take the stored statistics while training, too.", MX_LIMIT_NONE},
    {"output_mean_var", "boolean, optional, default=0", "Show mean and deviation as outputs, too.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter dropout[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"p", "float, optional, default=0.5", "Share of elements that training sets to zero.",
     MX_LIMIT_0_TO_1},
    {"mode", "{'always', 'training'},optional, default='training'", "When elements are dropped.",
     MX_LIMIT_NONE},
    {"axes", "Shape(tuple), optional, default=[]",
     "Dimensions along which whole slices are dropped.", MX_LIMIT_NONE},
    {"cudnn_off", "boolean or None, optional, default=0", "Accepted and not used.", MX_LIMIT_NONE},
};

static const struct mx_parameter group_norm[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"gamma", COP_MX_TENSOR, "Learned factors, one for each group.", MX_LIMIT_NONE},
    {"beta", COP_MX_TENSOR, "Learned offsets, one for each group.", MX_LIMIT_NONE},
    {"num_groups", "int, optional, default='1'", "Groups into which the channels are divided.",
     MX_LIMIT_NONE},
    {"eps", "float, optional, default=9.99999975e-06",
     "Small number that keeps the divisor from being zero.", MX_LIMIT_NONE},
    {"output_mean_var", "boolean, optional, default=0", "Show mean and deviation as outputs, too.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter instance_norm[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"gamma", COP_MX_TENSOR, "Learned factors, one for each channel.", MX_LIMIT_NONE},
    {"beta", COP_MX_TENSOR, "Learned offsets, one for each channel.", MX_LIMIT_NONE},
    {"eps", "float, optional, default=0.00100000005",
     "Small number that keeps the divisor from being zero.", MX_LIMIT_NONE},
};

static const struct mx_parameter l2normalization[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"eps", "float, optional, default=1.00000001e-10",
     "Small number that keeps the divisor from being zero.", MX_LIMIT_NONE},
    {"mode", "{'channel', 'instance', 'spatial'},optional, default='instance'",
     "What is divided by one norm: a sample, the channels of a position, or the positions of a "
     "channel.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter lrn[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"alpha", "float, optional, default=9.99999975e-05", "Weight of the sum of squares.",
     MX_LIMIT_NONE},
    {"beta", "float, optional, default=0.75", "Exponent.", MX_LIMIT_NONE},
    {"knorm", "float, optional, default=2", "What is added to the weighted sum.", MX_LIMIT_NONE},
    {"nsize", "int (non-negative), required",
     "How many neighbouring channels count; an odd number.", MX_LIMIT_NONE},
};

static const struct mx_parameter layer_norm[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"gamma", COP_MX_TENSOR, "Learned factors, one for each channel.", MX_LIMIT_NONE},
    {"beta", COP_MX_TENSOR, "Learned offsets, one for each channel.", MX_LIMIT_NONE},
    {"axis", "int, optional, default='-1'", "The dimension that is normalized.", MX_LIMIT_NONE},
    {"eps", "float, optional, default=9.99999975e-06",
     "Small number that keeps the divisor from being zero.", MX_LIMIT_NONE},
    {"output_mean_var", "boolean, optional, default=0", "Show mean and deviation as outputs, too.",
     MX_LIMIT_NONE},
};

static const struct mx_parameter contrib_sync_batch_norm[] = {
    {"data", COP_MX_TENSOR, "What the operator works on.", MX_LIMIT_NONE},
    {"gamma", COP_MX_TENSOR, "Learned factors, one for each channel.", MX_LIMIT_NONE},
    {"beta", COP_MX_TENSOR, "Learned offsets, one for each channel.", MX_LIMIT_NONE},
    {"moving_mean", COP_MX_TENSOR, "Mean of each channel, as training has seen it.", MX_LIMIT_NONE},
    {"moving_var", COP_MX_TENSOR, "Variance of each channel, as training has seen it.",
     MX_LIMIT_NONE},
    {"eps", "float, optional, default=0.00100000005",
     "Small number that keeps the divisor from being zero.", MX_LIMIT_NONE},
    {"momentum", "float, optional, default=0.899999976",
     "How slowly training moves the stored statistics.", MX_LIMIT_NONE},
    {"fix_gamma", "boolean, optional, default=1", "Take 1 instead of gamma.", MX_LIMIT_NONE},
    {"use_global_stats", "boolean, optional, default=0",
     "Take the stored statistics while training, too.", MX_LIMIT_NONE},
    {"output_mean_var", "boolean, optional, default=0", "Show mean and deviation as outputs, too.",
     MX_LIMIT_NONE},
    {"ndev", "int, optional, default='1'", "Accepted and not used.", MX_LIMIT_NONE},
    {"key", "string, required", "Accepted and not used.", MX_LIMIT_NONE},
};

static const struct mx_operator operators[] = {
    {
        .name = "BatchNorm",
        .aliases = COP_MX_NAMES("_npx_batch_norm"),
        .description = "Normalizes each channel by stored statistics, then scales and shifts it.",
        COP_MX_ARGUMENTS(batch_norm, 5),
        .outputs = "output mean var",
        .output_rule = MX_OUTPUT_MEAN_VAR,
        .types = MX_TYPES_BATCH_NORM,
        .training = MX_TRAINING_STATISTICS,
    },
    {
        .name = "BatchNorm_v1",
        .aliases = COP_MX_NO_NAMES,
        .description = "The older form of BatchNorm.",
        COP_MX_ARGUMENTS(batch_norm_v1, 3),
        .outputs = "output mean var",
        .output_rule = MX_OUTPUT_MEAN_VAR,
        .types = MX_TYPES_OLD_BATCH_NORM,
        .training = MX_TRAINING_STATISTICS,
    },
    {
        .name = "Dropout",
        .aliases = COP_MX_NAMES("_npx_dropout"),
        .description = "The input at inference; training sets random elements to zero.",
        COP_MX_ARGUMENTS(dropout, 1),
        .outputs = "output mask",
        .output_rule = MX_OUTPUT_FIRST,
        .types = MX_TYPES_FORWARD,
        .training = MX_TRAINING_RANDOM,
    },
    {
        .name = "GroupNorm",
        .aliases = COP_MX_NO_NAMES,
        .description = "Normalizes groups of channels of each sample, then scales and shifts.",
        COP_MX_ARGUMENTS(group_norm, 3),
        .outputs = "output mean std",
        .output_rule = MX_OUTPUT_MEAN_VAR,
    },
    {
        .name = "InstanceNorm",
        .aliases = COP_MX_NO_NAMES,
        .description = "Normalizes each channel of each sample, then scales and shifts it.",
        COP_MX_ARGUMENTS(instance_norm, 3),
        .outputs = "output mean var",
        .output_rule = MX_OUTPUT_FIRST,
        .types = MX_TYPES_FLOAT32,
    },
    {
        .name = "L2Normalization",
        .aliases = COP_MX_NO_NAMES,
        .description = "Divides by the Euclidean norm.",
        COP_MX_ARGUMENTS(l2normalization, 1),
        .outputs = "output norm",
        .output_rule = MX_OUTPUT_FIRST,
    },
    {
        .name = "LRN",
        .aliases = COP_MX_NO_NAMES,
        .description = "Divides by a power of what neighbouring channels hold.",
        COP_MX_ARGUMENTS(lrn, 1),
        .outputs = "output tmp_norm",
        .output_rule = MX_OUTPUT_FIRST,
        .types = MX_TYPES_FORWARD,
    },
    {
        .name = "LayerNorm",
        .aliases = COP_MX_NAMES("_npx_layer_norm"),
        .description = "Normalizes along one dimension, then scales and shifts.",
        COP_MX_ARGUMENTS(layer_norm, 3),
        .outputs = "output mean std",
        .output_rule = MX_OUTPUT_MEAN_VAR,
    },
    {
        .name = "_contrib_SyncBatchNorm",
        .aliases = COP_MX_NO_NAMES,
        .description = "BatchNorm whose training shares statistics between devices.",
        COP_MX_ARGUMENTS(contrib_sync_batch_norm, 5),
        .outputs = "output mean var",
        .output_rule = MX_OUTPUT_MEAN_VAR,
        .types = MX_TYPES_OLD_BATCH_NORM,
        .training = MX_TRAINING_STATISTICS,
    },
};

const struct mx_operator_family cop_mx_normalization_family = COP_MX_FAMILY(operators);
