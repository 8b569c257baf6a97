// SPDX-License-Identifier: Apache-2.0
#include "backends/ref/ref_product.h"

#include <string.h>

#define TILE_ROWS 4

typedef float lanes __attribute__((vector_size(16)));

static lanes load(const float *elements)
{
    lanes loaded;
    memcpy(&loaded, elements, sizeof loaded);
    return loaded;
}

/*
 * sums = TILE_ROWS rows of a times the panel. The sums stand in variables with names so that
 * compilers keep them in registers, with sanitizers too.
 */
static void multiply_tile(const float *const rows[TILE_ROWS], int64_t step,
                          const struct ref_panel *panel, int depth,
                          float sums[TILE_ROWS][REF_PANEL_WIDTH])
{
    const float *row0 = rows[0], *row1 = rows[1], *row2 = rows[2], *row3 = rows[3];
    lanes s00 = {0}, s01 = {0}, s10 = {0}, s11 = {0}, s20 = {0}, s21 = {0}, s30 = {0}, s31 = {0};
    for (int64_t k = 0; k < depth; k++) {
        const lanes b0 = load(panel->elements[k]), b1 = load(panel->elements[k] + 4);
        s00 += row0[k * step] * b0, s01 += row0[k * step] * b1;
        s10 += row1[k * step] * b0, s11 += row1[k * step] * b1;
        s20 += row2[k * step] * b0, s21 += row2[k * step] * b1;
        s30 += row3[k * step] * b0, s31 += row3[k * step] * b1;
    }
    const lanes all[TILE_ROWS][2] = {{s00, s01}, {s10, s11}, {s20, s21}, {s30, s31}};
    memcpy(sums, all, sizeof all);
}

void cop_ref_multiply_panel(const struct ref_matrix *a, int64_t rows, const struct ref_panel *panel,
                            int depth, int columns, float alpha, const struct ref_target *dst)
{
    for (int64_t row = 0; row < rows; row += TILE_ROWS) {
        const int valid = rows - row < TILE_ROWS ? (int)(rows - row) : TILE_ROWS;
        const float *tile_rows[TILE_ROWS];
        for (int i = 0; i < TILE_ROWS; i++) /* rows that are not there repeat the last */
            tile_rows[i] = a->elements + (row + (i < valid ? i : valid - 1)) * a->row_stride;
        float sums[TILE_ROWS][REF_PANEL_WIDTH];
        multiply_tile(tile_rows, a->column_stride, panel, depth, sums);
        for (int i = 0; i < valid; i++) {
            float *target = dst->elements + (row + i) * dst->row_stride;
            for (int j = 0; j < columns; j++)
                target[j * dst->column_stride] += alpha * sums[i][j];
        }
    }
}

static void pack(const struct ref_matrix *b, int depth, int columns, struct ref_panel *panel)
{
    for (int64_t k = 0; k < depth; k++) {
        for (int64_t j = 0; j < columns; j++)
            panel->elements[k][j] = b->elements[k * b->row_stride + j * b->column_stride];
        for (int j = columns; j < REF_PANEL_WIDTH; j++)
            panel->elements[k][j] = 0;
    }
}

void cop_ref_multiply(int64_t m, int64_t n, int64_t k, const struct ref_matrix *a,
                      const struct ref_matrix *b, float alpha, const struct ref_target *dst)
{
    struct ref_panel panel;
    for (int64_t column = 0; column < n; column += REF_PANEL_WIDTH) {
        const int columns = n - column < REF_PANEL_WIDTH ? (int)(n - column) : REF_PANEL_WIDTH;
        const struct ref_target target = {dst->elements + column * dst->column_stride,
                                          dst->row_stride, dst->column_stride};
        for (int64_t row = 0; row < k; row += REF_PANEL_DEPTH) {
            const int depth = k - row < REF_PANEL_DEPTH ? (int)(k - row) : REF_PANEL_DEPTH;
            const struct ref_matrix strip = {b->elements + row * b->row_stride +
                                                 column * b->column_stride,
                                             b->row_stride, b->column_stride};
            const struct ref_matrix block = {a->elements + row * a->column_stride, a->row_stride,
                                             a->column_stride};
            pack(&strip, depth, columns, &panel);
            cop_ref_multiply_panel(&block, m, &panel, depth, columns, alpha, &target);
        }
    }
}
