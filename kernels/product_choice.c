// SPDX-License-Identifier: Apache-2.0
/*
 * Which tile and how many splits: the least time by a model of the device. The model knows how
 * fast a multiprocessor multiplies, how long a piece is on its way, and what memory gives; its
 * numbers were not measured. Host code.
 */
#include <math.h>
#include <stddef.h>

#include "product.h"

const struct cop_cuda_tile cop_cuda_tiles[COP_CUDA_TILE_COUNT] = {
    {128, 128, 4, 4},
    {128, 64, 4, 4},
    {64, 64, 8, 3},
    {64, 32, 8, 4},
};

int cop_cuda_tile_shared_bytes(const struct cop_cuda_tile *tile)
{
    const int ring = tile->stages * (tile->rows + tile->columns) * tile->chunks * 16;
    const int sums = tile->rows * tile->columns * 4;
    return ring > sums ? ring : sums;
}

/* Cycles: from the launch to the first piece, of a piece's way from memory, from the last piece to
 * the end, and between two kernels. */
static const double start_cycles = 1200, load_cycles = 800, end_cycles = 800, kernel_cycles = 2500;
/* Bytes that the second-level cache gives a multiprocessor in a cycle. */
static const double cache_bytes_per_cycle = 40;
/* How much of its peak a unit reaches at most. */
static const double efficiency = 0.8;

enum { MOST_SPLITS = 32 };

/* Multiplications that a multiprocessor does in a cycle. */
static double multiplications(enum cop_cuda_math math, int capability)
{
    const bool is_server = capability == 80 || capability >= 90;
    if (math == COP_CUDA_MATH_EXACT)
        return capability == 75 || capability == 80 ? 64 : 128;
    if (capability < 80) /* older units know halves only */
        return math == COP_CUDA_MATH_F16 ? 512 : 32;
    const double f16 = capability >= 90 ? 1280 : is_server ? 1024 : 512;
    return math == COP_CUDA_MATH_TF32 ? f16 / 2 : f16;
}

static double shared_bytes_per_multiprocessor(int capability)
{
    switch (capability) {
    case 75:
        return 64 * 1024;
    case 80:
    case 87:
        return 164 * 1024;
    case 86:
    case 89:
    case 120:
    case 121:
        return 100 * 1024;
    default:
        return 228 * 1024;
    }
}

/* Blocks of a tile that a multiprocessor holds at once. */
static double count_resident(const struct cop_cuda_tile *tile, int capability)
{
    const double by_shared = floor(shared_bytes_per_multiprocessor(capability) /
                                   (cop_cuda_tile_shared_bytes(tile) + 1024));
    const double by_registers = tile->columns == 128 ? 2 : 4;
    return fmax(1, fmin(by_shared, by_registers));
}

static double divide_up(double x, double by)
{
    return ceil(x / by);
}

static int count_pieces(const struct cop_cuda_product_size *size, const struct cop_cuda_tile *tile)
{
    const int units = tile->chunks * (size->is_narrow ? 2 : 1);
    return (size->depth + units - 1) / units;
}

/* Cycles of the product's kernel alone. */
static double count_cycles(const struct cop_cuda_product_size *size,
                           const struct cop_cuda_device *device, const struct cop_cuda_tile *tile,
                           double splits)
{
    const double chunk = 16.0 / cop_cuda_math_bytes(size->math);
    const double blocks = divide_up(size->rows, tile->rows) *
                          divide_up(size->columns, tile->columns) * size->count * splits;
    const double pieces = divide_up(count_pieces(size, tile), splits);
    const double resident = count_resident(tile, device->capability);
    const double busy = fmin(resident, divide_up(blocks, device->multiprocessors));
    const double rate = multiplications(size->math, device->capability) * efficiency;
    const double multiply = (double)tile->rows * tile->columns * tile->chunks * chunk / rate;
    const double bytes = (tile->rows + tile->columns) * tile->chunks * 16.0;
    const double piece = fmax(fmax(multiply, bytes / cache_bytes_per_cycle) * busy,
                              load_cycles / (tile->stages - 1));
    const double rounds = divide_up(blocks, device->multiprocessors * busy);
    return rounds * (start_cycles + pieces * piece + end_cycles);
}

static double bytes_to_cycles(double bytes, const struct cop_cuda_device *device)
{
    return bytes / (device->memory_gb_s * 1e9) * (device->clock_mhz * 1e6);
}

static double count_partial_bytes(const struct cop_cuda_product_size *size, int splits)
{
    return splits == 1 ? 0.0
                       : (double)size->count * splits * size->rows *
                             (divide_up(size->columns, 8) * 8) * sizeof(float);
}

