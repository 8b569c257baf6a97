// SPDX-License-Identifier: Apache-2.0
/*
 * What convolution and matrix product have in common: how exactly they multiply, which kernel is
 * chosen, and the product that both become. Plain C.
 */
#ifndef KERNELS_PRODUCT_H
#define KERNELS_PRODUCT_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The type of the tensors, and how it is multiplied. Sums are always float. */
enum cop_cuda_math {
    COP_CUDA_MATH_EXACT, /* float, by float arithmetic */
    COP_CUDA_MATH_TF32,  /* float, rounded to 10 bits of fraction before it is multiplied */
    COP_CUDA_MATH_F16,
    COP_CUDA_MATH_BF16,
    COP_CUDA_MATH_COUNT
};

/* What to use on a device: TF32 needs capability 80, before which exact floats are faster too. */
static inline enum cop_cuda_math cop_cuda_math_for(enum cop_cuda_math math, int capability)
{
    return math == COP_CUDA_MATH_TF32 && capability < 80 ? COP_CUDA_MATH_EXACT : math;
}

/* What a choice depends on; same device, same choice. */
struct cop_cuda_device {
    int capability; /* 10 · major + minor */
    int multiprocessors;
    int clock_mhz;
    int memory_gb_s; /* 10⁹ bytes a second */
};

struct cop_cuda_product_choice {
    int tile, splits;
    bool arranges_src, arranges_weights; /* first copied to whole chunks of 16 bytes */
    size_t src_bytes, weights_bytes;     /* of those copies in the workspace */
    size_t partial_bytes;                /* of the splits' sums in it */
    size_t workspace_bytes;              /* all of it */
    int64_t estimated_ns;
};

/* x / divisor for x < 2³¹ by a multiplication; method of Granlund and Montgomery, 1994. */
struct cop_cuda_divisor {
    uint32_t divisor, multiplier, shift;
};

/* Coordinates of pixels, of taps outside src too, stay below this; and the row of those beyond the
 * last, which no tap leads back into src. */
enum { COP_CUDA_MOST_PIXELS = 16384, COP_CUDA_NO_PIXEL = -32768 };

/*
 * The product that a kernel computes, `count` times. The rows of src are units of 16 bytes, or of
 * 8 where a tap is narrow, as those of weights are: row (image, oy, ox), unit (tap y, tap x, c)
 * lies at pixel (oy · stride_h − pad_h + tap y · dilation, …) of the image, zero outside. Strides
 * of matrices are in bytes.
 */
struct cop_cuda_product {
    const void *src, *weights, *residual;
    const float *bias;
    void *dst;
    float *partials; /* [count, splits, rows, columns in eights]; NULL: no split */
    int rows, columns;
    int depth, split_depth; /* units */
    int count, splits;
    int ih, iw, pixel_units, tap_units;
    int stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, kernel_w;
    int dst_stride;      /* elements between rows */
    bool is_wide;        /* rows of dst are multiples of 16 bytes */
    bool rounds_weights; /* to TF32: those that were not packed */
    int64_t src_outer, src_inner, weights_outer, weights_inner;
    int64_t dst_step, bias_step; /* elements between products */
    struct cop_cuda_divisor by_inner, by_tiles, by_tiles_n, by_plane, by_width, by_tap, by_kernel_w;
    struct cop_cuda_divisor by_eights, by_rows; /* for the sum of partials */
    struct cop_cuda_post_ops post_ops;
};

/* The menu: a block computes rows x columns of dst, `chunks` of depth at a time, from a ring of
 * `stages` such pieces in shared memory. */
struct cop_cuda_tile {
    int rows, columns, chunks, stages;
};
enum { COP_CUDA_TILE_COUNT = 4 };
extern const struct cop_cuda_tile cop_cuda_tiles[COP_CUDA_TILE_COUNT];
int cop_cuda_tile_shared_bytes(const struct cop_cuda_tile *tile);

struct cop_cuda_divisor cop_cuda_divide_by(int divisor);

static inline int cop_cuda_divide_up(int x, int by)
{
    return (x + by - 1) / by;
}

/* Whether kernels can count to x. */
static inline bool cop_cuda_fits(double x)
{
    return x < 2147483647.0;
}

static inline int cop_cuda_math_bytes(enum cop_cuda_math math)
{
    return math <= COP_CUDA_MATH_TF32 ? 4 : 2;
}

/* Elements in a chunk of 16 bytes. */
static inline int cop_cuda_chunk(enum cop_cuda_math math)
{
    return 16 / cop_cuda_math_bytes(math);
}

static inline int cop_cuda_chunks(enum cop_cuda_math math, int elements)
{
    return cop_cuda_divide_up(elements, cop_cuda_chunk(math));
}

/* What the choice needs to know of a product. */
struct cop_cuda_product_size {
    enum cop_cuda_math math;
    int rows, columns, depth, count; /* depth in units */
    bool is_narrow;                  /* units and taps of 8 bytes */
    double src_bytes, weights_bytes, dst_bytes;
};

/* Chooses tile and splits, and fills in what follows; the rest of the choice is set already. */
void cop_cuda_product_choose(const struct cop_cuda_product_size *size,
                             const struct cop_cuda_device *device,
                             struct cop_cuda_product_choice *choice);

/* Fills in what follows from the geometry and the choice. */
void cop_cuda_product_complete(struct cop_cuda_product *self, bool is_narrow,
                               const struct cop_cuda_product_choice *choice);

cudaError_t cop_cuda_product_prepare(enum cop_cuda_math math, bool is_narrow, int tile);
cudaError_t cop_cuda_product_launch(enum cop_cuda_math math, const struct cop_cuda_product *self,
                                    bool is_narrow, int tile, cudaStream_t stream);

/* One family for each of cop_cuda_math, and the sum of a split's partials. */
cudaError_t cop_cuda_product_exact(const struct cop_cuda_product *self, int tile, bool prepare,
                                   cudaStream_t stream);
cudaError_t cop_cuda_product_tf32(const struct cop_cuda_product *self, int tile, bool prepare,
                                  cudaStream_t stream);
cudaError_t cop_cuda_product_f16(const struct cop_cuda_product *self, bool is_narrow, int tile,
                                 bool prepare, cudaStream_t stream);
cudaError_t cop_cuda_product_bf16(const struct cop_cuda_product *self, bool is_narrow, int tile,
                                  bool prepare, cudaStream_t stream);
cudaError_t cop_cuda_product_sum(enum cop_cuda_math math, const struct cop_cuda_product *self,
                                 cudaStream_t stream);

/*
 * Rows of `taps` times `padded` elements, of the mathematics' type, of which `columns` come from
 * src[matrix · step + r · row_stride + t · tap_stride + c · column_stride] and the others are zero.
 * `padded` is 8 bytes or whole chunks. Matrix i of the count is (i / inner, i % inner), with a step
 * for each.
 */
struct cop_cuda_arrangement {
    enum cop_cuda_math math;
    bool is_float; /* src is float and is rounded; else it has the type already */
    int count, inner, rows, taps, columns, padded;
    int64_t outer_step, inner_step, row_stride, tap_stride, column_stride;
};
cudaError_t cop_cuda_arrange(const struct cop_cuda_arrangement *self, const void *src, void *dst,
                             cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
