// SPDX-License-Identifier: Apache-2.0
/* Functions of one and two numbers, and what may be run on a result before it is stored. */
#ifndef KERNELS_POST_OPS_H
#define KERNELS_POST_OPS_H

/* In the order of the operators' own list, and with the same meaning of alpha and beta. */
#define COP_CUDA_UNARY_LIST(X)                                                                     \
    X(RELU)                                                                                        \
    X(LEAKY_RELU) /* x < 0: alpha · x */                                                          \
    X(ELU)        /* x < 0: alpha · (e^x − 1) */                                                \
    X(SELU)       /* beta · (x > 0 ? x : alpha · (e^x − 1)) */                                 \
    X(SIGMOID)    /* 1 / (1 + e^−x) */                                                           \
    X(TANH)                                                                                        \
    X(SOFTPLUS)     /* log(1 + e^x) */                                                             \
    X(SOFTSIGN)     /* x / (1 + |x|) */                                                            \
    X(HARD_SIGMOID) /* clip(alpha · x + beta, 0, 1) */                                            \
    X(HARD_SWISH)   /* x · clip(alpha · x + beta, 0, 1) */                                       \
    X(CLIP)         /* min(max(x, alpha), beta); NaN stays */                                      \
    X(GELU)         /* x / 2 · (1 + erf(x / sqrt 2)) */                                           \
    X(LINEAR)       /* alpha · x + beta */                                                        \
    X(EXP)                                                                                         \
    X(LOG)                                                                                         \
    X(SQRT)                                                                                        \
    X(RSQRT)                                                                                       \
    X(SQUARE)                                                                                      \
    X(ABS)                                                                                         \
    X(NEG)                                                                                         \
    X(RECIPROCAL)                                                                                  \
    X(FLOOR)                                                                                       \
    X(CEIL)                                                                                        \
    X(ROUND_EVEN)                                                                                  \
    X(SIGN)                                                                                        \
    X(ERF)

enum cop_cuda_unary_alg {
#define COP_CUDA_ENUM(alg) COP_CUDA_UNARY_##alg,
    COP_CUDA_UNARY_LIST(COP_CUDA_ENUM)
#undef COP_CUDA_ENUM
        COP_CUDA_UNARY_ALG_COUNT
};

struct cop_cuda_unary {
    enum cop_cuda_unary_alg alg;
    float alpha, beta;
};

#define COP_CUDA_BINARY_LIST(X) X(ADD) X(SUB) X(MUL) X(DIV) X(MAX) X(MIN) X(POW)

enum cop_cuda_binary_alg {
#define COP_CUDA_ENUM(alg) COP_CUDA_BINARY_##alg,
    COP_CUDA_BINARY_LIST(COP_CUDA_ENUM)
#undef COP_CUDA_ENUM
        COP_CUDA_BINARY_ALG_COUNT
};

enum cop_cuda_post_op_kind {
    COP_CUDA_POST_OP_UNARY,
    COP_CUDA_POST_OP_SUM, /* adds `added`, a tensor like dst in shape, order and type */
};

struct cop_cuda_post_op {
    enum cop_cuda_post_op_kind kind;
    struct cop_cuda_unary unary;
};

#define COP_CUDA_MAX_POST_OPS 4

/*
 * Applied in order to the float32 result before it is rounded and stored; at most one SUM. Where a
 * launcher takes post-ops, its `added` is NULL without a SUM, and may otherwise be dst.
 */
struct cop_cuda_post_ops {
    int count;
    struct cop_cuda_post_op entries[COP_CUDA_MAX_POST_OPS];
};

#endif
