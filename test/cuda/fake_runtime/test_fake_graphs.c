// SPDX-License-Identifier: Apache-2.0
/* The emulated runtime: capturing streams, and graphs. */
#include <pthread.h>
#include <unistd.h>

#include "fake_runtime/jobs.h"
#include "support/unit.h"

static void begin(cudaStream_t stream)
{
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
}

/* A graph that adds the summand to the number. */
static cudaGraphExec_t make_exec(cudaStream_t stream, int *number, int summand, int *dropped)
{
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    begin(stream);
    OK(launch_add(stream, number, 1, summand, 0, dropped));
    OK(cudaStreamEndCapture(stream, &graph));
    OK(cudaGraphInstantiate(&exec, graph, 0));
    OK(cudaGraphDestroy(graph));
    return exec;
}

START_TEST(captured_work_runs_with_every_launch_and_not_before)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1), dropped = 0;
    write_number(number, 0);
    cudaGraphExec_t exec = make_exec(stream, number, 3, &dropped);
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(read_number(number), 0);
    OK(cudaGraphUpload(exec, stream));
    for (int i = 0; i < 5; i++)
        OK(cudaGraphLaunch(exec, stream));
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(read_number(number), 15);
    ck_assert_int_eq(dropped, 0);
    OK(cudaGraphExecDestroy(exec));
    ck_assert_int_eq(dropped, 1);
    ck_assert_uint_eq(counters().graph_launches, 5);
    NO_VIOLATIONS();
}
END_TEST

START_TEST(a_graph_lists_its_nodes)
{
    cudaStream_t stream = new_stream();
    int *numbers = new_numbers(2);
    cudaGraph_t graph;
    cudaGraphNode_t nodes[3];
    enum cudaGraphNodeType types[3];
    size_t count = 0;
    begin(stream);
    OK(launch_add(stream, numbers, 1, 1, 0, NULL));
    OK(cudaMemcpyAsync(numbers + 1, numbers, sizeof(int), cudaMemcpyDeviceToDevice, stream));
    OK(cudaMemsetAsync(numbers, 0, sizeof(int), stream));
    OK(cudaStreamEndCapture(stream, &graph));
    OK(cudaGraphGetNodes(graph, NULL, &count));
    ck_assert_uint_eq(count, 3);
    OK(cudaGraphGetNodes(graph, nodes, &count));
    for (int i = 0; i < 3; i++)
        OK(cudaGraphNodeGetType(nodes[i], &types[i]));
    ck_assert_int_eq(types[0], cudaGraphNodeTypeKernel);
    ck_assert_int_eq(types[1], cudaGraphNodeTypeMemcpy);
    ck_assert_int_eq(types[2], cudaGraphNodeTypeMemset);
    OK(cudaGraphDestroy(graph));
    FAILS(cudaErrorInvalidValue, cudaGraphDestroy(graph));
    VIOLATES("a graph is used that does not exist");
}
END_TEST

START_TEST(launches_of_one_exec_do_not_overlap)
{
    cudaStream_t first = new_stream(), second = new_stream();
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    int *number = new_numbers(1);
    write_number(number, 0);
    begin(first);
    for (int i = 0; i < 5; i++)
        OK(launch_add(first, number, 1, 1, 500, NULL));
    OK(cudaStreamEndCapture(first, &graph));
    OK(cudaGraphInstantiate(&exec, graph, 0));
    for (int i = 0; i < 10; i++)
        OK(cudaGraphLaunch(exec, i % 2 == 0 ? first : second));
    OK(cudaDeviceSynchronize());
    ck_assert_int_eq(read_number(number), 50);
    NO_VIOLATIONS();
}
END_TEST

static cudaError_t allocate(cudaStream_t stream)
{
    void *memory = NULL;
    (void)stream;
    return cudaMalloc(&memory, 10);
}

static cudaError_t allocate_pinned(cudaStream_t stream)
{
    void *memory = NULL;
    (void)stream;
    return cudaHostAlloc(&memory, 10, 0);
}

static cudaError_t free_nothing(cudaStream_t stream)
{
    (void)stream;
    return cudaFree(NULL);
}

static cudaError_t synchronize_device(cudaStream_t stream)
{
    (void)stream;
    return cudaDeviceSynchronize();
}

