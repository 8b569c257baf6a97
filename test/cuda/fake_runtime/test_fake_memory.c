// SPDX-License-Identifier: Apache-2.0
/* The emulated runtime: memory, its limits, and what must not be done with it. */
#include <math.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_runtime/jobs.h"
#include "support/unit.h"

START_TEST(new_memory_is_full_of_nans)
{
    void *memory;
    float values[100];
    OK(cudaMalloc(&memory, sizeof values));
    OK(cudaMemcpy(values, memory, sizeof values, cudaMemcpyDeviceToHost));
    for (int i = 0; i < 100; i++)
        ck_assert(isnan(values[i]));
    ck_assert_uint_eq((uintptr_t)memory % 256, 0);
    OK(cudaFree(memory));
    NO_VIOLATIONS();
}
END_TEST

START_TEST(memory_is_counted_and_limited_for_each_device)
{
    void *first, *second, *third;
    size_t available, total;
    cop_fake_cuda_memory_limit(3000);
    OK(cudaMalloc(&first, 2000));
    FAILS(cudaErrorMemoryAllocation, cudaMalloc(&second, 1001));
    ck_assert_ptr_null(second);
    FAILS(cudaErrorMemoryAllocation, cudaGetLastError());
    OK(cudaMalloc(&second, 1000));
    OK(cudaMemGetInfo(&available, &total));
    ck_assert_uint_eq(available, 0);
    ck_assert_uint_eq(total, 3000);
    ck_assert_uint_eq(counters().device_bytes, 3000);
    OK(cudaSetDevice(1));
    OK(cudaMalloc(&third, 3000));
    OK(cudaFree(first));
    OK(cudaFree(second));
    OK(cudaFree(third));
    ck_assert_uint_eq(counters().device_blocks, 0);
    ck_assert_uint_eq(counters().device_bytes, 0);
    ck_assert_uint_eq(counters().allocations, 3);
    OK(cudaMalloc(&first, 0));
    ck_assert_ptr_null(first);
    OK(cudaFree(NULL));
    NO_VIOLATIONS();
}
END_TEST

START_TEST(a_pointer_says_what_memory_it_is)
{
    struct cudaPointerAttributes attributes;
    char *device, *pinned, pageable[8];
    OK(cudaSetDevice(1));
    OK(cudaMalloc((void **)&device, 100));
    OK(cudaHostAlloc((void **)&pinned, 100, cudaHostAllocPortable));
    OK(cudaPointerGetAttributes(&attributes, device + 99));
    ck_assert_int_eq(attributes.type, cudaMemoryTypeDevice);
    ck_assert_int_eq(attributes.device, 1);
    ck_assert_ptr_null(attributes.hostPointer);
    OK(cudaPointerGetAttributes(&attributes, pinned));
    ck_assert_int_eq(attributes.type, cudaMemoryTypeHost);
    OK(cudaPointerGetAttributes(&attributes, pageable));
    ck_assert_int_eq(attributes.type, cudaMemoryTypeUnregistered);
    OK(cudaHostRegister(pageable, sizeof pageable, cudaHostRegisterDefault));
    FAILS(cudaErrorHostMemoryAlreadyRegistered, cudaHostRegister(pageable, 1, 0));
    OK(cudaPointerGetAttributes(&attributes, pageable + 7));
    ck_assert_int_eq(attributes.type, cudaMemoryTypeHost);
    OK(cudaHostUnregister(pageable));
    ck_assert(cop_fake_cuda_is_device_pointer(device));
    ck_assert(!cop_fake_cuda_is_device_pointer(device + 100));
    ck_assert(!cop_fake_cuda_is_device_pointer(pinned));
    NO_VIOLATIONS();
}
END_TEST

START_TEST(copies_and_fills_stay_inside_their_blocks)
{
    cudaStream_t stream = new_stream();
    char *memory, host[200] = {0};
    OK(cudaMalloc((void **)&memory, 100));
    OK(cudaMemcpyAsync(memory + 90, host, 10, cudaMemcpyHostToDevice, stream));
    NO_VIOLATIONS();
    FAILS(cudaErrorInvalidValue,
          cudaMemcpyAsync(memory + 90, host, 11, cudaMemcpyHostToDevice, stream));
    VIOLATES("leaves a block");
    FAILS(cudaErrorInvalidValue,
          cudaMemcpyAsync(host, memory, 101, cudaMemcpyDeviceToHost, stream));
    FAILS(cudaErrorInvalidValue, cudaMemsetAsync(memory + 1, 0, 100, stream));
    FAILS(cudaErrorInvalidValue, cudaMemsetAsync(host, 0, 100, stream));
    ck_assert_uint_eq(violations(), 4);
    FAILS(cudaErrorInvalidValue,
          cudaMemcpyAsync(memory, host, SIZE_MAX, cudaMemcpyDefault, stream));
}
END_TEST

