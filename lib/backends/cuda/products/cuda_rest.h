// SPDX-License-Identifier: Apache-2.0
/* Post-ops that a library does not fuse: one of our kernels runs them behind it, in place. */
#ifndef CUDA_REST_H
#define CUDA_REST_H

#include "backends/cuda/cuda_kernel.h"

/* All of the request's post-ops but the first `fused`. */
static inline struct cop_cuda_elementwise cop_cuda_rest(const struct kernel_request *request,
                                                        int fused)
{
    const struct shape *dst = &request->dst[0].shape;
    struct post_ops left = {.count = request->post_ops->count - fused};
    for (int i = 0; i < left.count; i++)
        left.entries[i] = request->post_ops->entries[fused + i];
    struct cop_cuda_elementwise rest = {
        .type = cop_cuda_type(request),
        .count = cop_shape_product(dst, 0, dst->rank),
    };
    cop_cuda_post_ops(&left, &rest.ops);
    return rest;
}

/* `added`: what a SUM among them adds, NULL without one; dst must not lie on it. */
static inline cop_status cop_cuda_run_rest(struct cuda_device *device,
                                           const struct cop_cuda_elementwise *rest,
                                           cudaStream_t stream, const void *added, void *dst,
                                           cop_error *error)
{
    if (rest->ops.count > 0)
        CUDA_TRY(device, cop_cuda_elementwise(rest, dst, added, dst, stream), error);
    return COP_STATUS_OK;
}

#endif
