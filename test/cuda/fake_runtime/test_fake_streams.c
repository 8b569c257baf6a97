// SPDX-License-Identifier: Apache-2.0
/* The emulated runtime: order of work, events, copies. */
#include <pthread.h>

#include "fake_runtime/jobs.h"
#include "support/unit.h"

START_TEST(nothing_runs_when_it_is_queued)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1);
    cop_fake_cuda_hold(1);
    OK(cudaMemsetAsync(number, 0, sizeof *number, stream));
    OK(launch_add(stream, number, 1, 5, 0, NULL));
    FAILS(cudaErrorNotReady, cudaStreamQuery(stream));
    ck_assert_uint_eq(counters().executed, 0);
    ck_assert_uint_eq(counters().queued, 2);
    cop_fake_cuda_hold(0);
    OK(cudaStreamSynchronize(stream));
    OK(cudaStreamQuery(stream));
    ck_assert_int_eq(read_number(number), 5);
    NO_VIOLATIONS();
}
END_TEST

START_TEST(a_stream_runs_its_work_in_order)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1);
    for (int i = 0; i < 50; i++) {
        OK(cudaMemsetAsync(number, 0, sizeof *number, stream));
        OK(launch_add(stream, number, 1, i, i % 3 == 0 ? 100 : 0, NULL));
    }
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(read_number(number), 49);
    NO_VIOLATIONS();
}
END_TEST

/* Two streams with a pause in the first overtake each other. */
START_TEST(streams_do_not_wait_for_each_other)
{
    cudaStream_t slow = new_stream(), fast = new_stream();
    int *number = new_numbers(1);
    write_number(number, 0);
    OK(launch_add(slow, number, 1, 1, 200000, NULL));
    OK(launch_add(fast, number + 0, 0, 0, 0, NULL));
    OK(cudaStreamSynchronize(fast));
    FAILS(cudaErrorNotReady, cudaStreamQuery(slow));
    OK(cudaStreamSynchronize(slow));
}
END_TEST

START_TEST(an_event_orders_two_streams)
{
    cudaStream_t first = new_stream(), second = new_stream();
    cudaEvent_t event = new_event();
    int *number = new_numbers(1);
    OK(cudaMemsetAsync(number, 0, sizeof *number, first));
    OK(launch_add(first, number, 1, 7, 20000, NULL));
    OK(cudaEventRecord(event, first));
    OK(cudaStreamWaitEvent(second, event, 0));
    OK(launch_add(second, number, 1, 10, 0, NULL));
    OK(cudaStreamSynchronize(second));
    ck_assert_int_eq(read_number(number), 17);
    OK(cudaEventDestroy(event));
    NO_VIOLATIONS();
}
END_TEST

START_TEST(an_event_is_not_ready_until_its_point_was_reached)
{
    cudaStream_t stream = new_stream();
    cudaEvent_t event = new_event();
    OK(cudaEventQuery(event)); /* never recorded */
    cop_fake_cuda_hold(1);
    OK(cudaEventRecord(event, stream));
    FAILS(cudaErrorNotReady, cudaEventQuery(event));
    FAILS(cudaErrorNotReady, cudaGetLastError());
    cop_fake_cuda_hold(0);
    OK(cudaEventSynchronize(event));
    OK(cudaEventQuery(event));
    cop_fake_cuda_hold(1);
    OK(cudaEventRecord(event, stream)); /* replaces the first */
    FAILS(cudaErrorNotReady, cudaEventQuery(event));
    cop_fake_cuda_hold(0);
    OK(cudaStreamSynchronize(stream));
    OK(cudaEventQuery(event));
}
END_TEST

START_TEST(pageable_memory_is_read_when_the_copy_is_queued)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1), value = 3;
    cop_fake_cuda_hold(1);
    OK(cudaMemcpyAsync(number, &value, sizeof value, cudaMemcpyHostToDevice, stream));
    value = 4;
    cop_fake_cuda_hold(0);
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(read_number(number), 3);
    NO_VIOLATIONS();
}
END_TEST

START_TEST(pinned_memory_is_read_when_the_copy_runs)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1), *value;
    OK(cudaHostAlloc((void **)&value, sizeof *value, cudaHostAllocPortable));
    *value = 3;
    cop_fake_cuda_hold(1);
    OK(cudaMemcpyAsync(number, value, sizeof *value, cudaMemcpyHostToDevice, stream));
    poke(value, 4);
    cop_fake_cuda_hold(0);
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(read_number(number), 4);
    VIOLATES("changed before it was copied");
}
END_TEST

START_TEST(copies_to_the_host_write_when_they_run)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1), *value;
    write_number(number, 9);
    OK(cudaHostAlloc((void **)&value, sizeof *value, cudaHostAllocPortable));
    *value = 1;
    cop_fake_cuda_hold(1);
    OK(cudaMemcpyAsync(value, number, sizeof *value, cudaMemcpyDeviceToHost, stream));
    ck_assert_int_eq(peek(value), 1);
    cop_fake_cuda_hold(0);
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(*value, 9);
    OK(cudaFreeHost(value));
    NO_VIOLATIONS();
}
END_TEST

START_TEST(a_copy_to_pageable_memory_has_ended_when_the_call_returns)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1), value = 0;
    write_number(number, 9);
    OK(launch_add(stream, number, 1, 1, 20000, NULL));
    OK(cudaMemcpyAsync(&value, number, sizeof value, cudaMemcpyDefault, stream));
    ck_assert_int_eq(value, 10);
    NO_VIOLATIONS();
}
END_TEST

