// SPDX-License-Identifier: Apache-2.0
/*
 * Chrome traces. Source: "Trace Event Format", the document that the viewers refer to: complete
 * events (ph X) with ts and dur in microseconds.
 */
#define _GNU_SOURCE
#include <cachedop/profile.h>

#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/new_file.h"
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

/*
 * What the trace held at one moment. Events are only ever added, so that the first `count` of them
 * can be read without the lock; `next` of a chunk is not looked at before the last event is behind.
 */
struct snapshot {
    const struct chunk *first;
    size_t count, dropped;
};

static struct snapshot take_snapshot(cop_trace *trace)
{
    cop_lock_acquire(&trace->lock);
    const struct snapshot snapshot = {trace->first, trace->count, trace->dropped};
    cop_lock_release(&trace->lock);
    return snapshot;
}

/* Writes what was printed so far and empties the text, whose memory stays. */
static cop_status flush(struct text *text, struct new_file *file, cop_error *error)
{
    if (text->failed)
        return cop_fail_memory(error, "trace", text->length);
    const cop_status status = cop_new_file_write(file, text->bytes, text->length, error);
    text->length = 0;
    return status;
}

static cop_status print(const struct snapshot *snapshot, struct text *text, struct new_file *file,
                        cop_error *error)
{
    cop_text_add(text,
                 "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"dropped_events\":%zu},"
                 "\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":%ld,\"name\":\"process_name\","
                 "\"args\":{\"name\":\"cachedop\"}}",
                 snapshot->dropped, (long)getpid());
    const struct chunk *chunk = snapshot->first;
    for (size_t i = 0; i < snapshot->count; i++) {
        if (i > 0 && i % CHUNK_EVENTS == 0) {
            const cop_status status = flush(text, file, error);
            if (status != COP_STATUS_OK)
                return status;
            chunk = chunk->next;
        }
        add_event(text, &chunk->events[i % CHUNK_EVENTS]);
    }
    cop_text_add(text, "\n]}\n");
    return flush(text, file, error);
}

cop_status cop_trace_write(cop_trace *trace, const char *path, cop_error *error)
{
    if (trace == NULL || path == NULL)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "trace: an argument is NULL");
    struct text text = {0};
    struct new_file file;
    cop_status status = cop_new_file_begin(&file, path, error);
    if (status != COP_STATUS_OK)
        return status;
    const struct snapshot snapshot = take_snapshot(trace);
    status = print(&snapshot, &text, &file, error);
    cop_text_free(&text);
    status = cop_new_file_end(&file, status, error);
    return status == COP_STATUS_OK ? cop_ok(error) : status;
}
