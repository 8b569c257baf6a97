// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "backends/ref/ref_kernel.h"
#include "backends/ref/ref_strides.h"
#include "base/error.h"
#include "ir/ops/alignment.h"

/* One row of dst: neighbours in a and b lie 0 or 1 elements apart. */
typedef void row_function(enum binary_alg alg, int64_t count, const void *a, int64_t a_start,
                          int64_t a_stride, const void *b, int64_t b_start, int64_t b_stride,
                          void *dst, int64_t dst_start);

struct binary {
    row_function *row;
    struct ref_strides a, b; /* along the dimensions of dst */
    int64_t row_count, row_length;
    int64_t a_stride, b_stride; /* along a row */
    struct shape outer;         /* dst without its last dimension */
};

/* With the sign of b, as Python has it; a negative multiple of a positive b leaves +0. */
static double remainder_float(double a, double b)
{
    if (b == 0)
        return 0;
    const double rest = fmod(a, b);
    if (rest == 0)
        return a < 0 && b > 0 ? 0 : rest;
    return (rest < 0) == (b < 0) || isnan(rest) ? rest : rest + b;
}

/* Comparisons and logic, alike for every type of number: 0 or 1. */
#define TRUTH_CASES(a, b)                                                                          \
    case BINARY_EQUAL:                                                                             \
        return (a) == (b);                                                                         \
    case BINARY_NOT_EQUAL:                                                                         \
        return (a) != (b);                                                                         \
    case BINARY_GREATER:                                                                           \
        return (a) > (b);                                                                          \
    case BINARY_GREATER_EQUAL:                                                                     \
        return (a) >= (b);                                                                         \
    case BINARY_LESS:                                                                              \
        return (a) < (b);                                                                          \
    case BINARY_LESS_EQUAL:                                                                        \
        return (a) <= (b);                                                                         \
    case BINARY_AND:                                                                               \
        return (a) != 0 && (b) != 0;                                                               \
    case BINARY_OR:                                                                                \
        return (a) != 0 || (b) != 0;                                                               \
    case BINARY_XOR:                                                                               \
        return ((a) != 0) != ((b) != 0)

/* float32 too: rounding a double result of these once more gives what float32 arithmetic gives. */
static double apply_float(enum binary_alg alg, double a, double b)
{
    switch (alg) {
    case BINARY_ADD:
        return a + b;
    case BINARY_SUB:
        return a - b;
    case BINARY_MUL:
        return a * b;
    case BINARY_DIV:
        return a / b;
    case BINARY_MAX:
        return a > b || isnan(a) ? a : b;
    case BINARY_MIN:
        return a < b || isnan(a) ? a : b;
    case BINARY_POW:
        return pow(a, b);
    case BINARY_MOD:
        return remainder_float(a, b);
    case BINARY_HYPOT:
        return hypot(a, b);
        TRUTH_CASES(a, b);
    case BINARY_ALG_COUNT:
        break;
    }
    return NAN; /* not reached: the rule refuses other numbers */
}

/* Wraps around. The loop is over the bits of the exponent. */
static uint64_t raise(uint64_t base, uint64_t exponent)
{
    uint64_t power = 1;
    for (; exponent != 0; exponent >>= 1, base *= base)
        if (exponent & 1)
            power *= base;
    return power;
}

static int64_t raise_signed(int64_t base, int64_t exponent)
{
    if (exponent >= 0)
        return (int64_t)raise((uint64_t)base, (uint64_t)exponent);
    if (base == 1 || base == -1)
        return exponent % 2 == 0 ? 1 : base;
    return 0; /* a fraction, or the undefined power of 0 */
}

static int64_t divide_signed(int64_t a, int64_t b)
{
    if (b == 0)
        return 0; /* undefined in ONNX; no trap */
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t remainder_signed(int64_t a, int64_t b)
{
    if (b == 0 || b == -1)
        return 0;
    const int64_t rest = a % b;
    return rest == 0 || (rest < 0) == (b < 0) ? rest : rest + b;
}

/* Cut off to a whole number, as far as there are such. */
static int64_t hypotenuse(int64_t a, int64_t b)
{
    const double length = hypot((double)a, (double)b);
    return length < 0x1p63 ? (int64_t)length : INT64_MAX;
}

static uint64_t hypotenuse_unsigned(uint64_t a, uint64_t b)
{
    const double length = hypot((double)a, (double)b);
    return length < 0x1p64 ? (uint64_t)length : UINT64_MAX;
}

/* Results that do not fit wrap around. */
static int64_t apply_signed(enum binary_alg alg, int64_t a, int64_t b)
{
    switch (alg) {
    case BINARY_ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case BINARY_SUB:
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case BINARY_MUL:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case BINARY_DIV:
        return divide_signed(a, b);
    case BINARY_MAX:
        return a > b ? a : b;
    case BINARY_MIN:
        return a < b ? a : b;
    case BINARY_POW:
        return raise_signed(a, b);
    case BINARY_MOD:
        return remainder_signed(a, b);
    case BINARY_HYPOT:
        return hypotenuse(a, b);
        TRUTH_CASES(a, b);
    case BINARY_ALG_COUNT:
        break;
    }
    return 0; /* not reached: the rule refuses other numbers */
}

static uint64_t apply_unsigned(enum binary_alg alg, uint64_t a, uint64_t b)
{
    switch (alg) {
    case BINARY_ADD:
        return a + b;
    case BINARY_SUB:
        return a - b;
    case BINARY_MUL:
        return a * b;
    case BINARY_DIV:
        return b == 0 ? 0 : a / b;
    case BINARY_MAX:
        return a > b ? a : b;
    case BINARY_MIN:
        return a < b ? a : b;
    case BINARY_POW:
        return raise(a, b);
    case BINARY_MOD:
        return b == 0 ? 0 : a % b;
    case BINARY_HYPOT:
        return hypotenuse_unsigned(a, b);
        TRUTH_CASES(a, b);
    case BINARY_ALG_COUNT:
        break;
    }
    return 0; /* not reached: the rule refuses other numbers */
}

#define DEFINE_ROW(dtype, type, wide, apply)                                                       \
    static void row_##dtype(enum binary_alg alg, int64_t count, const void *a, int64_t a_start,    \
                            int64_t a_stride, const void *b, int64_t b_start, int64_t b_stride,    \
                            void *dst, int64_t dst_start)                                          \
    {                                                                                              \
        const type *left = (const type *)a + a_start, *right = (const type *)b + b_start;          \
        type *result = (type *)dst + dst_start;                                                    \
        for (int64_t i = 0; i < count; i++)                                                        \
            result[i] = (type)apply(alg, (wide)left[i * a_stride], (wide)right[i * b_stride]);     \
    }

