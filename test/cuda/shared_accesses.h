/* SPDX-License-Identifier: Apache-2.0 */
/* Where the kernels of products touch shared memory, to count meetings in a bank. */
#ifndef TEST_CUDA_SHARED_ACCESSES_H
#define TEST_CUDA_SHARED_ACCESSES_H

#ifdef __cplusplus
extern "C" {
#endif

enum { MATRIX_SHAPES = 4, SHARED_SHAPES = 8 };

/* For each thread of a block of a shape (first those of the matrix unit, then of floats), the byte
 * offsets that it copies to, and that it loads of src and of weights at depth 0. Gives the threads'
 * number. */
int find_accesses(int shape, int *copy, int *src, int *weights);

/* The float offset of four columns in a warp's staged sums. */
int find_staged(int row, int quad);

#ifdef __cplusplus
}
#endif

#endif