START_TEST(what_a_capture_forbids_answers_900_and_ends_it)
{
    cudaError_t (*const forbidden[])(cudaStream_t) = {cudaStreamSynchronize, cudaStreamQuery,
                                                      synchronize_device,    allocate,
                                                      free_nothing,          allocate_pinned};
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        enum cudaStreamCaptureStatus status;
        cudaGraph_t graph;
        begin(stream);
        OK(launch_add(stream, number, 1, 1, 0, NULL));
        OK(cudaStreamIsCapturing(stream, &status));
        ck_assert_int_eq(status, cudaStreamCaptureStatusActive);
        FAILS(cudaErrorStreamCaptureUnsupported, forbidden[i](stream));
        OK(cudaStreamIsCapturing(stream, &status));
        ck_assert_int_eq(status, cudaStreamCaptureStatusInvalidated);
        (void)cudaGetLastError();
        FAILS(cudaErrorStreamCaptureInvalidated, launch_add(stream, number, 1, 1, 0, NULL));
        FAILS(cudaErrorStreamCaptureInvalidated, cudaStreamEndCapture(stream, &graph));
        ck_assert_ptr_null(graph);
        (void)cudaGetLastError();
        OK(cudaStreamIsCapturing(stream, &status));
        ck_assert_int_eq(status, cudaStreamCaptureStatusNone);
    }
}
END_TEST

START_TEST(a_relaxed_thread_may_allocate_while_it_captures)
{
    enum cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    cudaStream_t stream = new_stream();
    cudaGraph_t graph;
    begin(stream);
    OK(cudaThreadExchangeStreamCaptureMode(&mode));
    ck_assert_int_eq(mode, cudaStreamCaptureModeGlobal);
    OK(allocate(stream));
    OK(cudaThreadExchangeStreamCaptureMode(&mode));
    ck_assert_int_eq(mode, cudaStreamCaptureModeRelaxed);
    OK(cudaStreamEndCapture(stream, &graph));
}
END_TEST

static void *allocate_on_thread(void *argument)
{
    *(cudaError_t *)argument = allocate(NULL);
    return NULL;
}

static cudaError_t allocate_elsewhere(void)
{
    cudaError_t answer = cudaSuccess;
    pthread_t thread;
    pthread_create(&thread, NULL, allocate_on_thread, &answer);
    pthread_join(thread, NULL);
    return answer;
}

START_TEST(only_a_global_capture_forbids_others_to_allocate)
{
    cudaStream_t stream = new_stream();
    cudaGraph_t graph;
    begin(stream);
    OK(allocate_elsewhere());
    OK(cudaStreamEndCapture(stream, &graph));
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    FAILS(cudaErrorStreamCaptureUnsupported, allocate_elsewhere());
    FAILS(cudaErrorStreamCaptureInvalidated, cudaStreamEndCapture(stream, &graph));
}
END_TEST

struct other_thread {
    cudaStream_t stream;
    int *number;
    cudaGraph_t graph;
    cudaError_t launched, ended;
};

static void *use_captured_stream(void *argument)
{
    struct other_thread *other = argument;
    other->launched = launch_add(other->stream, other->number, 1, 1, 0, NULL);
    other->ended = cudaStreamEndCapture(other->stream, &other->graph);
    return NULL;
}

START_TEST(a_captured_stream_belongs_to_one_thread)
{
    pthread_t thread;
    struct other_thread other = {new_stream(), new_numbers(1), NULL, cudaSuccess, cudaSuccess};
    begin(other.stream);
    pthread_create(&thread, NULL, use_captured_stream, &other);
    pthread_join(thread, NULL);
    ck_assert_int_eq(other.launched, cudaErrorStreamCaptureInvalidated);
    ck_assert_int_eq(other.ended, cudaErrorStreamCaptureWrongThread);
    VIOLATES("two threads use one captured stream");
}
END_TEST

START_TEST(captured_events_carry_a_capture_to_other_streams)
{
    cudaStream_t origin = new_stream(), branch = new_stream();
    cudaEvent_t fork = new_event(), join = new_event();
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    int *number = new_numbers(1);
    write_number(number, 0);
    begin(origin);
    OK(cudaEventRecord(fork, origin));
    OK(cudaStreamWaitEvent(branch, fork, 0));
    OK(launch_add(branch, number, 1, 4, 0, NULL));
    OK(cudaEventRecord(join, branch));
    OK(cudaStreamWaitEvent(origin, join, 0));
    OK(cudaStreamEndCapture(origin, &graph));
    OK(cudaGraphInstantiate(&exec, graph, 0));
    OK(cudaGraphLaunch(exec, origin));
    OK(cudaStreamSynchronize(origin));
    ck_assert_int_eq(read_number(number), 4);
    begin(origin);
    OK(cudaEventRecord(fork, origin));
    FAILS(cudaErrorCapturedEvent, cudaEventQuery(fork));
    FAILS(cudaErrorStreamCaptureInvalidated, cudaStreamEndCapture(origin, &graph));
    NO_VIOLATIONS();
}
END_TEST

