// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "backends/ref/ref_kernel.h"
#include "backends/ref/ref_strides.h"
#include "base/error.h"
#include "ir/ops/alignment.h"

/* dst lies along the axes that stay; for each of its elements, rows of src are gone over. */
struct reduction {
    struct shape kept, rest; /* sizes of src along the axes that stay, and the others but one */
    struct ref_strides kept_strides, rest_strides;
    int64_t kept_count, rest_count;
    int64_t row_length, row_stride; /* the innermost reduced axis */
};

static double start_float(enum reduce_alg alg)
{
    return alg == REDUCE_MAX    ? -INFINITY
           : alg == REDUCE_MIN  ? INFINITY
           : alg == REDUCE_PROD ? 1
                                : 0;
}

static double step_float(enum reduce_alg alg, double sum, double x)
{
    switch (alg) {
    case REDUCE_MAX:
        return x > sum || isnan(x) ? x : sum;
    case REDUCE_MIN:
        return x < sum || isnan(x) ? x : sum;
    case REDUCE_PROD:
        return sum * x;
    default:
        return sum + x;
    }
}

static double finish_float(enum reduce_alg alg, double sum, int64_t count)
{
    return alg == REDUCE_MEAN ? sum / (double)count : sum;
}

static int64_t start_integer(enum reduce_alg alg)
{
    return alg == REDUCE_MAX    ? INT64_MIN
           : alg == REDUCE_MIN  ? INT64_MAX
           : alg == REDUCE_PROD ? 1
                                : 0;
}

/* Wraps around where the result does not fit. */
static int64_t step_integer(enum reduce_alg alg, int64_t sum, int64_t x)
{
    switch (alg) {
    case REDUCE_MAX:
        return x > sum ? x : sum;
    case REDUCE_MIN:
        return x < sum ? x : sum;
    case REDUCE_PROD:
        return (int64_t)((uint64_t)sum * (uint64_t)x);
    default:
        return (int64_t)((uint64_t)sum + (uint64_t)x);
    }
}

static int64_t finish_integer(enum reduce_alg alg, int64_t sum, int64_t count)
{
    return alg == REDUCE_MEAN ? (count == 0 ? 0 : sum / count) : sum;
}

#define DEFINE_RUN(dtype, type, wide, family)                                                      \
    static cop_status run_##dtype(const struct ref_kernel *kernel, const struct kernel_args *args, \
                                  cop_error *error)                                                \
    {                                                                                              \
        (void)error;                                                                               \
        const struct reduction *self = kernel->prepared;                                           \
        const enum reduce_alg alg = ((const struct reduce_attrs *)kernel->attrs)->alg;             \
        type *dst = args->dst[0];                                                                  \
        for (int64_t i = 0; i < self->kept_count; i++) {                                           \
            const type *src =                                                                      \
                (const type *)args->src[0] + cop_ref_offset(&self->kept, &self->kept_strides, i);  \
            wide sum = start_##family(alg);                                                        \
            for (int64_t j = 0; j < self->rest_count; j++) {                                       \
                const type *row = src + cop_ref_offset(&self->rest, &self->rest_strides, j);       \
                for (int64_t k = 0; k < self->row_length; k++)                                     \
                    sum = step_##family(alg, sum, (wide)row[k * self->row_stride]);                \
            }                                                                                      \
            dst[i] = (type)finish_##family(alg, sum, self->rest_count * self->row_length);         \
        }                                                                                          \
        return COP_STATUS_OK;                                                                      \
    }

DEFINE_RUN(float32, float, double, float)
DEFINE_RUN(float64, double, double, float)
DEFINE_RUN(int8, int8_t, int64_t, integer)
DEFINE_RUN(uint8, uint8_t, int64_t, integer)
DEFINE_RUN(int32, int32_t, int64_t, integer)
DEFINE_RUN(uint32, uint32_t, int64_t, integer)
DEFINE_RUN(int64, int64_t, int64_t, integer)

static ref_run *find_run(cop_dtype dtype)
{
    static ref_run *const runs[] = {
        [COP_DTYPE_FLOAT32] = run_float32, [COP_DTYPE_FLOAT64] = run_float64,
        [COP_DTYPE_INT8] = run_int8,       [COP_DTYPE_UINT8] = run_uint8,
        [COP_DTYPE_INT32] = run_int32,     [COP_DTYPE_UINT32] = run_uint32,
        [COP_DTYPE_INT64] = run_int64,
    };
    return (size_t)dtype < sizeof runs / sizeof *runs ? runs[dtype] : NULL;
}

/* Axes of size 1 take the place of those that belong to the other part. */
static void split_axes(struct reduction *self, const struct shape *src, const bool *reduced)
{
    const struct ref_strides strides = cop_ref_plain_strides(src);
    int row_axis = -1;
    for (int i = 0; i < src->rank; i++)
        if (reduced[i])
            row_axis = i;
    self->kept.rank = self->rest.rank = src->rank;
    for (int i = 0; i < src->rank; i++) {
        self->kept.dims[i] = reduced[i] ? 1 : src->dims[i];
        self->rest.dims[i] = reduced[i] && i != row_axis ? src->dims[i] : 1;
    }
    self->kept_strides = self->rest_strides = strides;
    self->kept_count = cop_shape_product(&self->kept, 0, src->rank);
    self->rest_count = cop_shape_product(&self->rest, 0, src->rank);
    self->row_length = row_axis < 0 ? 1 : src->dims[row_axis];
    if (self->row_length == 0) /* however many empty rows there are */
        self->rest_count = 0;
    self->row_stride = row_axis < 0 ? 0 : strides.elements[row_axis];
}

cop_status cop_ref_reduce(struct ref_kernel *kernel, cop_error *error)
{
    const struct shape *src = &kernel->src[0].shape;
    const struct kernel_tensor *axes =
        kernel->src_count > 1 && kernel->src[1].is_present ? &kernel->src[1] : NULL;
    if (axes != NULL && axes->value == NULL)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "reduction axes must be known when the operator is created");
    kernel->run = find_run(kernel->src[0].dtype);
    if (kernel->run == NULL)
        return cop_ref_refuse_dtype(kernel->src[0].dtype, error);
    struct reduction *self = cop_ref_alloc(kernel, 1, sizeof *self, error);
    if (self == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    bool reduced[COP_MAX_RANK];
    const cop_status status =
        cop_reduce_axes(kernel->attrs, axes == NULL ? NULL : axes->value,
                        axes == NULL ? 0 : axes->shape.dims[0], src->rank, reduced, error);
    if (status != COP_STATUS_OK)
        return status;
    split_axes(self, src, reduced);
    kernel->prepared = self;
    kernel->base.unread_srcs = axes == NULL ? 0 : 1u << 1;
    return COP_STATUS_OK;
}
