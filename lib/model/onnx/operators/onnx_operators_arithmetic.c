// SPDX-License-Identifier: Apache-2.0
/* Functions of two and more arguments, element by element. */
#include <float.h>

#include "model/onnx/onnx_call.h"

/* Before opset 7 broadcasting was asked for, and could start at an axis of the first argument. */
static void map_binary_legacy(struct onnx_call *call)
{
    struct binary_attrs attrs = {.alg = (enum binary_alg)call->form->variant};
    if (call->opset < 6)
        cop_onnx_ignore(call, "consumed_inputs");
    attrs.same_shape = !cop_onnx_flag(call, "broadcast", false);
    attrs.align_left = cop_onnx_has(call, "axis") && !attrs.same_shape;
    attrs.axis = cop_onnx_int(call, "axis", 0);
    if (!attrs.align_left)
        attrs.axis = 0;
    cop_onnx_make(call, OP_BINARY, &attrs, 2, call->src);
}

static void map_binary(struct onnx_call *call)
{
    const struct binary_attrs attrs = {.alg = (enum binary_alg)call->form->variant};
    cop_onnx_make(call, OP_BINARY, &attrs, 2, call->src);
}

/* From opset 12 on the exponent may be of another type; the result is of the base's. */
static void map_pow(struct onnx_call *call)
{
    const struct cast_attrs to_base = {cop_onnx_src_dtype(call, 0)};
    const cop_dtype dtype = cop_onnx_src_dtype(call, 1);
    int src[2] = {call->src[0], call->src[1]};
    if (to_base.to == COP_DTYPE_UNKNOWN || dtype == COP_DTYPE_UNKNOWN || dtype == to_base.to) {
        map_binary(call);
    } else if (to_base.to != COP_DTYPE_FLOAT32 && to_base.to != COP_DTYPE_FLOAT64) {
        /* An integer base with a float exponent is computed in float64 and cut off. */
        const struct cast_attrs wide = {COP_DTYPE_FLOAT64};
        const struct binary_attrs attrs = {.alg = BINARY_POW};
        src[0] = cop_onnx_append(call, OP_CAST, &wide, 1, &call->src[0]);
        src[1] = cop_onnx_append(call, OP_CAST, &wide, 1, &call->src[1]);
        const int power = cop_onnx_append(call, OP_BINARY, &attrs, 2, src);
        cop_onnx_make(call, OP_CAST, &to_base, 1, &power);
    } else {
        const struct binary_attrs attrs = {.alg = BINARY_POW};
        src[1] = cop_onnx_append(call, OP_CAST, &to_base, 1, &call->src[1]);
        cop_onnx_make(call, OP_BINARY, &attrs, 2, src);
    }
}

/* All but the last step of a chain over every input; the last pair is left in `src`. */
static void chain(struct onnx_call *call, const struct binary_attrs *attrs, int src[2])
{
    src[0] = call->src[0];
    src[1] = cop_onnx_src(call, 1);
    for (int i = 0; i < call->src_count; i++)
        if (call->src[i] == COP_NO_VALUE)
            cop_onnx_malformed(call, "input %d is absent", i);
    for (int i = 2; i < call->src_count; i++) {
        src[0] = cop_onnx_append(call, OP_BINARY, attrs, 2, src);
        src[1] = call->src[i];
    }
}

static struct binary_attrs variadic_attrs(const struct onnx_call *call)
{
    return (struct binary_attrs){.alg = (enum binary_alg)call->form->variant,
                                 .same_shape = call->opset < 8};
}

static void map_variadic(struct onnx_call *call)
{
    const struct binary_attrs attrs = variadic_attrs(call);
    int src[2];
    if (call->opset < 6)
        cop_onnx_ignore(call, "consumed_inputs");
    chain(call, &attrs, src);
    if (call->src_count == 1)
        cop_onnx_make(call, OP_IDENTITY, NULL, 1, src);
    else
        cop_onnx_make(call, OP_BINARY, &attrs, 2, src);
}

static void map_mean(struct onnx_call *call)
{
    const struct binary_attrs attrs = variadic_attrs(call);
    const struct unary_attrs divide = {UNARY_LINEAR, 1.0f / (float)call->src_count, 0};
    int src[2];
    if (call->opset < 6)
        cop_onnx_ignore(call, "consumed_inputs");
    chain(call, &attrs, src);
    const int sum =
        call->src_count == 1 ? src[0] : cop_onnx_append(call, OP_BINARY, &attrs, 2, src);
    cop_onnx_make(call, OP_UNARY, &divide, 1, &sum);
}