DEFINE_ROW(float32, float, double, apply_float)
DEFINE_ROW(float64, double, double, apply_float)
DEFINE_ROW(int8, int8_t, int64_t, apply_signed)
DEFINE_ROW(int16, int16_t, int64_t, apply_signed)
DEFINE_ROW(int32, int32_t, int64_t, apply_signed)
DEFINE_ROW(int64, int64_t, int64_t, apply_signed)
DEFINE_ROW(uint8, uint8_t, uint64_t, apply_unsigned)
DEFINE_ROW(uint16, uint16_t, uint64_t, apply_unsigned)
DEFINE_ROW(uint32, uint32_t, uint64_t, apply_unsigned)
DEFINE_ROW(uint64, uint64_t, uint64_t, apply_unsigned)

static row_function *find_row_function(cop_dtype dtype)
{
    static row_function *const rows[] = {
        [COP_DTYPE_FLOAT32] = row_float32, [COP_DTYPE_FLOAT64] = row_float64,
        [COP_DTYPE_INT8] = row_int8,       [COP_DTYPE_UINT8] = row_uint8,
        [COP_DTYPE_INT16] = row_int16,     [COP_DTYPE_UINT16] = row_uint16,
        [COP_DTYPE_INT32] = row_int32,     [COP_DTYPE_UINT32] = row_uint32,
        [COP_DTYPE_INT64] = row_int64,     [COP_DTYPE_UINT64] = row_uint64,
    };
    return (size_t)dtype < sizeof rows / sizeof *rows ? rows[dtype] : NULL;
}

static cop_status run(const struct ref_kernel *kernel, const struct kernel_args *args,
                      cop_error *error)
{
    (void)error;
    const struct binary_attrs *attrs = kernel->attrs;
    const struct binary *self = kernel->prepared;
    for (int64_t i = 0; i < self->row_count; i++)
        self->row(attrs->alg, self->row_length, args->src[0],
                  cop_ref_offset(&self->outer, &self->a, i), self->a_stride, args->src[1],
                  cop_ref_offset(&self->outer, &self->b, i), self->b_stride, args->dst[0],
                  i * self->row_length);
    return COP_STATUS_OK;
}

cop_status cop_ref_binary(struct ref_kernel *kernel, cop_error *error)
{
    const struct binary_attrs *attrs = kernel->attrs;
    const struct shape *a = &kernel->src[0].shape, *dst = &kernel->dst[0].shape;
    struct binary *self = cop_ref_alloc(kernel, 1, sizeof *self, error);
    if (self == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    self->row = find_row_function(kernel->src[0].dtype);
    if (self->row == NULL)
        return cop_ref_refuse_dtype(kernel->src[0].dtype, error);
    struct shape b;
    if (!cop_binary_align(attrs, a, &kernel->src[1].shape, &b))
        return cop_fail(error, COP_STATUS_INTERNAL, "operands that no rule has seen");
    const int last = dst->rank - 1;
    self->a = cop_ref_broadcast_strides(a, dst);
    self->b = cop_ref_broadcast_strides(&b, dst);
    self->outer = cop_shape_of(last < 0 ? 0 : last, dst->dims);
    self->row_count = cop_shape_product(dst, 0, self->outer.rank);
    self->row_length = last < 0 ? 1 : dst->dims[last];
    self->a_stride = last < 0 ? 0 : self->a.elements[last];
    self->b_stride = last < 0 ? 0 : self->b.elements[last];
    kernel->base.in_place_srcs = (cop_shape_equal(a, dst) ? 1u : 0u) |
                                 (cop_shape_equal(&kernel->src[1].shape, dst) ? 2u : 0u);
    kernel->prepared = self;
    kernel->run = run;
    return COP_STATUS_OK;
}
