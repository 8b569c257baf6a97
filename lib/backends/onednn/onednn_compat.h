// SPDX-License-Identifier: Apache-2.0
/*
 * What differs between oneDNN 2.x and 3.x, and nothing else: how a tensor is described, how a
 * primitive descriptor is made, and a few attributes. Every other file here uses only calls that
 * are the same in both.
 *
 * Written and tested against 2.6. For 3.x, struct tensor_desc would have to own a
 * dnnl_memory_desc_t, which is a pointer there, and onednn_compat.c to call the
 * dnnl_<kind>_primitive_desc_create functions; the rest stays.
 */
#ifndef BACKENDS_ONEDNN_ONEDNN_COMPAT_H
#define BACKENDS_ONEDNN_ONEDNN_COMPAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR != 2 || DNNL_VERSION_MINOR < 6
#error "onednn_compat.c is written for oneDNN 2.6 and later 2.x"
#endif

/* How a tensor lies in memory: a value, freely copied. */
struct tensor_desc {
    dnnl_memory_desc_t md;
};

/* Leaves the memory format to the primitive. */
dnnl_status_t cop_onednn_desc_any(struct tensor_desc *desc, int rank, const int64_t *dims,
                                  dnnl_data_type_t type);
/* `strides` in elements; NULL: plain row-major. */
dnnl_status_t cop_onednn_desc_strided(struct tensor_desc *desc, int rank, const int64_t *dims,
                                      dnnl_data_type_t type, const int64_t *strides);

/* A memory format taken apart. Dimension d has dims[d] elements padded to padded_dims[d]. */
struct blocking {
    bool is_blocked; /* false: a format private to one implementation; only rank and dims are set */
    int rank;
    dnnl_data_type_t type;
    int64_t dims[DNNL_MAX_NDIMS], padded_dims[DNNL_MAX_NDIMS];
    int64_t strides[DNNL_MAX_NDIMS]; /* of the outer blocks, in elements */
    int inner_count;                 /* innermost blocks, outermost of them first */
    int64_t inner_blocks[DNNL_MAX_NDIMS], inner_axes[DNNL_MAX_NDIMS];
    int64_t offset; /* of the first element */
};
void cop_onednn_desc_blocking(const struct tensor_desc *desc, struct blocking *blocking);
/* The inverse, for is_blocked. */
dnnl_status_t cop_onednn_desc_of_blocking(struct tensor_desc *desc,
                                          const struct blocking *blocking);

bool cop_onednn_desc_equal(const struct tensor_desc *a, const struct tensor_desc *b);
size_t cop_onednn_desc_bytes(const struct tensor_desc *desc);

/* What of a primitive descriptor: dnnl_query_src_md, …, index 0 as a rule. */
void cop_onednn_pd_desc(const_dnnl_primitive_desc_t pd, dnnl_query_t what, int index,
                        struct tensor_desc *desc);

dnnl_status_t cop_onednn_memory_create(dnnl_memory_t *memory, const struct tensor_desc *desc,
                                       dnnl_engine_t engine);

dnnl_status_t cop_onednn_append_sum(dnnl_post_ops_t post_ops);
dnnl_status_t cop_onednn_append_eltwise(dnnl_post_ops_t post_ops, dnnl_alg_kind_t alg, float alpha,
                                        float beta);

/* What every primitive descriptor is made with. */
struct primitive_env {
    dnnl_engine_t engine;
    const_dnnl_primitive_attr_t attr;
};

struct window {
    dnnl_dims_t kernel, strides, dilations; /* dilations: 0 means dense */
    dnnl_dims_t pads_begin, pads_end;
};

/* All for inference. `pd` is NULL on failure. bias may be NULL. */
dnnl_status_t cop_onednn_pd_convolution(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                        dnnl_alg_kind_t alg, const struct tensor_desc *src,
                                        const struct tensor_desc *weights,
                                        const struct tensor_desc *bias,
                                        const struct tensor_desc *dst, const struct window *window);
dnnl_status_t cop_onednn_pd_inner_product(dnnl_primitive_desc_t *pd,
                                          const struct primitive_env *env,
                                          const struct tensor_desc *src,
                                          const struct tensor_desc *weights,
                                          const struct tensor_desc *bias,
                                          const struct tensor_desc *dst);
dnnl_status_t cop_onednn_pd_matmul(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                   const struct tensor_desc *src, const struct tensor_desc *weights,
                                   const struct tensor_desc *bias, const struct tensor_desc *dst);
dnnl_status_t cop_onednn_pd_pooling(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                    dnnl_alg_kind_t alg, const struct tensor_desc *src,
                                    const struct tensor_desc *dst, const struct window *window);
dnnl_status_t cop_onednn_pd_eltwise(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                    dnnl_alg_kind_t alg, const struct tensor_desc *src, float alpha,
                                    float beta);
dnnl_status_t cop_onednn_pd_binary(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                   dnnl_alg_kind_t alg, const struct tensor_desc *a,
                                   const struct tensor_desc *b, const struct tensor_desc *dst);
dnnl_status_t cop_onednn_pd_prelu(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                  const struct tensor_desc *src, const struct tensor_desc *slope);
dnnl_status_t cop_onednn_pd_softmax(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                    bool is_log, const struct tensor_desc *src,
                                    const struct tensor_desc *dst, int axis);
dnnl_status_t cop_onednn_pd_lrn(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                const struct tensor_desc *src, int64_t size, float alpha,
                                float beta, float k);
/* `flags` as dnnl_use_global_stats. */
dnnl_status_t cop_onednn_pd_batch_normalization(dnnl_primitive_desc_t *pd,
                                                const struct primitive_env *env,
                                                const struct tensor_desc *src, float epsilon,
                                                unsigned flags);
/* `dst` may be NULL: as the primitive likes. */
dnnl_status_t cop_onednn_pd_concat(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                   int count, const struct tensor_desc *src, int axis,
                                   const struct tensor_desc *dst);
dnnl_status_t cop_onednn_pd_reduction(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                      dnnl_alg_kind_t alg, const struct tensor_desc *src,
                                      const struct tensor_desc *dst);
dnnl_status_t cop_onednn_pd_reorder(dnnl_primitive_desc_t *pd, const struct primitive_env *env,
                                    const struct tensor_desc *src, const struct tensor_desc *dst);

#endif