static void map_clip_attributes(struct onnx_call *call)
{
    if (call->opset < 6)
        cop_onnx_ignore(call, "consumed_inputs");
    const float least = cop_onnx_float(call, "min", -FLT_MAX);
    const struct unary_attrs attrs = {UNARY_CLIP, least, cop_onnx_float(call, "max", FLT_MAX)};
    cop_onnx_make(call, OP_UNARY, &attrs, 1, call->src);
}

/* A bound of a float32 clip that is known now; absent ones do not bind. */
static bool read_bound(struct onnx_call *call, int index, float absent, float *bound)
{
    double number = 0;
    *bound = absent;
    if (cop_onnx_src(call, index) == COP_NO_VALUE)
        return true;
    if (cop_onnx_src_dtype(call, index) != COP_DTYPE_FLOAT32 ||
        !cop_onnx_constant_number(call, index, &number))
        return false;
    *bound = (float)number;
    return true;
}

/* Bounds of other types, and bounds that are computed, are limits like any other tensor. */
static void map_clip(struct onnx_call *call)
{
    struct unary_attrs attrs = {.alg = UNARY_CLIP};
    const bool has_min = cop_onnx_src(call, 1) != COP_NO_VALUE;
    const bool has_max = cop_onnx_src(call, 2) != COP_NO_VALUE;
    if (!has_min && !has_max) {
        cop_onnx_make(call, OP_IDENTITY, NULL, 1, call->src);
        return;
    }
    if (read_bound(call, 1, -FLT_MAX, &attrs.alpha) && read_bound(call, 2, FLT_MAX, &attrs.beta)) {
        cop_onnx_make(call, OP_UNARY, &attrs, 1, call->src);
        return;
    }
    const struct binary_attrs raise = {.alg = BINARY_MAX}, lower = {.alg = BINARY_MIN};
    const int floor[2] = {call->src[0], cop_onnx_src(call, 1)};
    if (!has_max) {
        cop_onnx_make(call, OP_BINARY, &raise, 2, floor);
        return;
    }
    const int ceiling[2] = {
        has_min ? cop_onnx_append(call, OP_BINARY, &raise, 2, floor) : call->src[0], call->src[2]};
    cop_onnx_make(call, OP_BINARY, &lower, 2, ceiling);
}

/* Before opset 7 a vector of slopes lay along the channels. */
static void map_prelu(struct onnx_call *call)
{
    const struct prelu_attrs attrs = {.channel_slope = call->opset < 7};
    if (call->opset < 6)
        cop_onnx_ignore(call, "consumed_inputs");
    cop_onnx_make(call, OP_PRELU, &attrs, 2, call->src);
}

const struct onnx_operator cop_onnx_arithmetic_operators[] = {
    {"Add", 1, 2, 2, 1, map_binary_legacy, BINARY_ADD},
    {"Add", 7, 2, 2, 1, map_binary, BINARY_ADD},
    {"Sub", 1, 2, 2, 1, map_binary_legacy, BINARY_SUB},
    {"Sub", 7, 2, 2, 1, map_binary, BINARY_SUB},
    {"Mul", 1, 2, 2, 1, map_binary_legacy, BINARY_MUL},
    {"Mul", 7, 2, 2, 1, map_binary, BINARY_MUL},
    {"Div", 1, 2, 2, 1, map_binary_legacy, BINARY_DIV},
    {"Div", 7, 2, 2, 1, map_binary, BINARY_DIV},
    {"Pow", 1, 2, 2, 1, map_binary_legacy, BINARY_POW},
    {"Pow", 7, 2, 2, 1, map_binary, BINARY_POW},
    {"Pow", 12, 2, 2, 1, map_pow, BINARY_POW},
    {"Sum", 1, 1, -1, 1, map_variadic, BINARY_ADD},
    {"Max", 1, 1, -1, 1, map_variadic, BINARY_MAX},
    {"Min", 1, 1, -1, 1, map_variadic, BINARY_MIN},
    {"Mean", 1, 1, -1, 1, map_mean, BINARY_ADD},
    {"Clip", 1, 1, 1, 1, map_clip_attributes, 0},
    {"Clip", 11, 1, 3, 1, map_clip, 0},
    {"PRelu", 1, 2, 2, 1, map_prelu, 0},
    {NULL, 0, 0, 0, 0, NULL, 0},
};
