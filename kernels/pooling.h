// SPDX-License-Identifier: Apache-2.0
#ifndef KERNELS_POOLING_H
#define KERNELS_POOLING_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum cop_cuda_pooling_alg {
    COP_CUDA_POOLING_MAX, /* NaN is larger than any; a window without elements: the lowest number */
    COP_CUDA_POOLING_AVERAGE,
    COP_CUDA_POOLING_SUM,
    COP_CUDA_POOLING_LP, /* (Σ |x|^p)^(1/p) */
};

/*
 * src [n, channels, window.src…] → dst [n, channels, window.dst…], both in `order`. Global pooling
 * is a window as large as src without pads; it has kernels of its own.
 */
struct cop_cuda_pooling {
    enum cop_cuda_type type;
    enum cop_cuda_order order;
    enum cop_cuda_pooling_alg alg;
    bool count_include_pad; /* average: pads count, as far as src + pads_end */
    bool signed_lp;         /* LP: x^p as it is */
    int64_t p;
    int64_t n, channels;
    struct cop_cuda_window window;
};

cudaError_t cop_cuda_pooling(const struct cop_cuda_pooling *self, const void *src, void *dst,
                             cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
