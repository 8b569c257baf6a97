// SPDX-License-Identifier: Apache-2.0
/* Slice and Transpose: src walked with other strides. */
#include "backends/cuda/ops/cuda_ops.h"
#include "ir/ops/resolve.h"

struct walk {
    struct cuda_kernel base;
    struct cop_cuda_copy copy;
    size_t offset;      /* of the first element of src that is read, in bytes */
    bool moves_nothing; /* dst on src is right already */
};

static cop_status run(const struct cuda_kernel *kernel, struct cuda_stream *stream, void *state,
                      const struct kernel_args *args, cop_error *error)
{
    (void)state;
    const struct walk *self = (const struct walk *)kernel;
    const unsigned char *src = (const unsigned char *)args->src[0] + self->offset;
    if (!self->moves_nothing || args->dst[0] != args->src[0])
        CUDA_TRY(kernel->device, cop_cuda_copy(&self->copy, src, args->dst[0], stream->stream),
                 error);
    return COP_STATUS_OK;
}

/* A copy to the whole of dst; the walk over src is the caller's to say. */
static cop_status walk_new(struct cuda_build *build, const char *name,
                           enum cop_cuda_order dst_order, int *dst_axes)
{
    const struct kernel_tensor *dst = &build->request->dst[0];
    int64_t strides[COP_MAX_RANK];
    COP_TRY(cop_cuda_refuse_post_ops(build));
    COP_TRY(cop_cuda_kernel_new(build, sizeof(struct walk), run, name));
    struct walk *self = (struct walk *)build->kernel;
    self->copy.element_bytes = cop_cuda_element_bytes(build->request, dst->dtype);
    self->copy.rank = cop_cuda_memory_dims(&dst->shape, dst_order, self->copy.dims, dst_axes);
    cop_cuda_strides(&dst->shape, dst_order, strides);
    for (int i = 0; i < self->copy.rank; i++)
        self->copy.dst_strides[i] = strides[dst_axes[i]];
    return COP_STATUS_OK;
}

static cop_status finish(struct cuda_build *build, enum cop_cuda_order src_order,
                         enum cop_cuda_order dst_order)
{
    COP_TRY(cop_cuda_take_ordered(build, 0, src_order));
    COP_TRY(cop_cuda_give_ordered(build, 0, dst_order));
    const double bytes = (double)build->kernel->base.dst_layouts[0]->bytes;
    build->kernel->base.estimated_ns = cop_cuda_estimate(build->device, 2 * bytes, 0);
    return COP_STATUS_OK;
}

cop_status cop_cuda_slice_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const enum cop_cuda_order order = cop_cuda_follow(&request->src[0]);
    struct op_tensor src[5] = {{0}};
    struct resolved_slice slice;
    int64_t strides[COP_MAX_RANK];
    int axes[COP_MAX_RANK];
    const int src_count = cop_cuda_own_src_count(request);
    for (int i = 0; i < src_count; i++)
        src[i] = (struct op_tensor){request->src[i].is_present, request->src[i].dtype,
                                    request->src[i].shape, request->src[i].value};
    COP_TRY(cop_resolve_slice(request->attrs, src_count, src, &slice, build->error));
    if (!slice.is_known)
        return cop_cuda_refuse(build, "bounds that are only known at run time");
    COP_TRY(walk_new(build, "slice", order, axes));
    struct walk *self = (struct walk *)build->kernel;
    cop_cuda_strides(&src[0].shape, order, strides);
    int64_t offset = 0;
    for (int i = 0; i < self->copy.rank; i++) {
        const int axis = axes[i];
        /* A step that is never made may be too large to multiply. */
        self->copy.src_strides[i] =
            self->copy.dims[i] > 1 ? strides[axis] * slice.step[axis] : strides[axis];
        offset += strides[axis] * slice.start[axis];
    }
    self->offset = (size_t)offset * (size_t)self->copy.element_bytes;
    self->base.base.unread_srcs = 0x1eu;
    return finish(build, order, order);
}

cop_status cop_cuda_transpose_kernel(struct cuda_build *build)
{
    const struct kernel_request *request = build->request;
    const struct shape *src = &request->src[0].shape, *dst = &request->dst[0].shape;
    const enum cop_cuda_order src_order = cop_cuda_follow(&request->src[0]);
    enum cop_cuda_order dst_order = COP_CUDA_ROW_MAJOR;
    int64_t strides[COP_MAX_RANK];
    int perm[COP_MAX_RANK], axes[COP_MAX_RANK];
    COP_TRY(cop_resolve_perm(request->attrs, src->rank, perm, build->error));
    /* Between NCHW and NHWC of a model nothing moves where the layout is the other one. */
    bool moves_nothing = cop_cuda_order_after(src, src_order, dst, perm, &dst_order);
    if (!moves_nothing || request->src[0].dtype != COP_DTYPE_FLOAT32) {
        moves_nothing = moves_nothing && dst_order == COP_CUDA_ROW_MAJOR;
        dst_order = COP_CUDA_ROW_MAJOR;
    }
    COP_TRY(walk_new(build, "transpose", dst_order, axes));
    struct walk *self = (struct walk *)build->kernel;
    cop_cuda_strides(src, src_order, strides);
    for (int i = 0; i < self->copy.rank; i++)
        self->copy.src_strides[i] = strides[perm[axes[i]]];
    self->moves_nothing = moves_nothing;
    self->base.base.in_place_srcs = moves_nothing ? 1u : 0;
    return finish(build, src_order, dst_order);
}
