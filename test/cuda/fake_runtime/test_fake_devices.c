// SPDX-License-Identifier: Apache-2.0
/* The emulated runtime: devices, drivers, and everything that fails. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_runtime/jobs.h"
#include "support/unit.h"

static void *read_current(void *argument)
{
    (void)cudaGetDevice(argument);
    return NULL;
}

START_TEST(the_current_device_is_each_threads_own)
{
    pthread_t thread;
    int here = -1, there = -1, count = 0;
    OK(cudaGetDeviceCount(&count));
    ck_assert_int_eq(count, 2);
    OK(cudaSetDevice(1));
    FAILS(cudaErrorInvalidDevice, cudaSetDevice(2));
    pthread_create(&thread, NULL, read_current, &there);
    pthread_join(thread, NULL);
    OK(cudaGetDevice(&here));
    ck_assert_int_eq(here, 1);
    ck_assert_int_eq(there, 0);
}
END_TEST

/* As CUDA's guide has it: launches and recordings of events fail, copies and waits do not. */
START_TEST(a_stream_of_another_device_is_refused)
{
    cudaStream_t stream = new_stream();
    cudaEvent_t event;
    int *number = new_numbers(1), device = -1;
    write_number(number, 1);
    OK(cudaSetDevice(1));
    FAILS(cudaErrorInvalidResourceHandle, launch_add(stream, number, 1, 1, 0, NULL));
    event = new_event();
    FAILS(cudaErrorInvalidResourceHandle, cudaEventRecord(event, stream));
    OK(cudaStreamGetDevice(stream, &device));
    ck_assert_int_eq(device, 0);
    OK(cudaMemsetAsync(number, 0, sizeof *number, stream));
    OK(cudaStreamSynchronize(stream));
    OK(cudaStreamQuery(stream));
    ck_assert_int_eq(read_number(number), 0);
}
END_TEST

START_TEST(a_kernel_with_memory_of_another_device_is_a_violation)
{
    int *number = new_numbers(1);
    OK(cudaSetDevice(1));
    cudaStream_t stream = new_stream();
    OK(launch_add(stream, number, 1, 1, 0, NULL));
    VIOLATES("given memory of device 0");
    OK(cudaStreamSynchronize(stream));
}
END_TEST

START_TEST(devices_say_what_they_are)
{
    struct cudaDeviceProp properties;
    int value = 0, least = -1, greatest = 1;
    cop_fake_cuda_capability(8, 6);
    cop_fake_cuda_memory_limit(123456);
    OK(cudaGetDeviceProperties(&properties, 1));
    ck_assert_str_eq(properties.name, "Emulated GPU");
    ck_assert_int_eq(properties.major * 10 + properties.minor, 86);
    ck_assert_uint_eq(properties.totalGlobalMem, 123456);
    OK(cudaDeviceGetAttribute(&value, cudaDevAttrComputeCapabilityMinor, 0));
    ck_assert_int_eq(value, 6);
    FAILS(cudaErrorInvalidDevice, cudaGetDeviceProperties(&properties, 2));
    OK(cudaDeviceGetStreamPriorityRange(&least, &greatest));
    ck_assert_int_le(greatest, least);
}
END_TEST

