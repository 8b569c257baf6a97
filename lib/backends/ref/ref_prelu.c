// SPDX-License-Identifier: Apache-2.0
#include "backends/ref/ref_kernel.h"
#include "backends/ref/ref_strides.h"

static cop_status run(const struct ref_kernel *kernel, const struct kernel_args *args,
                      cop_error *error)
{
    (void)error;
    const struct ref_strides *slope_strides = kernel->prepared;
    const float *src = args->src[0], *slope = args->src[1];
    float *dst = args->dst[0];
    for (int64_t i = 0, count = cop_ref_elements(&kernel->dst[0]); i < count; i++)
        dst[i] = src[i] < 0
                     ? src[i] * slope[cop_ref_offset(&kernel->dst[0].shape, slope_strides, i)]
                     : src[i];
    return COP_STATUS_OK;
}

cop_status cop_ref_prelu(struct ref_kernel *kernel, cop_error *error)
{
    const struct prelu_attrs *attrs = kernel->attrs;
    const struct shape *src = &kernel->src[0].shape, *slope = &kernel->src[1].shape;
    const cop_status status = cop_ref_need_float32(kernel, error);
    if (status != COP_STATUS_OK)
        return status;
    struct ref_strides *strides = cop_ref_alloc(kernel, 1, sizeof *strides, error);
    if (strides == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    if (attrs->channel_slope && slope->rank == 1)
        strides->elements[src->rank > 1 ? 1 : 0] = slope->dims[0] == 1 ? 0 : 1;
    else
        *strides = cop_ref_broadcast_strides(slope, src);
    kernel->prepared = strides;
    kernel->run = run;
    kernel->base.in_place_srcs = 1;
    return COP_STATUS_OK;
}
