// SPDX-License-Identifier: Apache-2.0
/*
 * Chrome traces. Source: "Trace Event Format", the document that the viewers refer to: complete
 * events (ph X) with ts and dur in microseconds.
 */
#define _GNU_SOURCE
#include <cachedop/profile.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/refcount.h"
#include "base/text.h"
#include "runtime/profiling.h"

#define DEFAULT_EVENTS 1000000
#define CHUNK_EVENTS   4096

struct event {
    const struct plan_step *step; /* of a plan that the trace keeps alive */
    int64_t begin_ns, end_ns;
    long thread;
};

struct chunk {
    struct chunk *next;
    size_t count;
    struct event events[CHUNK_EVENTS];
};

struct cop_trace {
    struct refcount refs;
    struct lock lock;
    struct chunk *first, *last COP_GUARDED_BY(lock);
    size_t count, max_events, dropped COP_GUARDED_BY(lock);
    struct plan **plans COP_GUARDED_BY(lock);
    size_t plan_count COP_GUARDED_BY(lock);
};

cop_status cop_trace_create(size_t max_events, cop_trace **trace, cop_error *error)
{
    if (trace == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "trace: the result pointer is NULL");
    *trace = cop_alloc(1, sizeof **trace);
    if (*trace == NULL)
        return cop_fail_memory(error, "trace", sizeof **trace);
    cop_refcount_init(&(*trace)->refs);
    cop_lock_init(&(*trace)->lock, LOCK_TRACE);
    (*trace)->max_events = max_events == 0 ? DEFAULT_EVENTS : max_events;
    return cop_ok(error);
}

cop_trace *cop_trace_retain(cop_trace *trace)
{
    cop_refcount_retain(&trace->refs);
    return trace;
}

void cop_trace_release(cop_trace **trace)
{
    if (trace == NULL)
        return;
    cop_trace *old = *trace;
    *trace = NULL;
    if (old == NULL || !cop_refcount_release(&old->refs))
        return;
    while (old->first != NULL) {
        struct chunk *chunk = old->first;
        old->first = chunk->next;
        cop_free(chunk);
    }
    for (size_t i = 0; i < old->plan_count; i++)
        cop_plan_release(&old->plans[i]);
    cop_free(old->plans);
    cop_lock_destroy(&old->lock);
    cop_free(old);
}

static cop_status keep_plan_locked(cop_trace *trace, struct plan *plan, cop_error *error)
    COP_REQUIRES(trace->lock)
{
    for (size_t i = 0; i < trace->plan_count; i++)
        if (trace->plans[i] == plan)
            return COP_STATUS_OK;
    struct plan **plans = cop_realloc(trace->plans, trace->plan_count + 1, sizeof(struct plan *));
    if (plans == NULL)
        return cop_fail_memory(error, "trace", sizeof *plans);
    trace->plans = plans;
    trace->plans[trace->plan_count++] = cop_plan_retain(plan);
    return COP_STATUS_OK;
}

cop_status cop_trace_begin(cop_trace *trace, struct plan *plan, cop_error *error)
{
    cop_lock_acquire(&trace->lock);
    const cop_status status = keep_plan_locked(trace, plan, error);
    cop_lock_release(&trace->lock);
    return status;
}

/* Where the next event goes; NULL: the trace is full, or memory is. */
static struct event *next_event_locked(cop_trace *trace) COP_REQUIRES(trace->lock)
{
    if (trace->count == trace->max_events)
        return NULL;
    if (trace->last == NULL || trace->last->count == CHUNK_EVENTS) {
        struct chunk *chunk = cop_alloc(1, sizeof *chunk);
        if (chunk == NULL)
            return NULL;
        *(trace->last == NULL ? &trace->first : &trace->last->next) = chunk;
        trace->last = chunk;
    }
    trace->count++;
    return &trace->last->events[trace->last->count++];
}

