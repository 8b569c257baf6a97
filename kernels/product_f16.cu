// SPDX-License-Identifier: Apache-2.0
/* Products of halves by the matrix unit. */
#include "product_kernel.cuh"

namespace
{

struct f16_unit {
    static __device__ inline void round(uint32_t (&)[4])
    {
    }
    static __device__ inline void multiply(float (&sum)[4], const uint32_t (&a)[4],
                                           const uint32_t *b)
    {
        cop::multiply_f16(sum, a, b);
    }
};

template <class shape> using sums = cop::matrix_sums<shape, f16_unit>;

} // namespace

cudaError_t cop_cuda_product_f16(const struct cop_cuda_product *self, bool is_narrow, int tile,
                                 bool prepare, cudaStream_t stream)
{
    if (is_narrow)
        return cop::run_narrow_product<sums, cop::half>(self, tile, prepare, stream);
    return cop::run_product<sums, cop::half, cop::shape_128x128>(self, tile, prepare, stream);
}
