// SPDX-License-Identifier: Apache-2.0
#include "backends/onednn/onednn_compat.h"

#include <string.h>

#include "base/alloc.h"

dnnl_status_t cop_onednn_desc_any(struct tensor_desc *desc, int rank, const int64_t *dims,
                                  dnnl_data_type_t type)
{
    return dnnl_memory_desc_init_by_tag(&desc->md, rank, dims, type, dnnl_format_tag_any);
}

dnnl_status_t cop_onednn_desc_strided(struct tensor_desc *desc, int rank, const int64_t *dims,
                                      dnnl_data_type_t type, const int64_t *strides)
{
    return dnnl_memory_desc_init_by_strides(&desc->md, rank, dims, type, strides);
}

void cop_onednn_desc_blocking(const struct tensor_desc *desc, struct blocking *blocking)
{
    const dnnl_memory_desc_t *md = &desc->md;
    const size_t bytes = (size_t)md->ndims * sizeof(int64_t);
    *blocking = (struct blocking){
        .is_blocked = md->format_kind == dnnl_blocked && md->extra.flags == 0,
        .rank = md->ndims,
        .type = md->data_type,
    };
    memcpy(blocking->dims, md->dims, bytes);
    if (!blocking->is_blocked)
        return;
    const dnnl_blocking_desc_t *format = &md->format_desc.blocking;
    memcpy(blocking->padded_dims, md->padded_dims, bytes);
    memcpy(blocking->strides, format->strides, bytes);
    blocking->inner_count = format->inner_nblks;
    memcpy(blocking->inner_blocks, format->inner_blks, sizeof format->inner_blks);
    memcpy(blocking->inner_axes, format->inner_idxs, sizeof format->inner_idxs);
    blocking->offset = md->offset0;
}

dnnl_status_t cop_onednn_desc_of_blocking(struct tensor_desc *desc, const struct blocking *blocking)
{
    const dnnl_status_t status =
        cop_onednn_desc_strided(desc, blocking->rank, blocking->dims, blocking->type, NULL);
    if (status != dnnl_success)
        return status;
    dnnl_blocking_desc_t *format = &desc->md.format_desc.blocking;
    memcpy(desc->md.padded_dims, blocking->padded_dims, sizeof blocking->padded_dims);
    memcpy(format->strides, blocking->strides, sizeof blocking->strides);
    format->inner_nblks = blocking->inner_count;
    memcpy(format->inner_blks, blocking->inner_blocks, sizeof blocking->inner_blocks);
    memcpy(format->inner_idxs, blocking->inner_axes, sizeof blocking->inner_axes);
    desc->md.offset0 = blocking->offset;
    return dnnl_success;
}

bool cop_onednn_desc_equal(const struct tensor_desc *a, const struct tensor_desc *b)
{
    return dnnl_memory_desc_equal(&a->md, &b->md) != 0;
}

size_t cop_onednn_desc_bytes(const struct tensor_desc *desc)
{
    return dnnl_memory_desc_get_size(&desc->md);
}

void cop_onednn_pd_desc(const_dnnl_primitive_desc_t pd, dnnl_query_t what, int index,
                        struct tensor_desc *desc)
{
    const dnnl_memory_desc_t *found = dnnl_primitive_desc_query_md(pd, what, index);
    if (found != NULL)
        desc->md = *found;
    else
        memset(desc, 0, sizeof *desc);
}

dnnl_status_t cop_onednn_memory_create(dnnl_memory_t *memory, const struct tensor_desc *desc,
                                       dnnl_engine_t engine)
{
    return dnnl_memory_create(memory, &desc->md, engine, DNNL_MEMORY_NONE);
}

dnnl_status_t cop_onednn_append_sum(dnnl_post_ops_t post_ops)
{
    return dnnl_post_ops_append_sum(post_ops, 1.0f);
}

dnnl_status_t cop_onednn_append_eltwise(dnnl_post_ops_t post_ops, dnnl_alg_kind_t alg, float alpha,
                                        float beta)
{
    return dnnl_post_ops_append_eltwise(post_ops, 1.0f, alg, alpha, beta);
}

/* The second half of every function below. */
static dnnl_status_t make_pd(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                             dnnl_status_t described, const_dnnl_op_desc_t op)
{
    *pd = NULL;
    if (described != dnnl_success)
        return described;
    return dnnl_primitive_desc_create(pd, op, env->attr, env->engine, NULL);
}

