// SPDX-License-Identifier: Apache-2.0
/*
 * A GPU for tests, without a GPU: a backend module with memory of its own that the process cannot
 * touch (its addresses fault), streams that run behind on threads, recordings and layouts. It knows
 * a few operators, so that the reference kernels run the rest. The test and the module share this
 * struct: what shall be slow, held or fail, and what has happened.
 */
#ifndef TEST_SUPPORT_BEHIND_CONTROL_H
#define TEST_SUPPORT_BEHIND_CONTROL_H

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cachedop/cachedop.h>

#define BEHIND_DEVICES 2
#define BEHIND_DEVICE                                                                              \
    (cop_device)                                                                                   \
    {                                                                                              \
        COP_DEVICE_GPU, 0                                                                          \
    }

/* What can fail, and how. */
enum behind_fault {
    BEHIND_KERNEL, /* kernel_run begins nothing: INTERNAL */
    BEHIND_JOB,  /* a kernel fails while the device runs it; the stream says DEVICE_FAILED later */
    BEHIND_WAIT, /* a stream that has run to its end says DEVICE_FAILED */
    BEHIND_RECORDING_BEGIN, /* INTERNAL, as the next two */
    BEHIND_RECORDING_END,
    BEHIND_RECORDING_RUN,
    BEHIND_MEMORY, /* OUT_OF_DEVICE_MEMORY, whatever the kind */
    BEHIND_STREAM, /* OUT_OF_DEVICE_MEMORY, as the next */
    BEHIND_STATE,
    BEHIND_COPY, /* memory_copy: DEVICE_FAILED */
    BEHIND_FAULT_COUNT,
};

/* Written by the test and the module, at any time; nothing is ordered by it. */
struct behind_control {
    _Atomic long faults[BEHIND_FAULT_COUNT]; /* n: the n-th from now fails, once; 0: none */
    _Atomic long delay_us, most_random_us;   /* before each kernel that the device runs */
    _Atomic int holds;                       /* 1: the device begins nothing */
    _Atomic long estimated_ns;               /* of kernels that are made from now on */
    _Atomic size_t memory_bytes;             /* what the device says it has */
    _Atomic long kernels_begun, kernels_run; /* without those of recordings; with them */
    _Atomic long recordings_made, recordings_begun, recordings; /* the last: now */
    _Atomic long busy_streams, most_busy_streams;
    _Atomic long streams, states, blocks, kernels, layouts; /* now */
    _Atomic long waits, polls;
};

#define BEHIND_CONTROL_NAME "behind_control"

/* Opens the module, whose path the environment tells, as the GPU of this process. Once. */
static inline struct behind_control *behind_open(void)
{
    const char *path = getenv("COP_BEHIND_DEVICE");
    cop_error error = {0};
    if (path == NULL || cop_load_module(path, &error) != COP_STATUS_OK) {
        fprintf(stderr, "the device that runs behind: %s\n",
                path == NULL ? "COP_BEHIND_DEVICE is not set" : error.message);
        abort();
    }
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    struct behind_control *control = dlsym(module, BEHIND_CONTROL_NAME);
    if (control == NULL)
        abort();
    return control;
}

/* As it was when it was opened: fast, faultless. What is counted stays. */
static inline void behind_reset(struct behind_control *control)
{
    for (int i = 0; i < BEHIND_FAULT_COUNT; i++)
        atomic_store(&control->faults[i], 0);
    atomic_store(&control->delay_us, 0);
    atomic_store(&control->most_random_us, 0);
    atomic_store(&control->holds, 0);
    atomic_store(&control->estimated_ns, 1000);
    atomic_store(&control->memory_bytes, (size_t)1 << 30);
    atomic_store(&control->most_busy_streams, 0);
}

#endif
