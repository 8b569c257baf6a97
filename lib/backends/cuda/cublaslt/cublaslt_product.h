// SPDX-License-Identifier: Apache-2.0
/*
 * Products of matrices by cuBLASLt. The algorithm is chosen once, when a kernel is made; what runs
 * it belongs to a context, because the address of the bias is part of cuBLASLt's description.
 */
#ifndef BACKENDS_CUDA_CUBLASLT_CUBLASLT_PRODUCT_H
#define BACKENDS_CUDA_CUBLASLT_CUBLASLT_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cuda_runtime_api.h>

#include <cachedop/status.h>

enum cop_cublaslt_type { COP_CUBLASLT_F32, COP_CUBLASLT_F16, COP_CUBLASLT_BF16 };
enum cop_cublaslt_activation { COP_CUBLASLT_NONE, COP_CUBLASLT_RELU, COP_CUBLASLT_GELU_TANH };

/*
 * Row-major: d[m][n] = activation(alpha op(a)[m][k] op(b)[k][n] + beta c[m][n] + bias[n]), `batch`
 * times. A leading dimension is the number of elements from one stored row to the next; the stored
 * rows of a are m, or k where it is transposed. c has the leading dimension and stride of d and may
 * be d. Sums are float32 always.
 * A fully connected layer: a = src, b = weights [n][k] with trans_b.
 */
struct cublaslt_product {
    enum cop_cublaslt_type type; /* of a, b, c, d and bias */
    bool allows_tf32;            /* float32 products may be rounded to 10 bits of mantissa */
    bool trans_a, trans_b;
    bool has_bias;
    enum cop_cublaslt_activation activation;
    float alpha, beta; /* beta 0: c is not read */
    int64_t m, n, k;
    int64_t lda, ldb, ldd;
    int64_t batch;                        /* 1: the strides are not read */
    int64_t stride_a, stride_b, stride_d; /* elements from one matrix to the next; 0: the same */
    int alignment; /* bytes that every address is a multiple of: a power of two, 4 (2) to 256 */
};

/* A handle on the current device. Thread-safety: one thread at a time. */
struct cublaslt_session;

/* Opens the library if need be; `is_dead` as in struct cudnn_session_options, may be NULL. */
cop_status cop_cublaslt_session_create(bool (*is_dead)(void *user), void *user,
                                       struct cublaslt_session **session, cop_error *error);
void cop_cublaslt_session_destroy(struct cublaslt_session *session); /* accepts NULL */

/* Plain bytes that a kernel keeps. Thread-safety: immutable. */
struct cublaslt_choice {
    struct cublaslt_product product;
    size_t workspace_bytes; /* of device memory that a run needs, aligned to 256 */
    uint64_t algorithm[8];  /* cublasLtMatmulAlgo_t */
    char name[64];          /* for the printed plan */
};

#define COP_CUBLASLT_WORKSPACE_BYTES ((size_t)32 << 20)

/* UNSUPPORTED: cuBLASLt has no algorithm for it. */
cop_status cop_cublaslt_choose(struct cublaslt_session *session,
                               const struct cublaslt_product *product, size_t workspace_bytes,
                               struct cublaslt_choice *choice, cop_error *error);

/* Descriptors of one context. Thread-safety: one thread at a time. */
struct cublaslt_execution;

/* Copies the choice; the session must live longer. Microseconds, no device memory. */
cop_status cop_cublaslt_execution_create(struct cublaslt_session *session,
                                         const struct cublaslt_choice *choice,
                                         struct cublaslt_execution **execution, cop_error *error);
void cop_cublaslt_execution_destroy(struct cublaslt_execution *execution); /* accepts NULL */

struct cublaslt_pointers {
    const void *a, *b, *c, *bias; /* c is not read where beta is 0 */
    void *d, *workspace;
};

/* Enqueues on the stream; allocates nothing. */
cop_status cop_cublaslt_execution_run(struct cublaslt_execution *execution,
                                      const struct cublaslt_pointers *pointers, cudaStream_t stream,
                                      cop_error *error);

#endif
