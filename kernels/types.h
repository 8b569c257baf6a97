// SPDX-License-Identifier: Apache-2.0
/*
 * What all kernel headers share. Launchers are plain C: a struct of sizes, device addresses, a
 * stream. They start kernels on the stream and return; they never wait, allocate, or keep an
 * address of host memory, so a launch may be captured. What cannot be launched is the status:
 * cudaErrorInvalidValue for sizes that contradict each other or exceed what is stated. Without
 * elements nothing is launched and the status is cudaSuccess.
 *
 * Addresses of tensors are aligned to their elements at least; vector instructions are used where
 * they are aligned to 16 bytes. Tensors do not overlap unless a launcher says so.
 */
#ifndef KERNELS_TYPES_H
#define KERNELS_TYPES_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

/* How numbers are stored. Arithmetic is done in float32 whatever the storage. */
enum cop_cuda_type { COP_CUDA_F32, COP_CUDA_F16, COP_CUDA_BF16 };

/* How the dimensions of a tensor [n, channels, spatial…] follow one another in memory. */
enum cop_cuda_order {
    COP_CUDA_ROW_MAJOR, /* n, channels, spatial */
    COP_CUDA_NHWC,      /* n, spatial, channels */
};

#define COP_CUDA_MAX_RANK    8
#define COP_CUDA_MAX_SPATIAL 3

/*
 * Where the windows of pooling and convolution lie: window o along a dimension covers src positions
 * o · stride − pad_begin + i · dilation for i = 0 … kernel − 1; those outside src are padding.
 * Dimensions that a tensor lacks stand in front: sizes, strides and dilations 1, pads 0.
 */
struct cop_cuda_window {
    int64_t src[COP_CUDA_MAX_SPATIAL], dst[COP_CUDA_MAX_SPATIAL];
    int64_t kernel[COP_CUDA_MAX_SPATIAL], strides[COP_CUDA_MAX_SPATIAL];
    int64_t dilations[COP_CUDA_MAX_SPATIAL];
    int64_t pads_begin[COP_CUDA_MAX_SPATIAL], pads_end[COP_CUDA_MAX_SPATIAL];
};

#endif
