// SPDX-License-Identifier: Apache-2.0
/* Reductions over axes, and the positions of extremes. */
#include "model/onnx/onnx_call.h"

/* Axes from the attribute, or from the second input: a constant one is read now. */
static struct reduce_attrs read_reduction(struct onnx_call *call, bool axes_are_input)
{
    struct reduce_attrs attrs = {.alg = (enum reduce_alg)call->form->variant,
                                 .keep_dims = cop_onnx_flag(call, "keepdims", true)};
    int count;
    if (axes_are_input) {
        attrs.identity_if_no_axes = cop_onnx_flag(call, "noop_with_empty_axes", false);
        count = cop_onnx_constant_ints(call, 1, attrs.axes, COP_MAX_RANK);
    } else {
        count = cop_onnx_ints(call, "axes", attrs.axes, COP_MAX_RANK);
    }
    attrs.axis_count = count < 0 ? 0 : count;
    return attrs;
}

static void map_reduce(struct onnx_call *call)
{
    const struct reduce_attrs attrs = read_reduction(call, false);
    cop_onnx_make(call, OP_REDUCE, &attrs, 1, call->src);
}

static void map_reduce_input(struct onnx_call *call)
{
    const struct reduce_attrs attrs = read_reduction(call, true);
    const bool is_read = call->src_count == 1 || attrs.axis_count > 0;
    cop_onnx_make(call, OP_REDUCE, &attrs, is_read ? 1 : 2, call->src);
}

/* f(Σ g(x)); UNARY_ALG_COUNT stands for no function. */
struct composition {
    enum unary_alg before, after;
};
enum { REDUCE_L1, REDUCE_L2, REDUCE_LOG_SUM, REDUCE_SUM_SQUARE };
static const struct composition compositions[] = {
    [REDUCE_L1] = {UNARY_ABS, UNARY_ALG_COUNT},
    [REDUCE_L2] = {UNARY_SQUARE, UNARY_SQRT},
    [REDUCE_LOG_SUM] = {UNARY_ALG_COUNT, UNARY_LOG},
    [REDUCE_SUM_SQUARE] = {UNARY_SQUARE, UNARY_ALG_COUNT},
};

static void map_composed_reduce(struct onnx_call *call)
{
    const bool axes_are_input = call->opset >= 18;
    const struct composition composition = compositions[call->form->variant];
    const struct unary_attrs before = {composition.before, 0, 0}, after = {composition.after, 0, 0};
    struct reduce_attrs attrs = read_reduction(call, axes_are_input);
    int src[2] = {call->src[0], cop_onnx_src(call, 1)};
    const int src_count = src[1] == COP_NO_VALUE || attrs.axis_count > 0 ? 1 : 2;
    attrs.alg = REDUCE_SUM;
    if (composition.before != UNARY_ALG_COUNT)
        src[0] = cop_onnx_append(call, OP_UNARY, &before, 1, src);
    if (composition.after == UNARY_ALG_COUNT) {
        cop_onnx_make(call, OP_REDUCE, &attrs, src_count, src);
        return;
    }
    const int sum = cop_onnx_append(call, OP_REDUCE, &attrs, src_count, src);
    cop_onnx_make(call, OP_UNARY, &after, 1, &sum);
}

static void map_arg(struct onnx_call *call)
{
    struct arg_attrs attrs = {.is_min = call->form->variant != 0,
                              .axis = cop_onnx_int(call, "axis", 0)};
    attrs.keep_dims = cop_onnx_flag(call, "keepdims", true);
    if (call->opset >= 12)
        attrs.select_last = cop_onnx_flag(call, "select_last_index", false);
    cop_onnx_make(call, OP_ARG, &attrs, 1, call->src);
}

const struct onnx_operator cop_onnx_reduction_operators[] = {
    {"ReduceMean", 1, 1, 1, 1, map_reduce, REDUCE_MEAN},
    {"ReduceSum", 1, 1, 1, 1, map_reduce, REDUCE_SUM},
    {"ReduceSum", 13, 1, 2, 1, map_reduce_input, REDUCE_SUM},
    {"ReduceMax", 1, 1, 1, 1, map_reduce, REDUCE_MAX},
    {"ReduceMin", 1, 1, 1, 1, map_reduce, REDUCE_MIN},
    {"ReduceProd", 1, 1, 1, 1, map_reduce, REDUCE_PROD},
    {"ReduceMean", 18, 1, 2, 1, map_reduce_input, REDUCE_MEAN},
    {"ReduceMax", 18, 1, 2, 1, map_reduce_input, REDUCE_MAX},
    {"ReduceMin", 18, 1, 2, 1, map_reduce_input, REDUCE_MIN},
    {"ReduceProd", 18, 1, 2, 1, map_reduce_input, REDUCE_PROD},
    {"ReduceL1", 1, 1, 1, 1, map_composed_reduce, REDUCE_L1},
    {"ReduceL2", 1, 1, 1, 1, map_composed_reduce, REDUCE_L2},
    {"ReduceLogSum", 1, 1, 1, 1, map_composed_reduce, REDUCE_LOG_SUM},
    {"ReduceSumSquare", 1, 1, 1, 1, map_composed_reduce, REDUCE_SUM_SQUARE},
    {"ReduceL1", 18, 1, 2, 1, map_composed_reduce, REDUCE_L1},
    {"ReduceL2", 18, 1, 2, 1, map_composed_reduce, REDUCE_L2},
    {"ReduceLogSum", 18, 1, 2, 1, map_composed_reduce, REDUCE_LOG_SUM},
    {"ReduceSumSquare", 18, 1, 2, 1, map_composed_reduce, REDUCE_SUM_SQUARE},
    {"ArgMax", 1, 1, 1, 1, map_arg, 0},
    {"ArgMin", 1, 1, 1, 1, map_arg, 1},
    {NULL, 0, 0, 0, 0, NULL, 0},
};
