/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels that test the emulation they run on. */
#ifndef TEST_CUDA_EMULATION_KERNELS_H
#define TEST_CUDA_EMULATION_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* dst[block] = the sum of the block's 256 elements of src, by shuffles and shared memory. */
cudaError_t sum_blocks(const float *src, float *dst, int block_count);
/* dst[i] = src[block's end − i], through shared memory; without the barrier it is wrong. */
cudaError_t reverse_blocks(const int *src, int *dst, int block_count, bool with_barrier);
/* One element for each thread, staged by copy_async. */
cudaError_t copy_through_shared(const float *src, float *dst, int count, bool wait);
/* One 16x8 product of a [16][k] and b [8][k], k 16 (tf32: 8): kind 0 f16, 1 bf16, 2 tf32. */
cudaError_t multiply_once(int kind, const void *a, const void *b, float *dst);
/* dst[r][c] = src[c][r], 8x8 halves, by the loader of matrices. */
cudaError_t transpose_matrix(const uint16_t *src, uint16_t *dst);
cudaError_t read_unwritten_shared(float *dst);
cudaError_t write_beyond_shared(int offset);
cudaError_t ask_shared(int bytes, bool allow);

/* What no kernel may do. */
cudaError_t diverge_at_barrier(void);
cudaError_t use_two_barriers(void);
cudaError_t shuffle_without_all(void);

uint16_t convert_to_half(float x);
float convert_from_half(uint16_t bits);
uint16_t convert_to_bfloat16(float x);
uint32_t convert_to_tf32(float x);

#ifdef __cplusplus
}
#endif

#endif
