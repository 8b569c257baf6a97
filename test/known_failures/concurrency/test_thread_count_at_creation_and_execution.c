// SPDX-License-Identifier: Apache-2.0
/* A oneDNN primitive divides its work by the number of threads it was created with; run with
 * another number it is wrong or crashes (oneDNN 1201). The number that OpenMP has in the calling
 * thread is the caller's business, so here every caller has another one. */
#define _GNU_SOURCE
#include "known_failures/concurrency/crowd.h"

#include <dlfcn.h>

static void (*omp_set)(int count);
static int (*omp_get)(void);

static bool find_openmp(void)
{
    *(void **)&omp_set = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    *(void **)&omp_get = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    if (omp_set == NULL || omp_get == NULL)
        printf("skipped: no OpenMP in this process\n");
    return omp_set != NULL && omp_get != NULL;
}

static long invoke_with_another_count(int number, void *shared)
{
    const struct subject *subject = shared;
    long wrong = 0;
    omp_set(1 + number);
    for (int i = 0; i < 10; i++) {
        wrong += !invoke_is_right(subject, subject->op, i % SUBJECT_INPUTS);
        wrong += omp_get() != 1 + number; /* and it stays the caller's */
    }
    return wrong;
}

START_TEST(operators_run_with_the_thread_count_they_were_created_with)
{
    if (!find_openmp())
        return;
    for (int threads = 1; threads <= 3; threads++) {
        struct subject subject;
        omp_set(2);
        subject_begin(&subject, residual_network(18, 16, 16, 1), COP_DEVICE_CPU);
        omp_set(5);
        cop_cached_op_release(&subject.op);
        subject.op = compile(subject.model, COP_DEVICE_CPU, threads, 0);
        ck_assert_int_eq(omp_get(), 5);
        for (int i = 0; i < SUBJECT_INPUTS; i++) { /* of this thread, which has another count */
            cop_ndarray_release(&subject.expected[i][0]);
            ck_assert_int_eq(
                cop_invoke(subject.op, 1, &subject.src[i], 1, &subject.expected[i][0], NULL, NULL),
                COP_STATUS_OK);
        }
        ck_assert_int_eq(run_crowd(4, invoke_with_another_count, &subject), 0);
        subject_end(&subject);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("thread count at creation and execution",
                     operators_run_with_the_thread_count_they_were_created_with);
}
