// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cuda_device.h"

#include <stdio.h>

#include "backends/cuda/cuda_libraries.h"
#include "backends/module.h"
#include "base/alloc.h"
#include "base/error.h"

/* Whether the CUDA documentation says of an error that the process's context is lost by it. */
static bool loses_device(cudaError_t code)
{
    switch (code) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorECCUncorrectable:
    case cudaErrorContextIsDestroyed:
        return true;
    default:
        return false;
    }
}

static cop_status status_of(cudaError_t code)
{
    if (loses_device(code))
        return COP_STATUS_DEVICE_FAILED;
    switch (code) {
    case cudaErrorMemoryAllocation:
        return COP_STATUS_OUT_OF_DEVICE_MEMORY;
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorStubLibrary:
    case cudaErrorDevicesUnavailable:
    case cudaErrorSystemDriverMismatch:
        return COP_STATUS_NOT_FOUND;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorNotSupported:
        return COP_STATUS_UNSUPPORTED;
    default:
        return COP_STATUS_INTERNAL;
    }
}

cop_status cop_cuda_fail(struct cuda_device *device, cudaError_t code, const char *call,
                         cop_error *error)
{
    (void)cudaGetLastError(); /* or the next launch on this thread would be told it failed */
    if (device != NULL && loses_device(code))
        atomic_store_explicit(&device->lost, (int)code, memory_order_relaxed);
    if (code == cudaErrorInsufficientDriver)
        return cop_fail(error, COP_STATUS_NOT_FOUND,
                        "the NVIDIA driver is missing, or too old for CUDA %d.%d",
                        CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    return cop_fail(error, status_of(code), "CUDA: %s (%s, %d) by %.200s", cudaGetErrorString(code),
                    cudaGetErrorName(code), (int)code, call);
}

cudaError_t cop_cuda_settle(struct cuda_device *device, cudaStream_t stream)
{
    cudaError_t code = cudaStreamSynchronize(stream);
    for (int again = 0; again < 2 && code != cudaSuccess && !loses_device(code); again++) {
        (void)cudaGetLastError();
        code = cudaStreamSynchronize(stream);
    }
    if (code != cudaSuccess)
        atomic_store_explicit(&device->lost, (int)code, memory_order_relaxed);
    return code;
}

bool cop_cuda_is_ours(const struct cuda_device *device)
{
    return device->fork_epoch == cop_module_host->fork_epoch();
}

cop_status cop_cuda_check(const struct cuda_device *device, cop_error *error)
{
    if (!cop_cuda_is_ours(device))
        return cop_fail(error, COP_STATUS_DEVICE_FAILED,
                        "%s was opened before this process was forked, and CUDA does not work in "
                        "its children",
                        device->base.name);
    const cudaError_t lost = (cudaError_t)atomic_load_explicit(&device->lost, memory_order_relaxed);
    if (lost == cudaSuccess)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_DEVICE_FAILED,
                    "%s is lost to this process since an earlier failure: %s (%s)",
                    device->base.name, cudaGetErrorString(lost), cudaGetErrorName(lost));
}

int cop_cuda_enter(struct cuda_device *device)
{
    int before = -1;
    if (!cop_cuda_is_ours(device))
        return -1;
    if (cudaGetDevice(&before) != cudaSuccess)
        before = -1;
    if (before == device->index)
        return -1;
    const cudaError_t code = cudaSetDevice(device->index);
    if (code != cudaSuccess) { /* nothing may reach the device that is current instead */
        (void)cudaGetLastError();
        atomic_store_explicit(&device->lost, (int)code, memory_order_relaxed);
    }
    return before;
}

void cop_cuda_leave(int before)
{
    if (before >= 0)
        (void)cudaSetDevice(before);
}

int cop_cuda_device_count(void)
{
    int count = 0;
    if (cudaGetDeviceCount(&count) == cudaSuccess)
        return count;
    (void)cudaGetLastError();
    return 0;
}

