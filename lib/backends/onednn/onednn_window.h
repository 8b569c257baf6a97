// SPDX-License-Identifier: Apache-2.0
/* The geometry of convolution and pooling in oneDNN's terms. */
#ifndef BACKENDS_ONEDNN_ONEDNN_WINDOW_H
#define BACKENDS_ONEDNN_ONEDNN_WINDOW_H

#include "backends/onednn/onednn_compat.h"
#include "ir/ops/window.h"

/*
 * oneDNN wants dilations counted from 0, and trailing pads with which the last window ends where
 * the padded source does: they are negative where the last elements are not read.
 */
static inline void cop_onednn_window(const struct window_geometry *geometry, struct window *window)
{
    for (int i = 0; i < geometry->rank; i++) {
        const int64_t extent = (geometry->kernel[i] - 1) * geometry->dilations[i] + 1;
        window->kernel[i] = geometry->kernel[i];
        window->strides[i] = geometry->strides[i];
        window->dilations[i] = geometry->dilations[i] - 1;
        window->pads_begin[i] = geometry->pads_begin[i];
        window->pads_end[i] = (geometry->dst[i] - 1) * geometry->strides[i] + extent -
                              geometry->src[i] - geometry->pads_begin[i];
    }
}

#endif
