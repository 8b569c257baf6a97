// SPDX-License-Identifier: Apache-2.0
/*
 * Normalizations. A tensor is seen as [outer, channels or length, inner], dense: along axis 1 of a
 * row-major tensor inner is the plane; in nhwc outer is n times the plane and inner is 1.
 */
#ifndef KERNELS_NORMALIZATION_H
#define KERNELS_NORMALIZATION_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* (src − mean) / sqrt(variance + epsilon) · scale + shift for each channel, then the post-ops. */
struct cop_cuda_batch_normalization {
    enum cop_cuda_type type; /* of src, added and dst */
    int64_t outer, channels, inner;
    double epsilon;
    bool unit_scale; /* scale is taken as 1, and may be NULL */
    struct cop_cuda_post_ops post_ops;
};

/* scale, shift, mean, variance: float32 [channels]. dst may be src. */
cudaError_t cop_cuda_batch_normalization(const struct cop_cuda_batch_normalization *self,
                                         const void *src, const float *scale, const float *shift,
                                         const float *mean, const float *variance,
                                         const void *added, void *dst, cudaStream_t stream);

/* src / (bias + alpha / size · Σ src²)^beta over the `size` channels around each. */
struct cop_cuda_lrn {
    enum cop_cuda_type type;
    int64_t outer, channels, inner;
    int64_t size; /* at least 1 */
    float alpha, beta, bias;
};

cudaError_t cop_cuda_lrn(const struct cop_cuda_lrn *self, const void *src, void *dst,
                         cudaStream_t stream);

/* e^(src / temperature) / Σ along `length`, or its logarithm. */
struct cop_cuda_softmax {
    enum cop_cuda_type type;
    int64_t outer, length, inner;
    bool is_log;
    float temperature; /* 0 means 1; may be negative */
};

/* dst may be src. */
cudaError_t cop_cuda_softmax(const struct cop_cuda_softmax *self, const void *src, void *dst,
                             cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
