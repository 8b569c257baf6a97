// SPDX-License-Identifier: Apache-2.0
/* The geometry of convolution and pooling in the kernels' terms: missing dimensions in front. */
#ifndef CUDA_WINDOW_H
#define CUDA_WINDOW_H

#include "ir/ops/window.h"
#include "kernels/types.h"

static inline void cop_cuda_window(const struct window_geometry *geometry,
                                   struct cop_cuda_window *window)
{
    const int missing = COP_CUDA_MAX_SPATIAL - geometry->rank;
    for (int i = 0; i < COP_CUDA_MAX_SPATIAL; i++) {
        const int from = i - missing;
        const bool is_there = from >= 0;
        window->src[i] = is_there ? geometry->src[from] : 1;
        window->dst[i] = is_there ? geometry->dst[from] : 1;
        window->kernel[i] = is_there ? geometry->kernel[from] : 1;
        window->strides[i] = is_there ? geometry->strides[from] : 1;
        window->dilations[i] = is_there ? geometry->dilations[from] : 1;
        window->pads_begin[i] = is_there ? geometry->pads_begin[from] : 0;
        window->pads_end[i] = is_there ? geometry->pads_end[from] : 0;
    }
}

#endif
