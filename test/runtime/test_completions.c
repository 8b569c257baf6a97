// SPDX-License-Identifier: Apache-2.0
/* How a caller who does not wait learns that an invocation is done. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#include "base/error.h"
#include "support/rigged_step.h"
#include "support/tiny_models.h"
#include "support/unit.h"

#define COUNT   400
#define THREADS 4
#define BAD     666.0f

static const int64_t shape[] = {1, 16};

static cop_model *model;
static cop_cached_op *op; /* relu; fails where the input begins with BAD */
static cop_ndarray *good, *bad;

static cop_status fail_on_bad(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user;
    return *(const float *)args->src[0] == BAD
               ? cop_fail(error, COP_STATUS_INTERNAL, "failed on purpose")
               : COP_STATUS_OK;
}

static void setup(void)
{
    model = tiny_relu();
    op = compile_on(model, COP_DEVICE_REF);
    rig_step(op, 0, fail_on_bad, NULL);
    good = random_array(2, shape, 1);
    bad = random_array(2, shape, 2);
    *(float *)cop_ndarray_data(bad) = BAD;
}

static void teardown(void)
{
    cop_ndarray_release(&good), cop_ndarray_release(&bad);
    cop_cached_op_release(&op);
    cop_model_release(&model);
}

/* What a callback found. */
struct report {
    cop_ndarray *dst;
    _Atomic int calls, wrong;
    cop_status expected;
};

static void check_report(void *user, const cop_error *outcome)
{
    struct report *report = user;
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    if (strcmp(name, "cachedop-done") != 0 || outcome->status != report->expected)
        atomic_fetch_add(&report->wrong, 1);
    if (outcome->status != COP_STATUS_OK && strcmp(outcome->message, "failed on purpose") != 0)
        atomic_fetch_add(&report->wrong, 1);
    if (report->dst != NULL &&
        cop_ndarray_wait(report->dst, 0, NULL, NULL) != report->expected) /* it is ready by now */
        atomic_fetch_add(&report->wrong, 1);
    atomic_fetch_add(&report->calls, 1);
}

static void await_calls(_Atomic int *calls, int count)
{
    for (int i = 0; i < 20000 && atomic_load(calls) < count; i++)
        usleep(1000);
    ck_assert_int_eq(atomic_load(calls), count);
}

static uint64_t unobserved_errors(void)
{
    cop_library_stats stats = {.struct_size = sizeof stats};
    ck_assert_int_eq(cop_library_get_stats(&stats, NULL), COP_STATUS_OK);
    return stats.unobserved_errors;
}

START_TEST(each_invocation_is_called_back_once_on_the_thread_for_that)
{
    static struct report reports[COUNT];
    for (int i = 0; i < COUNT; i++) {
        cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
        cop_ndarray *src = i % 5 == 0 ? bad : good;
        reports[i].expected = i % 5 == 0 ? COP_STATUS_INTERNAL : COP_STATUS_OK;
        reports[i].dst = zero_array(2, shape);
        cop_ndarray *dst = reports[i].dst;
        options.on_done = check_report;
        options.user = &reports[i];
        ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &dst, &options, NULL), COP_STATUS_OK);
    }
    for (int i = 0; i < COUNT; i++) {
        await_calls(&reports[i].calls, 1);
        ck_assert_int_eq(reports[i].wrong, 0);
        cop_ndarray_release(&reports[i].dst);
    }
    ck_assert_uint_eq(unobserved_errors(), 0); /* a callback is an observer */
}
END_TEST

static _Atomic int memory_releases;

static void note_release(void *user, void *memory)
{
    (void)user, (void)memory;
    atomic_fetch_add(&memory_releases, 1);
}

static void expect_released(void *user, const cop_error *outcome)
{
    struct report *report = user;
    (void)outcome;
    if (atomic_load(&memory_releases) != 2)
        atomic_fetch_add(&report->wrong, 1);
    atomic_fetch_add(&report->calls, 1);
}

