// SPDX-License-Identifier: Apache-2.0
/* What one operator costs, about: so that a graph from a file cannot ask for years. */
#include "ir/op.h"

/* Elementwise functions are mostly transcendental: so many sums and products each. */
#define FUNCTION_WORK 8

static double elements_of(const struct op_tensor *tensor)
{
    double product = 1;
    for (int i = 0; i < tensor->shape.rank; i++)
        product *= (double)tensor->shape.dims[i];
    return tensor->is_present ? product : 0;
}

static double product_from(const struct shape *shape, int first)
{
    double product = 1;
    for (int i = first; i < shape->rank; i++)
        product *= (double)shape->dims[i];
    return product;
}

/* Taps of one pooling window, as far as they lie in src. */
static double window_of(const struct pooling_attrs *attrs, const struct shape *src)
{
    double taps = 1;
    for (int i = 2; i < src->rank; i++) {
        const int axis = i - 2;
        const bool is_whole =
            attrs->is_global || axis >= attrs->spatial_rank || attrs->kernel[axis] > src->dims[i];
        taps *= (double)(is_whole ? src->dims[i] : attrs->kernel[axis]);
    }
    return taps * (attrs->alg == POOLING_LP ? FUNCTION_WORK : 1);
}

static double work_per_result(enum op_kind kind, const void *attrs, const struct op_tensor *src)
{
    const struct shape *shape = &src[0].shape;
    const struct gemm_attrs *gemm = attrs;
    const struct matmul_attrs *matmul = attrs;
    switch (kind) {
    case OP_CONVOLUTION:
    case OP_FULLY_CONNECTED:
        return product_from(&src[1].shape, 1);
    case OP_GEMM:
        return (double)shape->dims[gemm->trans_a ? 0 : 1];
    case OP_MATMUL:
        return (double)
            shape->dims[matmul->trans_a && shape->rank > 1 ? shape->rank - 2 : shape->rank - 1];
    case OP_POOLING:
        return window_of(attrs, shape);
    case OP_LRN:
        return (double)((const struct lrn_attrs *)attrs)->size < (double)shape->dims[1]
                   ? (double)((const struct lrn_attrs *)attrs)->size + FUNCTION_WORK
                   : (double)shape->dims[1] + FUNCTION_WORK;
    case OP_UNARY:
    case OP_BINARY:
    case OP_SOFTMAX:
        return FUNCTION_WORK;
    default:
        return 1;
    }
}

double cop_op_work(enum op_kind kind, const void *attrs, int src_count, const struct op_tensor *src,
                   int dst_count, const struct op_tensor *dst)
{
    double work = 0;
    const double each = work_per_result(kind, attrs, src);
    for (int i = 0; i < src_count; i++)
        work += elements_of(&src[i]);
    for (int i = 0; i < dst_count; i++)
        work += elements_of(&dst[i]) * each;
    return work;
}
