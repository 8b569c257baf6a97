// SPDX-License-Identifier: Apache-2.0
/* Operators with windows and weights: convolution, pooling, fully connected, embedding. */
#include <stdio.h>
#include <string.h>

#include "model/mxnet/mxnet_operators.h"

/* Whether channels stand last in a layout such as "NHWC". */
static const char *const layouts[] = {"None", "NCW", "NCHW", "NCDHW", "NWC", "NHWC", "NDHWC", NULL};
enum { LAYOUT_NONE, LAYOUT_NCDHW = 3, LAYOUT_COUNT = 7 };

/* The layout's spatial rank, or 0 when there is none; `is_channels_last` tells the rest. */
static int read_layout(struct mxnet_call *call, bool *is_channels_last)
{
    const int layout = cop_attribute_enum(&call->attributes, "layout", LAYOUT_NONE, layouts);
    *is_channels_last = layout > LAYOUT_NCDHW;
    return layout <= LAYOUT_NONE ? 0 : (layout - 1) % COP_MAX_SPATIAL + 1;
}

/* Copies a tuple that may be absent, but otherwise has `rank` elements. */
static void read_extents(struct mxnet_call *call, const char *key, int64_t least, int rank,
                         int64_t *extents)
{
    const struct attribute_tuple tuple =
        cop_attribute_tuple(&call->attributes, key, least, COP_MAX_EXTENT, false);
    if (tuple.count == 0)
        return;
    if (tuple.count != rank)
        cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, key,
                           "one number for each dimension of the kernel");
    for (int i = 0; i < rank && tuple.count == rank; i++)
        extents[i] = tuple.values[i];
}

/* The kernel, whose length is the spatial rank: 1 to 3, and that of the layout. */
static int read_kernel(struct mxnet_call *call, int layout_rank, int64_t *kernel)
{
    const struct attribute_tuple tuple =
        cop_attribute_tuple(&call->attributes, "kernel", 1, COP_MAX_EXTENT, false);
    if (tuple.count < 1 || tuple.count > COP_MAX_SPATIAL ||
        (layout_rank != 0 && tuple.count != layout_rank)) {
        cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, "kernel",
                           "1 to 3 numbers above 0, as many as the layout has dimensions");
        return 1;
    }
    for (int i = 0; i < tuple.count; i++)
        kernel[i] = tuple.values[i];
    return tuple.count;
}

/* [n,spatial…,c] to [n,c,spatial…]; weights alike. */
static int move_channels_first(struct mxnet_call *call, const char *part, int spatial_rank, int src)
{
    COP_ZEROED_ATTRS(transpose_attrs, attrs);
    attrs.rank = spatial_rank + 2;
    attrs.perm[1] = attrs.rank - 1;
    for (int i = 2; i < attrs.rank; i++)
        attrs.perm[i] = i - 1;
    return cop_mxnet_emit_1(call, OP_TRANSPOSE, part, &attrs, src);
}

static int move_channels_last(struct mxnet_call *call, const char *part, int spatial_rank, int src)
{
    COP_ZEROED_ATTRS(transpose_attrs, attrs);
    attrs.rank = spatial_rank + 2;
    attrs.perm[attrs.rank - 1] = 1;
    for (int i = 1; i < attrs.rank - 1; i++)
        attrs.perm[i] = i + 1;
    return cop_mxnet_emit_1(call, OP_TRANSPOSE, part, &attrs, src);
}

static void check_weights_rank(struct mxnet_call *call, int rank)
{
    const struct shape *weights = &call->graph->values[call->src[1]].shape;
    char what[COP_SHAPE_TEXT_BYTES + 64];
    if (weights->rank == COP_UNKNOWN || weights->rank == rank)
        return;
    snprintf(what, sizeof what, "weights %s need %d dimensions", cop_shape_text(weights).text,
             rank);
    cop_mxnet_malformed(call, what);
}