void cop_trace_record(cop_trace *trace, const struct plan_step *step, int64_t begin_ns,
                      int64_t end_ns)
{
    const long thread = syscall(SYS_gettid);
    cop_lock_acquire(&trace->lock);
    struct event *event = next_event_locked(trace);
    if (event == NULL)
        trace->dropped++;
    else
        *event = (struct event){step, begin_ns, end_ns, thread};
    cop_lock_release(&trace->lock);
}

static void add_event(struct text *text, const struct event *event)
{
    cop_text_add(text,
                 ",\n{\"ph\":\"X\",\"pid\":%ld,\"tid\":%ld,\"ts\":%.3f,\"dur\":%.3f,\"name\":\"",
                 (long)getpid(), event->thread, (double)event->begin_ns / 1e3,
                 (double)(event->end_ns - event->begin_ns) / 1e3);
    cop_text_add_json(text, event->step->name);
    cop_text_add(text, "\",\"cat\":\"");
    cop_text_add_json(text, event->step->op_name);
    cop_text_add(text, "\",\"args\":{\"kernel\":\"");
    cop_text_add_json(text, event->step->kernel->implementation);
    cop_text_add(text, "\",\"fused\":\"");
    cop_text_add_json(text, event->step->fused);
    cop_text_add(text, "\"}}");
}

static void print_locked(const cop_trace *trace, struct text *text) COP_REQUIRES(trace->lock)
{
    cop_text_add(text,
                 "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"dropped_events\":%zu},"
                 "\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":%ld,\"name\":\"process_name\","
                 "\"args\":{\"name\":\"cachedop\"}}",
                 trace->dropped, (long)getpid());
    for (const struct chunk *chunk = trace->first; chunk != NULL; chunk = chunk->next)
        for (size_t i = 0; i < chunk->count; i++)
            add_event(text, &chunk->events[i]);
    cop_text_add(text, "\n]}\n");
}

static cop_status write_all(int fd, const char *path, const char *bytes, size_t size,
                            cop_error *error)
{
    while (size > 0) {
        const ssize_t count = write(fd, bytes, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return cop_fail(error, COP_STATUS_IO, "%s: %s", path, strerror(errno));
        bytes += count;
        size -= (size_t)count;
    }
    return COP_STATUS_OK;
}

/* Writes beside the file and renames, so that nobody ever sees half of it. */
static cop_status replace_file(const char *path, const struct text *text, cop_error *error)
{
    static _Atomic unsigned counter; /* tells concurrent writers of this process apart */
    struct text beside = {0};
    cop_text_add(&beside, "%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&counter, 1));
    if (beside.failed)
        return cop_fail_memory(error, path, strlen(path));
    const int fd = open(beside.bytes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    cop_status status = COP_STATUS_OK;
    if (fd < 0) {
        status = cop_fail(error, COP_STATUS_IO, "%s: %s", path, strerror(errno));
    } else {
        status = write_all(fd, path, text->bytes, text->length, error);
        if (close(fd) != 0 && status == COP_STATUS_OK)
            status = cop_fail(error, COP_STATUS_IO, "%s: %s", path, strerror(errno));
        if (status == COP_STATUS_OK && rename(beside.bytes, path) != 0)
            status = cop_fail(error, COP_STATUS_IO, "%s: %s", path, strerror(errno));
        if (status != COP_STATUS_OK)
            unlink(beside.bytes);
    }
    cop_text_free(&beside);
    return status;
}

cop_status cop_trace_write(cop_trace *trace, const char *path, cop_error *error)
{
    if (trace == NULL || path == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "trace: an argument is NULL");
    struct text text = {0};
    cop_lock_acquire(&trace->lock);
    print_locked(trace, &text);
    cop_lock_release(&trace->lock);
    cop_status status = text.failed ? cop_fail_memory(error, "trace", text.length)
                                    : replace_file(path, &text, error);
    cop_text_free(&text);
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}
