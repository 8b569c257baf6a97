// SPDX-License-Identifier: Apache-2.0
/** Devices: what operators run on, and whose memory arrays lie in. cachedop/library.h lists them.
 */
#ifndef CACHEDOP_DEVICE_H
#define CACHEDOP_DEVICE_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cop_device_kind {
    COP_DEVICE_CPU = 0, /**< oneDNN, and the reference kernels for what it lacks */
    COP_DEVICE_REF = 1, /**< the reference kernels alone: plain C, slow, the oracle */
    COP_DEVICE_GPU = 2, /**< NVIDIA, by the CUDA module; the reference kernels for what it lacks */
} cop_device_kind;

typedef struct cop_device {
    cop_device_kind kind;
    int index; /**< 0 for CPU and REF; of GPUs as the CUDA runtime counts them */
} cop_device;

/** Where an array lies, as seen from one device. */
typedef enum cop_memory {
    COP_MEMORY_HOST = 0, /**< of the process */
    /** Of the process, and page-locked so that the device copies it faster, behind the caller. */
    COP_MEMORY_PINNED = 1,
    COP_MEMORY_DEVICE = 2, /**< of the device: the process must not touch it */
} cop_memory;

/** How exactly a GPU computes; sums are kept in 32 bits always. The CPU and REF devices know only
 * FP32. */
typedef enum cop_precision {
    COP_PRECISION_FP32 = 0, /**< products and sums of 32-bit numbers */
    COP_PRECISION_TF32 = 1, /**< factors of products rounded to 11 significant bits */
    COP_PRECISION_BF16 = 2, /**< weights and what lies between operators in bfloat16 (8 bits) */
    COP_PRECISION_FP16 = 3, /**< … in IEEE half (11 bits, at most 65504) */
} cop_precision;

/** Whose kernels a GPU runs; the CPU and REF devices pay no attention. */
typedef enum cop_gpu_kernels {
    COP_GPU_KERNELS_AUTO = 0, /**< cuDNN's and cuBLASLt's where they are installed, else our own */
    COP_GPU_KERNELS_OWN = 1,  /**< only our own */
    /** cuDNN's and cuBLASLt's wherever they have one; NOT_FOUND where they are not installed */
    COP_GPU_KERNELS_LIBRARY = 2,
} cop_gpu_kernels;

#ifdef __cplusplus
}
#endif
#endif
