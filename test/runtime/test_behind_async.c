// SPDX-License-Identifier: Apache-2.0
/* Asynchronous invocations on a device that runs behind: who finds out that it is done, and who
 * does something else meanwhile. */
#include "runtime/behind_async.h"
#include "support/measure.h"
#include "support/rigged_step.h"

#include <poll.h>
#include <pthread.h>

START_TEST(one_worker_has_as_many_in_flight_as_there_are_contexts)
{
    enum { COUNT = 12, CONTEXTS = 8 };
    struct fixture fixture = begin_fixture(behind_dense(1), CONTEXTS, 32);
    cop_ndarray *dst[COUNT];
    set_workers(1);
    atomic_store(&control->holds, 1);
    for (int i = 0; i < COUNT; i++)
        dst[i] = submit(&fixture, NULL);
    AWAIT(atomic_load(&control->busy_streams) == CONTEXTS);
    ck_assert_int_eq(wait_for(dst[0], 0), COP_STATUS_TIMEOUT);
    atomic_store(&control->holds, 0);
    for (int i = 0; i < COUNT; i++)
        check_result(&fixture, dst[i], 32);
    ck_assert_int_eq(atomic_load(&control->most_busy_streams), CONTEXTS);
    end_fixture(&fixture);
}
END_TEST

START_TEST(the_worker_does_other_work_while_the_device_is_busy)
{
    struct fixture fixture = begin_fixture(behind_dense(1), 0, 32);
    cop_model *relu = tiny_relu();
    cop_cached_op *host = compile_on(relu, COP_DEVICE_REF);
    cop_ndarray *src = random_array(2, (const int64_t[]){1, 16}, 3), *dst = NULL;
    cop_completion_queue *queue = NULL;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_completion done;
    set_workers(1);
    atomic_store(&control->holds, 1);
    cop_ndarray *behind = submit(&fixture, NULL);
    AWAIT(atomic_load(&control->busy_streams) == 1);
    ck_assert_int_eq(cop_completion_queue_create(&queue, NULL), COP_STATUS_OK);
    options.completions = queue;
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(cop_invoke_async(host, 1, &src, 1, &dst, &options, NULL), COP_STATUS_OK);
        AWAIT(cop_completion_queue_next(queue, &done, NULL) == COP_STATUS_OK);
        cop_ndarray_release(&dst);
    }
    atomic_store(&control->holds, 0);
    check_result(&fixture, behind, 32);
    cop_completion_queue_release(&queue);
    cop_ndarray_release(&src);
    cop_cached_op_release(&host), cop_model_release(&relu);
    end_fixture(&fixture);
}
END_TEST

static cop_status be_slow(void *user, const struct kernel_args *args, cop_error *error)
{
    (void)user, (void)args, (void)error;
    usleep(2000);
    return COP_STATUS_OK;
}

static void note_pending(void *user, const cop_error *outcome)
{
    (void)outcome;
    atomic_store((_Atomic long *)user, (long)library_stats().pending_invocations);
}

START_TEST(a_worker_with_other_work_looks_after_the_device_between_two_tasks)
{
    enum { COUNT = 200 };
    struct fixture fixture = begin_fixture(behind_dense(1), 0, 32);
    cop_model *relu = tiny_relu();
    cop_cached_op *host = compile_on(relu, COP_DEVICE_REF);
    cop_ndarray *src = random_array(2, (const int64_t[]){1, 16}, 3), *dst = NULL;
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    _Atomic long left = 0; /* while the device is done */
    rig_step(host, 0, be_slow, NULL);
    set_workers(1);
    atomic_store(&control->holds, 1);
    options.on_done = note_pending, options.user = &left;
    cop_ndarray *behind = submit(&fixture, &options);
    AWAIT(atomic_load(&control->busy_streams) == 1);
    for (int i = 0; i < COUNT; i++, cop_ndarray_release(&dst))
        ck_assert_int_eq(cop_invoke_async(host, 1, &src, 1, &dst, NULL, NULL), COP_STATUS_OK);
    atomic_store(&control->holds, 0);
    AWAIT(atomic_load(&left) > 0);
    ck_assert_int_gt(atomic_load(&left), COUNT / 4);
    check_result(&fixture, behind, 32);
    ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
    cop_ndarray_release(&src);
    cop_cached_op_release(&host), cop_model_release(&relu);
    end_fixture(&fixture);
}
END_TEST

