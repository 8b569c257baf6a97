// SPDX-License-Identifier: Apache-2.0
#include <float.h>
#include <math.h>
#include <string.h>

#include "backends/ref/ref_kernel.h"
#include "ir/ops/window.h"

/* The taps of one window that lie in src, and how many more are in the padding that counts. */
struct reach {
    int64_t start[COP_MAX_SPATIAL]; /* position of tap 0, perhaps in the padding */
    int64_t begin[COP_MAX_SPATIAL], end[COP_MAX_SPATIAL];
    int64_t padded_count;
    bool is_empty;
};

/* How the maximum is found in one element type, and what a window without elements gives. */
struct maximum {
    int64_t (*find)(const struct window_geometry *window, const struct reach *reach,
                    const void *memory, int64_t start);
    const void *lowest;
};

/* Always three spatial dimensions: those that a tensor lacks stand in front with size 1. */
struct pooling {
    struct window_geometry window;
    int64_t planes, src_plane, dst_plane;
    const struct maximum *maximum; /* NULL: not the maximum is asked for */
};

/* Taps before the first that lies at `position` or behind it. */
static int64_t taps_before(int64_t position, int64_t start, int64_t dilation, int64_t kernel)
{
    if (position <= start)
        return 0;
    const int64_t taps = (position - start + dilation - 1) / dilation;
    return taps < kernel ? taps : kernel;
}

static struct reach find_reach(const struct window_geometry *window, const int64_t *dst)
{
    struct reach reach = {.padded_count = 1, .is_empty = false};
    for (int i = 0; i < COP_MAX_SPATIAL; i++) {
        const int64_t start = dst[i] * window->strides[i] - window->pads_begin[i];
        const int64_t dilation = window->dilations[i], kernel = window->kernel[i];
        reach.start[i] = start;
        reach.begin[i] = taps_before(0, start, dilation, kernel);
        reach.end[i] = taps_before(window->src[i], start, dilation, kernel);
        reach.padded_count *=
            taps_before(window->src[i] + window->pads_end[i], start, dilation, kernel);
        reach.is_empty |= reach.begin[i] >= reach.end[i];
    }
    return reach;
}

/* Calls for every element of a window, in order, with its flat position in the plane. */
#define FOR_EACH_TAP(window, reach, offset)                                                        \
    for (int64_t d = (reach)->begin[0]; d < (reach)->end[0]; d++)                                  \
        for (int64_t h = (reach)->begin[1]; h < (reach)->end[1]; h++)                              \
            for (int64_t w = (reach)->begin[2], offset = find_offset((window), (reach), d, h, w);  \
                 w < (reach)->end[2]; w++, offset += (window)->dilations[2])

static int64_t find_offset(const struct window_geometry *window, const struct reach *reach,
                           int64_t d, int64_t h, int64_t w)
{
    const int64_t depth = reach->start[0] + d * window->dilations[0];
    const int64_t row = reach->start[1] + h * window->dilations[1];
    const int64_t column = reach->start[2] + w * window->dilations[2];
    return (depth * window->src[1] + row) * window->src[2] + column;
}

/*
 * The position of the largest element, the first of equal ones; NaN is larger than any; −1: the
 * window is empty. Written without branches on elements, which processors guess wrong.
 */
#define DEFINE_FIND_MAX(dtype, type)                                                               \
    static int64_t find_max_##dtype(const struct window_geometry *window,                          \
                                    const struct reach *reach, const void *memory, int64_t start)  \
    {                                                                                              \
        const type *src = (const type *)memory + start;                                            \
        int64_t best = -1;                                                                         \
        float max = -INFINITY;                                                                     \
        FOR_EACH_TAP(window, reach, offset)                                                        \
        {                                                                                          \
            const float x = (float)src[offset];                                                    \
            const bool is_larger = (best < 0) | (x > max) | ((isnan(x) != 0) & (isnan(max) == 0)); \
            best = is_larger ? offset : best;                                                      \
            max = is_larger ? x : max;                                                             \
        }                                                                                          \
        return best;                                                                               \
    }

DEFINE_FIND_MAX(float32, float)
DEFINE_FIND_MAX(int8, int8_t)
DEFINE_FIND_MAX(uint8, uint8_t)

static const float lowest_float32 = -FLT_MAX;
static const int8_t lowest_int8 = INT8_MIN;
static const uint8_t lowest_uint8 = 0;

static const struct maximum *find_maximum(cop_dtype dtype)
{
    static const struct maximum float32 = {find_max_float32, &lowest_float32};
    static const struct maximum int8 = {find_max_int8, &lowest_int8};
    static const struct maximum uint8 = {find_max_uint8, &lowest_uint8};
    return dtype == COP_DTYPE_FLOAT32 ? &float32
           : dtype == COP_DTYPE_INT8  ? &int8
           : dtype == COP_DTYPE_UINT8 ? &uint8
                                      : NULL;
}

static double sum_window(const struct window_geometry *window, const struct reach *reach,
                         const float *src)
{
    double sum = 0;
    FOR_EACH_TAP(window, reach, offset)
    {
        sum += (double)src[offset];
    }
    return sum;
}

static double sum_powers(const struct window_geometry *window, const struct reach *reach,
                         const float *src, double p, bool is_signed)
{
    double sum = 0;
    FOR_EACH_TAP(window, reach, offset)
    {
        sum += pow(is_signed ? (double)src[offset] : fabs((double)src[offset]), p);
    }
    return sum;
}

static int64_t count_taps(const struct reach *reach)
{
    int64_t count = 1;
    for (int i = 0; i < COP_MAX_SPATIAL; i++)
        count *= reach->end[i] - reach->begin[i];
    return count;
}

