// SPDX-License-Identifier: Apache-2.0
/* Normalizations, and operators with outputs that only training needs. */
#include <string.h>

#include "model/mxnet/mxnet_operators.h"

enum { BATCH_NORM, BATCH_NORM_V1, BATCH_NORM_SYNC };

static void map_batch_norm(struct mxnet_call *call)
{
    struct attribute_reader *reader = &call->attributes;
    COP_ZEROED_ATTRS(batch_normalization_attrs, attrs);
    attrs.epsilon = cop_attribute_double(reader, "eps", 1e-3);
    attrs.unit_scale = cop_attribute_bool(reader, "fix_gamma", true);
    attrs.axis = 1;
    if (call->op->variant == BATCH_NORM) {
        attrs.axis = cop_attribute_int(reader, "axis", 1, -COP_MAX_RANK, COP_MAX_RANK - 1);
        cop_attributes_ignore(reader, "cudnn_off min_calib_range max_calib_range");
    } else if (call->op->variant == BATCH_NORM_SYNC) {
        cop_attributes_ignore(reader, "ndev key");
    }
    /* Inference always takes the stored statistics. */
    cop_attributes_ignore(reader, "momentum use_global_stats");
    if (cop_attribute_bool(reader, "output_mean_var", false))
        cop_attribute_fail(reader, COP_STATUS_UNSUPPORTED, "output_mean_var", "False");
    if (cop_attributes_end(reader) == COP_STATUS_OK && cop_mxnet_set_outputs(call, 3))
        cop_mxnet_return(call,
                         cop_mxnet_emit(call, OP_BATCH_NORMALIZATION, "", &attrs, 5, call->src));
}

static void map_lrn(struct mxnet_call *call)
{
    struct attribute_reader *reader = &call->attributes;
    COP_ZEROED_ATTRS(lrn_attrs, attrs);
    attrs.size = cop_attribute_required_int(reader, "nsize", 1, COP_MAX_EXTENT);
    attrs.alpha = cop_attribute_float(reader, "alpha", 1e-4F);
    attrs.beta = cop_attribute_float(reader, "beta", 0.75F);
    attrs.bias = cop_attribute_float(reader, "knorm", 2);
    if (attrs.size % 2 == 0)
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, "nsize", "an odd number");
    if (cop_attributes_end(reader) == COP_STATUS_OK && cop_mxnet_set_outputs(call, 2))
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_LRN, "", &attrs, call->src[0]));
}

static void map_dropout(struct mxnet_call *call)
{
    static const char *const modes[] = {"training", NULL}; /* "always" would be random */
    cop_attribute_enum(&call->attributes, "mode", 0, modes);
    cop_attributes_ignore(&call->attributes, "p axes cudnn_off");
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK && cop_mxnet_set_outputs(call, 2))
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_IDENTITY, "", NULL, call->src[0]));
}

static struct reduce_attrs reduction(enum reduce_alg alg, int axis_count, const int64_t *axes)
{
    COP_ZEROED_ATTRS(reduce_attrs, attrs);
    attrs.alg = alg;
    attrs.keep_dims = true;
    attrs.axis_count = axis_count;
    for (int i = 0; i < axis_count; i++)
        attrs.axes[i] = axes[i];
    return attrs;
}

/* src / sqrt(Σ src² + eps) over every dimension but the first, the channels, or the positions. */
static void map_l2_normalization(struct mxnet_call *call)
{
    static const char *const modes[] = {"instance", "channel", "spatial", NULL};
    enum { INSTANCE, CHANNEL, SPATIAL };
    const int mode = cop_attribute_enum(&call->attributes, "mode", INSTANCE, modes);
    const float epsilon = cop_attribute_float(&call->attributes, "eps", 1e-10F);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK || !cop_mxnet_set_outputs(call, 2))
        return;
    const int64_t axes[] = {mode == CHANNEL ? 1 : 0, 1};
    struct reduce_attrs sum = reduction(REDUCE_SUM, mode == SPATIAL ? 2 : 1, axes);
    sum.exclude = mode != CHANNEL;
    int norm = cop_mxnet_emit_unary(call, "square", UNARY_SQUARE, 0, 0, call->src[0]);
    norm = cop_mxnet_emit_1(call, OP_REDUCE, "sum", &sum, norm);
    norm = cop_mxnet_emit_unary(call, "epsilon", UNARY_LINEAR, 1, epsilon, norm);
    norm = cop_mxnet_emit_unary(call, "norm", UNARY_SQRT, 0, 0, norm);
    cop_mxnet_return(call, cop_mxnet_emit_binary(call, "", BINARY_DIV, call->src[0], norm));
}

/* (src − mean) / sqrt(variance + eps) over what `mean` reduces. */
static int emit_standardized(struct mxnet_call *call, const struct reduce_attrs *mean,
                             float epsilon, int src)
{
    const int centre = cop_mxnet_emit_1(call, OP_REDUCE, "mean", mean, src);
    const int offset = cop_mxnet_emit_binary(call, "offset", BINARY_SUB, src, centre);
    int scale = cop_mxnet_emit_unary(call, "square", UNARY_SQUARE, 0, 0, offset);
    scale = cop_mxnet_emit_1(call, OP_REDUCE, "variance", mean, scale);
    scale = cop_mxnet_emit_unary(call, "epsilon", UNARY_LINEAR, 1, epsilon, scale);
    scale = cop_mxnet_emit_unary(call, "scale", UNARY_RSQRT, 0, 0, scale);
    return cop_mxnet_emit_binary(call, "standardized", BINARY_MUL, offset, scale);
}

