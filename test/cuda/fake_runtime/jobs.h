// SPDX-License-Identifier: Apache-2.0
/* What the tests of the emulated runtime launch, and short names for what they do all the time. */
#ifndef TEST_CUDA_FAKE_RUNTIME_JOBS_H
#define TEST_CUDA_FAKE_RUNTIME_JOBS_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fake_cuda.h"

#define OK(call)           ck_assert_int_eq((call), cudaSuccess)
#define FAILS(error, call) ck_assert_int_eq((call), (error))
#define NO_VIOLATIONS()    ck_assert_msg(violations() == 0, "%s", first_violation())
#define VIOLATES(words)                                                                            \
    ck_assert_msg(strstr(first_violation(), (words)) != NULL, "first violation: '%s'",             \
                  first_violation())

static inline const char *first_violation(void)
{
    static char text[512];
    cop_fake_cuda_violations(text, sizeof text);
    return text;
}

static inline size_t violations(void)
{
    return cop_fake_cuda_violations(NULL, 0);
}

static inline struct cop_fake_cuda_counters counters(void)
{
    struct cop_fake_cuda_counters now;
    cop_fake_cuda_count(&now);
    return now;
}

static inline cudaStream_t new_stream(void)
{
    cudaStream_t stream;
    OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    return stream;
}

static inline cudaEvent_t new_event(void)
{
    cudaEvent_t event;
    OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    return event;
}

static inline int *new_numbers(size_t count)
{
    void *memory;
    OK(cudaMalloc(&memory, count * sizeof(int)));
    return memory;
}

/* A kernel: adds to numbers, and may sleep between reading and writing the first. */
struct add_job {
    int *numbers;
    size_t count;
    int summand;
    unsigned nap_us;
    int *dropped; /* counts */
};

void run_add(void *job);
void drop_add(void *job);

/* Launches it; `dropped` may be NULL. */
cudaError_t launch_add(cudaStream_t stream, int *numbers, size_t count, int summand,
                       unsigned nap_us, int *dropped);

/* Accesses by the host while a stream may work there, which are races on purpose. */
int peek(const int *number);
void poke(int *number, int value);

/* What device memory holds, by way of a stream of its own. */
int read_number(const int *number);
void write_number(int *number, int value);

#endif
