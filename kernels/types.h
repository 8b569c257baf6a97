// SPDX-License-Identifier: Apache-2.0
/* What the launchers of kernels have in common. Plain C. */
#ifndef KERNELS_TYPES_H
#define KERNELS_TYPES_H

/* Elements in memory. Arithmetic is always done on float. */
enum cop_cuda_type { COP_CUDA_F32, COP_CUDA_F16, COP_CUDA_BF16 };

static inline int cop_cuda_type_bytes(enum cop_cuda_type type)
{
    return type == COP_CUDA_F32 ? 4 : 2;
}

/* What alpha and beta mean is said in pointwise.cuh. */
enum cop_cuda_unary {
    COP_CUDA_RELU,
    COP_CUDA_LEAKY_RELU,
    COP_CUDA_ELU,
    COP_CUDA_SELU,
    COP_CUDA_SIGMOID,
    COP_CUDA_TANH,
    COP_CUDA_SOFTPLUS,
    COP_CUDA_SOFTSIGN,
    COP_CUDA_HARD_SIGMOID,
    COP_CUDA_HARD_SWISH,
    COP_CUDA_CLIP,
    COP_CUDA_GELU,
    COP_CUDA_LINEAR,
    COP_CUDA_EXP,
    COP_CUDA_LOG,
    COP_CUDA_SQRT,
    COP_CUDA_RSQRT,
    COP_CUDA_SQUARE,
    COP_CUDA_ABS,
    COP_CUDA_NEG,
    COP_CUDA_RECIPROCAL,
    COP_CUDA_FLOOR,
    COP_CUDA_CEIL,
    COP_CUDA_ROUND_EVEN,
    COP_CUDA_SIGN,
    COP_CUDA_ERF,
    COP_CUDA_UNARY_COUNT,
    COP_CUDA_SUM = COP_CUDA_UNARY_COUNT, /* in post-ops: adds the residual */
};

/* What is done to a result before it is stored, in this order; at most one SUM. */
#define COP_CUDA_MAX_POST_OPS 4
struct cop_cuda_post_op {
    int alg; /* enum cop_cuda_unary */
    float alpha, beta;
};
struct cop_cuda_post_ops {
    int count;
    struct cop_cuda_post_op entries[COP_CUDA_MAX_POST_OPS];
};

#endif
