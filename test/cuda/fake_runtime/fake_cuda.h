// SPDX-License-Identifier: Apache-2.0
/*
 * How tests steer and question the emulated CUDA runtime.
 *
 * Its devices are threads of this process: every stream is a queue that one thread works off, some
 * time after the call that queued the work, with random pauses. Device memory is memory of this
 * process that cannot be touched while no operation of a stream runs. What real CUDA leaves
 * undefined, or what this project does not allow itself, is a violation: it is counted, its text
 * kept, and printed to stderr.
 *
 * ThreadSanitizer sees only the order that CUDA promises: from a call that queues work to the work,
 * along a stream, from an event to who waits for it, and from finished work to who waited for it.
 *
 * The environment is read when the runtime is first used, and again by a reset:
 * COP_FAKE_CUDA_DEVICES, _MEMORY (bytes), _SEED, _DELAY_US, _DRIVER (0, 1, 2), _ABORT=1 (on the
 * first violation), _FAIL=function:n:error, _FAIL_OPERATION=n:error.
 *
 * Thread-safety: synchronized.
 */
#ifndef TEST_CUDA_FAKE_RUNTIME_FAKE_CUDA_H
#define TEST_CUDA_FAKE_RUNTIME_FAKE_CUDA_H

#include <stddef.h>
#include <stdint.h>

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cop_fake_cuda_driver {
    COP_FAKE_CUDA_DRIVER_OK,
    COP_FAKE_CUDA_DRIVER_MISSING, /* every call answers 35 */
    COP_FAKE_CUDA_DRIVER_OLD,     /* so too, and the driver has a version */
};

struct cop_fake_cuda_counters {
    /* what there is now */
    size_t device_blocks, device_bytes, pinned_blocks, pinned_bytes;
    size_t streams, events, graphs, execs;
    size_t queued; /* operations that have not ended */
    /* what has been since the last reset */
    size_t calls, allocations, launches, copies, graph_launches;
    size_t executed; /* operations that ran, those of graphs among them */
    size_t legacy_calls;
    size_t violations;
};

/* Waits for all streams, destroys everything, forgets violations, counts and settings. */
void cop_fake_cuda_reset(void);
/* Of the random pauses; streams made later have their own numbers from it. */
void cop_fake_cuda_seed(uint64_t seed);
/* The longest pause before an operation; 0: none. */
void cop_fake_cuda_delay_us(unsigned most);
/* While held, no operation begins. */
void cop_fake_cuda_hold(int is_held);
/* 0 to 8; 2 unless told. */
void cop_fake_cuda_device_count(int count);
void cop_fake_cuda_capability(int major, int minor);
/* Of each device. */
void cop_fake_cuda_memory_limit(size_t bytes);
void cop_fake_cuda_driver(enum cop_fake_cuda_driver driver);
/* Whether device memory is out of reach while nothing runs, which it is unless told otherwise. */
void cop_fake_cuda_protect(int is_protected);

/* The n-th call from now (1: the next) of `function`, NULL for all of them together, does nothing
 * and answers `error`. Several may be pending. */
void cop_fake_cuda_fail_call(const char *function, uint64_t n, cudaError_t error);
/* Before the n-th operation from now its device is lost: whatever is queued is dropped, and every
 * call about the device answers `error` until the reset. */
void cop_fake_cuda_fail_operation(uint64_t n, cudaError_t error);
/* The next `count` queries of streams and events answer that they are not ready. */
void cop_fake_cuda_not_ready(unsigned count);

/* Whether an address lies in device memory that is allocated. */
int cop_fake_cuda_is_device_pointer(const void *address);
/* Whether `bytes` from there on do, in one block. */
int cop_fake_cuda_is_device_range(const void *address, size_t bytes);
void cop_fake_cuda_count(struct cop_fake_cuda_counters *counters);
/* How many there were; the text of the first, "" if none. */
size_t cop_fake_cuda_violations(char *first, size_t bytes);
/* For emulated libraries: something that must not be was done. */
void cop_fake_cuda_violation(const char *text);
/* Waits until no operation is queued or running. */
void cop_fake_cuda_drain(void);

/* Queues a job on the stream, or records it in the graph that the stream is captured into: then it
 * runs with every launch. `drop` is called once, when it will not run again. */
cudaError_t cop_emulated_launch(cudaStream_t stream, void (*run)(void *job),
                                void (*drop)(void *job), void *job);

#ifdef __cplusplus
}
#endif

#endif
