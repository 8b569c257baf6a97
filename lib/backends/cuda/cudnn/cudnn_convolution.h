// SPDX-License-Identifier: Apache-2.0
/*
 * Convolutions by cuDNN: which of its engines runs a geometry on a kind of device, chosen once per
 * process. A choice holds the finished plan as text, from which every context makes its own plan
 * (cudnn_execution.h) in less than a millisecond.
 */
#ifndef BACKENDS_CUDA_CUDNN_CUDNN_CONVOLUTION_H
#define BACKENDS_CUDA_CUDNN_CUDNN_CONVOLUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/cuda/cudnn/cudnn_session.h"
#include "base/refcount.h"

#define COP_CUDNN_MAX_SPATIAL 3

/* What src, weights, residual, bias and dst are made of; sums are float32 always. */
enum cop_cudnn_type { COP_CUDNN_F32, COP_CUDNN_F16, COP_CUDNN_BF16 };

enum cop_cudnn_activation {
    COP_CUDNN_NONE,
    COP_CUDNN_RELU,
    COP_CUDNN_CLIP,       /* min(max(x, alpha), beta) */
    COP_CUDNN_LEAKY_RELU, /* x < 0: alpha x */
    COP_CUDNN_ELU,        /* x < 0: alpha (e^x - 1) */
    COP_CUDNN_SIGMOID,
    COP_CUDNN_TANH,
    COP_CUDNN_SWISH, /* x sigmoid(alpha x) */
    COP_CUDNN_GELU,
    COP_CUDNN_GELU_TANH,
};

/*
 * dst = activation(convolution(src, weights) + residual + bias). src [n,ic,spatial...], weights
 * [oc,ic/groups,kernel...], bias [oc], residual and dst [n,oc,spatial...]. Channels come last in
 * memory (nhwc) or second (nchw); weights lie as src does, [oc,kernel...,ic/groups] where channels
 * come last. No padding between elements; addresses are multiples of 16 bytes.
 */
struct cudnn_convolution {
    enum cop_cudnn_type type;
    bool allows_tf32; /* float32 products may be rounded to 10 bits of mantissa */
    bool src_is_nhwc, dst_is_nhwc;
    bool has_bias, has_residual;
    enum cop_cudnn_activation activation;
    float alpha, beta;
    int spatial_rank; /* 1 to 3 */
    int64_t n, ic, oc, groups;
    int64_t src[COP_CUDNN_MAX_SPATIAL], kernel[COP_CUDNN_MAX_SPATIAL];
    int64_t strides[COP_CUDNN_MAX_SPATIAL], dilations[COP_CUDNN_MAX_SPATIAL];
    /* Any pads_end that gives the right size of dst, also one below zero, means the same. */
    int64_t pads_begin[COP_CUDNN_MAX_SPATIAL], pads_end[COP_CUDNN_MAX_SPATIAL];
};

/*
 * Engines are taken in this order: compiled beforehand with a small workspace, then with a large
 * one, then, if allowed, those that cuDNN compiles now (0.1 to 2 s each).
 * Without allows_compilation only what cop_cudnn_fuses is looked at.
 */
struct cudnn_limits {
    size_t workspace_bytes;      /* what is small; 0: COP_CUDNN_WORKSPACE_BYTES */
    size_t most_workspace_bytes; /* nothing above; 0: COP_CUDNN_MOST_WORKSPACE_BYTES */
    bool allows_compilation;
};
#define COP_CUDNN_WORKSPACE_BYTES      ((size_t)32 << 20)
#define COP_CUDNN_MOST_WORKSPACE_BYTES ((size_t)256 << 20)

/* Thread-safety: immutable, reference-counted. */
struct cudnn_choice {
    struct refcount refs;
    struct cudnn_convolution convolution;
    char *plan; /* cuDNN's JSON */
    size_t plan_bytes;
    size_t workspace_bytes; /* of device memory that a run needs, aligned to 256 */
    int64_t engine;
    uint32_t numerical_notes, behaviour_notes; /* bit i: cuDNN's note of that number */
    bool is_compiled;                          /* by cuDNN, when it was chosen */
    bool is_large;                             /* more workspace than limits.workspace_bytes */
    int64_t measured_ns;                       /* the median of a run; 0: not measured */
    int tried;                                 /* engine configurations that did not become plans */
    char finalize_mode[48];                    /* how cuDNN saw the operations */
    char name[96];                             /* for the printed plan */
};

/* Device memory for one run; what the convolution lacks is NULL. dst may lie on the residual. */
struct cudnn_pointers {
    const void *src, *weights, *residual, *bias;
    void *dst, *workspace;
};

/* A choice by measurement, on memory of the right sizes whose contents do not matter. */
struct cudnn_trial {
    struct cudnn_pointers pointers; /* with a workspace of limits.workspace_bytes */
    int most_configurations;        /* 0: 8 */
    int runs;                       /* of each, after one that is not counted; 0: 5 */
    /*
     * Calls `run(argument, error)` once, which enqueues on the session's stream, and says how long
     * the device took: an event before, one after, and a wait.
     */
    cop_status (*measure)(void *user, cop_status (*run)(void *argument, cop_error *error),
                          void *argument, int64_t *ns, cop_error *error);
    void *user;
};

/*
 * The choice for a convolution on the session's kind of device: from the process's store where it
 * was made before (with the same limits, and by the same way), else cuDNN's heuristics decide (a
 * few milliseconds; 0.5 s the first time in a process) or the trial (not NULL).
 * Deterministic engines only; for float32 without TF32 only those that compute with float32
 * throughout and no transformation (FFT, Winograd). Of configurations that were measured the first
 * wins unless one is more than 2 % faster.
 * UNSUPPORTED: no engine is left; the text says why. A thread that asks for what another is just
 * choosing waits for it. Never while a stream is recorded.
 */
cop_status cop_cudnn_choose(struct cudnn_session *session,
                            const struct cudnn_convolution *convolution,
                            const struct cudnn_limits *limits, const struct cudnn_trial *trial,
                            const struct cudnn_choice **choice, cop_error *error);

const struct cudnn_choice *cop_cudnn_choice_retain(const struct cudnn_choice *choice);
void cop_cudnn_choice_release(const struct cudnn_choice **choice); /* accepts a pointer to NULL */

/*
 * Whether engines compiled beforehand run it all at once and fast: activations NONE and RELU, and
 * with a bias (of zeros, if need be) wherever there is a residual or an activation. For CLIP, ELU,
 * SIGMOID and TANH cuDNN 9.19 has one generic engine without tensor cores, for the others, and for
 * sums without a bias, none: an own kernel behind a plain convolution is faster.
 */
bool cop_cudnn_fuses(const struct cudnn_convolution *convolution);

/* The spatial dimensions of dst; false: the geometry is no convolution, or too large. */
bool cop_cudnn_dst_spatial(const struct cudnn_convolution *convolution,
                           int64_t dst[COP_CUDNN_MAX_SPATIAL]);

/* Forgets all choices but those in the making; holders keep theirs. For tests. */
void cop_cudnn_store_clear(void);

#endif
