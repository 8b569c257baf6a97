// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "backends/ref/ref_kernel.h"

/* src seen as [outer, length, inner], normalized along the middle. */
struct softmax {
    int64_t outer, length, inner;
    double scale; /* 1 / temperature */
};

/* Reads each element before it is overwritten, so dst may be src. */
static void normalize(const struct softmax *self, bool is_log, const float *src, float *dst)
{
    const int64_t stride = self->inner;
    /* With a negative temperature the smallest element weighs most. */
    double max = -INFINITY;
    for (int64_t i = 0; i < self->length; i++) {
        const double x = (double)src[i * stride] * self->scale;
        max = x > max ? x : max;
    }
    double sum = 0;
    for (int64_t i = 0; i < self->length; i++)
        sum += exp((double)src[i * stride] * self->scale - max);
    const double log_sum = log(sum);
    for (int64_t i = 0; i < self->length; i++) {
        const double x = (double)src[i * stride] * self->scale - max;
        dst[i * stride] = (float)(is_log ? x - log_sum : exp(x) / sum);
    }
}

static cop_status run(const struct ref_kernel *kernel, const struct kernel_args *args,
                      cop_error *error)
{
    (void)error;
    const struct softmax_attrs *attrs = kernel->attrs;
    const struct softmax *self = kernel->prepared;
    for (int64_t i = 0; i < self->outer * self->inner; i++) {
        const int64_t start = i / self->inner * self->length * self->inner + i % self->inner;
        normalize(self, attrs->is_log, (const float *)args->src[0] + start,
                  (float *)args->dst[0] + start);
    }
    return COP_STATUS_OK;
}

cop_status cop_ref_softmax(struct ref_kernel *kernel, cop_error *error)
{
    const struct softmax_attrs *attrs = kernel->attrs;
    const struct shape *src = &kernel->src[0].shape;
    const cop_status status = cop_ref_need_float32(kernel, error);
    if (status != COP_STATUS_OK)
        return status;
    struct softmax *self = cop_ref_alloc(kernel, 1, sizeof *self, error);
    if (self == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    int axis = 0;
    (void)cop_axis_normalize(attrs->axis, src->rank,
                             &axis); /* the rule has seen that it is inside */
    const int end = attrs->coerce_2d ? src->rank : axis + 1;
    self->outer = cop_shape_product(src, 0, axis);
    self->length = cop_shape_product(src, axis, end);
    self->inner = cop_shape_product(src, end, src->rank);
    self->scale = attrs->temperature == 0 ? 1 : 1 / (double)attrs->temperature;
    kernel->prepared = self;
    kernel->run = run;
    kernel->base.in_place_srcs = 1;
    return COP_STATUS_OK;
}
