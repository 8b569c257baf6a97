// SPDX-License-Identifier: Apache-2.0
/* What products of all kinds need to know of a request and its device. */
#ifndef CUDA_MATH_H
#define CUDA_MATH_H

#include "backends/cuda/cuda_kernel.h"
#include "kernels/product.h"

/* How the precision of a request multiplies on its device, and what plans call it. */
static inline enum cop_cuda_math cop_cuda_math(const struct cuda_build *build)
{
    static const enum cop_cuda_math maths[] = {
        [COP_PRECISION_FP32] = COP_CUDA_MATH_EXACT,
        [COP_PRECISION_TF32] = COP_CUDA_MATH_TF32,
        [COP_PRECISION_BF16] = COP_CUDA_MATH_BF16,
        [COP_PRECISION_FP16] = COP_CUDA_MATH_F16,
    };
    return cop_cuda_math_for(maths[build->request->precision], build->device->capability);
}

static inline const char *cop_cuda_math_name(enum cop_cuda_math math)
{
    static const char *const names[] = {
        [COP_CUDA_MATH_EXACT] = "fp32",
        [COP_CUDA_MATH_TF32] = "tf32",
        [COP_CUDA_MATH_F16] = "fp16",
        [COP_CUDA_MATH_BF16] = "bf16",
    };
    return names[math];
}

/* What the choice of a kernel depends on. */
static inline struct cop_cuda_device cop_cuda_product_device(const struct cuda_device *device)
{
    return (struct cop_cuda_device){
        .capability = device->capability,
        .multiprocessors = device->sm_count,
        .clock_mhz = device->clock_khz / 1000,
        .memory_gb_s = (int)device->bytes_per_ns,
    };
}

/* Libraries want workspaces at multiples of this; arenas give COP_ALIGNMENT. */
#define CUDA_WORKSPACE_ALIGNMENT 256

static inline size_t cop_cuda_workspace_bytes(size_t bytes)
{
    return bytes == 0 ? 0 : bytes + CUDA_WORKSPACE_ALIGNMENT;
}

static inline void *cop_cuda_workspace(void *scratch)
{
    const uintptr_t mask = CUDA_WORKSPACE_ALIGNMENT - 1;
    return (void *)(((uintptr_t)scratch + mask) & ~mask);
}

#endif
