// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "backends/ref/ref_kernel.h"

/* src seen as [outer, length, inner]; the position along the middle is looked for. */
struct search {
    int64_t outer, length, inner;
};

/* Negative: a comes before b; NaN comes before everything, as in numpy. */
static int compare_float(double a, double b, bool is_min)
{
    if (isnan(a) || isnan(b))
        return (int)isnan(b) - (int)isnan(a);
    return is_min ? (a > b) - (a < b) : (a < b) - (a > b);
}

static int compare_integer(int64_t a, int64_t b, bool is_min)
{
    return is_min ? (a > b) - (a < b) : (a < b) - (a > b);
}

#define DEFINE_FIND(dtype, type, wide, compare)                                                    \
    static int64_t find_##dtype(const struct arg_attrs *attrs, const void *memory, int64_t start,  \
                                int64_t length, int64_t stride)                                    \
    {                                                                                              \
        const type *src = (const type *)memory + start;                                            \
        int64_t best = 0;                                                                          \
        for (int64_t i = 1; i < length; i++) {                                                     \
            const int order =                                                                      \
                compare((wide)src[i * stride], (wide)src[best * stride], attrs->is_min);           \
            if (order < 0 || (order == 0 && attrs->select_last))                                   \
                best = i;                                                                          \
        }                                                                                          \
        return best;                                                                               \
    }

DEFINE_FIND(float32, float, double, compare_float)
DEFINE_FIND(float64, double, double, compare_float)
DEFINE_FIND(int8, int8_t, int64_t, compare_integer)
DEFINE_FIND(uint8, uint8_t, int64_t, compare_integer)
DEFINE_FIND(int32, int32_t, int64_t, compare_integer)
DEFINE_FIND(int64, int64_t, int64_t, compare_integer)

typedef int64_t find_function(const struct arg_attrs *attrs, const void *memory, int64_t start,
                              int64_t length, int64_t stride);

static find_function *find_function_for(cop_dtype dtype)
{
    static find_function *const functions[] = {
        [COP_DTYPE_FLOAT32] = find_float32, [COP_DTYPE_FLOAT64] = find_float64,
        [COP_DTYPE_INT8] = find_int8,       [COP_DTYPE_UINT8] = find_uint8,
        [COP_DTYPE_INT32] = find_int32,     [COP_DTYPE_INT64] = find_int64,
    };
    return (size_t)dtype < sizeof functions / sizeof *functions ? functions[dtype] : NULL;
}

static cop_status run(const struct ref_kernel *kernel, const struct kernel_args *args,
                      cop_error *error)
{
    (void)error;
    const struct search *self = kernel->prepared;
    const cop_dtype dtype = kernel->dst[0].dtype;
    find_function *const find = find_function_for(kernel->src[0].dtype);
    for (int64_t i = 0; i < self->outer * self->inner; i++) {
        const int64_t start = i / self->inner * self->length * self->inner + i % self->inner;
        const int64_t found = find(kernel->attrs, args->src[0], start, self->length, self->inner);
        if (dtype == COP_DTYPE_INT64)
            ((int64_t *)args->dst[0])[i] = found;
        else if (dtype == COP_DTYPE_INT32)
            ((int32_t *)args->dst[0])[i] = (int32_t)found;
        else
            ((float *)args->dst[0])[i] = (float)found;
    }
    return COP_STATUS_OK;
}

cop_status cop_ref_arg(struct ref_kernel *kernel, cop_error *error)
{
    const struct arg_attrs *attrs = kernel->attrs;
    const struct shape *src = &kernel->src[0].shape;
    const cop_dtype dtype = kernel->dst[0].dtype;
    if (find_function_for(kernel->src[0].dtype) == NULL)
        return cop_ref_refuse_dtype(kernel->src[0].dtype, error);
    if (dtype != COP_DTYPE_INT64 && dtype != COP_DTYPE_INT32 && dtype != COP_DTYPE_FLOAT32)
        return cop_ref_refuse_dtype(dtype, error);
    struct search *self = cop_ref_alloc(kernel, 1, sizeof *self, error);
    if (self == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    int axis = 0;
    if (!attrs->flatten)
        (void)cop_axis_normalize(attrs->axis, src->rank,
                                 &axis); /* the rule saw that it is inside */
    const int end = attrs->flatten ? src->rank : axis + 1;
    self->outer = cop_shape_product(src, 0, axis);
    self->length = cop_shape_product(src, axis, end);
    self->inner = cop_shape_product(src, end, src->rank);
    kernel->prepared = self;
    kernel->run = run;
    return COP_STATUS_OK;
}
