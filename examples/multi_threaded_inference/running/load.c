// SPDX-License-Identifier: Apache-2.0
#include "running/load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "running/clock.h"
#include "running/invoker.h"
#include "output/progress.h"

#define DRAW_INTERVAL_NS 100000000

struct load {
    const struct classification *classification;
    const struct job *jobs[CLASSIFY_MAX_KEPT]; /* those that were kept */
    size_t job_count;
    size_t score_bytes;
    uint64_t total; /* invocations; UINT64_MAX: until the deadline */
    int64_t start_ns, deadline_ns;
    atomic_uint_fast64_t next; /* taken so far; threads add, the progress bar reads; relaxed */
    atomic_bool stop;          /* set by the first thread that fails; relaxed */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t ended;
    size_t running;
    struct load_result *result;
};

static void note_failure(struct load *load, const struct failure *failure)
{
    atomic_store_explicit(&load->stop, true, memory_order_relaxed);
    pthread_mutex_lock(&load->mutex);
    if (!load->result->failed)
        load->result->failure = *failure;
    load->result->failed = true;
    pthread_mutex_unlock(&load->mutex);
}

/* What one thread counts for itself. */
struct tally {
    struct statistics statistics;
    uint64_t different;
    struct invoker invoker;
    struct completion completion;
};

static void collect(struct load *load, struct tally *tally)
{
    struct completion *completion = &tally->completion;
    invoker_collect(&tally->invoker, completion);
    if (completion->status == COP_STATUS_CANCELLED)
        return; /* the user has seen enough */
    if (completion->status != COP_STATUS_OK) {
        note_failure(load, &completion->failure);
        return;
    }
    const struct job *job = load->jobs[completion->tag];
    tally->different += memcmp(completion->scores, job->scores, load->score_bytes) != 0;
    statistics_add(&tally->statistics, completion->latency_ns);
}

static void invoke_repeatedly(struct load *load, struct tally *tally)
{
    const cop_cancel *cancel = load->classification->invoke.cancel;
    while (!atomic_load_explicit(&load->stop, memory_order_relaxed) &&
           !cop_cancel_is_requested(cancel) && clock_ns() < load->deadline_ns) {
        uint64_t index = atomic_fetch_add_explicit(&load->next, 1, memory_order_relaxed);
        if (index >= load->total)
            break;
        size_t tag = (size_t)(index % load->job_count);
        invoker_submit(&tally->invoker, load->jobs[tag]->src, tag);
        while (invoker_is_full(&tally->invoker))
            collect(load, tally);
    }
    while (!invoker_is_idle(&tally->invoker))
        collect(load, tally);
}

static void *run_thread(void *argument)
{
    struct load *load = argument;
    const struct classification *c = load->classification;
    struct failure failure;
    struct tally *tally = calloc(1, sizeof(*tally));
    bool opened =
        tally ? invoker_open(&tally->invoker, c->session, c->options->async, &c->invoke, &failure)
              : failure_set(&failure, "out of memory");
    if (opened) {
        invoke_repeatedly(load, tally);
        invoker_close(&tally->invoker);
    } else {
        note_failure(load, &failure);
    }
    pthread_mutex_lock(&load->mutex);
    if (opened) {
        statistics_merge(load->result->statistics, &tally->statistics);
        load->result->different += tally->different;
    }
    load->running--;
    pthread_cond_signal(&load->ended);
    pthread_mutex_unlock(&load->mutex);
    free(tally);
    return NULL;
}

static double fraction_done(const struct load *load, uint64_t taken)
{
    if (load->total != UINT64_MAX)
        return (double)taken / (double)load->total;
    return (double)(clock_ns() - load->start_ns) / (double)(load->deadline_ns - load->start_ns);
}

/* Waits for the threads and draws meanwhile. */
static void watch(struct load *load)
{
    bool shown = progress_is_shown();
    pthread_mutex_lock(&load->mutex);
    while (load->running > 0) {
        if (!shown) {
            pthread_cond_wait(&load->ended, &load->mutex);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += DRAW_INTERVAL_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&load->ended, &load->mutex, &until);
        uint64_t taken = atomic_load_explicit(&load->next, memory_order_relaxed);
        double seconds = (double)(clock_ns() - load->start_ns) / 1e9;
        progress_draw(fraction_done(load, taken), seconds > 0 ? (double)taken / seconds : 0);
    }
    pthread_mutex_unlock(&load->mutex);
    if (shown)
        progress_clear();
}

static size_t start_threads(struct load *load, pthread_t *threads, size_t count)
{
    size_t started = 0;
    pthread_mutex_lock(&load->mutex);
    while (started < count && pthread_create(&threads[started], NULL, run_thread, load) == 0)
        started++;
    load->running = started; /* none can have counted itself out before */
    pthread_mutex_unlock(&load->mutex);
    return started;
}

static void take_kept_jobs(struct load *load)
{
    const struct classification *c = load->classification;
    for (size_t i = 0; i < c->job_count && load->job_count < CLASSIFY_MAX_KEPT; i++)
        if (c->jobs[i].scores)
            load->jobs[load->job_count++] = &c->jobs[i];
}

static void set_limits(struct load *load, const struct options *options)
{
    load->total = options->repeat ? options->repeat * load->job_count : UINT64_MAX;
    load->start_ns = clock_ns();
    load->deadline_ns =
        options->repeat ? INT64_MAX : load->start_ns + (int64_t)(options->duration_s * 1e9);
}

bool load_run(const struct classification *c, size_t threads, struct load_result *result,
              struct failure *failure)
{
    *result = (struct load_result){0};
    struct load load = {.classification = c, .result = result};
    load.score_bytes = c->session->class_count * cop_dtype_bytes(c->session->scores.dtype);
    take_kept_jobs(&load);
    if (load.job_count == 0)
        return failure_set(failure, "no image was classified: nothing to repeat");
    pthread_t *handles = calloc(threads, sizeof(*handles));
    result->statistics = calloc(1, sizeof(*result->statistics));
    if (!handles || !result->statistics) {
        free(handles);
        return failure_set(failure, "out of memory");
    }
    pthread_mutex_init(&load.mutex, NULL);
    pthread_cond_init(&load.ended, NULL);
    set_limits(&load, c->options);
    size_t started = start_threads(&load, handles, threads);
    watch(&load);
    result->seconds = (double)(clock_ns() - load.start_ns) / 1e9;
    for (size_t i = 0; i < started; i++)
        pthread_join(handles[i], NULL);
    pthread_cond_destroy(&load.ended);
    pthread_mutex_destroy(&load.mutex);
    free(handles);
    return started > 0 || failure_set(failure, "the system gives no thread");
}