static void count_done(void *user, const cop_error *outcome)
{
    if (outcome->status == COP_STATUS_OK)
        atomic_fetch_add((_Atomic int *)user, 1);
}

START_TEST(callbacks_and_completions_come_without_anybody_waiting)
{
    enum { COUNT = 40 };
    struct fixture fixture = begin_fixture(behind_mixed(), 4, 64);
    _Atomic int done = 0;
    cop_completion_queue *queue = NULL;
    ck_assert_int_eq(cop_completion_queue_create(&queue, NULL), COP_STATUS_OK);
    atomic_store(&control->most_random_us, 300);
    for (int workers = 1; workers <= 3; workers++) {
        int taken = 0;
        atomic_store(&done, 0);
        set_workers(workers);
        for (int i = 0; i < COUNT; i++) {
            cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
            cop_ndarray *dst[2] = {NULL};
            if (i % 2 == 0)
                options.completions = queue;
            else
                options.on_done = count_done, options.user = &done;
            ck_assert_int_eq(cop_invoke_async(fixture.op, 1, &fixture.src, 2, dst, &options, NULL),
                             COP_STATUS_OK);
            cop_ndarray_release(&dst[0]), cop_ndarray_release(&dst[1]);
        }
        while (taken < COUNT / 2) {
            struct pollfd waited = {.fd = cop_completion_queue_fd(queue), .events = POLLIN};
            cop_completion completion;
            ck_assert_int_eq(poll(&waited, 1, 10000), 1);
            taken += cop_completion_queue_next(queue, &completion, NULL) == COP_STATUS_OK;
        }
        AWAIT(atomic_load(&done) == COUNT / 2);
        ck_assert_uint_eq(library_stats().pending_invocations, 0);
    }
    cop_completion_queue_release(&queue);
    end_fixture(&fixture);
}
END_TEST

START_TEST(without_workers_whoever_waits_asks_the_device)
{
    struct fixture fixture = begin_fixture(behind_mixed(), 2, 64);
    set_workers(0);
    atomic_store(&control->most_random_us, 300);
    for (int i = 0; i < 10; i++) {
        cop_ndarray *dst[6][2];
        for (int k = 0; k < 6; k++) {
            dst[k][0] = dst[k][1] = NULL;
            ck_assert_int_eq(cop_invoke_async(fixture.op, 1, &fixture.src, 2, dst[k], NULL, NULL),
                             COP_STATUS_OK);
        }
        if (i % 2 == 0)
            ck_assert_int_eq(
                cop_wait_all(i % 4 == 0 ? NULL : fixture.op, COP_NO_TIMEOUT, NULL, NULL),
                COP_STATUS_OK);
        for (int k = 5; k >= 0; k--) {
            check_result(&fixture, dst[k][0], 64);
            cop_ndarray_release(&dst[k][1]);
        }
    }
    end_fixture(&fixture);
}
END_TEST

START_TEST(who_only_asks_is_told_what_the_device_has_done)
{
    struct fixture fixture = begin_fixture(behind_dense(1), 0, 32);
    set_workers(0);
    atomic_store(&control->holds, 1);
    cop_ndarray *dst = submit(&fixture, NULL), *other = submit(&fixture, NULL);
    begin_by_waiting(dst, 1), begin_by_waiting(other, 2);
    ck_assert_int_eq(wait_for(dst, 0), COP_STATUS_TIMEOUT);
    ck_assert_int_eq(cop_wait_all(NULL, 0, NULL, NULL), COP_STATUS_TIMEOUT);
    atomic_store(&control->holds, 0);
    AWAIT(atomic_load(&control->busy_streams) == 0);
    ck_assert_int_eq(wait_for(dst, 0), COP_STATUS_OK);
    ck_assert_int_eq(cop_wait_all(NULL, 0, NULL, NULL), COP_STATUS_OK);
    check_result(&fixture, dst, 32), check_result(&fixture, other, 32);
    end_fixture(&fixture);
}
END_TEST

