// SPDX-License-Identifier: Apache-2.0
/* Operators that slide a window: convolution and pooling. */
#include <string.h>

#include "model/onnx/onnx_call.h"

/* What both have in common; lists that are not stated are zero. */
struct window_attributes {
    int rank; /* of the lists; 0: none is stated */
    int64_t kernel[COP_MAX_SPATIAL], strides[COP_MAX_SPATIAL], dilations[COP_MAX_SPATIAL];
    int64_t pads[2 * COP_MAX_SPATIAL];
    enum auto_pad auto_pad;
};

/* Each list that is there decides or confirms how many spatial dimensions there are. */
static void join_rank(struct onnx_call *call, struct window_attributes *window, const char *name,
                      int count, int per_dimension)
{
    if (count < 0 || call->status != COP_STATUS_OK)
        return;
    if (count % per_dimension != 0 || count == 0 ||
        (window->rank != 0 && window->rank != count / per_dimension))
        cop_onnx_malformed(call,
                           "attribute '%s' has %d elements, which do not fit %d spatial "
                           "dimensions",
                           name, count, window->rank);
    window->rank = count / per_dimension;
}

static void read_list(struct onnx_call *call, struct window_attributes *window, const char *name,
                      int64_t *values)
{
    const int count = cop_onnx_ints(call, name, values, COP_MAX_SPATIAL);
    join_rank(call, window, name, count, 1);
    for (int i = 0; i < count; i++)
        if (values[i] < 1)
            cop_onnx_malformed(call, "attribute '%s' has the element %lld", name,
                               (long long)values[i]);
}

static struct window_attributes read_window(struct onnx_call *call, bool has_dilations)
{
    static const char *const auto_pads[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};
    struct window_attributes window = {0};
    read_list(call, &window, "kernel_shape", window.kernel);
    read_list(call, &window, "strides", window.strides);
    if (has_dilations)
        read_list(call, &window, "dilations", window.dilations);
    const int count = cop_onnx_ints(call, "pads", window.pads, 2 * COP_MAX_SPATIAL);
    join_rank(call, &window, "pads", count, 2);
    for (int i = 0; i < count; i++)
        if (window.pads[i] < 0)
            cop_onnx_malformed(call, "attribute 'pads' has the element %lld",
                               (long long)window.pads[i]);
    window.auto_pad =
        (enum auto_pad)cop_onnx_choice(call, "auto_pad", auto_pads, AUTO_PAD_EXPLICIT);
    if (window.auto_pad != AUTO_PAD_EXPLICIT)
        memset(window.pads, 0, sizeof window.pads);
    return window;
}

static void map_convolution(struct onnx_call *call)
{
    const struct window_attributes window = read_window(call, true);
    const struct graph_value *weights = cop_onnx_constant(call, 1);
    struct convolution_attrs attrs = {.groups = cop_onnx_int(call, "group", 1),
                                      .auto_pad = window.auto_pad};
    if (attrs.groups < 1)
        cop_onnx_malformed(call, "attribute 'group' is %lld", (long long)attrs.groups);
    if (weights != NULL && window.rank != 0 && window.rank != weights->shape.rank - 2)
        cop_onnx_malformed(call, "weights %s do not fit attributes of %d spatial dimensions",
                           cop_shape_text(&weights->shape).text, window.rank);
    memcpy(attrs.kernel, window.kernel, sizeof attrs.kernel);
    memcpy(attrs.strides, window.strides, sizeof attrs.strides);
    memcpy(attrs.dilations, window.dilations, sizeof attrs.dilations);
    memcpy(attrs.pads_begin, window.pads, (size_t)window.rank * sizeof *attrs.pads_begin);
    memcpy(attrs.pads_end, window.pads + window.rank, (size_t)window.rank * sizeof *attrs.pads_end);
    cop_onnx_make(call, OP_CONVOLUTION, &attrs, call->src_count, call->src);
}

static struct pooling_attrs read_pooling(struct onnx_call *call, enum pooling_alg alg,
                                         bool has_dilations)
{
    const struct window_attributes window = read_window(call, has_dilations);
    struct pooling_attrs attrs = {
        .alg = alg, .spatial_rank = window.rank, .auto_pad = window.auto_pad};
    if (!cop_onnx_has(call, "kernel_shape"))
        cop_onnx_malformed(call, "attribute 'kernel_shape' is missing");
    memcpy(attrs.kernel, window.kernel, sizeof attrs.kernel);
    memcpy(attrs.strides, window.strides, sizeof attrs.strides);
    memcpy(attrs.dilations, window.dilations, sizeof attrs.dilations);
    memcpy(attrs.pads_begin, window.pads, (size_t)window.rank * sizeof *attrs.pads_begin);
    memcpy(attrs.pads_end, window.pads + window.rank, (size_t)window.rank * sizeof *attrs.pads_end);
    if (call->opset >= (alg == POOLING_LP ? 18 : 10))
        attrs.ceil_mode = cop_onnx_flag(call, "ceil_mode", false);
    /* A window of nothing but padding has no maximum and no mean: it is left out. */
    attrs.drop_last_outside = attrs.ceil_mode;
    return attrs;
}

static void map_max_pool(struct onnx_call *call)
{
    struct pooling_attrs attrs = read_pooling(call, POOLING_MAX, call->opset >= 10);
    if (call->opset >= 8)
        attrs.column_major_indices = cop_onnx_flag(call, "storage_order", false);
    if (call->opset < 8 && call->dst_count > 1)
        cop_onnx_malformed(call, "has %d outputs, makes 1 in this opset", call->dst_count);
    cop_onnx_make_many(call, OP_POOLING, &attrs, 1, call->src, call->dst_count);
}

static void map_average_pool(struct onnx_call *call)
{
    struct pooling_attrs attrs = read_pooling(call, POOLING_AVERAGE, call->opset >= 19);
    if (call->opset >= 7)
        attrs.count_include_pad = cop_onnx_flag(call, "count_include_pad", false);
    cop_onnx_make(call, OP_POOLING, &attrs, 1, call->src);
}

static void map_lp_pool(struct onnx_call *call)
{
    struct pooling_attrs attrs = read_pooling(call, POOLING_LP, call->opset >= 18);
    attrs.p = cop_onnx_int(call, "p", 2);
    cop_onnx_make(call, OP_POOLING, &attrs, 1, call->src);
}

static void map_global_pool(struct onnx_call *call)
{
    struct pooling_attrs attrs = {.alg = (enum pooling_alg)call->form->variant, .is_global = true};
    if (attrs.alg == POOLING_LP)
        attrs.p = cop_onnx_int(call, "p", 2);
    cop_onnx_make(call, OP_POOLING, &attrs, 1, call->src);
}

const struct onnx_operator cop_onnx_window_operators[] = {
    {"Conv", 1, 2, 3, 1, map_convolution, 0},
    {"MaxPool", 1, 1, 1, 2, map_max_pool, 0},
    {"AveragePool", 1, 1, 1, 1, map_average_pool, 0},
    {"LpPool", 2, 1, 1, 1, map_lp_pool, 0},
    {"GlobalMaxPool", 1, 1, 1, 1, map_global_pool, POOLING_MAX},
    {"GlobalAveragePool", 1, 1, 1, 1, map_global_pool, POOLING_AVERAGE},
    {"GlobalLpPool", 2, 1, 1, 1, map_global_pool, POOLING_LP},
    {NULL, 0, 0, 0, 0, NULL, 0},
};
