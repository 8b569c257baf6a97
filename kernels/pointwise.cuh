// SPDX-License-Identifier: Apache-2.0
/* Functions of one and two numbers and the post-op chain, for every kernel's epilogue. */
#ifndef KERNELS_POINTWISE_CUH
#define KERNELS_POINTWISE_CUH

#include "platform.cuh"
#include "types.h"

namespace cop
{

/* In this form NaN stays. */
__device__ inline float clip(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

/*
 * alpha and beta: LEAKY_RELU and ELU multiply what is below 0 by alpha; SELU is beta · (x > 0 ? x :
 * alpha · (e^x − 1)); HARD_SIGMOID is clip(alpha · x + beta, 0, 1) and HARD_SWISH x times that;
 * CLIP keeps to alpha … beta; LINEAR is alpha · x + beta; the others take neither.
 */

/* What networks hardly have: apart, so that it costs the others nothing. */
__device__ __noinline__ inline float apply_rarest(int alg, float x)
{
    switch (alg) {
    case COP_CUDA_LOG1P:
        return log1pf(x);
    case COP_CUDA_EXPM1:
        return expm1f(x);
    case COP_CUDA_CBRT:
        return cbrtf(x);
    case COP_CUDA_SIN:
        return sinf(x);
    case COP_CUDA_COS:
        return cosf(x);
    case COP_CUDA_TAN:
        return tanf(x);
    case COP_CUDA_ASIN:
        return asinf(x);
    case COP_CUDA_ACOS:
        return acosf(x);
    case COP_CUDA_ATAN:
        return atanf(x);
    case COP_CUDA_SINH:
        return sinhf(x);
    case COP_CUDA_COSH:
        return coshf(x);
    case COP_CUDA_ASINH:
        return asinhf(x);
    case COP_CUDA_ACOSH:
        return acoshf(x);
    default: /* ATANH */
        return atanhf(x);
    }
}

/*
 * Everything but the few functions that follow convolutions as a rule. A function of its own, so
 * that kernels carry it once and not at every place where a result is finished.
 */
__device__ __noinline__ inline float apply_rare(int alg, float alpha, float beta, float x)
{
    switch (alg) {
    case COP_CUDA_ELU:
        return x < 0 ? alpha * expm1f(x) : x;
    case COP_CUDA_SELU:
        return beta * (x > 0 ? x : alpha * expm1f(x));
    case COP_CUDA_SIGMOID: { /* of −|x|, so that small results keep their precision */
        const float power = expf(-fabsf(x));
        return (x < 0 ? power : 1.0f) / (1.0f + power);
    }
    case COP_CUDA_TANH:
        return tanhf(x);
    case COP_CUDA_SOFTPLUS:
        return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x));
    case COP_CUDA_SOFTSIGN:
        return isinf(x) ? copysignf(1.0f, x) : x / (1.0f + fabsf(x));
    case COP_CUDA_HARD_SIGMOID:
        return clip(fmaf(alpha, x, beta), 0, 1);
    case COP_CUDA_GELU: /* erfc: no cancellation where 1 + erf is small */
        return x / 2.0f * erfcf(x * -0.70710678f);
    case COP_CUDA_EXP:
        return expf(x);
    case COP_CUDA_LOG:
        return logf(x);
    case COP_CUDA_SQRT:
        return sqrtf(x);
    case COP_CUDA_RSQRT:
        return 1.0f / sqrtf(x);
    case COP_CUDA_SQUARE:
        return x * x;
    case COP_CUDA_ABS:
        return fabsf(x);
    case COP_CUDA_NEG:
        return -x;
    case COP_CUDA_RECIPROCAL:
        return 1.0f / x;
    case COP_CUDA_FLOOR:
        return floorf(x);
    case COP_CUDA_CEIL:
        return ceilf(x);
    case COP_CUDA_ROUND_EVEN:
        return rintf(x);
    case COP_CUDA_SIGN:
        return x > 0 ? 1.0f : x < 0 ? -1.0f : x;
    case COP_CUDA_ERF:
        return erff(x);
    default:
        return apply_rarest(alg, x);
    }
}