static void *release_later(void *unused)
{
    (void)unused;
    usleep(20000);
    atomic_store(&control->holds, 0);
    return NULL;
}

/* The device goes on in a moment. */
static pthread_t let_go_later(void)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, release_later, NULL), 0);
    return thread;
}

START_TEST(a_synchronous_call_gets_the_context_of_one_that_nobody_asks_about)
{
    struct fixture fixture = begin_fixture(behind_dense(1), 1, 32);
    float actual[32];
    set_workers(0);
    atomic_store(&control->holds, 1);
    cop_ndarray *dst = submit(&fixture, NULL);
    begin_by_waiting(dst, 1);
    const pthread_t thread = let_go_later();
    behind_invoke(fixture.op, fixture.src, actual, 32);
    ck_assert_mem_eq(actual, fixture.expected, sizeof actual);
    pthread_join(thread, NULL);
    check_result(&fixture, dst, 32);
    end_fixture(&fixture);
}
END_TEST

START_TEST(a_parked_invocation_gets_the_context_of_one_that_nobody_asks_about)
{
    struct fixture fixture = begin_fixture(behind_dense(1), 1, 32);
    set_workers(0);
    atomic_store(&control->holds, 1);
    cop_ndarray *first = submit(&fixture, NULL), *second = submit(&fixture, NULL);
    begin_by_waiting(first, 1);
    const pthread_t thread = let_go_later();
    check_result(&fixture, second, 32);
    pthread_join(thread, NULL);
    check_result(&fixture, first, 32);
    end_fixture(&fixture);
}
END_TEST

START_TEST(a_parked_invocation_that_nobody_waits_for_keeps_no_context_from_others)
{
    struct fixture fixture = begin_fixture(behind_dense(1), 1, 32);
    cop_ndarray *dst[3];
    set_workers(0);
    for (int way = 0; way < 2; way++) {
        atomic_store(&control->holds, 1);
        for (int i = 0; i < 3; i++)
            dst[i] = submit(&fixture, NULL);
        begin_by_waiting(dst[0], 1);                                     /* it has the context */
        ck_assert_int_eq(wait_for(dst[1], 10 * MS), COP_STATUS_TIMEOUT); /* next in the parking */
        const pthread_t thread = let_go_later();
        if (way == 0)
            check_result(&fixture, dst[2], 32);
        pthread_join(thread, NULL);
        ck_assert_int_eq(cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, NULL), COP_STATUS_OK);
        for (int i = 0; i < 3 - (way == 0); i++)
            check_result(&fixture, dst[i], 32);
    }
    end_fixture(&fixture);
}
END_TEST

/* One of two that wait for one array. */
struct waiter {
    cop_ndarray *array;
    int64_t timeout_ns;
    cop_status status;
};

static void *wait_in_thread(void *argument)
{
    struct waiter *waiter = argument;
    waiter->status = wait_for(waiter->array, waiter->timeout_ns);
    return NULL;
}

START_TEST(who_leaves_a_wait_leaves_the_asking_to_the_others)
{
    struct fixture fixture = begin_fixture(behind_dense(1), 0, 32);
    set_workers(0);
    for (int i = 0; i < 10; i++) {
        atomic_store(&control->holds, 1);
        cop_ndarray *dst = submit(&fixture, NULL);
        struct waiter brief = {dst, 5 * MS, COP_STATUS_OK};
        struct waiter patient = {dst, COP_NO_TIMEOUT, COP_STATUS_INTERNAL};
        pthread_t threads[2];
        pthread_create(&threads[0], NULL, wait_in_thread, i % 2 == 0 ? &brief : &patient);
        usleep(500);
        pthread_create(&threads[1], NULL, wait_in_thread, i % 2 == 0 ? &patient : &brief);
        pthread_join(threads[i % 2], NULL); /* the brief one */
        atomic_store(&control->holds, 0);
        pthread_join(threads[1 - i % 2], NULL);
        ck_assert_int_eq(brief.status, COP_STATUS_TIMEOUT);
        ck_assert_int_eq(patient.status, COP_STATUS_OK);
        check_result(&fixture, dst, 32);
    }
    end_fixture(&fixture);
}
END_TEST