/* What the kernel and the filters say where nobody knows more: the data's rank may be a hint. */
static void state_convolution(struct mxnet_call *call, const struct convolution_attrs *attrs,
                              int rank, bool is_channels_last)
{
    int64_t data[COP_MAX_SPATIAL + 2], weights[COP_MAX_SPATIAL + 2];
    if (!call->is_for_inference_of_shapes || cop_mxnet_failed(call))
        return;
    for (int i = 0; i < rank + 2; i++)
        data[i] = weights[i] = COP_UNKNOWN;
    weights[0] = attrs->output_channels;
    for (int i = 0; i < rank; i++)
        weights[i + (is_channels_last ? 1 : 2)] = attrs->kernel[i];
    cop_mxnet_state_shape(call, 0, rank + 2, data);
    if (!cop_mxnet_failed(call))
        cop_mxnet_state_shape(call, 1, rank + 2, weights);
}

static void map_convolution(struct mxnet_call *call)
{
    struct attribute_reader *reader = &call->attributes;
    bool is_channels_last;
    COP_ZEROED_ATTRS(convolution_attrs, attrs);
    const int layout_rank = read_layout(call, &is_channels_last);
    const int rank = read_kernel(call, layout_rank, attrs.kernel);
    read_extents(call, "stride", 1, rank, attrs.strides);
    read_extents(call, "dilate", 1, rank, attrs.dilations);
    read_extents(call, "pad", 0, rank, attrs.pads_begin);
    memcpy(attrs.pads_end, attrs.pads_begin, sizeof attrs.pads_end);
    attrs.output_channels = cop_attribute_required_int(reader, "num_filter", 1, COP_MAX_EXTENT);
    attrs.groups = cop_attribute_int(reader, "num_group", 1, 1, COP_MAX_EXTENT);
    cop_attribute_bool(reader, "no_bias", false); /* decided the number of inputs */
    cop_attributes_ignore(reader, "workspace cudnn_tune cudnn_off");
    if (attrs.output_channels % attrs.groups != 0)
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, "num_filter",
                           "a multiple of num_group");
    check_weights_rank(call, rank + 2);
    if (cop_attributes_end(reader) != COP_STATUS_OK)
        return;
    state_convolution(call, &attrs, rank, is_channels_last);
    int src[3] = {call->src[0], call->src[1], call->src_count > 2 ? call->src[2] : COP_NO_VALUE};
    if (is_channels_last) {
        src[0] = move_channels_first(call, "src", rank, src[0]);
        src[1] = move_channels_first(call, "weights", rank, src[1]);
    }
    int dst = cop_mxnet_emit(call, OP_CONVOLUTION, is_channels_last ? "convolution" : "", &attrs,
                             call->src_count, src);
    if (is_channels_last)
        dst = move_channels_last(call, "", rank, dst);
    cop_mxnet_return(call, dst);
}

enum pooling_convention { CONVENTION_VALID, CONVENTION_FULL, CONVENTION_SAME };

static void apply_convention(struct mxnet_call *call, enum pooling_convention convention,
                             struct pooling_attrs *attrs)
{
    const bool is_same = convention == CONVENTION_SAME && attrs->spatial_rank == 1;
    attrs->ceil_mode = convention != CONVENTION_VALID && !is_same; /* 2-D "same" is "full" */
    if (!is_same)
        return;
    if (attrs->pads_begin[0] != 0)
        cop_attribute_fail(&call->attributes, COP_STATUS_MALFORMED_MODEL, "pad",
                           "0 with pooling_convention 'same'");
    /* ceil(src / stride) windows from the first element on; what hangs over does not count. */
    attrs->pads_end[0] = attrs->kernel[0] - 1;
    attrs->count_include_pad = false;
}

static void read_pooling_window(struct mxnet_call *call, int layout_rank,
                                struct pooling_attrs *attrs)
{
    static const char *const conventions[] = {"valid", "full", "same", NULL};
    const int convention =
        cop_attribute_enum(&call->attributes, "pooling_convention", CONVENTION_VALID, conventions);
    if (attrs->is_global) { /* stated geometry does not matter */
        cop_attributes_ignore(&call->attributes, "kernel stride pad");
        return;
    }
    attrs->spatial_rank = read_kernel(call, layout_rank, attrs->kernel);
    read_extents(call, "stride", 1, attrs->spatial_rank, attrs->strides);
    read_extents(call, "pad", 0, attrs->spatial_rank, attrs->pads_begin);
    memcpy(attrs->pads_end, attrs->pads_begin, sizeof attrs->pads_end);
    if (convention >= 0)
        apply_convention(call, (enum pooling_convention)convention, attrs);
}

