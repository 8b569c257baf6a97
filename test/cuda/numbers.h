/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors for tests of kernels: elements as the kernels have them in memory, and random ones. */
#ifndef TEST_CUDA_NUMBERS_H
#define TEST_CUDA_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

void store_numbers(enum cop_cuda_type type, const float *src, void *dst, size_t count);
void load_numbers(enum cop_cuda_type type, const void *src, float *dst, size_t count);

/* The nearest number with 10 bits of fraction, ties away from zero. */
float round_to_tf32(float x);

/* `bytes` at a multiple of 16, all 0xff (NaN), and nothing behind them; free() frees. */
void *make_memory(size_t bytes);

/* `count` numbers in [-1, 1), from a seed. */
void fill_random(float *dst, size_t count, uint32_t seed);

#ifdef __cplusplus
}
#endif

#endif