START_TEST(buffers_are_the_callers_again_when_it_is_told)
{
    static float from[16], to[16];
    static struct report report;
    cop_wrap_options wrap = COP_WRAP_OPTIONS_INIT;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *src = NULL, *dst = NULL;
    wrap.release = note_release;
    ck_assert_int_eq(cop_ndarray_wrap(from, COP_DTYPE_FLOAT32, 2, shape, &wrap, &src, NULL), 0);
    ck_assert_int_eq(cop_ndarray_wrap(to, COP_DTYPE_FLOAT32, 2, shape, &wrap, &dst, NULL), 0);
    ck_assert_int_eq(cop_set_worker_threads(0, NULL), COP_STATUS_OK); /* not before we wait */
    options.on_done = expect_released;
    options.user = &report;
    cop_ndarray *invoked_dst = dst;
    ck_assert_int_eq(cop_set_worker_threads(0, NULL), COP_STATUS_OK); /* not before we let go */
    ck_assert_int_eq(cop_invoke_async(op, 1, &src, 1, &invoked_dst, &options, NULL), COP_STATUS_OK);
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    ck_assert_int_eq(cop_set_worker_threads(1, NULL), COP_STATUS_OK);
    await_calls(&report.calls, 1);
    ck_assert_int_eq(report.wrong, 0);
}
END_TEST

static void invoke_again(void *user, const cop_error *outcome)
{
    struct report *report = user;
    cop_ndarray *made = NULL, *waited = NULL;
    if (outcome->status != COP_STATUS_OK ||
        cop_invoke(op, 1, &good, 1, &made, NULL, NULL) != COP_STATUS_OK ||
        cop_invoke_async(op, 1, &made, 1, &waited, NULL, NULL) != COP_STATUS_OK ||
        cop_ndarray_wait(waited, COP_NO_TIMEOUT, NULL, NULL) != COP_STATUS_OK)
        atomic_fetch_add(&report->wrong, 1);
    cop_ndarray_release(&made), cop_ndarray_release(&waited);
    atomic_fetch_add(&report->calls, 1);
}

START_TEST(a_callback_may_use_the_library)
{
    static struct report report;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    options.on_done = invoke_again;
    options.user = &report;
    for (int i = 0; i < 10; i++) {
        cop_ndarray *dst = NULL;
        ck_assert_int_eq(cop_invoke_async(op, 1, &good, 1, &dst, &options, NULL), COP_STATUS_OK);
        cop_ndarray_release(&dst);
    }
    await_calls(&report.calls, 10);
    ck_assert_int_eq(report.wrong, 0);
}
END_TEST

static cop_completion_queue *queue;

static void *submit_quarter(void *numbers)
{
    int *const first = numbers;
    long wrong = 0;
    for (int i = 0; i < COUNT / THREADS; i++) {
        cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
        cop_ndarray *dst = NULL, *src = i % 5 == 0 ? bad : good;
        options.completions = queue;
        options.user = &first[i];
        first[i] = i % 5 == 0;
        wrong += cop_invoke_async(op, 1, &src, 1, &dst, &options, NULL) != COP_STATUS_OK;
        cop_ndarray_release(&dst);
    }
    return (void *)wrong;
}

