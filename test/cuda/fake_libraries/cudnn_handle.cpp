// SPDX-License-Identifier: Apache-2.0
/* The emulated cuDNN: handles, errors, and running plans on the handle's stream. */
#include <cstdio>

#include "cudnn_descriptor.h"
#include "fake_libraries.h"

namespace cop::fake_library
{

state &library()
{
    static state made("COP_FAKE_CUDNN", CUDNN_VERSION);
    return made;
}

static thread_local char last_error[256];

cudnnStatus_t refuse(cudnnStatus_t status, const std::string &text)
{
    snprintf(last_error, sizeof last_error, "%s", text.c_str());
    return status;
}

enum { handle_bytes = 4096 };

/* A plan with its addresses, which a stream runs: plain words, so that the runtime sees them. */
struct run_of_plan {
    program what;
    void *pointers[most_tensors];
    void *workspace;
};

static void run(void *job)
{
    const auto *one = static_cast<const run_of_plan *>(job);
    one->what.run(one->pointers, one->workspace);
}

static void drop(void *job)
{
    delete static_cast<run_of_plan *>(job);
}

static cudnnStatus_t place(const descriptor &pack, const tensor &of, void **pointer)
{
    const auto names = pack.all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    const auto pointers = pack.all<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    *pointer = nullptr;
    for (size_t i = 0; i < names.size(); i++)
        if (names[i] == of.uid)
            *pointer = pointers[i];
    if (*pointer == nullptr)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a tensor has no address");
    if (reinterpret_cast<uintptr_t>(*pointer) % static_cast<uintptr_t>(of.alignment) != 0) {
        cop_fake_cuda_violation("cuDNN is given an address that breaks the promised alignment");
        return refuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "a misaligned address");
    }
    if (!cop_fake_cuda_is_device_range(*pointer, of.bytes())) {
        cop_fake_cuda_violation("cuDNN is given a tensor that is not inside device memory");
        return refuse(CUDNN_STATUS_BAD_PARAM, "no device memory");
    }
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t place_workspace(const descriptor &pack, const program &of, void **workspace)
{
    const auto bytes = static_cast<size_t>(of.workspace_bytes);
    *workspace = bytes == 0 ? nullptr : pack.one<void *>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
    if (bytes > 0 && *workspace == nullptr)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no workspace");
    if (bytes > 0 && !cop_fake_cuda_is_device_range(*workspace, bytes)) {
        cop_fake_cuda_violation("cuDNN is given a workspace that is smaller than it asked for");
        return refuse(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "a small workspace");
    }
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t execute(const cudnnContext &with, const descriptor &plan,
                             const descriptor &pack)
{
    if (plan.type != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR ||
        pack.type != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)
        return refuse(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "no plan, or no pack");
    if (!plan.is_finalized || !pack.is_finalized)
        return refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "plan or pack is not finalized");
    auto made = std::make_unique<run_of_plan>();
    made->what = plan.as_program;
    for (size_t i = 0; i < made->what.tensors.size(); i++) {
        const tensor &of = made->what.tensors[i];
        made->pointers[i] = nullptr;
        const cudnnStatus_t status =
            of.is_virtual ? CUDNN_STATUS_SUCCESS : place(pack, of, &made->pointers[i]);
        if (status != CUDNN_STATUS_SUCCESS)
            return status;
    }
    const cudnnStatus_t status = place_workspace(pack, made->what, &made->workspace);
    if (status != CUDNN_STATUS_SUCCESS)
        return status;
    if (cop_emulated_launch(with.stream, run, drop, made.release()) != cudaSuccess)
        return refuse(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "the launch failed");
    return CUDNN_STATUS_SUCCESS;
}

} // namespace cop::fake_library

using namespace cop::fake_library;

static const char shared_handle[] = "two threads use one cuDNN handle at the same time";
static const char shared_plan[] = "two threads use one cuDNN plan at the same time";

#define INJECTED(name)                                                                             \
    do {                                                                                           \
        const int asked_ = library().injected(name);                                               \
        if (asked_ != 0)                                                                           \
            return refuse(static_cast<cudnnStatus_t>(asked_), "a test asked for it");              \
    } while (0)

extern "C" {

size_t cudnnGetVersion(void)
{
    return library().version;
}

size_t cudnnGetCudartVersion(void)
{
    return CUDART_VERSION;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    switch (status) {
    case CUDNN_STATUS_SUCCESS:
        return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
        return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH:
        return "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH";
    default:
        break;
    }
    static const char *const categories[] = {"",
                                             "CUDNN_STATUS_NOT_INITIALIZED",
                                             "CUDNN_STATUS_BAD_PARAM",
                                             "CUDNN_STATUS_NOT_SUPPORTED",
                                             "CUDNN_STATUS_INTERNAL_ERROR",
                                             "CUDNN_STATUS_EXECUTION_FAILED"};
    return status > 0 && status < 6000 ? categories[status / 1000] : "CUDNN_UNKNOWN_STATUS";
}

void cudnnGetLastErrorString(char *message, size_t bytes)
{
    if (bytes > 0)
        snprintf(message, bytes, "%s", last_error);
    last_error[0] = '\0';
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    int count = 0;
    INJECTED("cudnnCreate");
    *handle = nullptr;
    auto made = std::make_unique<cudnnContext>();
    if (cudaGetDeviceCount(&count) != cudaSuccess || cudaGetDevice(&made->device) != cudaSuccess) {
        (void)cudaGetLastError();
        return refuse(CUDNN_STATUS_NOT_INITIALIZED, "there is no device");
    }
    const cudaError_t error = cudaMalloc(&made->memory, handle_bytes);
    if (error != cudaSuccess) {
        (void)cudaGetLastError();
        return refuse(error == cudaErrorMemoryAllocation
                          ? CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED
                          : CUDNN_STATUS_NOT_INITIALIZED,
                      "no memory for a handle");
    }
    library().count(true);
    *handle = made.release();
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    if (handle == nullptr)
        return CUDNN_STATUS_SUCCESS;
    {
        const used here(handle->one_thread, shared_handle);
        (void)cudaFree(handle->memory);
        (void)cudaGetLastError();
    }
    library().count(false);
    delete handle;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    int device = -1;
    INJECTED("cudnnSetStream");
    const used here(handle->one_thread, shared_handle);
    if (cudaStreamGetDevice(stream, &device) != cudaSuccess || device != handle->device)
        return refuse(CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH, "the stream of another device");
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t *stream)
{
    const used here(handle->one_thread, shared_handle);
    *stream = handle->stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack)
{
    INJECTED("cudnnBackendExecute");
    if (handle == nullptr || plan == nullptr || pack == nullptr)
        return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "handle, plan or pack");
    const used here(handle->one_thread, shared_handle);
    const used with(referred(plan)->one_thread, shared_plan);
    return execute(*handle, *referred(plan), *referred(pack));
}

void cop_fake_cudnn_fail(const char *function, uint64_t n, int status)
{
    library().fail(function, n, status);
}

void cop_fake_cudnn_version(size_t version)
{
    library().version = version;
}

void cop_fake_cudnn_refuse(int refuses)
{
    library().refuses = refuses != 0;
}

void cop_fake_cudnn_fail_plans(uint64_t count)
{
    library().fail_plans = count;
}

size_t cop_fake_cudnn_live(void)
{
    return library().live;
}
}
