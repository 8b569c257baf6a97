// SPDX-License-Identifier: Apache-2.0
/* How convolutions and products of matrices become the product of product.h. Host code. */
#include <limits.h>
#include <string.h>

#include "convolution.h"
#include "matrix_product.h"

struct cop_cuda_divisor cop_cuda_divide_by(int divisor)
{
    struct cop_cuda_divisor self = {(uint32_t)divisor, 0, 0};
    if (divisor <= 1)
        return self;
    int bits = 0; /* ceil(log2(divisor)) */
    while (((uint64_t)1 << bits) < (uint64_t)divisor)
        bits++;
    const uint64_t power = (uint64_t)1 << (31 + bits);
    self.multiplier = (uint32_t)((power + (uint64_t)divisor - 1) / (uint64_t)divisor);
    self.shift = (uint32_t)(bits - 1);
    return self;
}

static int divide_up(int x, int by)
{
    return (x + by - 1) / by;
}

void cop_cuda_product_complete(struct cop_cuda_product *self, bool is_narrow,
                               const struct cop_cuda_product_choice *choice)
{
    const struct cop_cuda_tile *tile = &cop_cuda_tiles[choice->tile];
    const int tiles_m = divide_up(self->rows, tile->rows);
    const int tiles_n = divide_up(self->columns, tile->columns);
    const int piece = tile->chunks * (is_narrow ? 2 : 1); /* units */
    const int steps = divide_up(self->depth, piece);
    self->splits = choice->splits;
    self->split_depth = divide_up(steps, choice->splits) * piece;
    self->by_tiles = cop_cuda_divide_by(tiles_m * tiles_n);
    self->by_tiles_n = cop_cuda_divide_by(tiles_n);
    self->by_tap = cop_cuda_divide_by(self->tap_units);
    self->by_kernel_w = cop_cuda_divide_by(self->kernel_w);
    self->by_eights = cop_cuda_divide_by(divide_up(self->columns, 8));
    self->by_rows = cop_cuda_divide_by(self->rows);
}

/* convolution */

static bool fits(double x)
{
    return x < (double)INT_MAX;
}

/* Whether all coordinates along one axis are small. */
static bool is_near(int src, int dst, int stride, int pad, int kernel, int dilation)
{
    const double most = COP_CUDA_MOST_PIXELS;
    return src < most && pad < most && (double)dst * stride < most &&
           (double)kernel * dilation < most;
}

/* How the channels that one tap covers are read. */
struct taps {
    bool is_narrow;   /* up to four elements of 16 bits, as one unit of 8 bytes */
    int channels;     /* with padding */
    int units, bytes; /* of src, and the bytes of one unit */
};

static struct taps describe_taps(const struct cop_cuda_convolution *self)
{
    const struct taps narrow = {true, 4, 1, 8};
    if (cop_cuda_math_bytes(self->math) == 2 && self->ic <= narrow.channels)
        return narrow;
    const int chunks = cop_cuda_chunks(self->math, self->ic);
    return (struct taps){false, chunks * cop_cuda_chunk(self->math), chunks, 16};
}

int cop_cuda_convolution_channels(const struct cop_cuda_convolution *self)
{
    return describe_taps(self).channels;
}

/* Units in a row of packed weights. */
static int count_depth(const struct cop_cuda_convolution *self)
{
    return self->kh * self->kw * describe_taps(self).units;
}

static bool is_convolution_supported(const struct cop_cuda_convolution *self)
{
    const double rows = (double)self->batch * self->oh * self->ow;
    const struct taps taps = describe_taps(self);
    const double src = (double)self->batch * self->ih * self->iw * self->groups * taps.units;
    const double depth = (double)self->kh * self->kw * taps.units;
    return fits(rows) && src < 4294967295.0 && fits(depth * self->oc) && fits(src) &&
           is_near(self->ih, self->oh, self->stride_h, self->pad_top, self->kh, self->dilation_h) &&
           is_near(self->iw, self->ow, self->stride_w, self->pad_left, self->kw,
                   self->dilation_w) &&
           fits((double)self->groups * self->oc) &&
           fits(rows / 32.0 * (divide_up(self->oc, 32) * (double)self->groups)) &&
           fits(rows * divide_up(self->oc, 8) * self->groups);
}

bool cop_cuda_convolution_choose(const struct cop_cuda_convolution *self,
                                 const struct cop_cuda_device *device,
                                 struct cop_cuda_product_choice *choice)
{
    memset(choice, 0, sizeof *choice);
    if (!is_convolution_supported(self))
        return false;
    const struct taps taps = describe_taps(self);
    const double bytes = cop_cuda_math_bytes(self->math);
    const double pixels = (double)self->batch * self->ih * self->iw * self->groups;
    const struct cop_cuda_product_size size = {
        .math = self->math,
        .rows = self->batch * self->oh * self->ow,
        .columns = self->oc,
        .depth = count_depth(self),
        .count = self->groups,
        .is_narrow = taps.is_narrow,
        .src_bytes = pixels * self->ic * bytes,
        .weights_bytes = (double)cop_cuda_convolution_weights_bytes(self),
        .dst_bytes = (double)self->batch * self->oh * self->ow * self->groups * self->oc * bytes,
    };
    choice->arranges_src = !self->padded_src && self->ic != taps.channels;
    if (choice->arranges_src)
        choice->src_bytes =
            ((size_t)pixels * (size_t)taps.units * (size_t)taps.bytes + 15) / 16 * 16;
    cop_cuda_product_choose(&size, device, choice);
    return true;
}

