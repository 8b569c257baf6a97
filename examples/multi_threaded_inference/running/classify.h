// SPDX-License-Identifier: Apache-2.0
/** Classification: threads take images, prepare them and invoke the shared operator. */
#ifndef EXAMPLE_CLASSIFY_H
#define EXAMPLE_CLASSIFY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <cachedop/cachedop.h>

#include "failure.h"
#include "options.h"
#include "output/results.h"
#include "running/session.h"

/** Inputs kept for --repeat, --duration and --profile. */
#define CLASSIFY_MAX_KEPT 256

/** One image. Written by the thread that took it, until `done`. */
struct job {
    const char *path;
    bool done; /**< guarded by the classification's mutex */
    bool good;
    bool cancelled; /**< not good: the user did not want to wait for it */
    char *error;    /**< if not good; NULL when memory was short even for that */
    struct ranked_class *top;
    size_t top_count;
    int64_t prepare_ns, latency_ns;
    cop_ndarray *src; /**< the input, where kept */
    void *scores;     /**< what the model put out for it, where kept */
};

struct classification {
    const struct session *session;
    const struct options *options;
    cop_invoke_options invoke; /**< of every invocation: trace, timeout, cancel */
    bool keep;
    struct job *jobs;
    size_t job_count;
    int64_t start_ns;
    atomic_size_t next; /**< the job to take next; any thread, any order */

    pthread_mutex_t mutex;
    pthread_cond_t may_prepare;
    size_t preparing, max_preparing; /**< decoded images take memory: one for each processor */
    pthread_cond_t changed;          /**< a job is done or a thread ended */
    size_t running;                  /**< threads */
    struct failure failure;          /**< why a thread ended early */

    pthread_t *threads;
    size_t thread_count;
};

/**
 * Starts the threads; fewer where the system gives no more.
 * @param keep    whether inputs and scores stay with the jobs
 * @param invoke  what it holds must live as long as the classification
 */
bool classify_start(struct classification *classification, const struct session *session,
                    const struct options *options, size_t threads, bool keep,
                    const cop_invoke_options *invoke, struct failure *failure);

/** Waits until job `index` is done. A job that no thread is left to take is done and not good. */
const struct job *classify_wait(struct classification *classification, size_t index);

/** Joins the threads. The jobs stay. */
void classify_finish(struct classification *classification);

void classify_release(struct classification *classification);

#endif
