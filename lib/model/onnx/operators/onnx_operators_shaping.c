// SPDX-License-Identifier: Apache-2.0
/* Operators that change what a tensor's dimensions or elements are called, or ask for them. */
#include "model/onnx/onnx_call.h"

/* A constant target is read now; others decide when shapes are inferred. */
static void map_reshape(struct onnx_call *call)
{
    struct reshape_attrs attrs = {0};
    if (call->opset >= 14)
        attrs.allow_zero = cop_onnx_flag(call, "allowzero", false);
    attrs.count = cop_onnx_constant_ints(call, 1, attrs.target, COP_MAX_RANK);
    const bool is_read = attrs.count > 0;
    if (!is_read)
        attrs.count = 0;
    cop_onnx_make(call, OP_RESHAPE, &attrs, is_read ? 1 : 2, call->src);
}

static void map_flatten(struct onnx_call *call)
{
    const struct flatten_attrs attrs = {.axis = cop_onnx_int(call, "axis", 1)};
    cop_onnx_make(call, OP_FLATTEN, &attrs, 1, call->src);
}

static void map_axes_attribute(struct onnx_call *call)
{
    struct axes_attrs attrs = {0};
    const enum op_kind kind = (enum op_kind)call->form->variant;
    attrs.count = cop_onnx_ints(call, "axes", attrs.axes, COP_MAX_RANK);
    if (attrs.count < 0) {
        attrs.count = 0;
        if (kind == OP_UNSQUEEZE)
            cop_onnx_malformed(call, "attribute 'axes' is missing");
    }
    cop_onnx_make(call, kind, &attrs, 1, call->src);
}

static void map_axes_input(struct onnx_call *call)
{
    struct axes_attrs attrs = {0};
    const enum op_kind kind = (enum op_kind)call->form->variant;
    attrs.count = cop_onnx_constant_ints(call, 1, attrs.axes, COP_MAX_RANK);
    const bool is_read = attrs.count > 0 || call->src_count == 1;
    if (attrs.count < 0)
        attrs.count = 0;
    cop_onnx_make(call, kind, &attrs, is_read ? 1 : 2, call->src);
}

static void map_shape(struct onnx_call *call)
{
    struct shape_attrs attrs = {.end = INT64_MAX};
    if (call->opset >= 15) {
        attrs.start = cop_onnx_int(call, "start", 0);
        attrs.end = cop_onnx_int(call, "end", INT64_MAX);
    }
    cop_onnx_make(call, OP_SHAPE, &attrs, 1, call->src);
}

static void map_size(struct onnx_call *call)
{
    const struct shape_attrs all = {.end = INT64_MAX};
    const struct reduce_attrs product = {.alg = REDUCE_PROD};
    const int dims = cop_onnx_append(call, OP_SHAPE, &all, 1, call->src);
    cop_onnx_make(call, OP_REDUCE, &product, 1, &dims);
}

/* 16-bit floats are computed in float32. */
static void map_cast(struct onnx_call *call)
{
    char type[32];
    const int64_t to = cop_onnx_int(call, "to", 0);
    if (call->opset >= 19)
        cop_onnx_ignore(call, "saturate"); /* only means something for 8-bit floats */
    struct cast_attrs attrs = {cop_onnx_dtype(to)};
    if (attrs.to == COP_DTYPE_UNKNOWN)
        cop_onnx_fail(call, to == 0 ? COP_STATUS_MALFORMED_MODEL : COP_STATUS_UNSUPPORTED,
                      "cast to %s", cop_onnx_type_name(to, type, sizeof type));
    if (cop_is_narrow(attrs.to))
        attrs.to = COP_DTYPE_FLOAT32;
    if (cop_onnx_src_dtype(call, 0) == attrs.to)
        cop_onnx_make(call, OP_IDENTITY, NULL, 1, call->src);
    else
        cop_onnx_make(call, OP_CAST, &attrs, 1, call->src);
}

/* A constant stays one under another name: exporters share weights so. */
static void map_identity(struct onnx_call *call)
{
    if (cop_onnx_constant(call, 0) != NULL)
        cop_onnx_make_same(call, 0);
    else
        cop_onnx_make(call, OP_IDENTITY, NULL, 1, call->src);
}

const struct onnx_operator cop_onnx_shaping_operators[] = {
    {"Reshape", 5, 2, 2, 1, map_reshape, 0},
    {"Flatten", 1, 1, 1, 1, map_flatten, 0},
    {"Squeeze", 1, 1, 1, 1, map_axes_attribute, OP_SQUEEZE},
    {"Squeeze", 13, 1, 2, 1, map_axes_input, OP_SQUEEZE},
    {"Unsqueeze", 1, 1, 1, 1, map_axes_attribute, OP_UNSQUEEZE},
    {"Unsqueeze", 13, 2, 2, 1, map_axes_input, OP_UNSQUEEZE},
    {"Shape", 1, 1, 1, 1, map_shape, 0},
    {"Size", 1, 1, 1, 1, map_size, 0},
    {"Cast", 6, 1, 1, 1, map_cast, 0},
    {"Identity", 1, 1, 1, 1, map_identity, 0},
    {NULL, 0, 0, 0, 0, NULL, 0},
};