/* · gamma + beta, vectors along `axis`. The last step is called `part`. */
static int emit_affine(struct mxnet_call *call, int64_t axis, const char *part, int src)
{
    static const int64_t open = COP_UNKNOWN;
    COP_ZEROED_ATTRS(binary_attrs, attrs);
    for (int i = 1; i < 3 && !cop_mxnet_failed(call); i++)
        cop_mxnet_state_shape(call, i, 1, &open);
    attrs.align_left = axis != -1; /* along the last dimension numpy's rule does it */
    attrs.is_vector = true;
    attrs.axis = axis;
    attrs.alg = BINARY_MUL;
    src = cop_mxnet_emit_2(call, OP_BINARY, "gamma", &attrs, src, call->src[1]);
    attrs.alg = BINARY_ADD;
    return cop_mxnet_emit_2(call, OP_BINARY, part, &attrs, src, call->src[2]);
}

static void map_instance_norm(struct mxnet_call *call)
{
    const float epsilon = cop_attribute_float(&call->attributes, "eps", 1e-3F);
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK || !cop_mxnet_set_outputs(call, 3))
        return;
    struct reduce_attrs mean = reduction(REDUCE_MEAN, 2, (const int64_t[]){0, 1});
    mean.exclude = true;
    cop_mxnet_return(
        call, emit_affine(call, 1, "", emit_standardized(call, &mean, epsilon, call->src[0])));
}

static void map_layer_norm(struct mxnet_call *call)
{
    const int64_t axis =
        cop_attribute_int(&call->attributes, "axis", -1, -COP_MAX_RANK, COP_MAX_RANK - 1);
    const float epsilon = cop_attribute_float(&call->attributes, "eps", 1e-5F);
    if (cop_attribute_bool(&call->attributes, "output_mean_var", false))
        cop_attribute_fail(&call->attributes, COP_STATUS_UNSUPPORTED, "output_mean_var", "False");
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK || !cop_mxnet_set_outputs(call, 3))
        return;
    const struct reduce_attrs mean = reduction(REDUCE_MEAN, 1, &axis);
    cop_mxnet_return(
        call, emit_affine(call, axis, "", emit_standardized(call, &mean, epsilon, call->src[0])));
}

/* One factor and one offset for each group, as MXNet 1 has them. */
static void map_group_norm(struct mxnet_call *call)
{
    struct attribute_reader *reader = &call->attributes;
    COP_ZEROED_ATTRS(reshape_attrs, apart); /* [0,−4,groups,−1,−2]: c becomes groups and a rest */
    apart.is_mxnet = true;
    apart.count = 5;
    apart.target[1] = -4;
    apart.target[2] = cop_attribute_int(reader, "num_groups", 1, 1, COP_MAX_EXTENT);
    apart.target[3] = -1;
    apart.target[4] = -2;
    COP_ZEROED_ATTRS(reshape_attrs, together); /* [0,−3,−2] */
    together.is_mxnet = true;
    together.count = 3;
    together.target[1] = -3;
    together.target[2] = -2;
    const float epsilon = cop_attribute_float(reader, "eps", 1e-5F);
    if (cop_attribute_bool(reader, "output_mean_var", false))
        cop_attribute_fail(reader, COP_STATUS_UNSUPPORTED, "output_mean_var", "False");
    if (cop_attributes_end(reader) != COP_STATUS_OK || !cop_mxnet_set_outputs(call, 3))
        return;
    struct reduce_attrs mean = reduction(REDUCE_MEAN, 2, (const int64_t[]){0, 1});
    mean.exclude = true;
    int dst = cop_mxnet_emit_1(call, OP_RESHAPE, "groups", &apart, call->src[0]);
    dst = emit_affine(call, 1, "beta", emit_standardized(call, &mean, epsilon, dst));
    cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_RESHAPE, "", &together, dst));
}

#define BATCH_NORM_SLOTS "data gamma beta moving_mean moving_var"

static const struct mxnet_operator operators[] = {
    {"BatchNorm", BATCH_NORM_SLOTS, map_batch_norm, BATCH_NORM, LAST_ALWAYS},
    {"BatchNorm_v1", BATCH_NORM_SLOTS, map_batch_norm, BATCH_NORM_V1, LAST_ALWAYS},
    {"Dropout", "data", map_dropout, 0, LAST_ALWAYS},
    {"GroupNorm", "data gamma beta", map_group_norm, 0, LAST_ALWAYS},
    {"InstanceNorm", "data gamma beta", map_instance_norm, 0, LAST_ALWAYS},
    {"L2Normalization", "data", map_l2_normalization, 0, LAST_ALWAYS},
    {"LRN", "data", map_lrn, 0, LAST_ALWAYS},
    {"LayerNorm", "data gamma beta", map_layer_norm, 0, LAST_ALWAYS},
    {"_contrib_SyncBatchNorm", BATCH_NORM_SLOTS, map_batch_norm, BATCH_NORM_SYNC, LAST_ALWAYS},
    {"_npx_batch_norm", BATCH_NORM_SLOTS, map_batch_norm, BATCH_NORM, LAST_ALWAYS},
    {"_npx_dropout", "data", map_dropout, 0, LAST_ALWAYS},
    {"_npx_layer_norm", "data gamma beta", map_layer_norm, 0, LAST_ALWAYS},
};

const struct mxnet_operator_family cop_mxnet_normalization_family = {
    operators, sizeof operators / sizeof operators[0]};
