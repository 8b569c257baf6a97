// SPDX-License-Identifier: Apache-2.0
/*
 * cuDNN's functions for tests of what calls them: engines are those of a script, any call can be
 * made to fail, and what is used wrongly is counted. It takes the place of cudnn_library.c.
 * Thread-safety: the script is set before threads start; counters are atomic.
 */
#ifndef TEST_CUDA_CUDNN_SCRIPTED_CUDNN_H
#define TEST_CUDA_CUDNN_SCRIPTED_CUDNN_H

#include <stdbool.h>
#include <stdint.h>

#include <cudnn.h>

struct scripted_engine {
    int64_t index, workspace_bytes;
    uint32_t numerical_notes, behaviour_notes; /* a bit a note */
    cudnnStatus_t plan_status;                 /* of finishing its plan */
    cudnnStatus_t run_status;
    int64_t run_ns; /* what a run adds to the clock */
};

#define SCRIPTED_MOST_ENGINES 8

struct scripted_cudnn {
    /* The script; a list ends at an engine with index 0. */
    struct scripted_engine mode_a[SCRIPTED_MOST_ENGINES], fallback[SCRIPTED_MOST_ENGINES];
    int64_t fail_at; /* the call of this number fails, counted from 1; 0: none */
    cudnnStatus_t failure;
    int choosing_us; /* what asking the heuristics takes */

    /* What happened. */
    _Atomic int64_t calls, clock_ns;
    _Atomic int live_descriptors, live_handles;
    _Atomic int heuristics_asked, runs, packs_made;
    _Atomic int64_t last_engine;
    void *last_pointers[5];
    int64_t last_ids[5];
    int last_pointer_count;
    void *last_workspace;
    /* Finished twice, changed when finished, used unfinished, a plan for no device. */
    _Atomic int misuses;
};

extern struct scripted_cudnn scripted;

/* Forgets the script and what happened. */
void scripted_reset(void);

#endif
