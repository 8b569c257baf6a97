// SPDX-License-Identifier: Apache-2.0
/* A lock held over the forward pass: 92 % of the time in futex at 40 threads (ONNX Runtime 21916).
 * Who has to wait for a lock sleeps, and the system counts how often a thread did. */
#define _GNU_SOURCE
#include "known_failures/concurrency/crowd.h"

#include <sys/resource.h>

#define CALLERS 8
#define INVOKES 2000

static pthread_barrier_t all_are_warm, all_are_done;

static long sleeps_of_this_thread(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

static long invoke_and_count_sleeps(int number, void *shared)
{
    const struct subject *subject = shared;
    cop_ndarray *dst[SUBJECT_OUTPUTS] = {NULL, NULL}, *src = subject->src[number % SUBJECT_INPUTS];
    for (size_t k = 0; k < subject->dst_count; k++)
        dst[k] = make_output(subject->op, k);
    long wrong = 0;
    for (int i = 0; i < 10; i++)
        wrong += cop_invoke(subject->op, 1, &src, subject->dst_count, dst, NULL, NULL) != 0;
    pthread_barrier_wait(&all_are_warm);
    const long before = sleeps_of_this_thread();
    for (int i = 0; i < INVOKES; i++)
        wrong += cop_invoke(subject->op, 1, &src, subject->dst_count, dst, NULL, NULL) != 0;
    const long sleeps = sleeps_of_this_thread() - before;
    pthread_barrier_wait(&all_are_done);
    wrong += !is_expected(subject, number % SUBJECT_INPUTS, dst);
    release_outputs(dst);
    return wrong + (sleeps > INVOKES / 100 ? sleeps : 0);
}

static void check(cop_device_kind device)
{
    struct subject subject;
    subject_begin(&subject, residual_network(18, 4, 8, 1), device);
    ck_assert_int_eq(cop_cached_op_warm_up(subject.op, CALLERS, NULL), COP_STATUS_OK);
    pthread_barrier_init(&all_are_warm, NULL, CALLERS);
    pthread_barrier_init(&all_are_done, NULL, CALLERS);
    ck_assert_int_eq(run_crowd(CALLERS, invoke_and_count_sleeps, &subject), 0);
    pthread_barrier_destroy(&all_are_warm), pthread_barrier_destroy(&all_are_done);
    subject_end(&subject);
}

START_TEST(nobody_sleeps_while_eight_callers_invoke_one_operator)
{
    check(COP_DEVICE_REF);
    check(COP_DEVICE_CPU);
}
END_TEST

int main(void)
{
    return RUN_TESTS("lock over the forward pass",
                     nobody_sleeps_while_eight_callers_invoke_one_operator);
}
