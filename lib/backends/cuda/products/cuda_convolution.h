// SPDX-License-Identifier: Apache-2.0
/* Convolutions have three kernels: cuDNN's, our implicit product, and our direct one. */
#ifndef CUDA_CONVOLUTION_H
#define CUDA_CONVOLUTION_H

#include "backends/cuda/cuda_kernel.h"
#include "ir/ops/window.h"

struct convolution_sizes {
    struct window_geometry window;
    int64_t n, groups, ic, oc; /* channels of one group */
    bool has_bias;
    int added; /* the source that a SUM adds; −1: none */
};

/* One for each kind of kernel: UNSUPPORTED where it does not take the convolution. After a failure
 * of cuDNN's, whose text goes to `error`, there is no kernel in the build. */
cop_status cop_cuda_cudnn_convolution(struct cuda_build *build,
                                      const struct convolution_sizes *sizes, cop_error *error);
cop_status cop_cuda_implicit_convolution(struct cuda_build *build,
                                         const struct convolution_sizes *sizes);
cop_status cop_cuda_plain_convolution(struct cuda_build *build,
                                      const struct convolution_sizes *sizes);

/* Sums and products of one run, times two. */
double cop_cuda_convolution_flops(const struct convolution_sizes *sizes);

/* What is common: src, residual and dst have their channels last; dst may lie on the residual. */
cop_status cop_cuda_convolution_activations(struct cuda_build *build,
                                            const struct convolution_sizes *sizes, bool in_place);

#endif
