// SPDX-License-Identifier: Apache-2.0
/* Products of floats, rounded to TF32, by the matrix unit. */
#include "product_kernel.cuh"

namespace
{

struct tf32_unit {
    /* Half a unit more, for the matrix unit cuts the rest off: ties go away from zero. */
    static __device__ inline void round(uint32_t (&words)[4])
    {
        COP_UNROLL
        for (int i = 0; i < 4; i++)
            if (fabsf(__uint_as_float(words[i])) < __uint_as_float(0x7f800000u))
                words[i] += 0x1000;
    }
    static __device__ inline void multiply(float (&sum)[4], const uint32_t (&a)[4],
                                           const uint32_t *b)
    {
        cop::multiply_tf32(sum, a, b);
    }
};

template <class shape> using sums = cop::matrix_sums<shape, tf32_unit>;

} // namespace

cudaError_t cop_cuda_product_tf32(const struct cop_cuda_product *self, int tile, bool prepare,
                                  cudaStream_t stream)
{
    return cop::run_product<sums, float, cop::shape_128x128>(self, tile, prepare, stream);
}
