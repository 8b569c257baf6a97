// SPDX-License-Identifier: Apache-2.0
/* A GPU, what the CUDA runtime's answers mean, and the memory taken from it. */
#ifndef CUDA_DEVICE_H
#define CUDA_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include <cuda_runtime_api.h>

#include "backends/backend.h"

struct cudnn_session;
struct cublaslt_session;

/* Freed memory that is kept for the next who asks: cudaMalloc is slow, and cudaFree stops the
 * device. */
#define CUDA_KEPT_BLOCKS 32
#define CUDA_KEPT_BYTES  ((size_t)64 << 20)

struct cuda_block {
    void *memory;
    size_t bytes;
};

struct cuda_device {
    struct device base;
    int index;
    int capability; /* 10 · major + minor: 90 for sm_90 */
    int sm_count;
    int clock_khz;
    size_t memory_bytes;
    /* Rough peaks, from its properties, to estimate how long a kernel runs. */
    double bytes_per_ns, flops_per_ns;
    uint32_t fork_epoch; /* of the process that opened it */
    /* A cudaError_t after which the device's context is lost for good; cudaSuccess: it is fine. Any
     * thread that meets one writes it, relaxed: it never changes back. */
    _Atomic int lost;
    pthread_mutex_t pool_mutex;               /* held for moments, never across a call of CUDA */
    struct cuda_block kept[CUDA_KEPT_BLOCKS]; /* guarded by it, as all below */
    int kept_count;
    size_t kept_bytes;
    struct cuda_live *live; /* sizes of what is handed out */
    /* Held while a library chooses, and while it measures: seconds. All below is used under it. */
    pthread_mutex_t planning_mutex;
    cudaStream_t planning_stream; /* NULL, as the others, until it is needed */
    struct cudnn_session *planning_cudnn;
    struct cublaslt_session *planning_cublaslt;
};

static inline struct cuda_device *cop_cuda_device(struct device *device)
{
    return (struct cuda_device *)device;
}

/* Translates what a call of the runtime returned, and takes note of a lost device. */
cop_status cop_cuda_fail(struct cuda_device *device, cudaError_t code, const char *call,
                         cop_error *error);

/* Returns from the caller with the translated status unless the call succeeds. */
#define CUDA_TRY(device, call, error)                                                              \
    do {                                                                                           \
        const cudaError_t code_ = (call);                                                          \
        if (code_ != cudaSuccess)                                                                  \
            return cop_cuda_fail(device, code_, #call, error);                                     \
    } while (0)

/* DEVICE_FAILED where the device is lost, or was opened by the process that this one was forked
 * from. */
cop_status cop_cuda_check(const struct cuda_device *device, cop_error *error);

/*
 * Returns when all work of the stream has ended, for memory that it uses is about to be used again.
 * A device that cannot even be waited for counts as lost from then on.
 */
cudaError_t cop_cuda_settle(struct cuda_device *device, cudaStream_t stream);

/* Whether this process may call CUDA for the device at all: not after a fork. */
bool cop_cuda_is_ours(const struct cuda_device *device);

/* Makes the device current on this thread; give `before` back to cop_cuda_leave. A device that
 * cannot be made so counts as lost: check after entering. */
int cop_cuda_enter(struct cuda_device *device);
void cop_cuda_leave(int before);

extern const struct backend cop_cuda_backend;

/* The table's members. */
int cop_cuda_device_count(void);
cop_status cop_cuda_device_open(int index, struct device **device, cop_error *error);
void cop_cuda_device_close(struct device *device);
const char *cop_cuda_version(void);

/* cuda_memory.c */
cop_status cop_cuda_memory_create(struct device *device, enum memory_kind kind, size_t bytes,
                                  void **memory, cop_error *error);
void cop_cuda_memory_destroy(struct device *device, enum memory_kind kind, void *memory);
cop_status cop_cuda_memory_copy(struct device *device, const void *src, void *dst, size_t bytes,
                                cop_error *error);
cop_status cop_cuda_memory_clear(struct device *device, void *memory, size_t bytes,
                                 cop_error *error);
size_t cop_cuda_memory_bytes(struct device *device);
void cop_cuda_memory_forget(struct cuda_device *device); /* gives back all that is kept */

#endif
