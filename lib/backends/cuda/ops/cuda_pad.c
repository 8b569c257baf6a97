// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "backends/cuda/ops/cuda_ops.h"
#include "ir/ops/resolve.h"

struct pad {
    struct cuda_kernel base;
    struct cop_cuda_pad launch;
    bool has_value_src; /* source 2, on the device, wins over the attribute */
};

static cop_status run(const struct cuda_kernel *kernel, struct cuda_stream *stream, void *state,
                      const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct pad *self = (const struct pad *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_pad(&self->launch, args->src[0], self->has_value_src ? args->src[2] : NULL,
                          args->dst[0], stream->stream),
             error);
    return COP_STATUS_OK;
}

static enum cop_cuda_pad_mode translate(enum pad_mode mode)
{
    switch (mode) {
    case PAD_REFLECT:
        return COP_CUDA_PAD_REFLECT;
    case PAD_EDGE:
        return COP_CUDA_PAD_EDGE;
    case PAD_CONSTANT:
        break;
    }
    return COP_CUDA_PAD_CONSTANT;
}

static cop_status resolve(struct cuda_build *build, struct resolved_pads *given)
{
    const struct kernel_request *request = build->request;
    const int src_count = cop_cuda_own_src_count(request);
    struct op_tensor src[3] = {{0}};
    for (int i = 0; i < src_count; i++)
        src[i] = (struct op_tensor){request->src[i].is_present, request->src[i].dtype,
                                    request->src[i].shape, request->src[i].value};
    COP_TRY(cop_resolve_pads(request->attrs, src_count, src, given, build->error));
    return given->is_known ? COP_STATUS_OK
                           : cop_cuda_refuse(build, "pads that are only known at run time");
}

cop_status cop_cuda_pad_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct pad_attrs *attrs = request->attrs;
    const struct kernel_tensor *src = &request->src[0], *dst = &request->dst[0];
    const enum cop_cuda_order order = cop_cuda_follow(src);
    struct resolved_pads given;
    int axes[COP_MAX_RANK];
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(resolve(build, &given));
    if (cop_shape_product(&src->shape, 0, src->shape.rank) == 0)
        return cop_cuda_refuse(build, "pads around nothing");
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct pad), run, "pad"));
    struct pad *self = (struct pad *)build->kernel;
    self->has_value_src = cop_cuda_own_src(request, 2) != NULL;
    self->launch.element_bytes = cop_cuda_element_bytes(request, src->dtype);
    self->launch.mode = translate(attrs->mode);
    self->launch.rank = cop_cuda_memory_dims(&src->shape, order, self->launch.src_dims, axes);
    (void)cop_cuda_memory_dims(&dst->shape, order, self->launch.dst_dims, NULL);
    for (int i = 0; i < self->launch.rank; i++) {
        self->launch.begin[i] = given.begin[axes[i]];
        self->launch.end[i] = given.end[axes[i]];
    }
    cop_cuda_write_constant(request, src->dtype, (double)attrs->value, self->launch.value);
    COP_TRY(cop_cuda_take_ordered(build, 0, order));
    if (self->has_value_src)
        COP_TRY(cop_cuda_take_ordered(build, 2, COP_CUDA_ROW_MAJOR));
    COP_TRY(cop_cuda_give_ordered(build, 0, order));
    self->base.base.unread_srcs = 1u << 1;
    self->base.base.estimated_ns =
        cop_cuda_estimate(build->device, cop_cuda_operand_bytes(build), 0);
    return COP_STATUS_OK;
}
