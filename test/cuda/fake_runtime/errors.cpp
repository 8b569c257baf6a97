// SPDX-License-Identifier: Apache-2.0
/* Names of errors, and a text for each, which is the name in words. */
#include <cctype>
#include <map>
#include <string>

#include "runtime.h"

namespace cop::fake
{

static const struct {
    cudaError_t error;
    const char *name;
} names[] = {
#define NAMED(name) {name, #name},
    NAMED(cudaSuccess) NAMED(cudaErrorInvalidValue) NAMED(cudaErrorMemoryAllocation) NAMED(
        cudaErrorInitializationError) NAMED(cudaErrorCudartUnloading) NAMED(cudaErrorInvalidConfiguration)
        NAMED(cudaErrorInvalidPitchValue) NAMED(cudaErrorInvalidHostPointer) NAMED(
            cudaErrorInvalidDevicePointer) NAMED(cudaErrorInvalidMemcpyDirection) NAMED(cudaErrorStubLibrary)
            NAMED(cudaErrorInsufficientDriver) NAMED(cudaErrorCallRequiresNewerDriver) NAMED(
                cudaErrorDevicesUnavailable) NAMED(cudaErrorInvalidDeviceFunction) NAMED(cudaErrorNoDevice)
                NAMED(cudaErrorInvalidDevice) NAMED(cudaErrorDeviceNotLicensed) NAMED(
                    cudaErrorStartupFailure) NAMED(cudaErrorInvalidKernelImage)
                    NAMED(cudaErrorDeviceUninitialized) NAMED(cudaErrorNoKernelImageForDevice) NAMED(
                        cudaErrorECCUncorrectable) NAMED(cudaErrorDeviceAlreadyInUse)
                        NAMED(cudaErrorInvalidPtx) NAMED(cudaErrorUnsupportedPtxVersion) NAMED(
                            cudaErrorInvalidResourceHandle) NAMED(cudaErrorIllegalState)
                            NAMED(cudaErrorSymbolNotFound) NAMED(cudaErrorNotReady) NAMED(
                                cudaErrorIllegalAddress) NAMED(cudaErrorLaunchOutOfResources)
                                NAMED(cudaErrorLaunchTimeout) NAMED(cudaErrorContextIsDestroyed) NAMED(
                                    cudaErrorAssert) NAMED(cudaErrorHostMemoryAlreadyRegistered)
                                    NAMED(cudaErrorHostMemoryNotRegistered) NAMED(
                                        cudaErrorHardwareStackError) NAMED(cudaErrorIllegalInstruction)
                                        NAMED(cudaErrorMisalignedAddress) NAMED(
                                            cudaErrorInvalidAddressSpace) NAMED(cudaErrorInvalidPc)
                                            NAMED(cudaErrorLaunchFailure) NAMED(cudaErrorNotPermitted) NAMED(
                                                cudaErrorNotSupported) NAMED(cudaErrorSystemNotReady)
                                                NAMED(cudaErrorSystemDriverMismatch) NAMED(
                                                    cudaErrorCompatNotSupportedOnDevice)
                                                    NAMED(cudaErrorStreamCaptureUnsupported) NAMED(
                                                        cudaErrorStreamCaptureInvalidated)
                                                        NAMED(cudaErrorStreamCaptureMerge) NAMED(
                                                            cudaErrorStreamCaptureUnmatched)
                                                            NAMED(cudaErrorStreamCaptureUnjoined) NAMED(
                                                                cudaErrorStreamCaptureIsolation)
                                                                NAMED(
                                                                    cudaErrorStreamCaptureImplicit)
                                                                    NAMED(cudaErrorCapturedEvent) NAMED(
                                                                        cudaErrorStreamCaptureWrongThread)
                                                                        NAMED(cudaErrorTimeout) NAMED(
                                                                            cudaErrorGraphExecUpdateFailure)
                                                                            NAMED(cudaErrorUnknown)
#undef NAMED
};

/* "cudaErrorInvalidValue" becomes "invalid value". */
static std::string in_words(const std::string &name)
{
    std::string words;
    for (char letter : name.substr(name.rfind("cudaError", 0) == 0 ? 9 : 4)) {
        if (isupper(static_cast<unsigned char>(letter)) && !words.empty())
            words += ' ';
        words += static_cast<char>(tolower(static_cast<unsigned char>(letter)));
    }
    return words;
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

const char *cudaGetErrorName(cudaError_t error)
{
    for (const auto &one : names)
        if (one.error == error)
            return one.name;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    untracked own;
    static const std::map<cudaError_t, std::string> &texts = *[] {
        auto *made = new std::map<cudaError_t, std::string>;
        for (const auto &one : names)
            (*made)[one.error] = in_words(one.name);
        return made;
    }();
    const auto found = texts.find(error);
    return found == texts.end() ? "unrecognized error code" : found->second.c_str();
}
}