START_TEST(without_a_device_every_call_answers_100)
{
    int count = -1;
    void *memory;
    cudaStream_t stream;
    cop_fake_cuda_device_count(0);
    FAILS(cudaErrorNoDevice, cudaGetDeviceCount(&count));
    ck_assert_int_eq(count, 0);
    FAILS(cudaErrorNoDevice, cudaMalloc(&memory, 1));
    FAILS(cudaErrorNoDevice, cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    FAILS(cudaErrorNoDevice, cudaSetDevice(0));
}
END_TEST

START_TEST(without_a_driver_or_with_an_old_one_every_call_answers_35)
{
    int count = -1, version = -1;
    void *memory;
    cop_fake_cuda_driver(COP_FAKE_CUDA_DRIVER_MISSING);
    FAILS(cudaErrorInsufficientDriver, cudaGetDeviceCount(&count));
    FAILS(cudaErrorInsufficientDriver, cudaMalloc(&memory, 1));
    FAILS(cudaErrorInsufficientDriver, cudaGetLastError());
    OK(cudaDriverGetVersion(&version));
    ck_assert_int_eq(version, 0);
    cop_fake_cuda_driver(COP_FAKE_CUDA_DRIVER_OLD);
    FAILS(cudaErrorInsufficientDriver, cudaGetDeviceCount(&count));
    OK(cudaDriverGetVersion(&version));
    ck_assert_int_lt(version, CUDART_VERSION);
    OK(cudaRuntimeGetVersion(&version));
    ck_assert_int_eq(version, 13000);
}
END_TEST

START_TEST(the_call_asked_for_fails_and_no_other)
{
    void *memory;
    cudaStream_t stream = new_stream();
    cop_fake_cuda_fail_call("cudaMalloc", 2, cudaErrorMemoryAllocation);
    OK(cudaMalloc(&memory, 1));
    OK(cudaStreamSynchronize(stream));
    FAILS(cudaErrorMemoryAllocation, cudaMalloc(&memory, 1));
    OK(cudaMalloc(&memory, 1));
    cop_fake_cuda_fail_call(NULL, 3, cudaErrorUnknown);
    OK(cudaMalloc(&memory, 1));
    OK(cudaStreamSynchronize(stream));
    FAILS(cudaErrorUnknown, cudaStreamQuery(stream));
    OK(cudaStreamQuery(stream));
    FAILS(cudaErrorUnknown, cudaPeekAtLastError());
    FAILS(cudaErrorUnknown, cudaGetLastError());
    OK(cudaGetLastError());
}
END_TEST

START_TEST(a_lost_device_answers_the_same_to_every_call_and_others_live_on)
{
    cudaStream_t stream = new_stream();
    cudaEvent_t event = new_event();
    int *number = new_numbers(1), *other;
    void *memory;
    cop_fake_cuda_fail_operation(2, cudaErrorIllegalAddress);
    OK(cudaMemsetAsync(number, 0, sizeof *number, stream));
    OK(cudaStreamSynchronize(stream));
    cop_fake_cuda_hold(1);
    OK(launch_add(stream, number, 1, 1, 0, NULL));
    OK(launch_add(stream, number, 1, 1, 0, NULL));
    OK(cudaEventRecord(event, stream));
    cop_fake_cuda_hold(0);
    FAILS(cudaErrorIllegalAddress, cudaStreamSynchronize(stream));
    FAILS(cudaErrorIllegalAddress, cudaStreamQuery(stream));
    FAILS(cudaErrorIllegalAddress, cudaEventQuery(event));
    FAILS(cudaErrorIllegalAddress, cudaMalloc(&memory, 1));
    FAILS(cudaErrorIllegalAddress, cudaFree(number));
    FAILS(cudaErrorIllegalAddress, launch_add(stream, number, 1, 1, 0, NULL));
    FAILS(cudaErrorIllegalAddress, cudaGetLastError());
    FAILS(cudaErrorIllegalAddress, cudaGetLastError());
    ck_assert_uint_eq(counters().executed, 1);
    OK(cudaSetDevice(1));
    OK(cudaGetLastError());
    other = new_numbers(1);
    write_number(other, 6);
    ck_assert_int_eq(read_number(other), 6);
    FAILS(cudaErrorIllegalAddress, cudaStreamQuery(stream));
    NO_VIOLATIONS();
}
END_TEST

START_TEST(queries_answer_not_ready_as_often_as_asked)
{
    cudaStream_t stream = new_stream();
    cudaEvent_t event = new_event();
    cop_fake_cuda_not_ready(3);
    FAILS(cudaErrorNotReady, cudaStreamQuery(stream));
    FAILS(cudaErrorNotReady, cudaEventQuery(event));
    OK(cudaStreamSynchronize(stream));
    FAILS(cudaErrorNotReady, cudaStreamQuery(stream));
    OK(cudaStreamQuery(stream));
}
END_TEST

START_TEST(a_forked_child_cannot_use_cuda)
{
    int status = 0;
    (void)new_stream();
    const pid_t child = fork();
    if (child == 0) {
        void *memory;
        _exit(cudaMalloc(&memory, 1) == cudaErrorInitializationError ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(errors_have_names_and_texts)
{
    ck_assert_str_eq(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation");
    ck_assert_str_eq(cudaGetErrorString(cudaErrorMemoryAllocation), "memory allocation");
    ck_assert_str_eq(cudaGetErrorName(cudaSuccess), "cudaSuccess");
    ck_assert_str_eq(cudaGetErrorName((cudaError_t)1000), "unrecognized error code");
}
END_TEST

START_TEST(settings_come_from_the_environment)
{
    int count = 0;
    void *memory;
    setenv("COP_FAKE_CUDA_DEVICES", "5", 1);
    setenv("COP_FAKE_CUDA_FAIL", "cudaMalloc:2:2", 1);
    setenv("COP_FAKE_CUDA_FAIL_OPERATION", "1:719", 1);
    cop_fake_cuda_reset();
    OK(cudaGetDeviceCount(&count));
    ck_assert_int_eq(count, 5);
    OK(cudaMalloc(&memory, 1));
    FAILS(cudaErrorMemoryAllocation, cudaMalloc(&memory, 1));
    FAILS(cudaErrorLaunchFailure,
          cudaMemset(memory, 0, 1) != cudaSuccess ? cudaErrorLaunchFailure : cudaSuccess);
    unsetenv("COP_FAKE_CUDA_DEVICES");
    unsetenv("COP_FAKE_CUDA_FAIL");
    unsetenv("COP_FAKE_CUDA_FAIL_OPERATION");
}
END_TEST

START_TEST(everything_that_lives_is_counted)
{
    cudaStream_t stream = new_stream();
    cudaEvent_t event = new_event();
    void *pinned;
    OK(cudaHostAlloc(&pinned, 50, 0));
    ck_assert_uint_eq(counters().streams, 1);
    ck_assert_uint_eq(counters().events, 1);
    ck_assert_uint_eq(counters().pinned_blocks, 1);
    ck_assert_uint_eq(counters().pinned_bytes, 50);
    OK(cudaFreeHost(pinned));
    OK(cudaEventDestroy(event));
    OK(cudaStreamDestroy(stream));
    ck_assert_uint_eq(counters().streams + counters().events + counters().pinned_blocks, 0);
    FAILS(cudaErrorInvalidResourceHandle, cudaEventQuery(event));
    VIOLATES("an event that does not exist");
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("emulated CUDA devices", cop_fake_cuda_reset, cop_fake_cuda_reset,
                          the_current_device_is_each_threads_own,
                          a_stream_of_another_device_is_refused,
                          a_kernel_with_memory_of_another_device_is_a_violation,
                          devices_say_what_they_are, without_a_device_every_call_answers_100,
                          without_a_driver_or_with_an_old_one_every_call_answers_35,
                          the_call_asked_for_fails_and_no_other,
                          a_lost_device_answers_the_same_to_every_call_and_others_live_on,
                          queries_answer_not_ready_as_often_as_asked,
                          a_forked_child_cannot_use_cuda, errors_have_names_and_texts,
                          settings_come_from_the_environment, everything_that_lives_is_counted);
}
