// SPDX-License-Identifier: Apache-2.0
/* What a product is besides its geometry. Host code. */
#include "product.h"

struct cop_cuda_divisor cop_cuda_divide_by(int divisor)
{
    struct cop_cuda_divisor self = {(uint32_t)divisor, 0, 0};
    if (divisor <= 1)
        return self;
    int bits = 0; /* ceil(log2(divisor)) */
    while (((uint64_t)1 << bits) < (uint64_t)divisor)
        bits++;
    const uint64_t power = (uint64_t)1 << (31 + bits);
    self.multiplier = (uint32_t)((power + (uint64_t)divisor - 1) / (uint64_t)divisor);
    self.shift = (uint32_t)(bits - 1);
    return self;
}

void cop_cuda_product_complete(struct cop_cuda_product *self, bool is_narrow,
                               const struct cop_cuda_product_choice *choice)
{
    const struct cop_cuda_tile *tile = &cop_cuda_tiles[choice->tile];
    const int tiles_m = cop_cuda_divide_up(self->rows, tile->rows);
    const int tiles_n = cop_cuda_divide_up(self->columns, tile->columns);
    const int piece = tile->chunks * (is_narrow ? 2 : 1); /* units */
    const int steps = cop_cuda_divide_up(self->depth, piece);
    self->splits = choice->splits;
    self->split_depth = cop_cuda_divide_up(steps, choice->splits) * piece;
    self->by_tiles = cop_cuda_divide_by(tiles_m * tiles_n);
    self->by_tiles_n = cop_cuda_divide_by(tiles_n);
    self->by_tap = cop_cuda_divide_by(self->tap_units);
    self->by_kernel_w = cop_cuda_divide_by(self->kernel_w);
    self->by_eights = cop_cuda_divide_by(cop_cuda_divide_up(self->columns, 8));
    self->by_rows = cop_cuda_divide_by(self->rows);
}