static void map_pooling(struct mxnet_call *call)
{
    static const char *const types[] = {"max", "avg", "sum", "lp", NULL};
    static const enum pooling_alg algs[] = {POOLING_MAX, POOLING_AVERAGE, POOLING_SUM, POOLING_LP};
    struct attribute_reader *reader = &call->attributes;
    bool is_channels_last;
    COP_ZEROED_ATTRS(pooling_attrs, attrs);
    const int layout_rank = read_layout(call, &is_channels_last);
    const int type = cop_attribute_enum(reader, "pool_type", 0, types);
    attrs.is_global = cop_attribute_bool(reader, "global_pool", false);
    attrs.count_include_pad = true;
    const char *include = cop_attribute_text(reader, "count_include_pad");
    if (include != NULL && strcmp(include, "None") != 0)
        attrs.count_include_pad = cop_attribute_bool(reader, "count_include_pad", true);
    read_pooling_window(call, layout_rank, &attrs);
    const bool has_p = cop_attribute_optional_int(reader, "p_value", 1, 3, &attrs.p);
    attrs.alg = type < 0 ? POOLING_MAX : algs[type];
    attrs.signed_lp = attrs.alg == POOLING_LP;
    if (attrs.alg == POOLING_LP && !has_p)
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, "p_value", "1, 2 or 3");
    cop_attributes_ignore(reader, "cudnn_off");
    if (cop_attributes_end(reader) != COP_STATUS_OK)
        return;
    if (is_channels_last) {
        const int rank = layout_rank;
        int dst = move_channels_first(call, "src", rank, call->src[0]);
        dst = cop_mxnet_emit_1(call, OP_POOLING, "pooling", &attrs, dst);
        cop_mxnet_return(call, move_channels_last(call, "", rank, dst));
    } else {
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_POOLING, "", &attrs, call->src[0]));
    }
}

/* A bias may be stored as [n,1]. */
static int flatten_bias(struct mxnet_call *call, int bias)
{
    if (call->graph->values[bias].shape.rank <= 1)
        return bias;
    COP_ZEROED_ATTRS(reshape_attrs, attrs);
    attrs.count = 1;
    attrs.target[0] = -1;
    return cop_mxnet_emit_1(call, OP_RESHAPE, "bias", &attrs, bias);
}

static bool is_matrix(const struct graph *graph, int value)
{
    const int producer = graph->values[value].producer;
    return graph->values[value].shape.rank == 2 ||
           (producer >= 0 && graph->nodes[producer].kind == OP_FLATTEN);
}

static void map_fully_connected(struct mxnet_call *call)
{
    struct attribute_reader *reader = &call->attributes;
    const bool flatten = cop_attribute_bool(reader, "flatten", true);
    const int64_t units = cop_attribute_required_int(reader, "num_hidden", 1, COP_MAX_EXTENT);
    cop_attribute_bool(reader, "no_bias", false); /* decided the number of inputs */
    if (cop_attributes_end(reader) != COP_STATUS_OK)
        return;
    const struct shape *weights = &call->graph->values[call->src[1]].shape;
    if (weights->rank == 2 && weights->dims[0] != COP_UNKNOWN && weights->dims[0] != units) {
        cop_attribute_fail(reader, COP_STATUS_MALFORMED_MODEL, "num_hidden",
                           "the first dimension of the weights");
        return;
    }
    cop_mxnet_state_shape(call, 1, 2, (const int64_t[]){units, COP_UNKNOWN});
    if (call->src_count > 2 && call->graph->values[call->src[2]].shape.rank != 2)
        cop_mxnet_state_shape(call, 2, 1, &units);
    if (cop_mxnet_failed(call))
        return;
    int src[3] = {call->src[0], call->src[1], COP_NO_VALUE};
    if (call->src_count > 2)
        src[2] = flatten_bias(call, call->src[2]);
    /* Without `flatten` the last dimension alone is contracted, as our operator does it. */
    if (flatten && !is_matrix(call->graph, src[0])) {
        COP_ZEROED_ATTRS(flatten_attrs, attrs);
        attrs.axis = 1;
        src[0] = cop_mxnet_emit_1(call, OP_FLATTEN, "flatten", &attrs, src[0]);
    }
    cop_mxnet_return(call,
                     cop_mxnet_emit(call, OP_FULLY_CONNECTED, "", NULL, call->src_count, src));
}

