// SPDX-License-Identifier: Apache-2.0
/* Normalization, softmax, and dropout, which is nothing at inference. */
#include "model/onnx/onnx_call.h"

static void refuse_training_outputs(struct onnx_call *call)
{
    if (call->dst_count > 1)
        cop_onnx_unsupported(call, "has %d outputs: training mode", call->dst_count);
}

static void map_batch_normalization(struct onnx_call *call)
{
    struct batch_normalization_attrs attrs = {.axis = 1};
    attrs.epsilon = (double)cop_onnx_float(call, "epsilon", 1e-5f);
    cop_onnx_ignore(call, "momentum"); /* only training uses it */
    if (call->opset < 6)
        cop_onnx_ignore(call, "consumed_inputs");
    if (call->opset < 7) /* with one output there is nothing to train */
        (void)cop_onnx_flag(call, "is_test", false);
    if (call->opset < 9 && cop_onnx_int(call, "spatial", 1) == 0)
        cop_onnx_unsupported(call, "attribute 'spatial' is 0");
    if (call->opset >= 14 && cop_onnx_flag(call, "training_mode", false))
        cop_onnx_unsupported(call, "attribute 'training_mode' is 1");
    refuse_training_outputs(call);
    cop_onnx_make(call, OP_BATCH_NORMALIZATION, &attrs, 5, call->src);
}

static void map_lrn(struct onnx_call *call)
{
    struct lrn_attrs attrs = {.size = cop_onnx_int(call, "size", 0)};
    attrs.alpha = cop_onnx_float(call, "alpha", 1e-4f);
    attrs.beta = cop_onnx_float(call, "beta", 0.75f);
    attrs.bias = cop_onnx_float(call, "bias", 1);
    cop_onnx_make(call, OP_LRN, &attrs, 1, call->src);
}

/* Before opset 13 everything from `axis` on was one dimension. */
static void map_softmax(struct onnx_call *call)
{
    const bool is_old = call->opset < 13;
    const struct softmax_attrs attrs = {.axis = cop_onnx_int(call, "axis", is_old ? 1 : -1),
                                        .is_log = call->form->variant != 0,
                                        .coerce_2d = is_old};
    cop_onnx_make(call, OP_SOFTMAX, &attrs, 1, call->src);
}

/* src, and a mask that says that all of it was kept: bool since opset 10, before of src's type. */
static void map_dropout(struct onnx_call *call)
{
    double is_training = 0;
    const struct fill_attrs mask = {.dtype = call->opset < 10 ? COP_DTYPE_UNKNOWN : COP_DTYPE_BOOL,
                                    .value = 1};
    if (call->opset < 6)
        cop_onnx_ignore(call, "consumed_inputs");
    if (call->opset < 7)
        cop_onnx_ignore(call, "is_test");
    cop_onnx_ignore(call, call->opset < 12 ? "ratio" : "seed");
    if (cop_onnx_src(call, 2) != COP_NO_VALUE &&
        (!cop_onnx_constant_number(call, 2, &is_training) || is_training != 0))
        cop_onnx_unsupported(call, "training mode is not known to be off");
    cop_onnx_make(call, OP_IDENTITY, NULL, 1, call->src);
    if (call->dst_count > 1)
        cop_onnx_make(call, OP_FILL, &mask, 1, call->src);
}

const struct onnx_operator cop_onnx_normalization_operators[] = {
    {"BatchNormalization", 1, 5, 5, 5, map_batch_normalization, 0},
    {"LRN", 1, 1, 1, 1, map_lrn, 0},
    {"Softmax", 1, 1, 1, 1, map_softmax, 0},
    {"LogSoftmax", 1, 1, 1, 1, map_softmax, 1},
    {"Dropout", 1, 1, 1, 2, map_dropout, 0},
    {"Dropout", 12, 1, 3, 2, map_dropout, 0},
    {NULL, 0, 0, 0, 0, NULL, 0},
};
