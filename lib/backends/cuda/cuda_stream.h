// SPDX-License-Identifier: Apache-2.0
/*
 * What a context keeps on a GPU: its stream, the handles of the libraries bound to it, and the
 * copies that are left to do on the processor when the stream has come so far.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef CUDA_STREAM_H
#define CUDA_STREAM_H

#include "backends/cuda/cuda_device.h"

struct cudnn_session;
struct cublaslt_session;

/* From page-locked staging to the caller's memory, once the stream has written the former. */
struct pending_copy {
    const void *src;
    void *dst;
    size_t bytes;
};

struct cuda_stream {
    struct stream base;
    struct cuda_device *device;
    cudaStream_t stream;
    struct pending_copy *copies;
    int copy_count, copy_capacity;
    int64_t begun_ns; /* when the work began that was not waited for yet; 0: there is none */
    /* Made by the first kernel state that needs them. */
    struct cudnn_session *cudnn;
    struct cublaslt_session *cublaslt;
};

static inline struct cuda_stream *cop_cuda_stream(struct stream *stream)
{
    return (struct cuda_stream *)stream;
}

/* To be done by poll or wait, after everything begun so far. */
cop_status cop_cuda_stream_copy_later(struct cuda_stream *stream, const struct pending_copy *copy,
                                      cop_error *error);

/* The table's members. */
cop_status cop_cuda_stream_create(struct device *device, struct stream **stream, cop_error *error);
void cop_cuda_stream_destroy(struct stream *stream);
bool cop_cuda_stream_poll(struct stream *stream, cop_status *status, cop_error *error);
cop_status cop_cuda_stream_wait(struct stream *stream, cop_error *error);

/* cuda_recording.c */
cop_status cop_cuda_recording_begin(struct stream *stream, cop_error *error);
cop_status cop_cuda_recording_end(struct stream *stream, struct recording **recording,
                                  cop_error *error);
void cop_cuda_recording_abandon(struct stream *stream);
cop_status cop_cuda_recording_run(struct recording *recording, struct stream *stream,
                                  cop_error *error);
void cop_cuda_recording_destroy(struct recording *recording);

#endif
