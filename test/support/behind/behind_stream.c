// SPDX-License-Identifier: Apache-2.0
/* Streams: a thread each that does, in order, what was begun. */
#define _GNU_SOURCE
#include <time.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/behind/behind_device.h"

struct behind_recording {
    struct recording base;
    struct behind_stream *stream;
    struct behind_job *first, *last;
    _Atomic int running;
};

static void pause_us(long us)
{
    const struct timespec span = {us / 1000000, us % 1000000 * 1000};
    if (us > 0)
        nanosleep(&span, NULL);
}

static void run_one(struct behind_stream *stream, const struct behind_job *job)
{
    const long most = atomic_load(&behind_control.most_random_us);
    stream->dice = stream->dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    pause_us(atomic_load(&behind_control.delay_us) +
             (most > 0 ? (long)((stream->dice >> 33) % (uint64_t)(most + 1)) : 0));
    while (atomic_load(&behind_control.holds))
        pause_us(50);
    behind_run_job(job);
    atomic_fetch_add(&behind_control.kernels_run, 1);
}

/* False: the device failed in it. */
static bool run_whole(struct behind_stream *stream, const struct behind_job *job)
{
    if (job->recording == NULL) {
        run_one(stream, job);
    } else {
        for (const struct behind_job *part = job->recording->first; part != NULL; part = part->next)
            run_one(stream, part);
        atomic_fetch_sub(&job->recording->running, 1);
    }
    return !behind_strikes(BEHIND_JOB);
}

static void *run_stream(void *argument)
{
    struct behind_stream *stream = argument;
    pthread_mutex_lock(&stream->mutex);
    for (;;) {
        while (stream->first == NULL && !stream->ends)
            pthread_cond_wait(&stream->work, &stream->mutex);
        struct behind_job *job = stream->first;
        if (job == NULL)
            break;
        stream->first = job->next;
        if (stream->first == NULL)
            stream->last = NULL;
        pthread_mutex_unlock(&stream->mutex);
        const bool is_done = run_whole(stream, job);
        free(job);
        pthread_mutex_lock(&stream->mutex);
        stream->has_failed |= !is_done;
        if (++stream->ended == stream->begun) {
            atomic_fetch_sub(&behind_control.busy_streams, 1);
            pthread_cond_broadcast(&stream->done);
        }
    }
    pthread_mutex_unlock(&stream->mutex);
    return NULL;
}

cop_status behind_stream_create(struct device *device, struct stream **stream, cop_error *error)
{
    struct behind_stream *made = cop_alloc(1, sizeof *made);
    *stream = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "stream", sizeof *made);
    made->base.backend = &behind_backend;
    made->device = device->id.index;
    made->epoch = cop_module_host->fork_epoch();
    made->dice = (uint64_t)(uintptr_t)made;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->work, NULL);
    pthread_cond_init(&made->done, NULL);
    if (behind_strikes(BEHIND_STREAM) ||
        pthread_create(&made->thread, NULL, run_stream, made) != 0) {
        cop_free(made);
        return cop_fail(error, COP_STATUS_OUT_OF_DEVICE_MEMORY, "rigged: no stream");
    }
    pthread_setname_np(made->thread, "behind-stream");
    atomic_fetch_add(&behind_control.streams, 1);
    *stream = &made->base;
    return COP_STATUS_OK;
}

void behind_stream_destroy(struct stream *base)
{
    struct behind_stream *stream = (struct behind_stream *)base;
    atomic_fetch_sub(&behind_control.streams, 1);
    if (stream->epoch == cop_module_host->fork_epoch()) { /* else the thread is the parent's */
        pthread_mutex_lock(&stream->mutex);
        if (stream->begun != stream->ended || stream->copies != NULL || stream->open != NULL)
            behind_abort("a stream is destroyed while it runs, records or has copies to end");
        stream->ends = true;
        pthread_cond_signal(&stream->work);
        pthread_mutex_unlock(&stream->mutex);
        pthread_join(stream->thread, NULL);
        pthread_cond_destroy(&stream->work), pthread_cond_destroy(&stream->done);
        pthread_mutex_destroy(&stream->mutex);
    }
    cop_free(stream);
}

static void raise_most(long now)
{
    long seen = atomic_load(&behind_control.most_busy_streams);
    while (seen < now &&
           !atomic_compare_exchange_weak(&behind_control.most_busy_streams, &seen, now))
        continue;
}

void behind_begin(struct behind_stream *stream, const struct behind_job *job)
{
    struct behind_job *added = malloc(sizeof *added);
    if (added == NULL)
        behind_abort("no memory for a test's job");
    *added = *job;
    added->next = NULL;
    if (stream->open != NULL) {
        struct behind_recording *open = stream->open;
        *(open->last != NULL ? &open->last->next : &open->first) = added;
        open->last = added;
        return;
    }
    pthread_mutex_lock(&stream->mutex);
    if (stream->begun++ == stream->ended)
        raise_most(atomic_fetch_add(&behind_control.busy_streams, 1) + 1);
    *(stream->last != NULL ? &stream->last->next : &stream->first) = added;
    stream->last = added;
    pthread_cond_signal(&stream->work);
    pthread_mutex_unlock(&stream->mutex);
}

void behind_copy_later(struct behind_stream *stream, const void *src, void *dst, size_t bytes)
{
    struct behind_copy *copy = malloc(sizeof *copy);
    if (copy == NULL)
        behind_abort("no memory for a test's copy");
    *copy = (struct behind_copy){stream->copies, src, dst, bytes};
    stream->copies = copy;
}