START_TEST(a_descriptor_tells_an_event_loop_what_is_done)
{
    static int numbers[COUNT];
    pthread_t threads[THREADS];
    cop_completion done;
    int count = 0;
    ck_assert_int_eq(cop_completion_queue_create(&queue, NULL), COP_STATUS_OK);
    struct pollfd wanted = {cop_completion_queue_fd(queue), POLLIN, 0};
    ck_assert_int_eq(poll(&wanted, 1, 0), 0);
    ck_assert_int_eq(cop_completion_queue_next(queue, &done, NULL), COP_STATUS_TIMEOUT);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, submit_quarter, &numbers[i * COUNT / THREADS]);
    while (count < COUNT) {
        ck_assert_int_eq(poll(&wanted, 1, 20000), 1);
        while (cop_completion_queue_next(queue, &done, NULL) == COP_STATUS_OK) {
            int *number = done.user;
            ck_assert_int_eq(done.outcome.status,
                             *number == 1 ? COP_STATUS_INTERNAL : COP_STATUS_OK);
            ck_assert_str_eq(done.outcome.message, *number == 1 ? "failed on purpose" : "");
            *number = 2; /* not a second time */
            count++;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(numbers[i], 2);
    ck_assert_int_eq(poll(&wanted, 1, 0), 0);
    ck_assert_uint_eq(unobserved_errors(), 0);
    cop_completion_queue_release(&queue);
}
END_TEST

START_TEST(a_queue_may_be_released_while_invocations_report_to_it)
{
    for (int k = 0; k < 20; k++) {
        cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
        ck_assert_int_eq(cop_completion_queue_create(&queue, NULL), COP_STATUS_OK);
        options.completions = queue;
        for (int i = 0; i < 20; i++) {
            cop_ndarray *dst = NULL;
            ck_assert_int_eq(cop_invoke_async(op, 1, &good, 1, &dst, &options, NULL),
                             COP_STATUS_OK);
            cop_ndarray_release(&dst);
        }
        cop_completion_queue_release(&queue);
    }
    ck_assert_int_eq(cop_wait_all(op, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
}
END_TEST

START_TEST(a_queue_reports_deadlines_and_cancelling_although_nobody_waits)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_completion done;
    cop_cancel *cancel = NULL;
    cop_ndarray *dst = NULL;
    ck_assert_int_eq(cop_set_worker_threads(0, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_completion_queue_create(&queue, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_cancel_create(&cancel, NULL), COP_STATUS_OK);
    struct pollfd wanted = {cop_completion_queue_fd(queue), POLLIN, 0};
    options.completions = queue;
    options.timeout_ns = 20000000;
    ck_assert_int_eq(cop_invoke_async(op, 1, &good, 1, &dst, &options, NULL), COP_STATUS_OK);
    cop_ndarray_release(&dst);
    ck_assert_int_eq(poll(&wanted, 1, 20000), 1);
    ck_assert_int_eq(cop_completion_queue_next(queue, &done, NULL), COP_STATUS_OK);
    ck_assert_int_eq(done.outcome.status, COP_STATUS_TIMEOUT);
    options.timeout_ns = COP_NO_TIMEOUT;
    options.cancel = cancel;
    ck_assert_int_eq(cop_invoke_async(op, 1, &good, 1, &dst, &options, NULL), COP_STATUS_OK);
    cop_ndarray_release(&dst);
    ck_assert_int_eq(poll(&wanted, 1, 10), 0);
    cop_cancel_request(cancel);
    ck_assert_int_eq(poll(&wanted, 1, 0), 1);
    ck_assert_int_eq(cop_completion_queue_next(queue, &done, NULL), COP_STATUS_OK);
    ck_assert_int_eq(done.outcome.status, COP_STATUS_CANCELLED);
    cop_cancel_release(&cancel);
    cop_completion_queue_release(&queue);
}
END_TEST

START_TEST(wrong_uses_are_refused)
{
    static struct report report;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst = NULL;
    cop_completion done;
    ck_assert_int_eq(cop_completion_queue_create(NULL, NULL), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_completion_queue_create(&queue, NULL), COP_STATUS_OK);
    ck_assert_int_eq(cop_completion_queue_next(NULL, &done, NULL), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_completion_queue_next(queue, NULL, NULL), COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(cop_completion_queue_fd(NULL), -1);
    options.completions = queue;
    ck_assert_int_eq(cop_invoke(op, 1, &good, 1, &dst, &options, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    options.on_done = check_report;
    options.user = &report;
    ck_assert_int_eq(cop_invoke_async(op, 1, &good, 1, &dst, &options, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_null(dst);
    options = (cop_invoke_options)COP_INVOKE_OPTIONS_INIT;
    options.priority = (cop_priority)9;
    ck_assert_int_eq(cop_invoke_async(op, 1, &good, 1, &dst, &options, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(report.calls, 0);
    cop_completion_queue_release(&queue);
    cop_completion_queue_release(&queue);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "completions", setup, teardown, each_invocation_is_called_back_once_on_the_thread_for_that,
        buffers_are_the_callers_again_when_it_is_told, a_callback_may_use_the_library,
        a_descriptor_tells_an_event_loop_what_is_done,
        a_queue_may_be_released_while_invocations_report_to_it,
        a_queue_reports_deadlines_and_cancelling_although_nobody_waits, wrong_uses_are_refused);
}