START_TEST(the_legacy_stream_is_a_violation_except_for_synchronous_copies)
{
    int *number = new_numbers(1), value = 8;
    OK(cudaMemcpy(number, &value, sizeof value, cudaMemcpyHostToDevice));
    OK(cudaMemset(number, 0, sizeof value));
    NO_VIOLATIONS();
    ck_assert_uint_eq(counters().legacy_calls, 2);
    OK(cudaMemsetAsync(number, 1, sizeof value, NULL));
    VIOLATES("legacy stream");
    ck_assert_uint_eq(violations(), 1);
    OK(cudaStreamSynchronize(cudaStreamLegacy));
    ck_assert_uint_eq(violations(), 2);
    ck_assert_int_eq(read_number(number), 0x01010101);
}
END_TEST

START_TEST(a_destroyed_stream_finishes_its_work_and_cannot_be_used)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1);
    write_number(number, 1);
    OK(launch_add(stream, number, 1, 1, 20000, NULL));
    OK(cudaStreamDestroy(stream));
    cop_fake_cuda_drain();
    ck_assert_int_eq(read_number(number), 2);
    NO_VIOLATIONS();
    FAILS(cudaErrorInvalidResourceHandle, cudaStreamQuery(stream));
    VIOLATES("does not exist");
}
END_TEST

static void add_one(void *number)
{
    ++*(int *)number;
}

static void call_cuda(void *answer)
{
    int device;
    *(cudaError_t *)answer = cudaGetDevice(&device);
}

START_TEST(host_functions_run_in_order_and_call_no_cuda)
{
    cudaStream_t stream = new_stream();
    int count = 0;
    cudaError_t answer = cudaSuccess;
    OK(cudaLaunchHostFunc(stream, add_one, &count));
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(count, 1);
    NO_VIOLATIONS();
    OK(cudaLaunchHostFunc(stream, call_cuda, &answer));
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(answer, cudaErrorNotPermitted);
    VIOLATES("called by work of a stream");
}
END_TEST

START_TEST(a_job_is_dropped_once)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1), dropped = 0;
    OK(launch_add(stream, number, 1, 1, 0, &dropped));
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(dropped, 1);
    cop_fake_cuda_fail_call("cudaLaunchKernel", 1, cudaErrorLaunchOutOfResources);
    FAILS(cudaErrorLaunchOutOfResources, launch_add(stream, number, 1, 1, 0, &dropped));
    ck_assert_int_eq(dropped, 2); /* one that did not start */
}
END_TEST

/* As the launch of a real kernel, which reports what cudaGetLastError says. */
START_TEST(an_error_left_over_comes_up_at_the_next_launch)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1);
    write_number(number, 0);
    FAILS(cudaErrorInvalidDevice, cudaSetDevice(7));
    FAILS(cudaErrorInvalidDevice, launch_add(stream, number, 1, 1, 0, NULL));
    OK(launch_add(stream, number, 1, 1, 0, NULL));
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(read_number(number), 2);
}
END_TEST

struct pusher {
    cudaStream_t stream;
    int *number;
};

static void *push(void *argument)
{
    const struct pusher *one = argument;
    bool is_fine = true;
    for (int i = 0; i < 100; i++)
        is_fine = launch_add(one->stream, one->number, 1, 1, 0, NULL) == cudaSuccess && is_fine;
    return is_fine ? argument : NULL;
}

START_TEST(many_threads_queue_work_on_one_stream)
{
    pthread_t threads[4];
    struct pusher one = {new_stream(), new_numbers(1)};
    void *answer;
    write_number(one.number, 0);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, push, &one);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &answer);
        ck_assert_ptr_nonnull(answer);
    }
    OK(cudaStreamSynchronize(one.stream));
    ck_assert_int_eq(read_number(one.number), 400);
    NO_VIOLATIONS();
}
END_TEST

START_TEST(the_device_is_synchronized_as_a_whole)
{
    cudaStream_t a = new_stream(), b = new_stream();
    int *number = new_numbers(1);
    write_number(number, 0);
    OK(launch_add(a, number, 1, 1, 20000, NULL));
    OK(launch_add(b, number, 0, 1, 20000, NULL));
    OK(cudaDeviceSynchronize());
    OK(cudaStreamQuery(a));
    OK(cudaStreamQuery(b));
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "emulated CUDA streams", cop_fake_cuda_reset, cop_fake_cuda_reset,
        nothing_runs_when_it_is_queued, a_stream_runs_its_work_in_order,
        streams_do_not_wait_for_each_other, an_event_orders_two_streams,
        an_event_is_not_ready_until_its_point_was_reached,
        pageable_memory_is_read_when_the_copy_is_queued, pinned_memory_is_read_when_the_copy_runs,
        copies_to_the_host_write_when_they_run,
        a_copy_to_pageable_memory_has_ended_when_the_call_returns,
        the_legacy_stream_is_a_violation_except_for_synchronous_copies,
        a_destroyed_stream_finishes_its_work_and_cannot_be_used,
        host_functions_run_in_order_and_call_no_cuda, a_job_is_dropped_once,
        an_error_left_over_comes_up_at_the_next_launch, many_threads_queue_work_on_one_stream,
        the_device_is_synchronized_as_a_whole);
}
