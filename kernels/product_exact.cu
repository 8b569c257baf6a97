// SPDX-License-Identifier: Apache-2.0
/* Products of floats by float arithmetic. */
#include "product_kernel.cuh"

cudaError_t cop_cuda_product_exact(const struct cop_cuda_product *self, int tile, bool prepare,
                                   cudaStream_t stream)
{
    return cop::run_product<cop::exact_sums, float, cop::shape_128x128_exact>(self, tile, prepare,
                                                                              stream);
}
