// SPDX-License-Identifier: Apache-2.0
/* FoldScale and FoldShift: batch normalization worked into weights, in double precision. */
#include <math.h>

#include "backends/ref/ref_kernel.h"

static double find_factor(const struct fold_attrs *attrs, const float *scale, const float *variance,
                          int64_t channel)
{
    return (attrs->unit_scale ? 1 : (double)scale[channel]) /
           sqrt((double)variance[channel] + attrs->epsilon);
}

/* In place is a loop of its own, so that the compiler need not fear that src and dst overlap. */
static void scale_row(const float *src, float *dst, int64_t count, double factor)
{
    if (src == dst) {
        for (int64_t i = 0; i < count; i++)
            dst[i] = (float)((double)dst[i] * factor);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        dst[i] = (float)((double)src[i] * factor);
}

static cop_status run_scale(const struct ref_kernel *kernel, const struct kernel_args *args,
                            cop_error *error)
{
    (void)error;
    const struct fold_attrs *attrs = kernel->attrs;
    const struct shape *shape = &kernel->src[0].shape;
    const float *weights = args->src[0];
    float *dst = args->dst[0];
    int axis = 0;
    (void)cop_axis_normalize(attrs->axis, shape->rank, &axis); /* the rule saw that it is inside */
    const int64_t channels = shape->dims[axis];
    const int64_t inner = cop_shape_product(shape, axis + 1, shape->rank);
    for (int64_t i = 0, count = cop_shape_product(shape, 0, axis + 1); i < count; i++) {
        const double factor = find_factor(attrs, args->src[1], args->src[2], i % channels);
        scale_row(weights + i * inner, dst + i * inner, inner, factor);
    }
    return COP_STATUS_OK;
}

cop_status cop_ref_fold_scale(struct ref_kernel *kernel, cop_error *error)
{
    const struct fold_attrs *attrs = kernel->attrs;
    kernel->run = run_scale;
    kernel->base.in_place_srcs = 1;
    kernel->base.unread_srcs = attrs->unit_scale ? 1u << 1 : 0;
    return cop_ref_need_float32(kernel, error);
}

static cop_status run_shift(const struct ref_kernel *kernel, const struct kernel_args *args,
                            cop_error *error)
{
    (void)error;
    const float *shift = args->src[1], *mean = args->src[2];
    const float *bias = kernel->src_count > 4 ? args->src[4] : NULL;
    float *dst = args->dst[0];
    for (int64_t c = 0; c < kernel->dst[0].shape.dims[0]; c++) {
        const double factor = find_factor(kernel->attrs, args->src[0], args->src[3], c);
        const double centred = (bias == NULL ? 0 : (double)bias[c]) - (double)mean[c];
        dst[c] = (float)(centred * factor + (double)shift[c]);
    }
    return COP_STATUS_OK;
}

cop_status cop_ref_fold_shift(struct ref_kernel *kernel, cop_error *error)
{
    const struct fold_attrs *attrs = kernel->attrs;
    kernel->run = run_shift;
    kernel->base.unread_srcs = attrs->unit_scale ? 1u : 0;
    return cop_ref_need_float32(kernel, error);
}