size_t cop_cuda_convolution_weights_bytes(const struct cop_cuda_convolution *self)
{
    return (size_t)self->groups * (size_t)self->oc * (size_t)count_depth(self) *
           (size_t)describe_taps(self).bytes;
}

cudaError_t cop_cuda_convolution_pack(const struct cop_cuda_convolution *self, const float *src,
                                      void *weights, cudaStream_t stream)
{
    const int taps = self->kh * self->kw;
    const struct cop_cuda_arrangement order = {
        .math = self->math,
        .is_float = true,
        .count = 1,
        .inner = 1,
        .rows = self->groups * self->oc,
        .taps = taps,
        .columns = self->ic,
        .padded = describe_taps(self).channels,
        .row_stride = (int64_t)self->ic * taps,
        .tap_stride = 1,
        .column_stride = taps,
    };
    return cop_cuda_arrange(&order, src, weights, stream);
}

cudaError_t cop_cuda_convolution_prepare(const struct cop_cuda_convolution *self,
                                         const struct cop_cuda_product_choice *choice)
{
    return cop_cuda_product_prepare(self->math, describe_taps(self).is_narrow, choice->tile);
}

static struct cop_cuda_product describe_convolution(const struct cop_cuda_convolution *self,
                                                    const struct cop_cuda_product_choice *choice)
{
    const struct taps taps = describe_taps(self);
    const int depth = count_depth(self);
    struct cop_cuda_product product = {
        .rows = self->batch * self->oh * self->ow,
        .columns = self->oc,
        .depth = depth,
        .count = self->groups,
        .ih = self->ih,
        .iw = self->iw,
        .pixel_units = self->groups * taps.units,
        .tap_units = taps.units,
        .stride_h = self->stride_h,
        .stride_w = self->stride_w,
        .pad_h = self->pad_top,
        .pad_w = self->pad_left,
        .dilation_h = self->dilation_h,
        .dilation_w = self->dilation_w,
        .kernel_w = self->kw,
        .dst_stride = self->groups * self->oc,
        .is_wide = self->oc % cop_cuda_chunk(self->math) == 0,
        .src_inner = (int64_t)taps.units * taps.bytes,
        .weights_inner = (int64_t)self->oc * depth * taps.bytes,
        .dst_step = self->oc,
        .bias_step = self->oc,
        .by_inner = cop_cuda_divide_by(self->groups),
        .by_plane = cop_cuda_divide_by(self->oh * self->ow),
        .by_width = cop_cuda_divide_by(self->ow),
        .post_ops = self->post_ops,
    };
    cop_cuda_product_complete(&product, taps.is_narrow, choice);
    return product;
}

cudaError_t cop_cuda_convolution(const struct cop_cuda_convolution *self,
                                 const struct cop_cuda_product_choice *choice, const void *src,
                                 const void *weights, const float *bias, const void *residual,
                                 void *dst, void *workspace, cudaStream_t stream)
{
    struct cop_cuda_product product = describe_convolution(self, choice);
    product.src = src;
    if (choice->arranges_src) {
        const struct cop_cuda_arrangement order = {
            .math = self->math,
            .count = 1,
            .inner = 1,
            .rows = 1,
            .taps = self->batch * self->ih * self->iw * self->groups,
            .columns = self->ic,
            .padded = cop_cuda_convolution_channels(self),
            .tap_stride = self->ic,
            .column_stride = 1,
        };
        const cudaError_t status = cop_cuda_arrange(&order, src, workspace, stream);
        if (status != cudaSuccess)
            return status;
        product.src = workspace;
    }
    product.weights = weights;
    product.bias = bias;
    product.residual = residual;
    product.dst = dst;
    if (choice->splits > 1)
        product.partials = (float *)((char *)workspace + choice->src_bytes);
    return cop_cuda_product_launch(self->math, &product, describe_taps(self).is_narrow,
                                   choice->tile, stream);
}

/* product of matrices */

static bool is_product_supported(const struct cop_cuda_matrix_product *self)
{
    const double chunks = cop_cuda_chunks(self->math, self->k);
    const double count = (double)self->outer * self->inner;
    return self->m < 8192.0 * COP_CUDA_MOST_PIXELS && fits(self->m * chunks * count) &&
           fits(self->n * chunks * count) && fits(count) &&
           fits((double)self->m * divide_up(self->n, 8) * count);
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
        .ih = divide_up(self->m, line),
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
