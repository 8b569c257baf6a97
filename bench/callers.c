// SPDX-License-Identifier: Apache-2.0
#include "callers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct caller {
    struct callers *all;
    pthread_t thread;
    struct bench_arrays arrays;
    cop_ndarray *results[BENCH_MAX_ARRAYS]; /* of one invocation, to be compared */
    struct bench_samples latencies;         /* of the last round */
    size_t different;                       /* results of the last round */
};

struct callers {
    const struct bench_subject *subject;
    int count;
    pthread_barrier_t begin, end;
    _Atomic int is_over, is_last;
    cop_ndarray *const *expected; /* NULL: results are not looked at */
    struct caller callers[BENCH_MAX_CALLERS];
};

static int is_as_expected(struct caller *caller)
{
    const struct bench_subject *subject = caller->all->subject;
    int is_same = 1;
    bench_copy_outputs(subject, &caller->arrays, caller->results);
    for (size_t i = 0; i < subject->dst_count; i++)
        is_same &=
            memcmp(cop_ndarray_data(caller->results[i]), cop_ndarray_data(caller->all->expected[i]),
                   cop_ndarray_bytes(caller->results[i])) == 0;
    return is_same;
}

static void invoke_until_over(struct caller *caller)
{
    const struct bench_subject *subject = caller->all->subject;
    cop_ndarray *const *src = subject->has_shared_inputs ? subject->src : caller->arrays.src;
    cop_error error;
    caller->latencies.count = caller->different = 0;
    while (!atomic_load_explicit(&caller->all->is_over, memory_order_relaxed)) {
        const double begin = bench_now();
        bench_check(cop_invoke(subject->op, subject->src_count, src, subject->dst_count,
                               caller->arrays.dst, NULL, &error),
                    &error, "invoke");
        bench_add(&caller->latencies, bench_now() - begin);
        if (caller->all->expected != NULL)
            caller->different += !is_as_expected(caller);
    }
}

static void *run_caller(void *argument)
{
    struct caller *caller = argument;
    for (;;) {
        pthread_barrier_wait(&caller->all->begin);
        if (atomic_load(&caller->all->is_last))
            return NULL;
        invoke_until_over(caller);
        pthread_barrier_wait(&caller->all->end);
    }
}

struct callers *callers_start(const struct bench_subject *subject, int count)
{
    struct callers *callers = calloc(1, sizeof *callers);
    if (callers == NULL)
        exit(1);
    callers->subject = subject;
    callers->count = count;
    pthread_barrier_init(&callers->begin, NULL, (unsigned)count + 1);
    pthread_barrier_init(&callers->end, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++) {
        callers->callers[i].all = callers;
        if (subject->has_shared_inputs)
            bench_make_outputs(subject, callers->callers[i].arrays.dst);
        else
            bench_make_arrays(subject, &callers->callers[i].arrays);
        if (pthread_create(&callers->callers[i].thread, NULL, run_caller, &callers->callers[i]))
            exit(1);
    }
    return callers;
}

void callers_stop(struct callers *callers)
{
    atomic_store(&callers->is_last, 1);
    pthread_barrier_wait(&callers->begin);
    for (int i = 0; i < callers->count; i++) {
        struct caller *caller = &callers->callers[i];
        pthread_join(caller->thread, NULL);
        bench_release_arrays(callers->subject, &caller->arrays);
        for (size_t k = 0; k < callers->subject->dst_count; k++)
            cop_ndarray_release(&caller->results[k]);
        free(caller->latencies.values);
    }
    pthread_barrier_destroy(&callers->begin);
    pthread_barrier_destroy(&callers->end);
    free(callers);
}

double callers_run(struct callers *callers, double seconds, struct bench_samples *latencies)
{
    atomic_store(&callers->is_over, 0);
    pthread_barrier_wait(&callers->begin);
    const double begin = bench_now();
    const struct timespec pause = {(time_t)seconds,
                                   (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
    atomic_store(&callers->is_over, 1);
    pthread_barrier_wait(&callers->end);
    const double took = bench_now() - begin;
    size_t count = 0;
    for (int i = 0; i < callers->count; i++) {
        const struct bench_samples *mine = &callers->callers[i].latencies;
        count += mine->count;
        for (size_t k = 0; k < mine->count && latencies != NULL; k++)
            bench_add(latencies, mine->values[k]);
    }
    return (double)count / took;
}

size_t callers_compare(struct callers *callers, double seconds, cop_ndarray *const *expected,
                       size_t *compared)
{
    size_t different = 0;
    callers->expected = expected;
    (void)callers_run(callers, seconds, NULL);
    callers->expected = NULL;
    for (int i = 0; i < callers->count; i++) {
        different += callers->callers[i].different;
        *compared += callers->callers[i].latencies.count;
    }
    return different;
}
