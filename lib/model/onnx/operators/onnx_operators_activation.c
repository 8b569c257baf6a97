// SPDX-License-Identifier: Apache-2.0
/* Functions of one argument. */
#include "model/onnx/onnx_call.h"

static void make_unary(struct onnx_call *call, float alpha, float beta)
{
    const struct unary_attrs attrs = {(enum unary_alg)call->form->variant, alpha, beta};
    if (call->opset < 6)
        cop_onnx_ignore(call, "consumed_inputs"); /* a hint for in-place work */
    cop_onnx_make(call, OP_UNARY, &attrs, 1, call->src);
}

static void map_unary(struct onnx_call *call)
{
    make_unary(call, 0, 0);
}

static void map_leaky_relu(struct onnx_call *call)
{
    make_unary(call, cop_onnx_float(call, "alpha", 0.01f), 0);
}

static void map_elu(struct onnx_call *call)
{
    make_unary(call, cop_onnx_float(call, "alpha", 1), 0);
}

static void map_selu(struct onnx_call *call)
{
    const bool is_old = call->opset < 6;
    const float alpha =
        cop_onnx_float(call, "alpha", is_old ? 1.6732f : 1.67326319217681884765625f);
    make_unary(call, alpha,
               cop_onnx_float(call, "gamma", is_old ? 1.0507f : 1.05070102214813232421875f));
}

static void map_hard_sigmoid(struct onnx_call *call)
{
    const float alpha = cop_onnx_float(call, "alpha", 0.2f);
    make_unary(call, alpha, cop_onnx_float(call, "beta", 0.5f));
}

static void map_hard_swish(struct onnx_call *call)
{
    make_unary(call, 1.0f / 6, 0.5f);
}

/* max(0, x) + min(0, alpha · (e^(x / alpha) − 1)), as alpha · elu(x / alpha). */
static void map_celu(struct onnx_call *call)
{
    const float alpha = cop_onnx_float(call, "alpha", 1);
    if (!(alpha > 0))
        cop_onnx_unsupported(call, "attribute 'alpha' is %g", (double)alpha);
    const struct unary_attrs shrink = {UNARY_LINEAR, 1 / alpha, 0};
    const struct unary_attrs elu = {UNARY_ELU, 1, 0};
    const struct unary_attrs stretch = {UNARY_LINEAR, alpha, 0};
    int value = cop_onnx_append(call, OP_UNARY, &shrink, 1, call->src);
    value = cop_onnx_append(call, OP_UNARY, &elu, 1, &value);
    cop_onnx_make(call, OP_UNARY, &stretch, 1, &value);
}

/* x · tanh(softplus(x)). */
static void map_mish(struct onnx_call *call)
{
    const struct unary_attrs softplus = {.alg = UNARY_SOFTPLUS}, tanh = {.alg = UNARY_TANH};
    const struct binary_attrs multiply = {.alg = BINARY_MUL};
    int src[2] = {call->src[0], cop_onnx_append(call, OP_UNARY, &softplus, 1, call->src)};
    src[1] = cop_onnx_append(call, OP_UNARY, &tanh, 1, &src[1]);
    cop_onnx_make(call, OP_BINARY, &multiply, 2, src);
}

static void map_gelu(struct onnx_call *call)
{
    static const char *const exact[] = {"none", NULL};
    (void)cop_onnx_choice(call, "approximate", exact, 0);
    make_unary(call, 0, 0);
}

const struct onnx_operator cop_onnx_activation_operators[] = {
    {"Relu", 1, 1, 1, 1, map_unary, UNARY_RELU},
    {"LeakyRelu", 1, 1, 1, 1, map_leaky_relu, UNARY_LEAKY_RELU},
    {"Elu", 1, 1, 1, 1, map_elu, UNARY_ELU},
    {"Celu", 12, 1, 1, 1, map_celu, 0},
    {"Selu", 1, 1, 1, 1, map_selu, UNARY_SELU},
    {"Sigmoid", 1, 1, 1, 1, map_unary, UNARY_SIGMOID},
    {"Tanh", 1, 1, 1, 1, map_unary, UNARY_TANH},
    {"Softplus", 1, 1, 1, 1, map_unary, UNARY_SOFTPLUS},
    {"Softsign", 1, 1, 1, 1, map_unary, UNARY_SOFTSIGN},
    {"HardSigmoid", 1, 1, 1, 1, map_hard_sigmoid, UNARY_HARD_SIGMOID},
    {"HardSwish", 14, 1, 1, 1, map_hard_swish, UNARY_HARD_SWISH},
    {"Mish", 18, 1, 1, 1, map_mish, 0},
    {"Gelu", 20, 1, 1, 1, map_gelu, UNARY_GELU},
    {"Exp", 1, 1, 1, 1, map_unary, UNARY_EXP},
    {"Log", 1, 1, 1, 1, map_unary, UNARY_LOG},
    {"Sqrt", 1, 1, 1, 1, map_unary, UNARY_SQRT},
    {"Abs", 1, 1, 1, 1, map_unary, UNARY_ABS},
    {"Neg", 1, 1, 1, 1, map_unary, UNARY_NEG},
    {"Reciprocal", 1, 1, 1, 1, map_unary, UNARY_RECIPROCAL},
    {"Floor", 1, 1, 1, 1, map_unary, UNARY_FLOOR},
    {"Ceil", 1, 1, 1, 1, map_unary, UNARY_CEIL},
    {"Round", 11, 1, 1, 1, map_unary, UNARY_ROUND_EVEN},
    {"Sign", 9, 1, 1, 1, map_unary, UNARY_SIGN},
    {"Erf", 9, 1, 1, 1, map_unary, UNARY_ERF},
    {NULL, 0, 0, 0, 0, NULL, 0},
};