dnnl_status_t cop_onednn_pd_convolution(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                        dnnl_alg_kind_t alg, const struct tensor_desc *src,
                                        const struct tensor_desc *weights,
                                        const struct tensor_desc *bias,
                                        const struct tensor_desc *dst, const struct window *window)
{
    dnnl_convolution_desc_t op;
    const dnnl_status_t described = dnnl_dilated_convolution_forward_desc_init(
        &op, dnnl_forward_inference, alg, &src->md, &weights->md, bias == NULL ? NULL : &bias->md,
        &dst->md, window->strides, window->dilations, window->pads_begin, window->pads_end);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_inner_product(dnnl_primitive_desc_t *pd,
                                          const struct primitive_env *env,
                                          const struct tensor_desc *src,
                                          const struct tensor_desc *weights,
                                          const struct tensor_desc *bias,
                                          const struct tensor_desc *dst)
{
    dnnl_inner_product_desc_t op;
    const dnnl_status_t described =
        dnnl_inner_product_forward_desc_init(&op, dnnl_forward_inference, &src->md, &weights->md,
                                             bias == NULL ? NULL : &bias->md, &dst->md);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_matmul(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                   const struct tensor_desc *src, const struct tensor_desc *weights,
                                   const struct tensor_desc *bias, const struct tensor_desc *dst)
{
    dnnl_matmul_desc_t op;
    const dnnl_status_t described = dnnl_matmul_desc_init(
        &op, &src->md, &weights->md, bias == NULL ? NULL : &bias->md, &dst->md);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_pooling(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                    dnnl_alg_kind_t alg, const struct tensor_desc *src,
                                    const struct tensor_desc *dst, const struct window *window)
{
    dnnl_pooling_v2_desc_t op;
    const dnnl_status_t described = dnnl_pooling_v2_forward_desc_init(
        &op, dnnl_forward_inference, alg, &src->md, &dst->md, window->strides, window->kernel,
        window->dilations, window->pads_begin, window->pads_end);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_eltwise(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                    dnnl_alg_kind_t alg, const struct tensor_desc *src, float alpha,
                                    float beta)
{
    dnnl_eltwise_desc_t op;
    const dnnl_status_t described =
        dnnl_eltwise_forward_desc_init(&op, dnnl_forward_inference, alg, &src->md, alpha, beta);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_binary(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                   dnnl_alg_kind_t alg, const struct tensor_desc *a,
                                   const struct tensor_desc *b, const struct tensor_desc *dst)
{
    dnnl_binary_desc_t op;
    const dnnl_status_t described = dnnl_binary_desc_init(&op, alg, &a->md, &b->md, &dst->md);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_prelu(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                  const struct tensor_desc *src, const struct tensor_desc *slope)
{
    dnnl_prelu_desc_t op;
    const dnnl_status_t described =
        dnnl_prelu_forward_desc_init(&op, dnnl_forward_inference, &src->md, &slope->md);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_softmax(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                    bool is_log, const struct tensor_desc *src,
                                    const struct tensor_desc *dst, int axis)
{
    dnnl_softmax_v2_desc_t op;
    const dnnl_status_t described = dnnl_softmax_v2_forward_desc_init(
        &op, dnnl_forward_inference, is_log ? dnnl_softmax_log : dnnl_softmax_accurate, &src->md,
        &dst->md, axis);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_lrn(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                const struct tensor_desc *src, int64_t size, float alpha,
                                float beta, float k)
{
    dnnl_lrn_desc_t op;
    const dnnl_status_t described = dnnl_lrn_forward_desc_init(
        &op, dnnl_forward_inference, dnnl_lrn_across_channels, &src->md, size, alpha, beta, k);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_batch_normalization(dnnl_primitive_desc_t *pd,
                                                const struct primitive_env *env,
                                                const struct tensor_desc *src, float epsilon,
                                                unsigned flags)
{
    dnnl_batch_normalization_desc_t op;
    const dnnl_status_t described = dnnl_batch_normalization_forward_desc_init(
        &op, dnnl_forward_inference, &src->md, epsilon, flags);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_concat(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                   int count, const struct tensor_desc *src, int axis,
                                   const struct tensor_desc *dst)
{
    *pd = NULL;
    dnnl_memory_desc_t *descs = cop_alloc((size_t)count, sizeof *descs);
    if (descs == NULL)
        return dnnl_out_of_memory;
    for (int i = 0; i < count; i++)
        descs[i] = src[i].md;
    const dnnl_status_t status = dnnl_concat_primitive_desc_create(
        pd, dst == NULL ? NULL : &dst->md, count, axis, descs, env->attr, env->engine);
    cop_free(descs);
    return status;
}

dnnl_status_t cop_onednn_pd_reduction(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                      dnnl_alg_kind_t alg, const struct tensor_desc *src,
                                      const struct tensor_desc *dst)
{
    dnnl_reduction_desc_t op;
    const dnnl_status_t described =
        dnnl_reduction_desc_init(&op, alg, &src->md, &dst->md, 0.0f, 0.0f);
    return make_pd(pd, env, described, &op);
}

dnnl_status_t cop_onednn_pd_reorder(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                    const struct tensor_desc *src, const struct tensor_desc *dst)
{
    *pd = NULL;
    return dnnl_reorder_primitive_desc_create(pd, &src->md, env->engine, &dst->md, env->engine,
                                              env->attr);
}
