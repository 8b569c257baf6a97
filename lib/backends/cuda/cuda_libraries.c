// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cuda_libraries.h"

#include "backends/cuda/cublaslt/cublaslt_library.h"
#include "backends/cuda/cudnn/cudnn_library.h"
#include "backends/cuda/cudnn/cudnn_session.h"
#include "base/error.h"
#include "base/log.h"

/* OK where it opens; UNSUPPORTED where nobody insists on it. */
static cop_status want(const struct kernel_request *request, cop_status (*open)(cop_error *error),
                       cop_error *error)
{
    if (request->gpu_kernels == COP_GPU_KERNELS_OWN)
        return COP_STATUS_UNSUPPORTED;
    const cop_status status = open(error);
    if (status == COP_STATUS_OK || request->gpu_kernels == COP_GPU_KERNELS_LIBRARY)
        return status == COP_STATUS_UNSUPPORTED ? COP_STATUS_NOT_FOUND : status;
    return COP_STATUS_UNSUPPORTED;
}

cop_status cop_cuda_want_cudnn(const struct kernel_request *request, cop_error *error)
{
    return want(request, cop_cudnn_open, error);
}

cop_status cop_cuda_want_cublaslt(const struct kernel_request *request, cop_error *error)
{
    return want(request, cop_cublaslt_open, error);
}

cop_status cop_cuda_fall_back(const struct kernel_request *request, cop_status status,
                              const cop_error *reason, cop_error *error)
{
    if (status == COP_STATUS_UNSUPPORTED)
        return status;
    if (request->gpu_kernels == COP_GPU_KERNELS_LIBRARY || status == COP_STATUS_OUT_OF_MEMORY ||
        status == COP_STATUS_OUT_OF_DEVICE_MEMORY || status == COP_STATUS_DEVICE_FAILED)
        return cop_fail(error, status, "%s", reason->message);
    cop_log(COP_LOG_LEVEL_WARNING, "node '%.256s': own kernels run it, because %.1024s",
            request->name, reason->message);
    return COP_STATUS_UNSUPPORTED;
}

/* After a failure that a library reports: whether the device answers nobody any more. */
static bool is_lost(void *user)
{
    struct cuda_device *device = user;
    const cudaError_t code = cudaDeviceSynchronize();
    if (code != cudaSuccess)
        (void)cop_cuda_fail(device, code, "cudaDeviceSynchronize", NULL);
    return cop_cuda_check(device, NULL) != COP_STATUS_OK;
}

static cop_status open_cudnn(struct cuda_device *device, cudaStream_t stream,
                             struct cudnn_session **session, cop_error *error)
{
    const struct cudnn_session_options options = {
        .stream = stream,
        .device_name = device->base.name,
        .is_dead = is_lost,
        .user = device,
    };
    return cop_cudnn_session_create(&options, session, error);
}

static cop_status open_planning(struct cuda_device *device, bool with_cudnn, bool with_cublaslt,
                                cop_error *error)
{
    if (device->planning_stream == NULL)
        CUDA_TRY(device, cudaStreamCreateWithFlags(&device->planning_stream, cudaStreamNonBlocking),
                 error);
    cop_status status = COP_STATUS_OK;
    if (with_cudnn && device->planning_cudnn == NULL)
        status = open_cudnn(device, device->planning_stream, &device->planning_cudnn, error);
    if (status == COP_STATUS_OK && with_cublaslt && device->planning_cublaslt == NULL)
        status = cop_cublaslt_session_create(is_lost, device, &device->planning_cublaslt, error);
    /* it is there, and whoever insists on it is told why it does not serve */
    return status == COP_STATUS_UNSUPPORTED
               ? cop_error_prefix(error, COP_STATUS_NOT_FOUND, "it does not start here: ")
               : status;
}

cop_status cop_cuda_planning_begin(struct cuda_device *device, struct cudnn_session **cudnn,
                                   struct cublaslt_session **cublaslt, cop_error *error)
{
    pthread_mutex_lock(&device->planning_mutex);
    const cop_status status = open_planning(device, cudnn != NULL, cublaslt != NULL, error);
    if (status != COP_STATUS_OK) {
        pthread_mutex_unlock(&device->planning_mutex);
        return status;
    }
    if (cudnn != NULL)
        *cudnn = device->planning_cudnn;
    if (cublaslt != NULL)
        *cublaslt = device->planning_cublaslt;
    return COP_STATUS_OK;
}

void cop_cuda_planning_end(struct cuda_device *device)
{
    pthread_mutex_unlock(&device->planning_mutex);
}

void cop_cuda_planning_close(struct cuda_device *device)
{
    cop_cudnn_session_destroy(device->planning_cudnn);
    cop_cublaslt_session_destroy(device->planning_cublaslt);
    if (device->planning_stream != NULL)
        (void)cudaStreamDestroy(device->planning_stream);
}

cop_status cop_cuda_stream_cudnn(struct cuda_stream *stream, struct cudnn_session **session,
                                 cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    if (stream->cudnn == NULL)
        status = open_cudnn(stream->device, stream->stream, &stream->cudnn, error);
    *session = stream->cudnn;
    return status;
}

cop_status cop_cuda_stream_cublaslt(struct cuda_stream *stream, struct cublaslt_session **session,
                                    cop_error *error)
{
    cop_status status = COP_STATUS_OK;
    if (stream->cublaslt == NULL)
        status = cop_cublaslt_session_create(is_lost, stream->device, &stream->cublaslt, error);
    *session = stream->cublaslt;
    return status;
}

void cop_cuda_libraries_close(struct cuda_stream *stream)
{
    cop_cudnn_session_destroy(stream->cudnn);
    cop_cublaslt_session_destroy(stream->cublaslt);
}
