// SPDX-License-Identifier: Apache-2.0
/*
 * cuBLASLt's functions for tests of what calls them: products of float32 are computed at once, by
 * its own rules (columns first), and any call can be made to fail. It takes the place of
 * cublaslt_library.c.
 */
#ifndef TEST_CUDA_CUBLASLT_SCRIPTED_CUBLASLT_H
#define TEST_CUDA_CUBLASLT_SCRIPTED_CUBLASLT_H

#include <stdint.h>

#include <cublasLt.h>

struct scripted_cublaslt {
    /* The script. */
    int64_t fail_at; /* the call of this number fails, counted from 1; 0: none */
    cublasStatus_t failure;
    int algorithms; /* that the heuristics find: 0 or 1 */
    cublasStatus_t state;
    size_t workspace_bytes;

    /* What happened. */
    int64_t calls;
    int live_objects, live_handles, products;
    cublasComputeType_t compute_type;
    cudaDataType type, bias_type;
    uint32_t reduction_mask, alignments[4];
    uint64_t most_workspace;
    const void *bias_when_asked;
    size_t given_workspace;
    cudaStream_t stream;
};

extern struct scripted_cublaslt scripted;

/* Forgets what happened; one algorithm without a workspace is found. */
void scripted_reset(void);

#endif