START_TEST(results_on_the_device_are_fed_to_another_operator_in_order)
{
    struct fixture fixture = begin_fixture(behind_chain(5), 0, 64);
    cop_ndarray *between[2] = {NULL}, *dst[8] = {NULL};
    float expected[64], actual[64];
    cop_ndarray *middle = NULL;
    ck_assert_int_eq(cop_invoke(fixture.op, 1, &fixture.src, 1, &middle, NULL, NULL), 0);
    behind_invoke(fixture.op, middle, expected, 64);
    cop_ndarray_release(&middle);
    atomic_store(&control->most_random_us, 500);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(cop_ndarray_create_in(BEHIND_DEVICE, COP_MEMORY_DEVICE, COP_DTYPE_FLOAT32,
                                               2, map, &between[i], NULL),
                         COP_STATUS_OK);
    for (int workers = 0; workers <= 2; workers++) {
        set_workers(workers);
        for (int i = 0; i < 8; i++) { /* each array is written again while it is still read */
            ck_assert_int_eq(
                cop_invoke_async(fixture.op, 1, &fixture.src, 1, &between[i % 2], NULL, NULL),
                COP_STATUS_OK);
            ck_assert_int_eq(
                cop_invoke_async(fixture.op, 1, &between[i % 2], 1, &dst[i], NULL, NULL),
                COP_STATUS_OK);
        }
        for (int i = 0; i < 8; i++) {
            ck_assert_int_eq(wait_for(dst[i], COP_NO_TIMEOUT), COP_STATUS_OK);
            behind_read(dst[i], actual, 64);
            ck_assert_mem_eq(actual, expected, sizeof actual);
            cop_ndarray_release(&dst[i]);
        }
    }
    cop_ndarray_release(&between[0]), cop_ndarray_release(&between[1]);
    end_fixture(&fixture);
}
END_TEST

static int compare_spans(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

START_TEST(a_wait_ends_soon_after_the_device_does)
{
    enum { COUNT = 41 };
    struct fixture fixture = begin_fixture(behind_dense(1), 0, 32);
    atomic_store(&control->delay_us, 300);
    for (int workers = 0; workers <= 1; workers++) {
        int64_t there[COUNT], here[COUNT];
        float actual[32];
        set_workers(workers);
        for (int i = 0; i < COUNT; i++) {
            int64_t begin_ns = cop_now_ns();
            check_result(&fixture, submit(&fixture, NULL), 32);
            there[i] = cop_now_ns() - begin_ns;
            begin_ns = cop_now_ns();
            behind_invoke(fixture.op, fixture.src, actual, 32);
            here[i] = cop_now_ns() - begin_ns;
        }
        qsort(there, COUNT, sizeof *there, compare_spans);
        qsort(here, COUNT, sizeof *here, compare_spans);
        printf("%d workers: %.3f ms, the same synchronously: %.3f ms\n", workers,
               (double)there[COUNT / 2] * 1e-6, (double)here[COUNT / 2] * 1e-6);
        if (!IS_SANITIZED)
            ck_assert_int_lt(there[COUNT / 4], here[COUNT / 4] + here[COUNT / 4] / 4 + MS / 2);
    }
    end_fixture(&fixture);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("asynchronous on a device", set_up, NULL,
                          one_worker_has_as_many_in_flight_as_there_are_contexts,
                          the_worker_does_other_work_while_the_device_is_busy,
                          a_worker_with_other_work_looks_after_the_device_between_two_tasks,
                          callbacks_and_completions_come_without_anybody_waiting,
                          without_workers_whoever_waits_asks_the_device,
                          who_only_asks_is_told_what_the_device_has_done,
                          a_synchronous_call_gets_the_context_of_one_that_nobody_asks_about,
                          a_parked_invocation_gets_the_context_of_one_that_nobody_asks_about,
                          a_parked_invocation_that_nobody_waits_for_keeps_no_context_from_others,
                          who_leaves_a_wait_leaves_the_asking_to_the_others,
                          results_on_the_device_are_fed_to_another_operator_in_order,
                          a_wait_ends_soon_after_the_device_does);
}
