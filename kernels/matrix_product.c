// SPDX-License-Identifier: Apache-2.0
/* How products of matrices become the product of product.h. Host code. */
#include "matrix_product.h"

#include <string.h>

static bool is_product_supported(const struct cop_cuda_matrix_product *self)
{
    const double chunks = cop_cuda_chunks(self->math, self->k);
    const double count = (double)self->outer * self->inner;
    return self->m < 8192.0 * COP_CUDA_MOST_PIXELS && cop_cuda_fits(self->m * chunks * count) &&
           cop_cuda_fits(self->n * chunks * count) && cop_cuda_fits(count) &&
           cop_cuda_fits((double)self->m * cop_cuda_divide_up(self->n, 8) * count);
}

/* Whether rows of k elements, dense, cannot be read chunk by chunk. */
static bool is_uneven(const struct cop_cuda_matrix_product *self, int64_t outer, int64_t inner)
{
    const int chunk = cop_cuda_chunk(self->math);
    return self->k % chunk != 0 || outer % chunk != 0 || inner % chunk != 0;
}

/* How many different matrices a side has. */
static int count_matrices(const struct cop_cuda_matrix_product *self, int64_t outer, int64_t inner)
{
    return (outer != 0 ? self->outer : 1) * (inner != 0 ? self->inner : 1);
}

bool cop_cuda_matrix_product_choose(const struct cop_cuda_matrix_product *self,
                                    const struct cop_cuda_device *device,
                                    struct cop_cuda_product_choice *choice)
{
    memset(choice, 0, sizeof *choice);
    if (!is_product_supported(self))
        return false;
    const int chunks = cop_cuda_chunks(self->math, self->k);
    const size_t a_bytes = (size_t)self->m * (size_t)chunks * 16;
    const size_t b_bytes = (size_t)self->n * (size_t)chunks * 16;
    const size_t a_count = (size_t)count_matrices(self, self->a_outer, self->a_inner);
    const size_t b_count =
        self->packed_b ? 1 : (size_t)count_matrices(self, self->b_outer, self->b_inner);
    const struct cop_cuda_product_size size = {
        .math = self->math,
        .rows = self->m,
        .columns = self->n,
        .depth = chunks,
        .count = self->outer * self->inner,
        .src_bytes = (double)a_bytes * (double)a_count,
        .weights_bytes = (double)b_bytes * (double)b_count,
        .dst_bytes =
            (double)self->m * self->n * self->outer * self->inner * cop_cuda_math_bytes(self->math),
    };
    choice->arranges_src = self->trans_a || is_uneven(self, self->a_outer, self->a_inner);
    choice->arranges_weights =
        !self->packed_b && (self->trans_b || is_uneven(self, self->b_outer, self->b_inner));
    if (choice->arranges_src)
        choice->src_bytes = a_bytes * a_count;
    if (choice->arranges_weights)
        choice->weights_bytes = b_bytes * b_count;
    cop_cuda_product_choose(&size, device, choice);
    return true;
}

size_t cop_cuda_matrix_product_weights_bytes(const struct cop_cuda_matrix_product *self)
{
    return (size_t)self->n * (size_t)cop_cuda_chunks(self->math, self->k) * 16;
}

cudaError_t cop_cuda_matrix_product_pack(const struct cop_cuda_matrix_product *self,
                                         const float *src, bool transposed, void *weights,
                                         cudaStream_t stream)
{
    const struct cop_cuda_arrangement order = {
        .math = self->math,
        .is_float = true,
        .count = 1,
        .inner = 1,
        .rows = self->n,
        .taps = 1,
        .columns = self->k,
        .padded = cop_cuda_chunks(self->math, self->k) * cop_cuda_chunk(self->math),
        .row_stride = transposed ? 1 : self->k,
        .column_stride = transposed ? self->n : 1,
    };
    return cop_cuda_arrange(&order, src, weights, stream);
}

cudaError_t cop_cuda_matrix_product_prepare(const struct cop_cuda_matrix_product *self,
                                            const struct cop_cuda_product_choice *choice)
{
    return cop_cuda_product_prepare(self->math, false, choice->tile);
}

/* One side: its matrices, each `rows` of k, and the bytes between them as the kernel steps. */
struct side {
    int rows;
    bool is_transposed, is_arranged;
    int64_t outer, inner;
    int64_t outer_bytes, inner_bytes;
    const void *matrices;
};

