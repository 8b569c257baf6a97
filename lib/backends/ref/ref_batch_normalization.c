// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "backends/ref/ref_kernel.h"

/* src seen as [outer, channels, inner]. */
struct batch_normalization {
    int64_t outer, channels, inner;
};

static cop_status run(const struct ref_kernel *kernel, const struct kernel_args *args,
                      cop_error *error)
{
    (void)error;
    const struct batch_normalization_attrs *attrs = kernel->attrs;
    const struct batch_normalization *self = kernel->prepared;
    const float *scale = args->src[1], *shift = args->src[2];
    const float *mean = args->src[3], *variance = args->src[4];
    for (int64_t i = 0; i < self->outer * self->channels; i++) {
        const int64_t c = i % self->channels;
        const double factor =
            (attrs->unit_scale ? 1 : (double)scale[c]) / sqrt((double)variance[c] + attrs->epsilon);
        const float *src = (const float *)args->src[0] + i * self->inner;
        float *dst = (float *)args->dst[0] + i * self->inner;
        for (int64_t j = 0; j < self->inner; j++)
            dst[j] = (float)(((double)src[j] - (double)mean[c]) * factor + (double)shift[c]);
    }
    return COP_STATUS_OK;
}

cop_status cop_ref_batch_normalization(struct ref_kernel *kernel, cop_error *error)
{
    const struct batch_normalization_attrs *attrs = kernel->attrs;
    const struct shape *src = &kernel->src[0].shape;
    const cop_status status = cop_ref_need_float32(kernel, error);
    if (status != COP_STATUS_OK)
        return status;
    struct batch_normalization *self = cop_ref_alloc(kernel, 1, sizeof *self, error);
    if (self == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    int axis = 0;
    (void)cop_axis_normalize(attrs->axis, src->rank,
                             &axis); /* the rule has seen that it is inside */
    self->outer = cop_shape_product(src, 0, axis);
    self->channels = src->dims[axis];
    self->inner = cop_shape_product(src, axis + 1, src->rank);
    kernel->prepared = self;
    kernel->run = run;
    kernel->base.in_place_srcs = 1;
    if (attrs->unit_scale)
        kernel->base.unread_srcs = 1u << 1;
    return COP_STATUS_OK;
}
