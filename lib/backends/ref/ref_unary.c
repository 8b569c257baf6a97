// SPDX-License-Identifier: Apache-2.0
#include "backends/ref/ref_unary.h"

#include <math.h>
#include <string.h>

#include "backends/ref/ref_kernel.h"
#include "base/error.h"

static double clip(double x, double low, double high)
{
    x = x < low ? low : x; /* in this form NaN stays */
    return x > high ? high : x;
}

/* Every function in double: float32 results are then rounded once. */
static double apply(const struct unary_attrs *attrs, double x)
{
    const double alpha = (double)attrs->alpha, beta = (double)attrs->beta;
    switch (attrs->alg) {
    case UNARY_RELU:
        return x <= 0 ? 0 : x;
    case UNARY_LEAKY_RELU:
        return x < 0 ? alpha * x : x;
    case UNARY_ELU:
        return x < 0 ? alpha * expm1(x) : x;
    case UNARY_SELU:
        return beta * (x > 0 ? x : alpha * expm1(x));
    case UNARY_SIGMOID:
        return 1 / (1 + exp(-x));
    case UNARY_TANH:
        return tanh(x);
    case UNARY_SOFTPLUS:
        return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    case UNARY_SOFTSIGN:
        return isinf(x) ? copysign(1, x) : x / (1 + fabs(x));
    case UNARY_HARD_SIGMOID:
        return clip(alpha * x + beta, 0, 1);
    case UNARY_HARD_SWISH:
        return x * clip(alpha * x + beta, 0, 1);
    case UNARY_CLIP:
        return clip(x, alpha, beta);
    case UNARY_GELU:
        return x / 2 * (1 + erf(x * M_SQRT1_2));
    case UNARY_LINEAR:
        return alpha * x + beta;
    case UNARY_EXP:
        return exp(x);
    case UNARY_LOG:
        return log(x);
    case UNARY_SQRT:
        return sqrt(x);
    case UNARY_RSQRT:
        return 1 / sqrt(x);
    case UNARY_SQUARE:
        return x * x;
    case UNARY_ABS:
        return fabs(x);
    case UNARY_NEG:
        return -x;
    case UNARY_RECIPROCAL:
        return 1 / x;
    case UNARY_FLOOR:
        return floor(x);
    case UNARY_CEIL:
        return ceil(x);
    case UNARY_ROUND_EVEN:
        return rint(x);
    case UNARY_SIGN:
        return x > 0 ? 1 : x < 0 ? -1 : x;
    case UNARY_ERF:
        return erf(x);
    case UNARY_LOG1P:
        return log1p(x);
    case UNARY_EXPM1:
        return expm1(x);
    case UNARY_CBRT:
        return cbrt(x);
    case UNARY_SIN:
        return sin(x);
    case UNARY_COS:
        return cos(x);
    case UNARY_TAN:
        return tan(x);
    case UNARY_ASIN:
        return asin(x);
    case UNARY_ACOS:
        return acos(x);
    case UNARY_ATAN:
        return atan(x);
    case UNARY_SINH:
        return sinh(x);
    case UNARY_COSH:
        return cosh(x);
    case UNARY_ASINH:
        return asinh(x);
    case UNARY_ACOSH:
        return acosh(x);
    case UNARY_ATANH:
        return atanh(x);
    case UNARY_ALG_COUNT:
        break;
    }
    return NAN; /* not reached: the rule refuses other numbers */
}

/* A few elements at once: loops of a fixed length without branches become vector instructions. */
#define BLOCK 8
typedef void block_function(const struct unary_attrs *attrs, float *x);

static void relu_block(const struct unary_attrs *attrs, float *x)
{
    (void)attrs;
    for (int i = 0; i < BLOCK; i++)
        x[i] = x[i] <= 0 ? 0 : x[i];
}

static void leaky_relu_block(const struct unary_attrs *attrs, float *x)
{
    const float alpha = attrs->alpha;
    for (int i = 0; i < BLOCK; i++)
        x[i] = x[i] < 0 ? alpha * x[i] : x[i];
}

static void clip_block(const struct unary_attrs *attrs, float *x)
{
    const float low = attrs->alpha, high = attrs->beta;
    for (int i = 0; i < BLOCK; i++) {
        x[i] = x[i] < low ? low : x[i];
        x[i] = x[i] > high ? high : x[i];
    }
}

static void any_block(const struct unary_attrs *attrs, float *x)
{
    for (int i = 0; i < BLOCK; i++)
        x[i] = (float)apply(attrs, (double)x[i]);
}

