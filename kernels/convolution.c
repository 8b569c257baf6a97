// SPDX-License-Identifier: Apache-2.0
/* How convolutions become the product of product.h. Host code. */
#include "convolution.h"

#include <string.h>

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
    return cop_cuda_fits(rows) && cop_cuda_fits(src) && cop_cuda_fits(depth * self->oc) &&
           is_near(self->ih, self->oh, self->stride_h, self->pad_top, self->kh, self->dilation_h) &&
           is_near(self->iw, self->ow, self->stride_w, self->pad_left, self->kw,
                   self->dilation_w) &&
           cop_cuda_fits((double)self->groups * self->oc) &&
           cop_cuda_fits(rows / 32.0 * (cop_cuda_divide_up(self->oc, 32) * (double)self->groups)) &&
           cop_cuda_fits(rows * cop_cuda_divide_up(self->oc, 8) * self->groups);
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
