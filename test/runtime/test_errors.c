// SPDX-License-Identifier: Apache-2.0
/* What a failing invocation leaves behind, with an operator that fails when the test says so. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "base/error.h"
#include "support/rigged_step.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define THREADS 8
#define WAITS   50
#define BAD     666.0f /* an input that begins with this makes the operator fail */

static const int64_t shape[] = {1, 16};

static cop_model *model;
static cop_cached_op *op; /* relu; fails on BAD */

static cop_status fail_on_bad(void *user, const struct kernel_args *args, cop_error *error)
{
    const float *src = args->src[0];
    (void)user;
    if (src[0] != BAD)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INTERNAL, "the operator failed on purpose at %g",
                    (double)src[1]);
}

static void setup(void)
{
    model = tiny_relu();
    op = compile_on(model, COP_DEVICE_REF);
    rig_step(op, 0, fail_on_bad, NULL);
}

static void teardown(void)
{
    cop_cached_op_release(&op);
    cop_model_release(&model);
}

/* An input; with a number, one that fails and says that number. */
static cop_ndarray *make_src(float number)
{
    cop_ndarray *array = random_array(2, shape, 3);
    float *elements = cop_ndarray_data(array);
    if (number != 0) {
        elements[0] = BAD;
        elements[1] = number;
    }
    return array;
}

static cop_ndarray *invoke_async(cop_ndarray *src)
{
    cop_ndarray *dst = NULL;
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst, NULL, NULL), COP_STATUS_OK);
    return dst;
}

static uint64_t unobserved_errors(void)
{
    cop_library_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_library_get_stats(&stats, NULL), COP_STATUS_OK);
    return stats.unobserved_errors;
}

static void *wait_many_times(void *array)
{
    long wrong = 0;
    for (int i = 0; i < WAITS; i++) {
        cop_error error;
        wrong += cop_ndarray_wait(array, COP_NO_TIMEOUT, NULL, &error) != COP_STATUS_INTERNAL ||
                 strstr(error.message, "failed on purpose at 7") == NULL;
    }
    return (void *)wrong;
}

START_TEST(every_wait_from_every_thread_gives_the_same_status_and_text)
{
    pthread_t threads[THREADS];
    cop_ndarray *src = make_src(7), *dst = invoke_async(src);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, wait_many_times, dst);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    ck_assert_uint_eq(unobserved_errors(), 0);
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    ck_assert_uint_eq(unobserved_errors(), 0);
}
END_TEST