/* Arranges the different matrices of a side at `memory`, if it needs that. */
static cudaError_t arrange_side(const struct cop_cuda_matrix_product *self, struct side *side,
                                void *memory, cudaStream_t stream)
{
    const int64_t bytes = cop_cuda_math_bytes(self->math);
    side->outer_bytes = side->outer * bytes;
    side->inner_bytes = side->inner * bytes;
    if (!side->is_arranged)
        return cudaSuccess;
    const int inner = side->inner != 0 ? self->inner : 1;
    const struct cop_cuda_arrangement order = {
        .math = self->math,
        .count = count_matrices(self, side->outer, side->inner),
        .inner = inner,
        .rows = side->rows,
        .taps = 1,
        .columns = self->k,
        .padded = cop_cuda_chunks(self->math, self->k) * cop_cuda_chunk(self->math),
        .outer_step = side->outer,
        .inner_step = side->inner,
        .row_stride = side->is_transposed ? 1 : self->k,
        .column_stride = side->is_transposed ? side->rows : 1,
    };
    const int64_t matrix = (int64_t)side->rows * cop_cuda_chunks(self->math, self->k) * 16;
    const cudaError_t status = cop_cuda_arrange(&order, side->matrices, memory, stream);
    side->inner_bytes = side->inner != 0 ? matrix : 0;
    side->outer_bytes = side->outer != 0 ? matrix * inner : 0;
    side->matrices = memory;
    return status;
}

static struct cop_cuda_product describe_product(const struct cop_cuda_matrix_product *self,
                                                const struct cop_cuda_product_choice *choice,
                                                const struct side *a, const struct side *b)
{
    const int chunks = cop_cuda_chunks(self->math, self->k);
    /* rows as pixels of lines that are not too long */
    const int line = self->m < COP_CUDA_MOST_PIXELS / 2 ? self->m : COP_CUDA_MOST_PIXELS / 2;
    struct cop_cuda_product product = {
        .src = a->matrices,
        .weights = b->matrices,
        .rows = self->m,
        .columns = self->n,
        .depth = chunks,
        .count = self->outer * self->inner,
        .ih = cop_cuda_divide_up(self->m, line),
        .iw = line,
        .pixel_units = chunks,
        .tap_units = chunks,
        .stride_h = 1,
        .stride_w = 1,
        .dilation_h = 1,
        .dilation_w = 1,
        .kernel_w = 1,
        .dst_stride = self->n,
        .is_wide = self->n % cop_cuda_chunk(self->math) == 0,
        .rounds_weights = !self->packed_b,
        .src_outer = a->outer_bytes,
        .src_inner = a->inner_bytes,
        .weights_outer = b->outer_bytes,
        .weights_inner = b->inner_bytes,
        .dst_step = (int64_t)self->m * self->n,
        .by_inner = cop_cuda_divide_by(self->inner),
        .by_plane = cop_cuda_divide_by(self->m),
        .by_width = cop_cuda_divide_by(line),
        .post_ops = self->post_ops,
    };
    cop_cuda_product_complete(&product, false, choice);
    return product;
}

cudaError_t cop_cuda_matrix_product(const struct cop_cuda_matrix_product *self,
                                    const struct cop_cuda_product_choice *choice, const void *a,
                                    const void *b, const float *bias, const void *residual,
                                    void *dst, void *workspace, cudaStream_t stream)
{
    char *memory = workspace;
    struct side left = {.rows = self->m,
                        .is_transposed = self->trans_a,
                        .is_arranged = choice->arranges_src,
                        .outer = self->a_outer,
                        .inner = self->a_inner,
                        .matrices = a};
    struct side right = {.rows = self->n,
                         .is_transposed = self->trans_b,
                         .is_arranged = choice->arranges_weights,
                         .outer = self->packed_b ? 0 : self->b_outer,
                         .inner = self->packed_b ? 0 : self->b_inner,
                         .matrices = b};
    cudaError_t status = arrange_side(self, &left, memory, stream);
    if (status == cudaSuccess)
        status = arrange_side(self, &right, memory + choice->src_bytes, stream);
    if (status != cudaSuccess)
        return status;
    struct cop_cuda_product product = describe_product(self, choice, &left, &right);
    product.bias = bias;
    product.residual = residual;
    product.dst = dst;
    if (choice->splits > 1)
        product.partials = (float *)(memory + choice->src_bytes + choice->weights_bytes);
    return cop_cuda_product_launch(self->math, &product, false, choice->tile, stream);
}
