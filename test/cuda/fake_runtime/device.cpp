// SPDX-License-Identifier: Apache-2.0
/* What the devices say of themselves. */
#include <cstdio>
#include <cstring>

#include "runtime.h"

namespace cop::fake
{

static bool exists(int device)
{
    return device >= 0 && device < the().settings.device_count;
}

static void describe(int device, cudaDeviceProp *made)
{
    memset(made, 0, sizeof *made);
    snprintf(made->name, sizeof made->name, "Emulated GPU");
    made->uuid.bytes[0] = static_cast<char>(device + 1);
    made->totalGlobalMem = the().settings.memory_bytes;
    made->sharedMemPerBlock = 48 * 1024;
    made->sharedMemPerBlockOptin = 227 * 1024;
    made->sharedMemPerMultiprocessor = 228 * 1024;
    made->reservedSharedMemPerBlock = 1024;
    made->regsPerBlock = made->regsPerMultiprocessor = 65536;
    made->warpSize = 32;
    made->maxThreadsPerBlock = 1024;
    made->maxThreadsDim[0] = made->maxThreadsDim[1] = 1024;
    made->maxThreadsDim[2] = 64;
    made->maxGridSize[0] = 2147483647;
    made->maxGridSize[1] = made->maxGridSize[2] = 65535;
    made->major = the().settings.major;
    made->minor = the().settings.minor;
    made->multiProcessorCount = 4;
    made->maxThreadsPerMultiProcessor = 2048;
    made->maxBlocksPerMultiProcessor = 32;
    made->memoryBusWidth = 256;
    made->l2CacheSize = 1 << 20;
    made->concurrentKernels = made->asyncEngineCount = made->unifiedAddressing = 1;
    made->streamPrioritiesSupported = made->hostRegisterSupported = 1;
    made->pciBusID = device;
}

static cudaError_t attribute(int device, cudaDeviceAttr which, int *value)
{
    cudaDeviceProp all;
    describe(device, &all);
    switch (which) {
    case cudaDevAttrMaxThreadsPerBlock:
        *value = all.maxThreadsPerBlock;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = static_cast<int>(all.sharedMemPerBlock);
        break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = static_cast<int>(all.sharedMemPerBlockOptin);
        break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        *value = static_cast<int>(all.sharedMemPerMultiprocessor);
        break;
    case cudaDevAttrWarpSize:
        *value = all.warpSize;
        break;
    case cudaDevAttrClockRate:
    case cudaDevAttrMemoryClockRate:
        *value = 1000000; /* kHz */
        break;
    case cudaDevAttrMultiProcessorCount:
        *value = all.multiProcessorCount;
        break;
    case cudaDevAttrGlobalMemoryBusWidth:
        *value = all.memoryBusWidth;
        break;
    case cudaDevAttrL2CacheSize:
        *value = all.l2CacheSize;
        break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
        *value = all.maxThreadsPerMultiProcessor;
        break;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
        *value = all.maxBlocksPerMultiProcessor;
        break;
    case cudaDevAttrComputeCapabilityMajor:
        *value = all.major;
        break;
    case cudaDevAttrComputeCapabilityMinor:
        *value = all.minor;
        break;
    case cudaDevAttrStreamPrioritiesSupported:
    case cudaDevAttrHostRegisterSupported:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrConcurrentKernels:
        *value = 1;
        break;
    case cudaDevAttrPageableMemoryAccess:
    case cudaDevAttrIntegrated:
    case cudaDevAttrComputeMode:
        *value = 0;
        break;
    default:
        return cudaErrorInvalidValue;
    }
    return cudaSuccess;
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

cudaError_t cudaGetDeviceCount(int *count)
{
    return call("cudaGetDeviceCount", ALWAYS, [=](lock &) {
        const settings &now = the().settings;
        *count = now.driver == COP_FAKE_CUDA_DRIVER_OK ? now.device_count : 0;
        return now.driver != COP_FAKE_CUDA_DRIVER_OK ? cudaErrorInsufficientDriver
               : *count == 0                         ? cudaErrorNoDevice
                                                     : cudaSuccess;
    });
}

cudaError_t cudaSetDevice(int device)
{
    return call("cudaSetDevice", DRIVER, [=](lock &) {
        if (!exists(device))
            return cudaErrorInvalidDevice;
        set_current_device(device);
        return the().devices[device].lost;
    });
}

cudaError_t cudaGetDevice(int *device)
{
    return call("cudaGetDevice", DRIVER, [=](lock &) {
        *device = current_device();
        return cudaSuccess;
    });
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *made, int device)
{
    return call("cudaGetDeviceProperties", DRIVER, [=](lock &) {
        if (!exists(device))
            return cudaErrorInvalidDevice;
        describe(device, made);
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr which, int device)
{
    return call("cudaDeviceGetAttribute", DRIVER, [=](lock &) {
        return exists(device) ? attribute(device, which, value) : cudaErrorInvalidDevice;
    });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    return call("cudaDeviceGetStreamPriorityRange", CURRENT, [=](lock &) {
        *least = 0;
        *greatest = -5;
        return cudaSuccess;
    });
}

cudaError_t cudaDriverGetVersion(int *version)
{
    return call("cudaDriverGetVersion", ALWAYS, [=](lock &) {
        static const int versions[] = {CUDART_VERSION, 0, 12040};
        *version = versions[the().settings.driver];
        return cudaSuccess;
    });
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    return call("cudaRuntimeGetVersion", ALWAYS, [=](lock &) {
        *version = CUDART_VERSION;
        return cudaSuccess;
    });
}
}
