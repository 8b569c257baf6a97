// SPDX-License-Identifier: Apache-2.0
/*
 * Gather with clamped indices. Where an index outside is an error, `ref` runs it: it can say which
 * one it was before anything goes on with the result.
 */
#include "backends/cuda/ops/cuda_ops.h"

struct gather {
    struct cuda_kernel base;
    struct cop_cuda_gather launch;
};

static cop_status run(const struct cuda_kernel *kernel, struct cuda_stream *stream, void *state,
                      const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct gather *self = (const struct gather *)kernel;
    CUDA_TRY(kernel->device,
             cop_cuda_gather(&self->launch, args->src[0], args->src[1], args->dst[0], NULL,
                             stream->stream),
             error);
    return COP_STATUS_OK;
}

cop_status cop_cuda_gather_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct gather_attrs *attrs = request->attrs;
    const struct shape *src = &request->src[0].shape, *indices = &request->src[1].shape;
    const cop_dtype index_dtype = request->src[1].dtype;
    int axis;
    if (!attrs->clip)
        return cop_cuda_refuse(build, "indices that must be checked");
    if (!cop_axis_normalize(attrs->axis, src->rank, &axis) || src->dims[axis] == 0 ||
        (index_dtype != COP_DTYPE_INT32 && index_dtype != COP_DTYPE_INT64))
        return cop_cuda_refuse(build, "these indices");
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct gather), run, "gather"));
    struct gather *self = (struct gather *)build->kernel;
    self->launch = (struct cop_cuda_gather){
        .element_bytes = cop_cuda_element_bytes(request, request->src[0].dtype),
        .outer = cop_shape_product(src, 0, axis),
        .length = src->dims[axis],
        .inner = cop_shape_product(src, axis + 1, src->rank),
        .index_count = cop_shape_product(indices, 0, indices->rank),
        .has_wide_indices = index_dtype == COP_DTYPE_INT64,
        .clip = true,
    };
    COP_TRY(cop_cuda_take_ordered(build, 0, COP_CUDA_ROW_MAJOR));
    COP_TRY(cop_cuda_take_as_is(build, 1));
    COP_TRY(cop_cuda_give_ordered(build, 0, COP_CUDA_ROW_MAJOR));
    const double bytes = (double)self->base.base.dst_layouts[0]->bytes;
    self->base.base.estimated_ns = cop_cuda_estimate(build->device, 2 * bytes, 0);
    return COP_STATUS_OK;
}
