// SPDX-License-Identifier: Apache-2.0
#include "shared_accesses.h"

#include "product_kernel.cuh"

namespace
{

struct no_unit {
};
template <class shape> using by_matrix = cop::matrix_sums<shape, no_unit>;

template <class shape, template <class> class sums_of>
__global__ void report(const cop_cuda_product p, int *copy, int *src, int *weights)
{
    const int warp = static_cast<int>(threadIdx.x / 32);
    cop::piece_loader<shape, 16> loader;
    loader.begin(p, {0, 0, 0, 0});
    copy[threadIdx.x] = loader.src.target;
    sums_of<shape> sums;
    sums.begin(warp / shape::warps_n * shape::warp_rows,
               warp % shape::warps_n * shape::warp_columns);
    src[threadIdx.x] = sums.src_row;
    weights[threadIdx.x] = sums.weight_row;
}

template <class shape, template <class> class sums_of> int run(int *copy, int *src, int *weights)
{
    const cop_cuda_product p = {};
    if (COP_LAUNCH((report<shape, sums_of>), 1, shape::threads, 0, nullptr, p, copy, src,
                   weights) != cudaSuccess)
        return 0;
    return shape::threads;
}

} // namespace

int find_accesses(int shape, int *copy, int *src, int *weights)
{
    switch (shape) {
    case 0:
        return run<cop::shape_128x128, by_matrix>(copy, src, weights);
    case 1:
        return run<cop::shape_128x64, by_matrix>(copy, src, weights);
    case 2:
        return run<cop::shape_64x64, by_matrix>(copy, src, weights);
    case 3:
        return run<cop::shape_64x32, by_matrix>(copy, src, weights);
    case 4:
        return run<cop::shape_128x128_exact, cop::exact_sums>(copy, src, weights);
    case 5:
        return run<cop::shape_128x64, cop::exact_sums>(copy, src, weights);
    case 6:
        return run<cop::shape_64x64, cop::exact_sums>(copy, src, weights);
    default:
        return run<cop::shape_64x32, cop::exact_sums>(copy, src, weights);
    }
}

int find_staged(int row, int quad)
{
    return cop::staged(row, quad);
}