static double estimate(const struct cop_cuda_product_size *size,
                       const struct cop_cuda_device *device, const struct cop_cuda_tile *tile,
                       int splits)
{
    const double memory =
        bytes_to_cycles(size->src_bytes + size->weights_bytes + size->dst_bytes, device);
    const double multiply = count_cycles(size, device, tile, splits);
    /* the smaller counts a little, for neither hides the other quite */
    double cycles = fmax(multiply, memory) + 0.1 * fmin(multiply, memory);
    if (splits > 1) {
        const double bytes = 2 * count_partial_bytes(size, splits) + size->dst_bytes;
        cycles += kernel_cycles + bytes / (cache_bytes_per_cycle * device->multiprocessors);
    }
    return cycles;
}

static void consider(const struct cop_cuda_product_size *size, const struct cop_cuda_device *device,
                     int tile, int splits, double *best, struct cop_cuda_product_choice *choice)
{
    const double cycles = estimate(size, device, &cop_cuda_tiles[tile], splits);
    if (cycles < *best) {
        *best = cycles;
        choice->tile = tile;
        choice->splits = splits;
    }
}

void cop_cuda_product_choose(const struct cop_cuda_product_size *size,
                             const struct cop_cuda_device *device,
                             struct cop_cuda_product_choice *choice)
{
    double best = INFINITY;
    choice->tile = 1;
    choice->splits = 1;
    for (int tile = 0; tile < COP_CUDA_TILE_COUNT; tile++) {
        if (size->is_narrow && cop_cuda_tiles[tile].columns != 64)
            continue;
        const int pieces = count_pieces(size, &cop_cuda_tiles[tile]);
        int last = 0; /* pieces of a split; each number of them once */
        for (int splits = 1; splits <= MOST_SPLITS; splits++) {
            if (splits > 1 && pieces / splits < 2)
                break;
            const int each = (pieces + splits - 1) / splits;
            if (each == last || (splits > 1 && (pieces + each - 1) / each != splits))
                continue;
            last = each;
            consider(size, device, tile, splits, &best, choice);
        }
    }
    double cycles = best + kernel_cycles;
    if (choice->arranges_src)
        cycles += kernel_cycles + bytes_to_cycles(2 * size->src_bytes, device);
    if (choice->arranges_weights)
        cycles += kernel_cycles + bytes_to_cycles(2 * size->weights_bytes, device);
    choice->estimated_ns = (int64_t)(cycles * 1e3 / device->clock_mhz);
    choice->partial_bytes = (size_t)count_partial_bytes(size, choice->splits);
    choice->workspace_bytes = choice->src_bytes + choice->weights_bytes + choice->partial_bytes;
}

cudaError_t cop_cuda_product_prepare(enum cop_cuda_math math, bool is_narrow, int tile)
{
    switch (math) {
    case COP_CUDA_MATH_EXACT:
        return cop_cuda_product_exact(NULL, tile, true, NULL);
    case COP_CUDA_MATH_TF32:
        return cop_cuda_product_tf32(NULL, tile, true, NULL);
    case COP_CUDA_MATH_F16:
        return cop_cuda_product_f16(NULL, is_narrow, tile, true, NULL);
    case COP_CUDA_MATH_BF16:
        return cop_cuda_product_bf16(NULL, is_narrow, tile, true, NULL);
    default:
        return cudaErrorInvalidValue;
    }
}

static cudaError_t launch_tiles(enum cop_cuda_math math, const struct cop_cuda_product *self,
                                bool is_narrow, int tile, cudaStream_t stream)
{
    switch (math) {
    case COP_CUDA_MATH_EXACT:
        return cop_cuda_product_exact(self, tile, false, stream);
    case COP_CUDA_MATH_TF32:
        return cop_cuda_product_tf32(self, tile, false, stream);
    case COP_CUDA_MATH_F16:
        return cop_cuda_product_f16(self, is_narrow, tile, false, stream);
    case COP_CUDA_MATH_BF16:
        return cop_cuda_product_bf16(self, is_narrow, tile, false, stream);
    default:
        return cudaErrorInvalidValue;
    }
}

static bool is_misaligned(const void *address)
{
    return (uintptr_t)address % 16 != 0;
}

cudaError_t cop_cuda_product_launch(enum cop_cuda_math math, const struct cop_cuda_product *self,
                                    bool is_narrow, int tile, cudaStream_t stream)
{
    if (self->rows == 0 || self->columns == 0 || self->count == 0)
        return cudaSuccess;
    if (is_misaligned(self->src) || is_misaligned(self->weights) || is_misaligned(self->dst) ||
        is_misaligned(self->residual) || is_misaligned(self->partials))
        return cudaErrorMisalignedAddress;
    const cudaError_t status = launch_tiles(math, self, is_narrow, tile, stream);
    if (status != cudaSuccess || self->partials == NULL)
        return status;
    return cop_cuda_product_sum(math, self, stream);
}
