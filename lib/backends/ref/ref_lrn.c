// SPDX-License-Identifier: Apache-2.0
/* Local response normalization across channels (Krizhevsky et al. 2012, section 3.3). */
#include <math.h>

#include "backends/ref/ref_kernel.h"

static double sum_squares(const float *src, int64_t first, int64_t last, int64_t stride)
{
    double sum = 0;
    for (int64_t i = first; i <= last; i++)
        sum += (double)src[i * stride] * (double)src[i * stride];
    return sum;
}

static void normalize_position(const struct lrn_attrs *attrs, int64_t channels, int64_t stride,
                               const float *src, float *dst)
{
    const int64_t before = (attrs->size - 1) / 2, after = attrs->size - 1 - before;
    for (int64_t c = 0; c < channels; c++) {
        const int64_t first = c < before ? 0 : c - before;
        const int64_t last = after < channels - c ? c + after : channels - 1;
        const double sum = sum_squares(src, first, last, stride);
        const double base = (double)attrs->bias + (double)attrs->alpha / (double)attrs->size * sum;
        dst[c * stride] = (float)((double)src[c * stride] * pow(base, -(double)attrs->beta));
    }
}

static cop_status run(const struct ref_kernel *kernel, const struct kernel_args *args,
                      cop_error *error)
{
    (void)error;
    const struct shape *shape = &kernel->src[0].shape;
    const int64_t channels = shape->dims[1], plane = cop_shape_product(shape, 2, shape->rank);
    for (int64_t i = 0; i < shape->dims[0] * plane; i++) {
        const int64_t start = i / plane * channels * plane + i % plane;
        normalize_position(kernel->attrs, channels, plane, (const float *)args->src[0] + start,
                           (float *)args->dst[0] + start);
    }
    return COP_STATUS_OK;
}

cop_status cop_ref_lrn(struct ref_kernel *kernel, cop_error *error)
{
    kernel->run = run;
    return cop_ref_need_float32(kernel, error);
}
