// SPDX-License-Identifier: Apache-2.0
/* The engine configurations that cuDNN's heuristics name for a graph, and what is wanted of them.
 */
#ifndef BACKENDS_CUDA_CUDNN_CUDNN_CANDIDATES_H
#define BACKENDS_CUDA_CUDNN_CUDNN_CANDIDATES_H

#include "backends/cuda/cudnn/cudnn_calls.h"
#include "backends/cuda/cudnn/cudnn_convolution.h"

/* In the order in which they are taken. */
enum candidate_class {
    CANDIDATE_SMALL, /* compiled beforehand, workspace within the limit */
    CANDIDATE_LARGE,
    CANDIDATE_COMPILED_SMALL, /* cuDNN compiles it when the plan is made */
    CANDIDATE_COMPILED_LARGE,
    CANDIDATE_CLASS_COUNT,
    CANDIDATE_INEXACT = CANDIDATE_CLASS_COUNT, /* from here on: not wanted */
    CANDIDATE_HUGE,
    CANDIDATE_NEEDS_COMPILER,
    CANDIDATE_NEEDS_REORDER,
    CANDIDATE_VERDICT_COUNT,
};

struct cudnn_candidate {
    cudnnBackendDescriptor_t config; /* owned by the list */
    int64_t workspace_bytes, engine;
    uint32_t numerical_notes, behaviour_notes;
    enum candidate_class verdict;
};

struct cudnn_candidates {
    const struct cudnn_session *session;
    const struct cudnn_convolution *conv;
    const struct cudnn_limits *limits;
    struct cudnn_candidate *entries;
    int count;
    int verdict_counts[CANDIDATE_VERDICT_COUNT];
};

/* Appends what one heuristic mode names for the graph; nothing is not a failure. */
cop_status cop_cudnn_candidates_ask(struct cudnn_candidates *candidates,
                                    cudnnBackendDescriptor_t graph, cudnnBackendHeurMode_t mode,
                                    cop_error *error);
void cop_cudnn_candidates_clear(struct cudnn_candidates *candidates);

#endif