/* The function of each of N numbers; it is the same in all threads, so nothing diverges. */
template <int N> __device__ inline void apply_unary(int alg, float alpha, float beta, float (&x)[N])
{
    switch (alg) {
    case COP_CUDA_RELU:
        COP_UNROLL
        for (int i = 0; i < N; i++)
            x[i] = x[i] <= 0 ? 0 : x[i];
        break;
    case COP_CUDA_LEAKY_RELU:
        COP_UNROLL
        for (int i = 0; i < N; i++)
            x[i] = x[i] < 0 ? alpha * x[i] : x[i];
        break;
    case COP_CUDA_CLIP:
        COP_UNROLL
        for (int i = 0; i < N; i++)
            x[i] = clip(x[i], alpha, beta);
        break;
    case COP_CUDA_HARD_SWISH:
        COP_UNROLL
        for (int i = 0; i < N; i++)
            x[i] *= clip(fmaf(alpha, x[i], beta), 0, 1);
        break;
    case COP_CUDA_LINEAR:
        COP_UNROLL
        for (int i = 0; i < N; i++)
            x[i] = fmaf(alpha, x[i], beta);
        break;
    default:
        COP_UNROLL
        for (int i = 0; i < N; i++)
            x[i] = apply_rare(alg, alpha, beta, x[i]);
        break;
    }
}

__device__ inline float apply_unary(int alg, float alpha, float beta, float x)
{
    float only[1] = {x};
    apply_unary(alg, alpha, beta, only);
    return only[0];
}

/* Whether `added` has to be read before the chain is applied. */
__device__ inline bool has_sum(const cop_cuda_post_ops &post_ops)
{
    bool found = false;
    COP_UNROLL
    for (int i = 0; i < COP_CUDA_MAX_POST_OPS; i++)
        found |= i < post_ops.count && post_ops.entries[i].alg == COP_CUDA_SUM;
    return found;
}

/* The chain on N results; `added` is looked at only by SUM. */
template <int N>
__device__ inline void apply_post_ops(const cop_cuda_post_ops &post_ops, float (&x)[N],
                                      const float (&added)[N])
{
    COP_UNROLL_NONE
    for (int i = 0; i < post_ops.count; i++) {
        const cop_cuda_post_op &entry = post_ops.entries[i];
        if (entry.alg != COP_CUDA_SUM) {
            apply_unary(entry.alg, entry.alpha, entry.beta, x);
            continue;
        }
        COP_UNROLL
        for (int j = 0; j < N; j++)
            x[j] += added[j];
    }
}

/* With the sign of b; a negative multiple of a positive b leaves +0. */
__device__ inline float apply_remainder(float a, float b)
{
    if (b == 0)
        return 0;
    const float rest = fmodf(a, b);
    if (rest == 0)
        return a < 0 && b > 0 ? 0 : rest;
    return (rest < 0) == (b < 0) || isnan(rest) ? rest : rest + b;
}

/* Functions that are rare: none of them slows down the others. */
__device__ __noinline__ inline float apply_rare_binary(int alg, float a, float b)
{
    switch (alg) {
    case COP_CUDA_POW:
        return powf(a, b);
    case COP_CUDA_MOD:
        return apply_remainder(a, b);
    case COP_CUDA_HYPOT:
        return hypotf(a, b);
    case COP_CUDA_EQUAL:
        return a == b;
    case COP_CUDA_NOT_EQUAL:
        return a != b;
    case COP_CUDA_GREATER:
        return a > b;
    case COP_CUDA_GREATER_EQUAL:
        return a >= b;
    case COP_CUDA_LESS:
        return a < b;
    case COP_CUDA_LESS_EQUAL:
        return a <= b;
    case COP_CUDA_AND:
        return a != 0 && b != 0;
    case COP_CUDA_OR:
        return a != 0 || b != 0;
    default: /* XOR */
        return (a != 0) != (b != 0);
    }
}

__device__ inline float apply_binary(int alg, float a, float b)
{
    switch (alg) {
    case COP_CUDA_ADD:
        return a + b;
    case COP_CUDA_SUB:
        return a - b;
    case COP_CUDA_MUL:
        return a * b;
    case COP_CUDA_DIV:
        return a / b;
    case COP_CUDA_MAX:
        return a > b || isnan(a) ? a : b;
    case COP_CUDA_MIN:
        return a < b || isnan(a) ? a : b;
    default:
        return apply_rare_binary(alg, a, b);
    }
}

} // namespace cop

#endif