START_TEST(branches_of_a_capture_must_be_joined_and_nothing_outside_waited_for)
{
    cudaStream_t origin = new_stream(), branch = new_stream();
    cudaEvent_t fork = new_event(), outside = new_event();
    cudaGraph_t graph;
    int *number = new_numbers(1);
    begin(origin);
    OK(cudaEventRecord(fork, origin));
    OK(cudaStreamWaitEvent(branch, fork, 0));
    OK(launch_add(branch, number, 1, 4, 0, NULL));
    FAILS(cudaErrorStreamCaptureUnmatched, cudaStreamEndCapture(branch, &graph));
    FAILS(cudaErrorStreamCaptureUnjoined, cudaStreamEndCapture(origin, &graph));
    OK(cudaEventRecord(outside, branch));
    begin(origin);
    FAILS(cudaErrorStreamCaptureIsolation, cudaStreamWaitEvent(origin, outside, 0));
    FAILS(cudaErrorStreamCaptureInvalidated, cudaStreamEndCapture(origin, &graph));
    FAILS(cudaErrorIllegalState, cudaStreamEndCapture(origin, &graph));
}
END_TEST

START_TEST(memory_of_a_live_exec_is_not_freed)
{
    cudaStream_t stream = new_stream();
    int *first = new_numbers(1), *second = new_numbers(1);
    cudaGraphExec_t exec = make_exec(stream, first, 1, NULL);
    OK(cudaFree(first));
    VIOLATES("cudaFree of memory that a graph uses");
    OK(cudaGraphExecDestroy(exec));
    exec = make_exec(stream, second, 1, NULL);
    OK(cudaGraphExecDestroy(exec));
    OK(cudaFree(second));
    ck_assert_uint_eq(violations(), 1);
}
END_TEST

START_TEST(a_destroyed_exec_finishes_its_launches_and_cannot_be_used)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1), dropped = 0;
    write_number(number, 0);
    cudaGraphExec_t exec = make_exec(stream, number, 2, &dropped);
    cop_fake_cuda_hold(1);
    OK(cudaGraphLaunch(exec, stream));
    OK(cudaGraphExecDestroy(exec));
    ck_assert_int_eq(dropped, 0);
    cop_fake_cuda_hold(0);
    OK(cudaStreamSynchronize(stream));
    ck_assert_int_eq(dropped, 1);
    ck_assert_int_eq(read_number(number), 2);
    NO_VIOLATIONS();
    FAILS(cudaErrorInvalidValue, cudaGraphLaunch(exec, stream));
    VIOLATES("does not exist");
}
END_TEST

START_TEST(a_graph_does_not_touch_pageable_memory)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1), value = 0;
    cudaGraph_t graph;
    begin(stream);
    OK(cudaMemcpyAsync(number, &value, sizeof value, cudaMemcpyHostToDevice, stream));
    VIOLATES("pageable");
    OK(cudaStreamEndCapture(stream, &graph));
}
END_TEST

/* The race that the next test is about, which ThreadSanitizer sees as well. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:cop::fake::entered";
}

struct launcher {
    cudaGraphExec_t exec;
    cudaStream_t stream;
};

static void *launch_often(void *argument)
{
    const struct launcher *one = argument;
    for (int i = 0; i < 2000 && violations() == 0; i++)
        (void)cudaGraphLaunch(one->exec, one->stream);
    return NULL;
}

START_TEST(two_threads_in_one_exec_are_seen)
{
    pthread_t threads[2];
    cudaStream_t stream = new_stream();
    struct launcher one = {make_exec(stream, new_numbers(1), 1, NULL), stream};
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, launch_often, &one);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    VIOLATES("two threads use one graph exec");
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "emulated CUDA graphs", cop_fake_cuda_reset, cop_fake_cuda_reset,
        captured_work_runs_with_every_launch_and_not_before, a_graph_lists_its_nodes,
        launches_of_one_exec_do_not_overlap, what_a_capture_forbids_answers_900_and_ends_it,
        a_relaxed_thread_may_allocate_while_it_captures,
        only_a_global_capture_forbids_others_to_allocate, a_captured_stream_belongs_to_one_thread,
        captured_events_carry_a_capture_to_other_streams,
        branches_of_a_capture_must_be_joined_and_nothing_outside_waited_for,
        memory_of_a_live_exec_is_not_freed,
        a_destroyed_exec_finishes_its_launches_and_cannot_be_used,
        a_graph_does_not_touch_pageable_memory, two_threads_in_one_exec_are_seen);
}
