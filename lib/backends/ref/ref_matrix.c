// SPDX-License-Identifier: Apache-2.0
/* FullyConnected, Gemm and MatMul. */
#include "backends/ref/ref_kernel.h"
#include "backends/ref/ref_product.h"
#include "backends/ref/ref_strides.h"

#include <string.h>

static cop_status run_fully_connected(const struct ref_kernel *kernel,
                                      const struct kernel_args *args, cop_error *error)
{
    (void)error;
    const struct shape *weights = &kernel->src[1].shape;
    const int64_t oc = weights->dims[0], k = weights->dims[1];
    const int64_t rows = cop_shape_product(&kernel->dst[0].shape, 0, kernel->dst[0].shape.rank - 1);
    const float *bias = kernel->src_count > 2 ? args->src[2] : NULL;
    float *dst = args->dst[0];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < oc; j++)
            dst[i * oc + j] = bias == NULL ? 0 : bias[j];
    /* dst transposed = weights · src transposed: the large side in front. */
    const struct ref_matrix a = {args->src[1], k, 1}, b = {args->src[0], 1, k};
    cop_ref_multiply(oc, rows, k, &a, &b, 1, &(struct ref_target){dst, 1, oc});
    return COP_STATUS_OK;
}

cop_status cop_ref_fully_connected(struct ref_kernel *kernel, cop_error *error)
{
    kernel->run = run_fully_connected;
    return cop_ref_need_float32(kernel, error);
}

static struct ref_matrix view(const float *elements, const struct shape *shape, bool transpose)
{
    const int64_t columns = shape->dims[shape->rank - 1];
    return transpose ? (struct ref_matrix){elements, 1, columns}
                     : (struct ref_matrix){elements, columns, 1};
}

/* dst = beta · c, or zero where c is absent. */
static void start_gemm(const struct ref_kernel *kernel, const float *c, float beta, float *dst)
{
    const int64_t m = kernel->dst[0].shape.dims[0], n = kernel->dst[0].shape.dims[1];
    struct ref_strides strides = {0};
    if (c != NULL)
        strides = cop_ref_broadcast_strides(&kernel->src[2].shape, &kernel->dst[0].shape);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            dst[i * n + j] =
                c == NULL ? 0 : beta * c[i * strides.elements[0] + j * strides.elements[1]];
}

static cop_status run_gemm(const struct ref_kernel *kernel, const struct kernel_args *args,
                           cop_error *error)
{
    (void)error;
    const struct gemm_attrs *attrs = kernel->attrs;
    const struct shape *dst_shape = &kernel->dst[0].shape;
    const int64_t m = dst_shape->dims[0], n = dst_shape->dims[1];
    const int64_t k = kernel->src[0].shape.dims[attrs->trans_a ? 0 : 1];
    const struct ref_matrix a = view(args->src[0], &kernel->src[0].shape, attrs->trans_a);
    const struct ref_matrix b = view(args->src[1], &kernel->src[1].shape, attrs->trans_b);
    float *dst = args->dst[0];
    start_gemm(kernel, kernel->src_count > 2 ? args->src[2] : NULL, attrs->beta, dst);
    cop_ref_multiply(m, n, k, &a, &b, attrs->alpha, &(struct ref_target){dst, n, 1});
    return COP_STATUS_OK;
}

cop_status cop_ref_gemm(struct ref_kernel *kernel, cop_error *error)
{
    kernel->run = run_gemm;
    return cop_ref_need_float32(kernel, error);
}

/* A stack of matrices: vectors became rows or columns, batch dimensions broadcast. */
struct matmul {
    int64_t m, n, k, batches;
    int64_t a_rows, a_columns, b_rows, b_columns; /* strides of one matrix */
    struct shape batch;
    struct ref_strides a_batch, b_batch; /* in matrices */
};

static cop_status run_matmul(const struct ref_kernel *kernel, const struct kernel_args *args,
                             cop_error *error)
{
    (void)error;
    const struct matmul *self = kernel->prepared;
    float *dst = args->dst[0];
    memset(dst, 0, (size_t)cop_ref_elements(&kernel->dst[0]) * sizeof *dst);
    for (int64_t i = 0; i < self->batches; i++) {
        const int64_t a_index = cop_ref_offset(&self->batch, &self->a_batch, i);
        const int64_t b_index = cop_ref_offset(&self->batch, &self->b_batch, i);
        const struct ref_matrix a = {(const float *)args->src[0] + a_index * self->m * self->k,
                                     self->a_rows, self->a_columns};
        const struct ref_matrix b = {(const float *)args->src[1] + b_index * self->k * self->n,
                                     self->b_rows, self->b_columns};
        const struct ref_target target = {dst + i * self->m * self->n, self->n, 1};
        cop_ref_multiply(self->m, self->n, self->k, &a, &b, 1, &target);
    }
    return COP_STATUS_OK;
}

cop_status cop_ref_matmul(struct ref_kernel *kernel, cop_error *error)
{
    const struct matmul_attrs *attrs = kernel->attrs;
    const struct shape *a = &kernel->src[0].shape, *b = &kernel->src[1].shape;
    const cop_status status = cop_ref_need_float32(kernel, error);
    if (status != COP_STATUS_OK)
        return status;
    struct matmul *self = cop_ref_alloc(kernel, 1, sizeof *self, error);
    if (self == NULL)
        return COP_STATUS_OUT_OF_MEMORY;
    const int64_t a_inner = a->dims[a->rank - 1], a_outer = a->rank > 1 ? a->dims[a->rank - 2] : 1;
    const int64_t b_inner = b->rank > 1 ? b->dims[b->rank - 1] : 1;
    const int64_t b_outer = b->dims[b->rank > 1 ? b->rank - 2 : 0];
    self->m = attrs->trans_a ? a_inner : a_outer;
    self->k = attrs->trans_a ? a_outer : a_inner;
    self->n = attrs->trans_b ? b_outer : b_inner;
    self->a_rows = attrs->trans_a ? 1 : a_inner;
    self->a_columns = attrs->trans_a ? a_inner : 1;
    self->b_rows = attrs->trans_b ? 1 : b_inner;
    self->b_columns = attrs->trans_b ? b_inner : 1;
    const struct shape a_batch = cop_shape_of(a->rank > 1 ? a->rank - 2 : 0, a->dims);
    const struct shape b_batch = cop_shape_of(b->rank > 1 ? b->rank - 2 : 0, b->dims);
    (void)cop_shape_broadcast(&a_batch, &b_batch,
                              &self->batch); /* the rule has seen that they do */
    self->a_batch = cop_ref_broadcast_strides(&a_batch, &self->batch);
    self->b_batch = cop_ref_broadcast_strides(&b_batch, &self->batch);
    self->batches = cop_shape_product(&self->batch, 0, self->batch.rank);
    kernel->prepared = self;
    kernel->run = run_matmul;
    return COP_STATUS_OK;
}
