// SPDX-License-Identifier: Apache-2.0
/* FullyConnected: over the last dimension, whatever stands before it being rows. */
#include "backends/onednn/onednn_kernel.h"

/* [rows, k] of a tensor that lies plain. */
static struct shape as_rows(const struct shape *shape)
{
    const int64_t k = shape->dims[shape->rank - 1];
    const int64_t rows = cop_shape_product(shape, 0, shape->rank - 1);
    return cop_shape_of(2, (const int64_t[]){rows, k});
}

/* Takes weights that are packed already if the same implementation does. */
static cop_status prefer_given_weights(struct onednn_build *build, const struct tensor_desc *src,
                                       const struct tensor_desc *bias,
                                       const struct tensor_desc *dst)
{
    const struct layout *layout = build->request->src[1].layout;
    dnnl_primitive_desc_t pd = NULL;
    if (layout == NULL || layout->backend != cop_onednn_backend)
        return COP_STATUS_OK;
    const dnnl_status_t status = cop_onednn_pd_inner_product(
        &pd, &build->env, src, cop_onednn_layout_desc(layout), bias, dst);
    if (status == dnnl_out_of_memory)
        ONEDNN_TRY(build, status);
    cop_onednn_take_if_same(build, pd);
    return COP_STATUS_OK;
}

cop_status cop_onednn_fully_connected(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    struct tensor_desc src, weights, bias, dst;
    const struct shape src_rows = as_rows(&request->src[0].shape);
    const struct shape dst_rows = as_rows(&request->dst[0].shape);
    const bool has_bias = cop_onednn_has_src(build, 2);
    COP_TRY(cop_onednn_plain_desc(build, &src_rows, &src));
    COP_TRY(cop_onednn_plain_desc(build, &dst_rows, &dst));
    if (request->src[1].is_weight)
        COP_TRY(cop_onednn_any_desc(build, &request->src[1].shape, &weights));
    else
        COP_TRY(cop_onednn_plain_desc(build, &request->src[1].shape, &weights));
    if (has_bias) /* which may be written [oc,1] */
        COP_TRY(cop_onednn_plain_desc(build, &(struct shape){.rank = 1, .dims = {dst_rows.dims[1]}},
                                      &bias));
    ONEDNN_TRY(build, cop_onednn_pd_inner_product(&build->pd, &build->env, &src, &weights,
                                                  has_bias ? &bias : NULL, &dst));
    COP_TRY(prefer_given_weights(build, &src, has_bias ? &bias : NULL, &dst));

    COP_TRY(cop_onednn_bind_src(build, 0, DNNL_ARG_SRC, &src));
    COP_TRY(cop_onednn_bind_src_as(build, 1, DNNL_ARG_WEIGHTS, dnnl_query_weights_md));
    if (has_bias)
        COP_TRY(cop_onednn_bind_src(build, 2, DNNL_ARG_BIAS, &bias));
    return cop_onednn_bind_dst(build, 0, DNNL_ARG_DST, &dst);
}