static block_function *find_block_function(enum unary_alg alg)
{
    switch (alg) {
    case UNARY_RELU:
        return relu_block;
    case UNARY_LEAKY_RELU:
        return leaky_relu_block;
    case UNARY_CLIP:
        return clip_block;
    default:
        return any_block;
    }
}

void cop_ref_unary_float32(const struct unary_attrs *attrs, int64_t count, const float *src,
                           float *dst)
{
    block_function *const apply_block = find_block_function(attrs->alg);
    for (int64_t i = 0; i < count; i += BLOCK) {
        float x[BLOCK] = {0};
        const int64_t left = count - i < BLOCK ? count - i : BLOCK;
        memcpy(x, src + i, (size_t)left * sizeof *x);
        apply_block(attrs, x);
        memcpy(dst + i, x, (size_t)left * sizeof *x);
    }
}

static cop_status run_float32(const struct ref_kernel *kernel, const struct kernel_args *args,
                              cop_error *error)
{
    (void)error;
    cop_ref_unary_float32(kernel->attrs, cop_ref_elements(&kernel->dst[0]), args->src[0],
                          args->dst[0]);
    return COP_STATUS_OK;
}

/* The nearest int64 to a whole number. */
static int64_t saturate(double whole)
{
    if (whole >= 0x1p63)
        return INT64_MAX;
    return whole > -0x1p63 ? (int64_t)whole : INT64_MIN;
}

/* Integers not below `low` are those not below its ceiling, and so on; NaN bounds nothing. */
static int64_t clip_integer(int64_t x, double low, double high)
{
    if (!isnan(low) && x < saturate(ceil(low)))
        x = saturate(ceil(low));
    return !isnan(high) && x > saturate(floor(high)) ? saturate(floor(high)) : x;
}

static bool has_integer_form(enum unary_alg alg)
{
    return alg == UNARY_RELU || alg == UNARY_CLIP || alg == UNARY_ABS || alg == UNARY_NEG ||
           alg == UNARY_SIGN || alg == UNARY_SQUARE;
}

/* Wraps around where the result does not fit, as two's complement does. */
static int64_t apply_integer(const struct unary_attrs *attrs, int64_t x)
{
    switch (attrs->alg) {
    case UNARY_RELU:
        return x < 0 ? 0 : x;
    case UNARY_CLIP:
        return clip_integer(x, (double)attrs->alpha, (double)attrs->beta);
    case UNARY_ABS:
        return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
    case UNARY_NEG:
        return (int64_t)(0 - (uint64_t)x);
    case UNARY_SIGN:
        return (x > 0) - (x < 0);
    default: /* SQUARE; has_integer_form names no other */
        return (int64_t)((uint64_t)x * (uint64_t)x);
    }
}

#define DEFINE_RUN(dtype, type, wide, apply_wide)                                                  \
    static cop_status run_##dtype(const struct ref_kernel *kernel, const struct kernel_args *args, \
                                  cop_error *error)                                                \
    {                                                                                              \
        (void)error;                                                                               \
        const type *src = args->src[0];                                                            \
        type *dst = args->dst[0];                                                                  \
        for (int64_t i = 0, count = cop_ref_elements(&kernel->dst[0]); i < count; i++)             \
            dst[i] = (type)apply_wide(kernel->attrs, (wide)src[i]);                                \
        return COP_STATUS_OK;                                                                      \
    }

DEFINE_RUN(float64, double, double, apply)
DEFINE_RUN(int64, int64_t, int64_t, apply_integer)
DEFINE_RUN(int32, int32_t, int64_t, apply_integer)
DEFINE_RUN(int8, int8_t, int64_t, apply_integer)

cop_status cop_ref_unary(struct ref_kernel *kernel, cop_error *error)
{
    static ref_run *const runs[] = {
        [COP_DTYPE_FLOAT32] = run_float32, [COP_DTYPE_FLOAT64] = run_float64,
        [COP_DTYPE_INT64] = run_int64,     [COP_DTYPE_INT32] = run_int32,
        [COP_DTYPE_INT8] = run_int8,
    };
    const struct unary_attrs *attrs = kernel->attrs;
    const cop_dtype dtype = kernel->src[0].dtype;
    const bool is_float = dtype == COP_DTYPE_FLOAT32 || dtype == COP_DTYPE_FLOAT64;
    kernel->run = (size_t)dtype < sizeof runs / sizeof *runs ? runs[dtype] : NULL;
    if (kernel->run == NULL || (!is_float && !has_integer_form(attrs->alg)))
        return cop_fail(error, COP_STATUS_UNSUPPORTED, "the reference backend has no %s in %s",
                        cop_unary_name(attrs->alg), cop_dtype_name(dtype));
    kernel->base.in_place_srcs = 1;
    return COP_STATUS_OK;
}
