// SPDX-License-Identifier: Apache-2.0
#include "running/classify.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "running/clock.h"
#include "image/image.h"
#include "running/invoker.h"

/* Reads, decodes and preprocesses one image into a new input array. */
static bool prepare(const struct session *session, const char *path, cop_ndarray **src,
                    struct failure *failure)
{
    struct image image;
    cop_error error;
    if (!image_read(path, &image, failure))
        return false;
    bool good = true;
    if (cop_ndarray_create(session->input.dtype, session->input.rank, session->input.shape, src,
                           &error))
        good = session_failure(failure, &error);
    else if (!preprocess_image(&image, &session->preprocessing, &session->layout,
                               cop_ndarray_data(*src), failure))
        good = false;
    image_release(&image);
    if (!good)
        cop_ndarray_release(src);
    return good;
}

/*
 * Decoding needs a processor and much memory, so there are never more images being prepared than
 * processors, however many threads there are.
 */
static bool prepare_in_turn(struct classification *c, struct job *job, struct failure *failure)
{
    pthread_mutex_lock(&c->mutex);
    while (c->preparing == c->max_preparing)
        pthread_cond_wait(&c->may_prepare, &c->mutex);
    c->preparing++;
    pthread_mutex_unlock(&c->mutex);
    int64_t start_ns = clock_ns();
    job->cancelled = cop_cancel_is_requested(c->invoke.cancel);
    bool good = job->cancelled ? failure_set(failure, "cancelled before it began (CANCELLED)")
                               : prepare(c->session, job->path, &job->src, failure);
    job->prepare_ns = clock_ns() - start_ns;
    pthread_mutex_lock(&c->mutex);
    c->preparing--;
    pthread_cond_signal(&c->may_prepare);
    pthread_mutex_unlock(&c->mutex);
    return good;
}

static void set_done(struct classification *c, struct job *job, bool good,
                     const struct failure *failure)
{
    job->good = good;
    if (!good)
        job->error = strdup(failure->text);
    pthread_mutex_lock(&c->mutex);
    job->done = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

/* Copies an output for later comparison; without memory for it the job is just not kept. */
static void keep_scores(const struct session *session, struct job *job, const void *elements)
{
    size_t bytes = session->class_count * cop_dtype_bytes(session->scores.dtype);
    job->scores = malloc(bytes);
    if (job->scores)
        memcpy(job->scores, elements, bytes);
}

static bool rank_scores(const struct classification *c, struct job *job, const void *elements,
                        struct failure *failure)
{
    const struct session *session = c->session;
    size_t count = session->class_count;
    double *scores = malloc(count * sizeof(*scores));
    job->top_count = c->options->top < count ? c->options->top : count;
    job->top = malloc((job->top_count + 1) * sizeof(*job->top));
    bool good = scores && job->top ? results_scores(elements, session->scores.dtype, count,
                                                    c->options->raw, scores, failure)
                                   : failure_set(failure, "out of memory");
    if (good)
        results_rank(scores, count, job->top, &job->top_count);
    free(scores);
    return good;
}

static void collect(struct classification *c, struct invoker *invoker)
{
    struct completion completion;
    invoker_collect(invoker, &completion);
    struct job *job = &c->jobs[completion.tag];
    job->latency_ns = completion.latency_ns;
    job->cancelled = completion.status == COP_STATUS_CANCELLED;
    bool good = completion.status == COP_STATUS_OK &&
                rank_scores(c, job, completion.scores, &completion.failure);
    if (good && c->keep && completion.tag < CLASSIFY_MAX_KEPT)
        keep_scores(c->session, job, completion.scores);
    if (!job->scores)
        cop_ndarray_release(&job->src);
    set_done(c, job, good, &completion.failure);
}

static void run_jobs(struct classification *c, struct invoker *invoker)
{
    for (;;) {
        size_t index = atomic_fetch_add_explicit(&c->next, 1, memory_order_relaxed);
        if (index >= c->job_count)
            break;
        struct job *job = &c->jobs[index];
        struct failure failure;
        if (!prepare_in_turn(c, job, &failure)) {
            set_done(c, job, false, &failure);
            continue;
        }
        invoker_submit(invoker, job->src, index);
        while (invoker_is_full(invoker))
            collect(c, invoker);
    }
    while (!invoker_is_idle(invoker))
        collect(c, invoker);
}

static void *run_thread(void *argument)
{
    struct classification *c = argument;
    struct failure failure;
    struct invoker *invoker = malloc(sizeof(*invoker));
    bool opened = invoker
                      ? invoker_open(invoker, c->session, c->options->async, &c->invoke, &failure)
                      : failure_set(&failure, "out of memory");
    if (opened) {
        run_jobs(c, invoker);
        invoker_close(invoker);
    }
    free(invoker);
    pthread_mutex_lock(&c->mutex);
    if (!opened)
        c->failure = failure;
    c->running--;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

static bool create_jobs(struct classification *c, struct failure *failure)
{
    c->job_count = c->options->image_count;
    c->jobs = calloc(c->job_count, sizeof(*c->jobs));
    if (!c->jobs)
        return failure_set(failure, "out of memory");
    for (size_t i = 0; i < c->job_count; i++)
        c->jobs[i].path = c->options->images[i];
    return true;
}

bool classify_start(struct classification *c, const struct session *session,
                    const struct options *options, size_t threads, bool keep,
                    const cop_invoke_options *invoke, struct failure *failure)
{
    *c = (struct classification){.session = session, .options = options, .invoke = *invoke};
    c->keep = keep;
    c->start_ns = clock_ns();
    atomic_init(&c->next, 0);
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->changed, NULL);
    pthread_cond_init(&c->may_prepare, NULL);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    c->max_preparing = processors > 0 ? (size_t)processors : 1;
    c->threads = calloc(threads, sizeof(*c->threads));
    if (!create_jobs(c, failure) || !c->threads)
        return failure_set(failure, "out of memory");
    for (size_t i = 0; i < threads; i++) {
        pthread_mutex_lock(&c->mutex);
        c->running++;
        pthread_mutex_unlock(&c->mutex);
        if (pthread_create(&c->threads[i], NULL, run_thread, c) != 0) {
            pthread_mutex_lock(&c->mutex);
            c->running--;
            pthread_mutex_unlock(&c->mutex);
            break;
        }
        c->thread_count++;
    }
    return c->thread_count > 0 || failure_set(failure, "the system gives no thread");
}

const struct job *classify_wait(struct classification *c, size_t index)
{
    struct job *job = &c->jobs[index];
    pthread_mutex_lock(&c->mutex);
    while (!job->done && c->running > 0)
        pthread_cond_wait(&c->changed, &c->mutex);
    bool abandoned = !job->done;
    pthread_mutex_unlock(&c->mutex);
    if (abandoned)
        set_done(c, job, false, &c->failure);
    return job;
}

void classify_finish(struct classification *c)
{
    for (size_t i = 0; i < c->thread_count; i++)
        pthread_join(c->threads[i], NULL);
    c->thread_count = 0;
}

void classify_release(struct classification *c)
{
    for (size_t i = 0; c->jobs && i < c->job_count; i++) {
        cop_ndarray_release(&c->jobs[i].src);
        free(c->jobs[i].scores);
        free(c->jobs[i].top);
        free(c->jobs[i].error);
    }
    free(c->jobs);
    free(c->threads);
    pthread_cond_destroy(&c->may_prepare);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->mutex);
}