static void check_thread(const struct behind_stream *stream)
{
    if (behind_current_device() != stream->device)
        behind_abort("a stream is used by a thread that has not entered its device");
}

/* All is done: copies to callers end, and what went wrong is said once. */
static cop_status finish(struct behind_stream *stream, bool has_failed, cop_error *error)
{
    const bool is_lost = behind_strikes(BEHIND_WAIT) || has_failed;
    while (stream->copies != NULL) {
        struct behind_copy *copy = stream->copies;
        stream->copies = copy->next;
        if (!is_lost && copy->bytes > 0)
            memcpy(copy->dst, copy->src, copy->bytes);
        free(copy);
    }
    return is_lost ? cop_fail(error, COP_STATUS_DEVICE_FAILED, "rigged: the device is lost")
                   : COP_STATUS_OK;
}

/* In a child the thread is the parent's: nothing will ever be done, and its locks may be taken. */
static bool is_of_parent(const struct behind_stream *stream)
{
    return stream->epoch != cop_module_host->fork_epoch();
}

static bool take_failure(struct behind_stream *stream)
{
    const bool has_failed = stream->has_failed;
    stream->has_failed = false;
    return has_failed;
}

bool behind_stream_poll(struct stream *base, cop_status *status, cop_error *error)
{
    struct behind_stream *stream = (struct behind_stream *)base;
    check_thread(stream);
    atomic_fetch_add(&behind_control.polls, 1);
    if (is_of_parent(stream)) {
        *status = finish(stream, true, error);
        return true;
    }
    pthread_mutex_lock(&stream->mutex);
    const bool is_done = stream->begun == stream->ended;
    const bool has_failed = is_done && take_failure(stream);
    pthread_mutex_unlock(&stream->mutex);
    if (is_done)
        *status = finish(stream, has_failed, error);
    return is_done;
}

cop_status behind_stream_wait(struct stream *base, cop_error *error)
{
    struct behind_stream *stream = (struct behind_stream *)base;
    check_thread(stream);
    atomic_fetch_add(&behind_control.waits, 1);
    if (is_of_parent(stream))
        return finish(stream, true, error);
    pthread_mutex_lock(&stream->mutex);
    while (stream->begun != stream->ended)
        pthread_cond_wait(&stream->done, &stream->mutex);
    const bool has_failed = take_failure(stream);
    pthread_mutex_unlock(&stream->mutex);
    return finish(stream, has_failed, error);
}

cop_status behind_recording_begin(struct stream *base, cop_error *error)
{
    struct behind_stream *stream = (struct behind_stream *)base;
    check_thread(stream);
    if (stream->open != NULL)
        behind_abort("a recording begins in a recording");
    if (behind_strikes(BEHIND_RECORDING_BEGIN))
        return cop_fail(error, COP_STATUS_INTERNAL, "rigged: no recording begins");
    stream->open = cop_alloc(1, sizeof *stream->open);
    if (stream->open == NULL)
        return cop_fail_memory(error, "recording", sizeof *stream->open);
    stream->open->base.backend = &behind_backend;
    stream->open->stream = stream;
    atomic_fetch_add(&behind_control.recordings, 1);
    return COP_STATUS_OK;
}

void behind_recording_abandon(struct stream *base)
{
    struct behind_stream *stream = (struct behind_stream *)base;
    check_thread(stream);
    if (stream->open == NULL)
        behind_abort("no recording is open that could be abandoned");
    struct behind_recording *open = stream->open;
    stream->open = NULL;
    behind_recording_destroy(&open->base);
}

cop_status behind_recording_end(struct stream *base, struct recording **recording, cop_error *error)
{
    struct behind_stream *stream = (struct behind_stream *)base;
    check_thread(stream);
    *recording = NULL;
    if (behind_strikes(BEHIND_RECORDING_END)) {
        behind_recording_abandon(base);
        return cop_fail(error, COP_STATUS_INTERNAL, "rigged: no recording ends");
    }
    *recording = &stream->open->base;
    stream->open = NULL;
    atomic_fetch_add(&behind_control.recordings_made, 1);
    return COP_STATUS_OK;
}

cop_status behind_recording_run(struct recording *base, struct stream *stream, cop_error *error)
{
    struct behind_recording *recording = (struct behind_recording *)base;
    check_thread((struct behind_stream *)stream);
    if (recording->stream != (struct behind_stream *)stream)
        behind_abort("a recording runs on another stream than it was made on");
    if (behind_strikes(BEHIND_RECORDING_RUN))
        return cop_fail(error, COP_STATUS_INTERNAL, "rigged: the recording does not run");
    atomic_fetch_add(&behind_control.recordings_begun, 1);
    atomic_fetch_add(&recording->running, 1);
    const struct behind_job job = {.recording = recording};
    behind_begin(recording->stream, &job);
    return COP_STATUS_OK;
}

void behind_recording_destroy(struct recording *base)
{
    struct behind_recording *recording = (struct behind_recording *)base;
    if (atomic_load(&recording->running) > 0 &&
        recording->stream->epoch == cop_module_host->fork_epoch())
        behind_abort("a recording is destroyed while it runs");
    while (recording->first != NULL) {
        struct behind_job *job = recording->first;
        recording->first = job->next;
        free(job);
    }
    atomic_fetch_sub(&behind_control.recordings, 1);
    cop_free(recording);
}