START_TEST(a_failure_travels_along_the_outputs_and_nowhere_else)
{
    cop_ndarray *bad = make_src(5), *good = make_src(0);
    cop_ndarray *first = invoke_async(bad), *second = invoke_async(first);
    cop_ndarray *third = invoke_async(second), *other = invoke_async(good), *made = NULL;
    cop_error error;
    ck_assert_int_eq(cop_ndarray_wait(third, COP_NO_TIMEOUT, NULL, &error), COP_STATUS_INTERNAL);
    ck_assert_ptr_nonnull(strstr(error.message, "failed on purpose at 5"));
    ck_assert_int_eq(cop_ndarray_wait(second, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_INTERNAL);
    ck_assert_int_eq(cop_ndarray_wait(first, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_INTERNAL);
    ck_assert_int_eq(cop_ndarray_wait(other, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(bad, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    /* A synchronous call on a poisoned input fails likewise, and makes nothing. */
    ck_assert_int_eq(cop_invoke(op, 1, &third, 1, &made, NULL, &error), COP_STATUS_INTERNAL);
    ck_assert_ptr_nonnull(strstr(error.message, "failed on purpose at 5"));
    ck_assert_ptr_null(made);
    /* Written again, it is whole. */
    ck_assert_int_eq(cop_invoke(op, 1, &good, 1, &first, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(first, 0, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_ndarray_wait(second, 0, NULL, NULL), COP_STATUS_INTERNAL);
    cop_ndarray *arrays[] = {bad, good, first, second, third, other};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        cop_ndarray_release(&arrays[i]);
}
END_TEST

START_TEST(wait_all_reports_the_first_failure_and_clears_none)
{
    cop_ndarray *bad[3], *dst[3], *good = make_src(0);
    for (int i = 0; i < 3; i++) {
        bad[i] = make_src((float)(i + 1));
        dst[i] = invoke_async(bad[i]);
    }
    cop_ndarray *fine = invoke_async(good);
    for (int k = 0; k < 3; k++) {
        cop_error error;
        ck_assert_int_eq(cop_wait_all(op, COP_NO_TIMEOUT, NULL, &error), COP_STATUS_INTERNAL);
        ck_assert_ptr_nonnull(strstr(error.message, "failed on purpose at 1"));
        ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_INTERNAL);
    }
    for (int i = 0; i < 3; i++) {
        char expected[64];
        cop_error error;
        snprintf(expected, sizeof expected, "failed on purpose at %d", i + 1);
        ck_assert_int_eq(cop_ndarray_wait(dst[i], 0, NULL, &error), COP_STATUS_INTERNAL);
        ck_assert_ptr_nonnull(strstr(error.message, expected));
        cop_ndarray_release(&bad[i]), cop_ndarray_release(&dst[i]);
    }
    ck_assert_int_eq(cop_ndarray_wait(fine, 0, NULL, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_wait_all(op, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    cop_ndarray_release(&good), cop_ndarray_release(&fine);
}
END_TEST

START_TEST(a_synchronous_call_that_fails_half_way_poisons_what_it_was_given)
{
    cop_ndarray *bad = make_src(8), *good = make_src(0), *bound = zero_array(2, shape);
    cop_ndarray *dependent = NULL, *pending = NULL;
    cop_invoke_options late = COP_INVOKE_OPTIONS_INIT;
    cop_error error;
    late.timeout_ns = 0;
    ck_assert_int_eq(cop_invoke(op, 1, &good, 1, &bound, NULL, NULL), COP_STATUS_OK);
    /* It never began: the array is as it was. */
    ck_assert_int_eq(cop_invoke(op, 1, &bad, 1, &bound, &late, NULL), COP_STATUS_TIMEOUT);
    ck_assert_int_eq(cop_ndarray_wait(bound, 0, NULL, NULL), COP_STATUS_OK);
    for (int i = 0; i < 2; i++) { /* with nobody in line, and with somebody */
        if (i == 1) {
            ck_assert_int_eq(cop_set_worker_threads(0, NULL), COP_STATUS_OK);
            pending = invoke_async(good);
            ck_assert_int_eq(cop_invoke_async(op, 1, &pending, 1, &bound, NULL, NULL), 0);
        }
        ck_assert_int_eq(cop_invoke(op, 1, &bad, 1, &bound, NULL, NULL), COP_STATUS_INTERNAL);
        ck_assert_int_eq(cop_ndarray_wait(bound, 0, NULL, &error), COP_STATUS_INTERNAL);
        ck_assert_ptr_nonnull(strstr(error.message, "failed on purpose at 8"));
        dependent = invoke_async(bound);
        ck_assert_int_eq(cop_ndarray_wait(dependent, COP_NO_TIMEOUT, NULL, NULL),
                         COP_STATUS_INTERNAL);
        cop_ndarray_release(&dependent);
        ck_assert_int_eq(cop_wait_all(op, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
        ck_assert_int_eq(cop_invoke(op, 1, &good, 1, &bound, NULL, NULL), COP_STATUS_OK);
        ck_assert_int_eq(cop_ndarray_wait(bound, 0, NULL, NULL), COP_STATUS_OK);
    }
    ck_assert_uint_eq(unobserved_errors(), 0);
    cop_ndarray_release(&bad), cop_ndarray_release(&good);
    cop_ndarray_release(&bound), cop_ndarray_release(&pending);
}
END_TEST

START_TEST(an_error_whose_arrays_are_all_gone_is_counted_once)
{
    cop_ndarray *bad = make_src(9);
    for (int i = 0; i < 5; i++) {
        cop_ndarray *dst = invoke_async(bad), *next = invoke_async(dst);
        cop_ndarray_release(&dst), cop_ndarray_release(&next);
    }
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    for (int i = 0; i < 5000 && unobserved_errors() < 10; i++)
        usleep(1000);
    ck_assert_uint_eq(unobserved_errors(), 10); /* the failure, and the one it caused */
    cop_ndarray_release(&bad);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("errors", setup, teardown,
                          every_wait_from_every_thread_gives_the_same_status_and_text,
                          a_failure_travels_along_the_outputs_and_nowhere_else,
                          wait_all_reports_the_first_failure_and_clears_none,
                          a_synchronous_call_that_fails_half_way_poisons_what_it_was_given,
                          an_error_whose_arrays_are_all_gone_is_counted_once);
}
