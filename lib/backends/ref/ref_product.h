// SPDX-License-Identifier: Apache-2.0
/*
 * The product of matrices that convolution, FullyConnected, Gemm and MatMul share: float32, each
 * element summed along k in one fixed order whatever the sizes of m and n.
 */
#ifndef BACKENDS_REF_REF_PRODUCT_H
#define BACKENDS_REF_REF_PRODUCT_H

#include <stdint.h>

#define REF_PANEL_WIDTH 8
#define REF_PANEL_DEPTH 256

/* A strip of the right-hand matrix, copied together: up to REF_PANEL_DEPTH rows of WIDTH columns.
 */
struct ref_panel {
    _Alignas(32) float elements[REF_PANEL_DEPTH][REF_PANEL_WIDTH];
};

/* A matrix in memory; strides count elements. */
struct ref_matrix {
    const float *elements;
    int64_t row_stride, column_stride;
};

/* Where results are added. */
struct ref_target {
    float *elements;
    int64_t row_stride, column_stride;
};

/* dst[0 … rows − 1][0 … columns − 1] += alpha · a[…][0 … depth − 1] · panel */
void cop_ref_multiply_panel(const struct ref_matrix *a, int64_t rows, const struct ref_panel *panel,
                            int depth, int columns, float alpha, const struct ref_target *dst);

/* dst [m,n] += alpha · a [m,k] · b [k,n] */
void cop_ref_multiply(int64_t m, int64_t n, int64_t k, const struct ref_matrix *a,
                      const struct ref_matrix *b, float alpha, const struct ref_target *dst);

#endif
