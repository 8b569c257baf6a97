// SPDX-License-Identifier: Apache-2.0
/*
 * soak [--long]: invokes for a long time while contexts, arrays, operators and models are made and
 * dropped; the memory of the process, its threads and its descriptors stay as they are. Prints the
 * slope of resident memory, by least squares.
 */
#define _GNU_SOURCE
#include "promises/subject.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>

#define CALLERS     2
#define MOST_SLICES 1000
#define SLICE       10000 /* invokes between two looks */

static struct subject subjects[SMALL_NETWORKS];
static pthread_barrier_t begin_slice, end_slice;
static _Atomic int is_over;
static _Atomic long wrong_count;

struct caller {
    unsigned seed;
};

/* An operator with contexts of its own, now and then of a model of its own. */
static void make_and_drop(struct caller *caller, int index)
{
    struct subject *subject = &subjects[index];
    cop_model *model =
        rand_r(&caller->seed) % 8 == 0 ? small_network(index) : cop_model_retain(subject->model);
    cop_cached_op *op = compile(model, COP_DEVICE_REF, 0, 4);
    cop_ndarray *unread[SUBJECT_OUTPUTS] = {NULL, NULL};
    cop_model_release(&model);
    bool is_right = cop_cached_op_warm_up(op, 3, NULL) == COP_STATUS_OK &&
                    invoke_is_right(subject, op, 1) && async_is_right(subject, op, 2);
    is_right &= cop_invoke_async(op, 1, &subject->src[3], subject->dst_count, unread, NULL, NULL) ==
                COP_STATUS_OK;
    release_outputs(unread);
    cop_cached_op_release(&op);
    atomic_fetch_add(&wrong_count, !is_right);
}

/* Cancelled before or while it runs, reported through a queue or not. */
static void cancel(const struct subject *subject, int dice)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
    cop_completion_queue *queue = NULL;
    require(cop_cancel_create(&options.cancel, NULL) == COP_STATUS_OK, "no token");
    if (dice % 4 == 0)
        require(cop_completion_queue_create(&queue, NULL) == COP_STATUS_OK, "no queue");
    options.completions = queue;
    options.timeout_ns = dice % 8 == 1 ? MILLISECOND : COP_NO_TIMEOUT;
    if (cop_invoke_async(subject->op, 1, (cop_ndarray *const *)&subject->src[0], subject->dst_count,
                         dst, &options, NULL) == COP_STATUS_OK) {
        cop_cancel_request(options.cancel);
        (void)!wait_for(dst[0], COP_NO_TIMEOUT, NULL);
    }
    cop_cancel_release(&options.cancel);
    cop_completion_queue_release(&queue);
    release_outputs(dst);
}

static void fail(const struct subject *subject)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL};
    options.timeout_ns = 0;
    if (cop_invoke_async(subject->op, 1, (cop_ndarray *const *)&subject->src[0], subject->dst_count,
                         dst, &options, NULL) == COP_STATUS_OK)
        (void)!wait_for(dst[0], COP_NO_TIMEOUT, NULL);
    release_outputs(dst);
}

static void invoke_slice(struct caller *caller)
{
    for (int i = 0; i < SLICE / CALLERS; i++) {
        const int dice = rand_r(&caller->seed) % 4096;
        const int index = dice % SMALL_NETWORKS, input = dice / SMALL_NETWORKS % SUBJECT_INPUTS;
        const struct subject *subject = &subjects[index];
        bool is_right = true;
        if (dice < 2)
            make_and_drop(caller, index);
        else if (dice < 40)
            fail(subject);
        else if (dice < 80)
            cancel(subject, dice);
        else if (dice == 80) /* contexts go, and come again with the next calls */
            is_right = cop_cached_op_trim(subject->op, 0, NULL, NULL) == COP_STATUS_OK;
        else if (dice < 400)
            is_right = async_is_right(subject, subject->op, input);
        else
            is_right = invoke_is_right(subject, subject->op, input);
        atomic_fetch_add_explicit(&wrong_count, !is_right, memory_order_relaxed);
    }
}

static void *soak(void *argument)
{
    for (;;) {
        pthread_barrier_wait(&begin_slice);
        if (atomic_load(&is_over))
            return NULL;
        invoke_slice(argument);
        pthread_barrier_wait(&end_slice);
    }
}

struct samples {
    double kilobytes[MOST_SLICES];
    int count;
    long threads, descriptors; /* of the first */
    int changes;               /* of either since */
};

static void take_sample(struct samples *samples)
{
    const long threads = process_status("Threads:"), descriptors = process_descriptors();
    samples->kilobytes[samples->count] = (double)process_status("VmRSS:");
    if (samples->count++ == 0) {
        samples->threads = threads;
        samples->descriptors = descriptors;
    }
    samples->changes += threads != samples->threads || descriptors != samples->descriptors;
}

/* Kilobytes a slice, by least squares. */
static double slope(const struct samples *samples)
{
    const double mean_x = (samples->count - 1) / 2.0;
    double mean_y = 0, covariance = 0, variance = 0;
    for (int i = 0; i < samples->count; i++)
        mean_y += samples->kilobytes[i] / samples->count;
    for (int i = 0; i < samples->count; i++) {
        covariance += (i - mean_x) * (samples->kilobytes[i] - mean_y);
        variance += (i - mean_x) * (i - mean_x);
    }
    return covariance / variance;
}

int main(int argc, char **argv)
{
    const int slices = has_flag(argc, argv, "--long") ? MOST_SLICES : 20;
    static struct samples samples;
    pthread_t threads[CALLERS];
    struct caller callers[CALLERS];
    for (int i = 0; i < SMALL_NETWORKS; i++)
        subject_begin(&subjects[i], small_network(i), COP_DEVICE_REF);
    require(cop_set_worker_threads(1, NULL) == COP_STATUS_OK, "workers");
    pthread_barrier_init(&begin_slice, NULL, CALLERS + 1);
    pthread_barrier_init(&end_slice, NULL, CALLERS + 1);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){(unsigned)(17 + i)};
        require(pthread_create(&threads[i], NULL, soak, &callers[i]) == 0, "no thread");
    }
    for (int i = 0; i < slices; i++) {
        pthread_barrier_wait(&begin_slice);
        pthread_barrier_wait(&end_slice);
        (void)!wait_for_all(NULL, COP_NO_TIMEOUT, NULL); /* some failed on purpose */
        if (i >= slices / 10)                            /* until then it grows to what it needs */
            take_sample(&samples);
    }
    atomic_store(&is_over, 1);
    pthread_barrier_wait(&begin_slice);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SMALL_NETWORKS; i++)
        subject_end(&subjects[i]);
    const double per_million = slope(&samples) * (1e6 / SLICE) / 1024;
    const double grown = slope(&samples) * samples.count / 1024;
    const long wrong = atomic_load(&wrong_count);
    /* In a short run one page more is a steep slope: there a megabyte in all is allowed. */
    const bool is_flat = IS_SANITIZED || per_million <= 1 || (slices < MOST_SLICES && grown <= 1);
    const bool is_held = wrong == 0 && samples.changes == 0 && is_flat;
    printf("%ld threads, %ld descriptors, %.1f MB resident at first, %.1f at last\n",
           samples.threads, samples.descriptors, samples.kilobytes[0] / 1024,
           samples.kilobytes[samples.count - 1] / 1024);
    printf("promise F: %d invokes, %ld wrong, threads or descriptors changed %d times, resident "
           "memory grows by %.3f MB per million: %s\n",
           slices * SLICE, wrong, samples.changes, per_million, is_held ? "held" : "broken");
    return is_held ? 0 : 1;
}