/* Indices come as numbers of any type, are cut to whole ones, and clamped to the table. */
static int emit_gather(struct mxnet_call *call, int64_t axis, int table, int indices)
{
    COP_ZEROED_ATTRS(cast_attrs, cast);
    cast.to = COP_DTYPE_INT64;
    COP_ZEROED_ATTRS(gather_attrs, attrs);
    attrs.axis = axis;
    attrs.clip = true;
    const int whole = cop_mxnet_emit_1(call, OP_CAST, "indices", &cast, indices);
    return cop_mxnet_emit_2(call, OP_GATHER, "", &attrs, table, whole);
}

static void map_embedding(struct mxnet_call *call)
{
    const int64_t table[] = {
        cop_attribute_required_int(&call->attributes, "input_dim", 1, INT64_MAX),
        cop_attribute_required_int(&call->attributes, "output_dim", 1, INT64_MAX),
    };
    cop_attributes_ignore(&call->attributes, "dtype sparse_grad");
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_state_shape(call, 1, 2, table);
    if (!cop_mxnet_failed(call))
        cop_mxnet_return(call, emit_gather(call, 0, call->src[1], call->src[0]));
}

static void map_take(struct mxnet_call *call)
{
    static const char *const modes[] = {"clip", NULL};
    const int64_t axis =
        cop_attribute_int(&call->attributes, "axis", 0, -COP_MAX_RANK, COP_MAX_RANK - 1);
    cop_attribute_enum(&call->attributes, "mode", 0, modes);
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, emit_gather(call, axis, call->src[0], call->src[1]));
}

/* Only the global form: windows of fractional bounds are an operator that we do not have. */
static void map_adaptive_pooling(struct mxnet_call *call)
{
    const struct attribute_tuple size =
        cop_attribute_tuple(&call->attributes, "output_size", 1, COP_MAX_EXTENT, false);
    for (int i = 0; i < size.count; i++)
        if (size.values[i] != 1)
            cop_attribute_fail(&call->attributes, COP_STATUS_UNSUPPORTED, "output_size", "1");
    COP_ZEROED_ATTRS(pooling_attrs, attrs);
    attrs.alg = POOLING_AVERAGE;
    attrs.is_global = true;
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_POOLING, "", &attrs, call->src[0]));
}

/* Each element scale × scale times: multiplied by ones along two new dimensions. */
static void map_upsampling(struct mxnet_call *call)
{
    enum { MOST_SCALE = 64 };
    static const char *const types[] = {"nearest", NULL}; /* bilinear is a transposed convolution */
    const int64_t scale = cop_attribute_required_int(&call->attributes, "scale", 1, MOST_SCALE);
    cop_attribute_enum(&call->attributes, "sample_type", 0, types);
    cop_attribute_int(&call->attributes, "num_args", 1, 1, INT32_MAX);
    cop_attributes_ignore(&call->attributes, "num_filter multi_input_mode workspace");
    if (call->src_count != 1)
        cop_mxnet_unsupported(call, "several inputs");
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    COP_ZEROED_ATTRS(axes_attrs, apart);
    apart.count = 2;
    apart.axes[0] = 3;
    apart.axes[1] = 5;
    COP_ZEROED_ATTRS(reshape_attrs, together);
    together.is_mxnet = true;
    together.count = 4;
    together.target[2] = together.target[3] = -3; /* [0,0,−3,−3]: each joined with its copies */
    const int64_t copies[] = {scale, 1, scale};
    const int ones = cop_mxnet_emit_ones(call, "ones", 3, copies);
    int dst = cop_mxnet_emit_1(call, OP_UNSQUEEZE, "apart", &apart, call->src[0]);
    dst = cop_mxnet_emit_binary(call, "copies", BINARY_MUL, dst, ones);
    cop_mxnet_return(call, cop_mxnet_emit_1(call, OP_RESHAPE, "", &together, dst));
}

