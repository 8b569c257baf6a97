// SPDX-License-Identifier: Apache-2.0
/* Products of matrices. */
#include "model/onnx/onnx_call.h"

/* Is c absent, or a constant vector with one element for each column of the product? */
static bool is_bias(const struct onnx_call *call, const struct graph_value *b, bool trans_b)
{
    const struct graph_value *c = cop_onnx_constant(call, 2);
    if (cop_onnx_src(call, 2) == COP_NO_VALUE)
        return true;
    return c != NULL && c->shape.rank == 1 && c->shape.dims[0] == b->shape.dims[trans_b ? 0 : 1];
}

/* What classifiers end in: constant weights, stored once as [oc,k], and a bias. */
static void make_fully_connected(struct onnx_call *call, bool trans_b)
{
    const struct transpose_attrs swap = {.rank = 2, .perm = {1, 0}};
    const int src[3] = {
        call->src[0],
        trans_b ? call->src[1] : cop_onnx_append(call, OP_TRANSPOSE, &swap, 1, &call->src[1]),
        cop_onnx_src(call, 2),
    };
    cop_onnx_make(call, OP_FULLY_CONNECTED, NULL, src[2] == COP_NO_VALUE ? 2 : 3, src);
}

static void map_gemm(struct onnx_call *call)
{
    struct gemm_attrs attrs = {.alpha = cop_onnx_float(call, "alpha", 1),
                               .beta = cop_onnx_float(call, "beta", 1)};
    attrs.trans_a = cop_onnx_int(call, "transA", 0) != 0;
    attrs.trans_b = cop_onnx_int(call, "transB", 0) != 0;
    if (call->opset < 7) /* numpy's broadcasting allows all that it allowed */
        (void)cop_onnx_int(call, "broadcast", 0);
    const struct graph_value *b = cop_onnx_constant(call, 1);
    if (b != NULL && b->shape.rank == 2 && attrs.alpha == 1 && attrs.beta == 1 && !attrs.trans_a &&
        is_bias(call, b, attrs.trans_b))
        make_fully_connected(call, attrs.trans_b);
    else
        cop_onnx_make(call, OP_GEMM, &attrs, call->src_count, call->src);
}

static void map_matmul(struct onnx_call *call)
{
    cop_onnx_make(call, OP_MATMUL, NULL, 2, call->src);
}

const struct onnx_operator cop_onnx_matrix_operators[] = {
    {"Gemm", 1, 3, 3, 1, map_gemm, 0},
    {"Gemm", 11, 2, 3, 1, map_gemm, 0},
    {"MatMul", 1, 2, 2, 1, map_matmul, 0},
    {NULL, 0, 0, 0, 0, NULL, 0},
};
