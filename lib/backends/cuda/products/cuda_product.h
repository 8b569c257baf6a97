// SPDX-License-Identifier: Apache-2.0
/* Products of matrices have three kernels: cuBLASLt's, our tiled one, and one for few rows. */
#ifndef CUDA_PRODUCT_H
#define CUDA_PRODUCT_H

#include "backends/cuda/cuda_kernel.h"

/* dst [outer, inner, m, n] = a · b + bias, then the post-ops; row-major all. */
struct product_sizes {
    int64_t m, n, k;
    bool trans_a, trans_b;                      /* they lie as [k,m] and [n,k] */
    int64_t outer, inner;                       /* matrices */
    int64_t a_outer, a_inner, b_outer, b_inner; /* elements from one to the next */
    int bias;                                   /* its source; −1: none */
    int added;                                  /* the source that a SUM adds; −1: none */
    bool b_is_weight;                           /* one matrix for all, known before anything runs */
};

/* UNSUPPORTED where it does not take the product. */
cop_status cop_cuda_cublaslt_kernel(struct cuda_build *build, const struct product_sizes *sizes,
                                    cop_error *error);
cop_status cop_cuda_tiled_product(struct cuda_build *build, const struct product_sizes *sizes);
cop_status cop_cuda_few_rows(struct cuda_build *build, const struct product_sizes *sizes);

double cop_cuda_product_flops(const struct product_sizes *sizes);

/* What is common: a, the residual and dst row-major; dst may lie on the residual where the kernel
 * reads each element before it writes it. */
cop_status cop_cuda_product_operands(struct cuda_build *build, const struct product_sizes *sizes,
                                     bool in_place);

#endif
