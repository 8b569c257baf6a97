// SPDX-License-Identifier: Apache-2.0
/* From one layout to another; plain is one of them. */
#include "backends/onednn/onednn_kernel.h"
#include "base/error.h"

static bool find_type(cop_dtype dtype, dnnl_data_type_t *type)
{
    switch (dtype) {
    case COP_DTYPE_FLOAT32:
        *type = dnnl_f32;
        return true;
    case COP_DTYPE_FLOAT16:
        *type = dnnl_f16;
        return true;
    case COP_DTYPE_BFLOAT16:
        *type = dnnl_bf16;
        return true;
    case COP_DTYPE_INT32:
        *type = dnnl_s32;
        return true;
    case COP_DTYPE_INT8:
        *type = dnnl_s8;
        return true;
    case COP_DTYPE_UINT8:
        *type = dnnl_u8;
        return true;
    default:
        return false;
    }
}

/*
 * The format of one side. A plain tensor takes the dimensions that the other side's format has:
 * they may be more than the tensor's (a dimension of groups), in the same row-major order.
 */
static cop_status describe_side(const struct onednn_build *build, const struct layout *layout,
                                const struct layout *other, struct tensor_desc *desc)
{
    const struct kernel_tensor *tensor = &build->request->src[0];
    dnnl_data_type_t type;
    struct blocking format;
    if (layout != NULL) {
        *desc = *cop_onednn_layout_desc(layout);
        return COP_STATUS_OK;
    }
    if (!find_type(tensor->dtype, &type))
        return cop_onednn_lacks(build, "reorders of this element type");
    if (other == NULL) {
        format.rank = tensor->shape.rank > 0 ? tensor->shape.rank : 1;
        format.dims[0] = 1;
        for (int i = 0; i < tensor->shape.rank; i++)
            format.dims[i] = tensor->shape.dims[i];
    } else {
        cop_onednn_desc_blocking(cop_onednn_layout_desc(other), &format);
    }
    ONEDNN_TRY(build, cop_onednn_desc_strided(desc, format.rank, format.dims, type, NULL));
    return COP_STATUS_OK;
}

static cop_status describe_reorder(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    struct tensor_desc src, dst;
    COP_TRY(describe_side(build, request->src[0].layout, request->dst[0].layout, &src));
    COP_TRY(describe_side(build, request->dst[0].layout, request->src[0].layout, &dst));
    ONEDNN_TRY(build, cop_onednn_pd_reorder(&build->pd, &build->env, &src, &dst));
    COP_TRY(cop_onednn_bind_src(build, 0, DNNL_ARG_FROM, &src));
    return cop_onednn_bind_dst(build, 0, DNNL_ARG_TO, &dst);
}

cop_status cop_onednn_reorder_create(struct device *device, cop_dtype dtype,
                                     const struct shape *shape, const struct layout *src,
                                     const struct layout *dst, int intra_op_threads,
                                     struct kernel **kernel, cop_error *error)
{
    const struct kernel_tensor from = {
        .is_present = true, .dtype = dtype, .shape = *shape, .layout = src};
    const struct kernel_tensor to = {
        .is_present = true, .dtype = dtype, .shape = *shape, .layout = dst};
    const struct post_ops none = {.count = 0};
    const struct kernel_request request = {
        .kind = OP_IDENTITY,
        .post_ops = &none,
        .src_count = 1,
        .dst_count = 1,
        .src = &from,
        .dst = &to,
        .intra_op_threads = intra_op_threads,
        .name = "reorder",
    };
    return cop_onednn_build_kernel(device, &request, describe_reorder, kernel, error);
}
