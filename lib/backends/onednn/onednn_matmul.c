// SPDX-License-Identifier: Apache-2.0
/* MatMul and Gemm. */
#include "backends/onednn/onednn_kernel.h"

/* A side of a product as a stack of matrices: dimensions of the product's rank. */
struct side {
    int rank;
    int64_t dims[COP_MAX_RANK], strides[COP_MAX_RANK];
};

/* Vectors become a row (left) or a column (right); transposition is a matter of strides. */
static struct side view_side(const struct shape *shape, int rank, bool is_left, bool transpose)
{
    struct shape matrix = *shape;
    struct side side = {.rank = rank};
    if (shape->rank == 1)
        matrix = is_left ? cop_shape_of(2, (const int64_t[]){1, shape->dims[0]})
                         : cop_shape_of(2, (const int64_t[]){shape->dims[0], 1});
    int64_t stride = 1;
    for (int i = rank - 1; i >= 0; i--) {
        const int from = i - (rank - matrix.rank);
        side.dims[i] = from < 0 ? 1 : matrix.dims[from];
        side.strides[i] = stride;
        stride *= side.dims[i];
    }
    if (transpose) {
        const int64_t dim = side.dims[rank - 1], step = side.strides[rank - 1];
        side.dims[rank - 1] = side.dims[rank - 2];
        side.strides[rank - 1] = side.strides[rank - 2];
        side.dims[rank - 2] = dim;
        side.strides[rank - 2] = step;
    }
    return side;
}

static cop_status describe_side(const struct onednn_build *build, const struct side *side,
                                struct tensor_desc *desc)
{
    ONEDNN_TRY(build,
               cop_onednn_desc_strided(desc, side->rank, side->dims, dnnl_f32, side->strides));
    return COP_STATUS_OK;
}

/* [batch…, m, n], with the dimensions that vectors do not have. */
static struct side product_side(const struct side *a, const struct side *b)
{
    struct side dst = {.rank = a->rank};
    int64_t stride = 1;
    for (int i = a->rank - 1; i >= 0; i--) {
        if (i == a->rank - 1)
            dst.dims[i] = b->dims[i];
        else if (i == a->rank - 2)
            dst.dims[i] = a->dims[i];
        else
            dst.dims[i] = a->dims[i] == 1 ? b->dims[i] : a->dims[i];
        dst.strides[i] = stride;
        stride *= dst.dims[i];
    }
    return dst;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static cop_status multiply(struct onednn_build *build, bool trans_a, bool trans_b,
                           const struct tensor_desc *bias)
{
    const struct kernel_request *request = build->request;
    const struct shape *a_shape = &request->src[0].shape, *b_shape = &request->src[1].shape;
    const int rank = larger(2, larger(a_shape->rank, b_shape->rank));
    const struct side a = view_side(a_shape, rank, true, trans_a);
    const struct side b = view_side(b_shape, rank, false, trans_b);
    const struct side dst = product_side(&a, &b);
    struct tensor_desc a_desc, b_desc, dst_desc;
    COP_TRY(describe_side(build, &a, &a_desc));
    COP_TRY(describe_side(build, &b, &b_desc));
    COP_TRY(describe_side(build, &dst, &dst_desc));
    ONEDNN_TRY(build,
               cop_onednn_pd_matmul(&build->pd, &build->env, &a_desc, &b_desc, bias, &dst_desc));
    cop_onednn_bind_plain_src(build, 0, DNNL_ARG_SRC, &a_desc);
    cop_onednn_bind_plain_src(build, 1, DNNL_ARG_WEIGHTS, &b_desc);
    if (bias != NULL)
        cop_onednn_bind_plain_src(build, 2, DNNL_ARG_BIAS, bias);
    return cop_onednn_bind_dst(build, 0, DNNL_ARG_DST, &dst_desc);
}

cop_status cop_onednn_matmul(struct onednn_build *build)
{
    const struct matmul_attrs *attrs = build->request->attrs;
    return multiply(build, attrs->trans_a, attrs->trans_b, NULL);
}

cop_status cop_onednn_gemm(struct onednn_build *build)
{
    const struct gemm_attrs *attrs = build->request->attrs;
    const bool has_c = cop_onednn_has_src(build, 2);
    struct tensor_desc bias;
    if (attrs->alpha != 1.0f || (has_c && attrs->beta != 1.0f))
        return cop_onednn_lacks(build, "factors other than 1");
    if (!has_c)
        return multiply(build, attrs->trans_a, attrs->trans_b, NULL);

    const struct shape *c = &build->request->src[2].shape;
    struct shape used = {.rank = 2, .dims = {1, 1}};
    if (c->rank > 2)
        return cop_onednn_lacks(build, "an addend of more than 2 dimensions");
    for (int i = 0; i < c->rank; i++)
        used.dims[2 - c->rank + i] = c->dims[i];
    COP_TRY(cop_onednn_plain_desc(build, &used, &bias));
    return multiply(build, attrs->trans_a, attrs->trans_b, &bias);
}
