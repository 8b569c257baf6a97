// SPDX-License-Identifier: Apache-2.0
/*
 * What the launchers of kernels have in common. Plain C: a struct of sizes, device addresses, a
 * stream. They start kernels on the stream and return; they never wait, allocate, or keep an
 * address of host memory, so a launch may be captured. What cannot be launched is told by the
 * status: cudaErrorInvalidValue for sizes that contradict each other or exceed what is stated.
 * Without elements nothing is launched, and the status is cudaSuccess.
 *
 * Addresses of tensors are aligned to their elements at least; vector instructions are used where
 * they are aligned to more. Tensors do not overlap unless a launcher says that they may.
 */
#ifndef KERNELS_TYPES_H
#define KERNELS_TYPES_H

#include <stdint.h>

/* Elements in memory. Arithmetic is always done on float. */
enum cop_cuda_type { COP_CUDA_F32, COP_CUDA_F16, COP_CUDA_BF16 };

static inline int cop_cuda_type_bytes(enum cop_cuda_type type)
{
    return type == COP_CUDA_F32 ? 4 : 2;
}

/* How the dimensions of a tensor [n, channels, spatial…] follow one another in memory. */
enum cop_cuda_order {
    COP_CUDA_ROW_MAJOR, /* n, channels, spatial */
    COP_CUDA_NHWC,      /* n, spatial, channels */
};

#define COP_CUDA_MAX_RANK    8
#define COP_CUDA_MAX_SPATIAL 3

/*
 * Where the windows of pooling and convolution lie: window o along a dimension covers src positions
 * o · stride − pad_begin + i · dilation for i = 0 … kernel − 1; those outside src are padding.
 * Dimensions that a tensor lacks stand in front: sizes, strides and dilations 1, pads 0.
 */
struct cop_cuda_window {
    int64_t src[COP_CUDA_MAX_SPATIAL], dst[COP_CUDA_MAX_SPATIAL];
    int64_t kernel[COP_CUDA_MAX_SPATIAL], strides[COP_CUDA_MAX_SPATIAL];
    int64_t dilations[COP_CUDA_MAX_SPATIAL];
    int64_t pads_begin[COP_CUDA_MAX_SPATIAL], pads_end[COP_CUDA_MAX_SPATIAL];
};

/* In the order of the operators' own list. What alpha and beta mean is said in pointwise.cuh. */
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
    COP_CUDA_LOG1P,
    COP_CUDA_EXPM1,
    COP_CUDA_CBRT,
    COP_CUDA_SIN,
    COP_CUDA_COS,
    COP_CUDA_TAN,
    COP_CUDA_ASIN,
    COP_CUDA_ACOS,
    COP_CUDA_ATAN,
    COP_CUDA_SINH,
    COP_CUDA_COSH,
    COP_CUDA_ASINH,
    COP_CUDA_ACOSH,
    COP_CUDA_ATANH,
    COP_CUDA_UNARY_COUNT,
    COP_CUDA_SUM = COP_CUDA_UNARY_COUNT, /* in post-ops: adds the residual */
};

enum cop_cuda_binary_alg {
    COP_CUDA_ADD,
    COP_CUDA_SUB,
    COP_CUDA_MUL,
    COP_CUDA_DIV,
    COP_CUDA_MAX,
    COP_CUDA_MIN,
    COP_CUDA_POW,
    COP_CUDA_MOD,
    COP_CUDA_HYPOT,
    COP_CUDA_EQUAL,
    COP_CUDA_NOT_EQUAL,
    COP_CUDA_GREATER,
    COP_CUDA_GREATER_EQUAL,
    COP_CUDA_LESS,
    COP_CUDA_LESS_EQUAL,
    COP_CUDA_AND,
    COP_CUDA_OR,
    COP_CUDA_XOR,
    COP_CUDA_BINARY_COUNT
};

/*
 * What is done to a float32 result before it is rounded and stored, in this order; at most one SUM.
 * It adds `added`, a tensor like dst in shape, order and type; `added` is NULL without a SUM, and
 * may otherwise be dst.
 */
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