START_TEST(the_kind_of_a_copy_must_fit_its_addresses)
{
    cudaStream_t stream = new_stream();
    char *memory, host[10] = {0};
    OK(cudaMalloc((void **)&memory, 10));
    FAILS(cudaErrorInvalidValue, cudaMemcpyAsync(memory, host, 10, cudaMemcpyDeviceToHost, stream));
    VIOLATES("does not fit");
    FAILS(cudaErrorInvalidValue,
          cudaMemcpyAsync(memory, host, 10, cudaMemcpyDeviceToDevice, stream));
    ck_assert_uint_eq(violations(), 2);
}
END_TEST

START_TEST(memory_that_queued_work_uses_is_not_freed)
{
    cudaStream_t stream = new_stream();
    int *kernels = new_numbers(4), *copied = new_numbers(1), *pinned;
    OK(cudaHostAlloc((void **)&pinned, sizeof *pinned, cudaHostAllocPortable));
    *pinned = 1;
    cop_fake_cuda_hold(1);
    OK(launch_add(stream, kernels + 1, 1, 1, 0, NULL));
    OK(cudaMemcpyAsync(copied, pinned, sizeof *pinned, cudaMemcpyHostToDevice, stream));
    OK(cudaFree(kernels));
    VIOLATES("cudaFree of memory that queued work uses");
    OK(cudaFree(copied));
    OK(cudaFreeHost(pinned));
    ck_assert_uint_eq(violations(), 3);
    cop_fake_cuda_hold(0);
    OK(cudaStreamSynchronize(stream));
}
END_TEST

START_TEST(freed_memory_is_not_used_and_not_freed_again)
{
    cudaStream_t stream = new_stream();
    int *number = new_numbers(1), value = 0;
    OK(cudaFree(number));
    NO_VIOLATIONS();
    FAILS(cudaErrorInvalidValue,
          cudaMemcpyAsync(&value, number, sizeof value, cudaMemcpyDefault, stream));
    VIOLATES("memory that was freed");
    FAILS(cudaErrorInvalidValue, cudaFree(number));
    FAILS(cudaErrorInvalidValue, cudaFree(&value));
    FAILS(cudaErrorInvalidValue, cudaFreeHost(number));
    ck_assert_uint_eq(violations(), 4);
}
END_TEST

START_TEST(a_block_is_not_freed_by_an_address_inside_it_or_as_another_kind)
{
    int *number = new_numbers(4);
    FAILS(cudaErrorInvalidValue, cudaFree(number + 1));
    FAILS(cudaErrorInvalidValue, cudaFreeHost(number));
    ck_assert_uint_eq(violations(), 2);
    OK(cudaFree(number));
}
END_TEST

static void touch(int *number)
{
    poke(number, 1);
}

static void touch_freed(int *number)
{
    if (cudaFree(number) == cudaSuccess)
        poke(number, 1);
}

/* In a kernel, from here on. */
static void touch_beyond(int *number)
{
    cudaStream_t stream;
    if (cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess &&
        launch_add(stream, number + 500, 1, 1, 0, NULL) == cudaSuccess)
        (void)cudaStreamSynchronize(stream);
}

/* AddressSanitizer stops the kernel at once. */
static void touch_beside(int *number)
{
    cudaStream_t stream = new_stream();
    OK(launch_add(stream, number, 2, 1, 0, NULL));
    OK(cudaStreamSynchronize(stream));
    OK(cudaFree(number));
    if (strstr(first_violation(), "beside a block") != NULL)
        _exit(1);
}

/* Whether a child process that does it is stopped. */
static bool is_fatal(void (*what)(int *number))
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        int *number = new_numbers(1);
        if (freopen("/dev/null", "w", stderr) != NULL)
            what(number);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

START_TEST(the_host_cannot_touch_device_memory_nor_kernels_what_is_not_theirs)
{
    ck_assert(is_fatal(touch));
    ck_assert(is_fatal(touch_freed));
    ck_assert(is_fatal(touch_beyond));
    ck_assert(is_fatal(touch_beside));
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH(
        "emulated CUDA memory", cop_fake_cuda_reset, cop_fake_cuda_reset,
        new_memory_is_full_of_nans, memory_is_counted_and_limited_for_each_device,
        a_pointer_says_what_memory_it_is, copies_and_fills_stay_inside_their_blocks,
        the_kind_of_a_copy_must_fit_its_addresses, memory_that_queued_work_uses_is_not_freed,
        freed_memory_is_not_used_and_not_freed_again,
        a_block_is_not_freed_by_an_address_inside_it_or_as_another_kind,
        the_host_cannot_touch_device_memory_nor_kernels_what_is_not_theirs);
}