/* Anything but the maximum; a window without elements gives 0. */
static float pool(const struct pooling_attrs *attrs, const struct window_geometry *window,
                  const struct reach *reach, const float *src)
{
    if (reach->is_empty)
        return 0;
    if (attrs->alg == POOLING_LP) {
        const double p = (double)attrs->p;
        const double sum = sum_powers(window, reach, src, p, attrs->signed_lp);
        return (float)(attrs->p == 1 ? sum : pow(sum, 1 / p));
    }
    const double sum = sum_window(window, reach, src);
    if (attrs->alg == POOLING_SUM)
        return (float)sum;
    return (float)(sum /
                   (double)(attrs->count_include_pad ? reach->padded_count : count_taps(reach)));
}

/* Row-major position in a plane → position with the first dimension innermost. */
static int64_t to_column_major(const struct window_geometry *window, int64_t offset)
{
    const int64_t column = offset % window->src[2], rest = offset / window->src[2];
    const int64_t row = rest % window->src[1], depth = rest / window->src[1];
    return (column * window->src[1] + row) * window->src[0] + depth;
}

/* The taps of the window at a flat position of dst. */
static struct reach find_reach_at(const struct pooling *self, int64_t position)
{
    const int64_t *sizes = self->window.dst;
    const int64_t at[COP_MAX_SPATIAL] = {position / (sizes[1] * sizes[2]),
                                         position / sizes[2] % sizes[1], position % sizes[2]};
    return find_reach(&self->window, at);
}

static cop_status run_max(const struct ref_kernel *kernel, const struct kernel_args *args,
                          cop_error *error)
{
    (void)error;
    const struct pooling_attrs *attrs = kernel->attrs;
    const struct pooling *self = kernel->prepared;
    const size_t bytes = cop_dtype_bytes(kernel->src[0].dtype);
    const char *src = args->src[0];
    char *dst = args->dst[0];
    int64_t *indices = kernel->dst_count > 1 ? args->dst[1] : NULL;
    for (int64_t position = 0; position < self->dst_plane; position++) {
        const struct reach reach = find_reach_at(self, position);
        for (int64_t plane = 0; plane < self->planes; plane++) {
            const int64_t start = plane * self->src_plane;
            const int64_t target = plane * self->dst_plane + position;
            int64_t best = self->maximum->find(&self->window, &reach, src, start);
            if (dst != NULL)
                memcpy(dst + (size_t)target * bytes,
                       best < 0 ? self->maximum->lowest : src + (size_t)(start + best) * bytes,
                       bytes);
            if (indices == NULL)
                continue;
            if (best < 0)
                best = 0;
            else if (attrs->column_major_indices)
                best = to_column_major(&self->window, best);
            indices[target] = start + best;
        }
    }
    return COP_STATUS_OK;
}

static cop_status run_sums(const struct ref_kernel *kernel, const struct kernel_args *args,
                           cop_error *error)
{
    (void)error;
    const struct pooling *self = kernel->prepared;
    const float *src = args->src[0];
    float *dst = args->dst[0];
    for (int64_t position = 0; position < self->dst_plane; position++) {
        const struct reach reach = find_reach_at(self, position);
        for (int64_t plane = 0; plane < self->planes; plane++)
            dst[plane * self->dst_plane + position] =
                pool(kernel->attrs, &self->window, &reach, src + plane * self->src_plane);
    }
    return COP_STATUS_OK;
}

/* Puts the spatial dimensions last of three. */
static struct window_geometry extend(const struct window_geometry *window)
{
    struct window_geometry all = {.rank = COP_MAX_SPATIAL};
    for (int i = 0; i < COP_MAX_SPATIAL; i++) {
        const int from = i - (COP_MAX_SPATIAL - window->rank);
        all.src[i] = from < 0 ? 1 : window->src[from];
        all.dst[i] = from < 0 ? 1 : window->dst[from];
        all.kernel[i] = from < 0 ? 1 : window->kernel[from];
        all.strides[i] = from < 0 ? 1 : window->strides[from];
        all.dilations[i] = from < 0 ? 1 : window->dilations[from];
        all.pads_begin[i] = from < 0 ? 0 : window->pads_begin[from];
        all.pads_end[i] = from < 0 ? 0 : window->pads_end[from];
    }
    return all;
}

cop_status cop_ref_pooling(struct ref_kernel *kernel, cop_error *error)
{
    const struct shape *src = &kernel->src[0].shape, *dst = &kernel->dst[0].shape;
    const struct pooling_attrs *attrs = kernel->attrs;
    const cop_dtype dtype = kernel->src[0].dtype;
    const bool is_max = attrs->alg == POOLING_MAX;
    if (is_max ? find_maximum(dtype) == NULL : dtype != COP_DTYPE_FLOAT32)
        return cop_ref_refuse_dtype(dtype, error);
    struct pooling *self = cop_ref_alloc(kernel, 1, sizeof *self, error);
    if (self == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    struct window_geometry window;
    const cop_status status = cop_window_pooling(attrs, src, &window, error);
    if (status != COP_STATUS_OK)
        return status;
    self->window = extend(&window);
    self->planes = src->dims[0] * src->dims[1];
    self->src_plane = cop_shape_product(src, 2, src->rank);
    self->dst_plane = cop_shape_product(dst, 2, dst->rank);
    self->maximum = is_max ? find_maximum(dtype) : NULL;
    kernel->prepared = self;
    kernel->run = is_max ? run_max : run_sums;
    return COP_STATUS_OK;
}
