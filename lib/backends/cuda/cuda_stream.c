// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/cuda_stream.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#include "backends/cuda/cuda_libraries.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

static cop_status create_stream(struct cuda_device *device, cudaStream_t *stream, cop_error *error)
{
    COP_TRY(cop_cuda_check(device, error));
    CUDA_TRY(device, cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), error);
    return COP_STATUS_OK;
}

cop_status cop_cuda_stream_create(struct device *device, struct stream **stream, cop_error *error)
{
    struct cuda_device *self = cop_cuda_device(device);
    *stream = NULL;
    struct cuda_stream *made = cop_alloc(1, sizeof *made);
    if (made == NULL)
        return cop_fail_memory(error, "stream", sizeof *made);
    made->base.backend = device->backend;
    made->device = self;
    const int before = cop_cuda_enter(self);
    const cop_status status = create_stream(self, &made->stream, error);
    cop_cuda_leave(before);
    if (status != COP_STATUS_OK)
        cop_free(made);
    else
        *stream = &made->base;
    return status;
}

void cop_cuda_stream_destroy(struct stream *stream)
{
    struct cuda_stream *old = cop_cuda_stream(stream);
    if (cop_cuda_is_ours(old->device)) {
        const int before = cop_cuda_enter(old->device);
        cop_cuda_libraries_close(old);
        (void)cudaStreamDestroy(old->stream);
        (void)cudaGetLastError();
        cop_cuda_leave(before);
    }
    cop_free(old->copies);
    cop_free(old);
}

cop_status cop_cuda_stream_copy_later(struct cuda_stream *stream, const struct pending_copy *copy,
                                      cop_error *error)
{
    if (stream->copy_count == stream->copy_capacity) {
        const int more = stream->copy_capacity == 0 ? 8 : 2 * stream->copy_capacity;
        struct pending_copy *grown = cop_realloc(stream->copies, (size_t)more, sizeof *grown);
        if (grown == NULL)
            return cop_fail_memory(error, "copies of outputs", (size_t)more * sizeof *grown);
        stream->copies = grown;
        stream->copy_capacity = more;
    }
    stream->copies[stream->copy_count++] = *copy;
    return COP_STATUS_OK;
}

/* The stream is through, with this outcome: what is left to do on the processor. */
static cop_status end(struct cuda_stream *stream, cudaError_t code, cop_error *error)
{
    const int count = stream->copy_count;
    stream->copy_count = 0;
    stream->begun_ns = 0;
    if (code != cudaSuccess)
        return cop_cuda_fail(stream->device, code, "work begun earlier", error);
    for (int i = 0; i < count; i++)
        memcpy(stream->copies[i].dst, stream->copies[i].src, stream->copies[i].bytes);
    return COP_STATUS_OK;
}

bool cop_cuda_stream_poll(struct stream *stream, cop_status *status, cop_error *error)
{
    struct cuda_stream *self = cop_cuda_stream(stream);
    *status = cop_cuda_check(self->device, error);
    if (*status != COP_STATUS_OK) {
        self->copy_count = 0;
        return true;
    }
    const cudaError_t code = cudaStreamQuery(self->stream);
    if (code == cudaErrorNotReady) {
        (void)cudaGetLastError(); /* or the next launch on this thread would be told it failed */
        return false;
    }
    /* Who could not ask does not know that the work has ended. */
    if (code != cudaSuccess)
        (void)cop_cuda_settle(self->device, self->stream);
    *status = end(self, code, error);
    return true;
}

/*
 * How a thread passes the time between two looks. Looks take the driver's lock, which those who
 * launch need too: they become rarer the longer it takes.
 */
static void pause_for(int64_t waited_ns)
{
    if (waited_ns < 50000) {
        for (int i = 0; i < 32; i++)
            __builtin_ia32_pause();
    } else if (waited_ns < 200000) {
        sched_yield();
    } else {
        const struct timespec nap = {0, waited_ns < 2000000 ? 10000 : 50000};
        nanosleep(&nap, NULL);
    }
}

cop_status cop_cuda_stream_wait(struct stream *stream, cop_error *error)
{
    const int64_t begin_ns = cop_now_ns();
    cop_status status;
    while (!cop_cuda_stream_poll(stream, &status, error))
        pause_for(cop_now_ns() - begin_ns);
    return status;
}