const char *cop_cuda_version(void)
{
    static char text[16];
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    if (text[0] == '\0')
        snprintf(text, sizeof text, "%d.%d", CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    pthread_mutex_unlock(&mutex);
    return text;
}

static cop_status read_attribute(struct cuda_device *device, enum cudaDeviceAttr attribute,
                                 int *value, cop_error *error)
{
    CUDA_TRY(device, cudaDeviceGetAttribute(value, attribute, device->index), error);
    return COP_STATUS_OK;
}

/* Two floating-point operations a lane and clock; both ways of the memory's clock. */
static cop_status estimate_peaks(struct cuda_device *device, cop_error *error)
{
    int clock_khz = 0, memory_khz = 0, bus_bits = 0;
    cop_status status = read_attribute(device, cudaDevAttrClockRate, &clock_khz, error);
    if (status == COP_STATUS_OK)
        status = read_attribute(device, cudaDevAttrMemoryClockRate, &memory_khz, error);
    if (status == COP_STATUS_OK)
        status = read_attribute(device, cudaDevAttrGlobalMemoryBusWidth, &bus_bits, error);
    const int lanes = device->capability == 75 || device->capability == 80 ? 64 : 128;
    device->clock_khz = clock_khz > 0 ? clock_khz : 1000000;
    device->flops_per_ns = 2.0 * lanes * device->sm_count * clock_khz * 1e-6;
    device->bytes_per_ns = 2.0 * bus_bits / 8 * memory_khz * 1e-6;
    if (device->flops_per_ns <= 0) /* a driver that does not say: as if it were a small one */
        device->flops_per_ns = 1000;
    if (device->bytes_per_ns <= 0)
        device->bytes_per_ns = 100;
    return status;
}

static cop_status read_properties(struct cuda_device *device, cop_error *error)
{
    struct cudaDeviceProp properties;
    CUDA_TRY(device, cudaGetDeviceProperties(&properties, device->index), error);
    snprintf(device->base.name, sizeof device->base.name, "gpu:%d %.100s", device->index,
             properties.name);
    device->capability = 10 * properties.major + properties.minor;
    device->sm_count = properties.multiProcessorCount;
    device->memory_bytes = properties.totalGlobalMem;
    if (device->capability < 75)
        return cop_fail(error, COP_STATUS_UNSUPPORTED,
                        "%s has compute capability %d.%d, and 7.5 is the least that works",
                        device->base.name, properties.major, properties.minor);
    return estimate_peaks(device, error);
}

/* Makes the driver's context now, so that what is wrong with the device is known. */
static cop_status begin_use(struct cuda_device *device, cop_error *error)
{
    int before = -1;
    (void)cudaGetDevice(&before);
    (void)cudaGetLastError();
    CUDA_TRY(device, cudaSetDevice(device->index), error);
    const cudaError_t code = cudaFree(NULL);
    cop_cuda_leave(before);
    return code == cudaSuccess ? COP_STATUS_OK : cop_cuda_fail(device, code, "cudaFree", error);
}

static cop_status check_index(int index, cop_error *error)
{
    int count = 0;
    CUDA_TRY(NULL, cudaGetDeviceCount(&count), error);
    if (index >= count)
        return cop_fail(error, COP_STATUS_NOT_FOUND, "there are %d GPUs", count);
    return COP_STATUS_OK;
}

cop_status cop_cuda_device_open(int index, struct device **device, cop_error *error)
{
    *device = NULL;
    cop_status status = check_index(index, error);
    if (status != COP_STATUS_OK)
        return status;
    struct cuda_device *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "device", sizeof *made);
    made->index = index;
    made->base.backend = &cop_cuda_backend;
    made->base.id = (cop_device){COP_DEVICE_GPU, index};
    made->fork_epoch = cop_module_host->fork_epoch();
    pthread_mutex_init(&made->pool_mutex, NULL);
    pthread_mutex_init(&made->planning_mutex, NULL);
    status = read_properties(made, error);
    if (status == COP_STATUS_OK)
        status = begin_use(made, error);
    if (status != COP_STATUS_OK) {
        cop_cuda_device_close(&made->base);
        return status;
    }
    *device = &made->base;
    return COP_STATUS_OK;
}

void cop_cuda_device_close(struct device *device)
{
    struct cuda_device *old = cop_cuda_device(device);
    cop_cuda_planning_close(old);
    cop_cuda_memory_forget(old);
    pthread_mutex_destroy(&old->planning_mutex);
    pthread_mutex_destroy(&old->pool_mutex);
    cop_free(old);
}
