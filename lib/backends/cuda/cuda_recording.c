// SPDX-License-Identifier: Apache-2.0
/* Recordings are CUDA graphs, captured from the stream of one context and run on it alone. */
#include "backends/cuda/cuda_stream.h"

#include "base/alloc.h"
#include "base/error.h"

struct cuda_recording {
    struct recording base;
    struct cuda_device *device;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
};

cop_status cop_cuda_recording_begin(struct stream *stream, cop_error *error)
{
    struct cuda_stream *self = cop_cuda_stream(stream);
    const cop_status status = cop_cuda_check(self->device, error);
    if (status != COP_STATUS_OK)
        return status;
    /* Other threads may allocate meanwhile; this one may not, and kernels do not. */
    CUDA_TRY(self->device, cudaStreamBeginCapture(self->stream, cudaStreamCaptureModeThreadLocal),
             error);
    return COP_STATUS_OK;
}

void cop_cuda_recording_abandon(struct stream *stream)
{
    cudaGraph_t graph = NULL;
    (void)cudaStreamEndCapture(cop_cuda_stream(stream)->stream, &graph);
    if (graph != NULL)
        (void)cudaGraphDestroy(graph);
    (void)cudaGetLastError();
}

static cop_status instantiate(struct cuda_recording *recording, cudaStream_t stream,
                              cop_error *error)
{
    CUDA_TRY(recording->device, cudaGraphInstantiate(&recording->exec, recording->graph, 0), error);
    CUDA_TRY(recording->device, cudaGraphUpload(recording->exec, stream), error);
    return COP_STATUS_OK;
}

cop_status cop_cuda_recording_end(struct stream *stream, struct recording **recording,
                                  cop_error *error)
{
    struct cuda_stream *self = cop_cuda_stream(stream);
    struct cuda_recording *made = cop_alloc(1, sizeof *made);
    *recording = NULL;
    if (made == NULL) {
        cop_cuda_recording_abandon(stream);
        return cop_fail_memory(error, "recording", sizeof *made);
    }
    made->base.backend = stream->backend;
    made->device = self->device;
    const cudaError_t code = cudaStreamEndCapture(self->stream, &made->graph);
    const cop_status status =
        code == cudaSuccess ? instantiate(made, self->stream, error)
                            : cop_cuda_fail(self->device, code, "cudaStreamEndCapture", error);
    if (status != COP_STATUS_OK) {
        if (code != cudaSuccess)
            cop_cuda_recording_abandon(stream);
        cop_cuda_recording_destroy(&made->base);
        return status;
    }
    *recording = &made->base;
    return COP_STATUS_OK;
}

cop_status cop_cuda_recording_run(struct recording *recording, struct stream *stream,
                                  cop_error *error)
{
    struct cuda_recording *self = (struct cuda_recording *)recording;
    const cop_status status = cop_cuda_check(self->device, error);
    if (status != COP_STATUS_OK)
        return status;
    CUDA_TRY(self->device, cudaGraphLaunch(self->exec, cop_cuda_stream(stream)->stream), error);
    return COP_STATUS_OK;
}

void cop_cuda_recording_destroy(struct recording *recording)
{
    struct cuda_recording *old = (struct cuda_recording *)recording;
    if (cop_cuda_is_ours(old->device)) {
        const int before = cop_cuda_enter(old->device);
        if (old->exec != NULL)
            (void)cudaGraphExecDestroy(old->exec);
        if (old->graph != NULL)
            (void)cudaGraphDestroy(old->graph);
        (void)cudaGetLastError();
        cop_cuda_leave(before);
    }
    cop_free(old);
}