/* The last dimension of one side and the first of the other: a product of matrices when the second
 * is one, or a vector. */
static void map_dot(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(matmul_attrs, attrs);
    attrs.trans_a = cop_attribute_bool(&call->attributes, "transpose_a", false);
    attrs.trans_b = cop_attribute_bool(&call->attributes, "transpose_b", false);
    cop_attributes_ignore(&call->attributes, "forward_stype");
    if (cop_attributes_end(&call->attributes) != COP_STATUS_OK)
        return;
    const int left = call->graph->values[call->src[0]].shape.rank;
    const int right = call->graph->values[call->src[1]].shape.rank;
    if (right < 1 || right > 2 || left < 1 || (attrs.trans_a && left != 2))
        cop_mxnet_unsupported(call, "inputs that are not known to be matrices or vectors");
    attrs.trans_b &= right == 2;
    const bool is_number = left == 1 && right == 1;
    int dst = cop_mxnet_emit_2(call, OP_MATMUL, is_number ? "number" : "", &attrs, call->src[0],
                               call->src[1]);
    if (is_number) { /* one number is a list of one */
        COP_ZEROED_ATTRS(reshape_attrs, one);
        one.count = 1;
        one.target[0] = 1;
        dst = cop_mxnet_emit_1(call, OP_RESHAPE, "", &one, dst);
    }
    cop_mxnet_return(call, dst);
}

static void map_batch_dot(struct mxnet_call *call)
{
    COP_ZEROED_ATTRS(matmul_attrs, attrs);
    attrs.trans_a = cop_attribute_bool(&call->attributes, "transpose_a", false);
    attrs.trans_b = cop_attribute_bool(&call->attributes, "transpose_b", false);
    cop_attributes_ignore(&call->attributes, "forward_stype");
    if (cop_attributes_end(&call->attributes) == COP_STATUS_OK)
        cop_mxnet_return(call,
                         cop_mxnet_emit_2(call, OP_MATMUL, "", &attrs, call->src[0], call->src[1]));
}

#define WEIGHTED "data weight bias"

static const struct mxnet_operator operators[] = {
    {"Convolution", WEIGHTED, map_convolution, 0, LAST_UNLESS_NO_BIAS},
    {"Convolution_v1", WEIGHTED, map_convolution, 0, LAST_UNLESS_NO_BIAS},
    {"Embedding", "data weight", map_embedding, 0, LAST_ALWAYS},
    {"FullyConnected", WEIGHTED, map_fully_connected, 0, LAST_UNLESS_NO_BIAS},
    {"Pooling", "data", map_pooling, 0, LAST_ALWAYS},
    {"Pooling_v1", "data", map_pooling, 0, LAST_ALWAYS},
    {"UpSampling", "*", map_upsampling, 0, LAST_ALWAYS},
    {"_contrib_AdaptiveAvgPooling2D", "data", map_adaptive_pooling, 0, LAST_ALWAYS},
    {"_npx_convolution", WEIGHTED, map_convolution, 0, LAST_UNLESS_NO_BIAS},
    {"_npx_embedding", "data weight", map_embedding, 0, LAST_ALWAYS},
    {"_npx_fully_connected", WEIGHTED, map_fully_connected, 0, LAST_UNLESS_NO_BIAS},
    {"_npx_pooling", "data", map_pooling, 0, LAST_ALWAYS},
    {"_sparse_FullyConnected", WEIGHTED, map_fully_connected, 0, LAST_UNLESS_NO_BIAS},
    {"batch_dot", "lhs rhs", map_batch_dot, 0, LAST_ALWAYS},
    {"dot", "lhs rhs", map_dot, 0, LAST_ALWAYS},
    {"take", "a indices", map_take, 0, LAST_ALWAYS},
};

const struct mxnet_operator_family cop_mxnet_neural_family = {operators, sizeof operators /
                                                                             sizeof operators[0]};
