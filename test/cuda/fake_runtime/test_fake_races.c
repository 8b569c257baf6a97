// SPDX-License-Identifier: Apache-2.0
/*
 * The emulated runtime under ThreadSanitizer: a missing wait is a race, and what CUDA orders is
 * none, however the threads behind it happen to run.
 */
#include <pthread.h>
#include <unistd.h>

#include "fake_runtime/jobs.h"
#include "support/unit.h"

/* Called by ThreadSanitizer for every race; written by the thread that met it. */
static int races;
void __tsan_on_report(const void *report);
__attribute__((no_sanitize("thread"))) void __tsan_on_report(const void *report)
{
    (void)report;
    __atomic_fetch_add(&races, 1, __ATOMIC_RELAXED);
}

static int count_races(void)
{
    return __atomic_load_n(&races, __ATOMIC_RELAXED);
}

/* Every wait of the streams' threads is over, but nobody waited for them. */
static void let_run(void)
{
    while (counters().queued > 0)
        usleep(100);
}

static int *pinned_number(void)
{
    void *memory;
    OK(cudaHostAlloc(&memory, sizeof(int), cudaHostAllocPortable));
    return memory;
}

static int begin_download(cudaStream_t stream, int *to)
{
    int *number = new_numbers(1);
    OK(cudaMemsetAsync(number, 0, sizeof *number, stream));
    OK(launch_add(stream, number, 1, 3, 0, NULL));
    OK(cudaMemcpyAsync(to, number, sizeof *number, cudaMemcpyDeviceToHost, stream));
    return 3;
}

START_TEST(a_result_read_without_a_wait_is_a_race)
{
    cudaStream_t stream = new_stream();
    int *value = pinned_number();
    const int expected = begin_download(stream, value);
    let_run();
    FAILS(cudaErrorInvalidDevice, cudaSetDevice(7)); /* calls that are no wait do not count */
    ck_assert_int_eq(*value, expected);
    ck_assert_int_gt(count_races(), 0);
}
END_TEST

START_TEST(a_wait_for_the_stream_orders)
{
    cudaStream_t stream = new_stream();
    int *value = pinned_number();
    const int expected = begin_download(stream, value);
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(*value, expected);
    ck_assert_int_eq(count_races(), 0);
}
END_TEST

START_TEST(a_query_that_succeeds_orders)
{
    cudaStream_t stream = new_stream();
    cudaEvent_t event = new_event();
    int *value = pinned_number(), *second = pinned_number();
    const int expected = begin_download(stream, value);
    OK(cudaEventRecord(event, stream));
    let_run();
    OK(cudaEventQuery(event));
    ck_assert_int_eq(*value, expected);
    (void)begin_download(stream, second);
    let_run();
    OK(cudaStreamQuery(stream));
    ck_assert_int_eq(*second, expected);
    ck_assert_int_eq(count_races(), 0);
}
END_TEST

START_TEST(an_event_recorded_too_early_does_not_order)
{
    cudaStream_t stream = new_stream();
    cudaEvent_t event = new_event();
    int *value = pinned_number();
    OK(cudaEventRecord(event, stream));
    OK(cudaEventSynchronize(event));
    (void)begin_download(stream, value);
    let_run();
    OK(cudaEventQuery(event));
    ck_assert_int_eq(*value, 3);
    ck_assert_int_gt(count_races(), 0);
}
END_TEST

static void run_on_two_streams(bool waits)
{
    cudaStream_t first = new_stream(), second = new_stream();
    cudaEvent_t event = new_event();
    int *number = new_numbers(1);
    OK(launch_add(first, number, 1, 3, 0, NULL));
    OK(cudaEventRecord(event, first));
    if (waits)
        OK(cudaStreamWaitEvent(second, event, 0));
    else
        let_run();
    OK(launch_add(second, number, 1, 3, 0, NULL));
    OK(cudaStreamSynchronize(second));
    let_run();
}

START_TEST(two_streams_on_the_same_memory_race)
{
    run_on_two_streams(false);
    ck_assert_int_gt(count_races(), 0);
}
END_TEST

START_TEST(two_streams_with_an_event_between_them_do_not)
{
    run_on_two_streams(true);
    ck_assert_int_eq(count_races(), 0);
}
END_TEST

START_TEST(launches_of_one_exec_on_two_streams_are_ordered)
{
    cudaStream_t first = new_stream(), second = new_stream();
    int *number = new_numbers(1);
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    OK(cudaStreamBeginCapture(first, cudaStreamCaptureModeThreadLocal));
    OK(launch_add(first, number, 1, 1, 0, NULL));
    OK(cudaStreamEndCapture(first, &graph));
    OK(cudaGraphInstantiate(&exec, graph, 0));
    for (int i = 0; i < 10; i++)
        OK(cudaGraphLaunch(exec, i % 2 == 0 ? first : second));
    OK(cudaDeviceSynchronize());
    ck_assert_int_eq(count_races(), 0);
}
END_TEST

START_TEST(a_pinned_source_written_before_the_copy_ran_is_a_race)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1), *value = pinned_number();
    *value = 1;
    OK(cudaMemcpyAsync(number, value, sizeof *value, cudaMemcpyHostToDevice, stream));
    let_run();
    *value = 2;
    ck_assert_int_gt(count_races(), 0);
}
END_TEST

struct shared {
    cudaStream_t stream;
    int *value;
};

static void *write_and_upload(void *argument)
{
    const struct shared *shared = argument;
    *shared->value = 5;
    (void)cudaStreamQuery(shared->stream);
    return NULL;
}

/* The runtime's own lock is no reason to believe that threads are ordered. */
START_TEST(calls_do_not_order_the_threads_that_make_them)
{
    struct shared shared = {new_stream(), malloc(sizeof(int))};
    pthread_t thread;
    pthread_create(&thread, NULL, write_and_upload, &shared);
    usleep(50000);
    (void)cudaStreamQuery(shared.stream);
    *shared.value = 6;
    pthread_join(thread, NULL);
    ck_assert_int_gt(count_races(), 0);
    free(shared.value);
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "emulated CUDA under ThreadSanitizer", cop_fake_cuda_reset, cop_fake_cuda_reset,
        a_result_read_without_a_wait_is_a_race, a_wait_for_the_stream_orders,
        a_query_that_succeeds_orders, an_event_recorded_too_early_does_not_order,
        two_streams_on_the_same_memory_race, two_streams_with_an_event_between_them_do_not,
        launches_of_one_exec_on_two_streams_are_ordered,
        a_pinned_source_written_before_the_copy_ran_is_a_race,
        calls_do_not_order_the_threads_that_make_them);
}
