// SPDX-License-Identifier: Apache-2.0
/* Products of matrices on the emulation, against sums in double of the same rounded numbers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "matrix_product.h"
#include "numbers.h"
#include "support/unit.h"

static const struct cop_cuda_device h100 = {90, 132, 1755, 3350};

static enum cop_cuda_type type_of(enum cop_cuda_math math)
{
    return math == COP_CUDA_MATH_F16    ? COP_CUDA_F16
           : math == COP_CUDA_MATH_BF16 ? COP_CUDA_BF16
                                        : COP_CUDA_F32;
}

/* Random numbers in memory, and as they are multiplied. */
static float *make_side(enum cop_cuda_math math, size_t count, uint32_t seed, void **memory)
{
    float *values = malloc(count * sizeof(float));
    *memory = make_memory(count * (size_t)cop_cuda_math_bytes(math));
    fill_random(values, count, seed);
    store_numbers(type_of(math), values, *memory, count);
    load_numbers(type_of(math), *memory, values, count);
    if (math == COP_CUDA_MATH_TF32)
        for (size_t i = 0; i < count; i++)
            values[i] = round_to_tf32(values[i]);
    return values;
}

/* How many elements a side of `outer` by `inner` matrices has. */
static size_t count_side(const struct cop_cuda_matrix_product *op, int64_t outer, int64_t inner,
                         int rows)
{
    return (size_t)(outer * (op->outer - 1) + inner * (op->inner - 1) + (int64_t)rows * op->k);
}

static double sum_of(const struct cop_cuda_matrix_product *op, const float *a, const float *b,
                     bool trans_b, int row, int column, double *size)
{
    double sum = 0.0;
    *size = 0.0;
    for (int k = 0; k < op->k; k++) {
        const double left = op->trans_a ? a[k * op->m + row] : a[row * op->k + k];
        const double right = trans_b ? b[k * op->n + column] : b[column * op->k + k];
        sum += left * right;
        *size += fabs(left * right);
    }
    return sum;
}

static void check_dst(const struct cop_cuda_matrix_product *op, const float *a, const float *b,
                      bool trans_b, const float *bias, const float *dst, const char *what)
{
    static const double steps[] = {0x1p-24, 0x1p-24, 0x1p-11, 0x1p-8}; /* of dst's type */
    for (int i = 0; i < op->outer * op->inner; i++) {
        const int outer = i / op->inner, inner = i % op->inner;
        const float *left = a + outer * op->a_outer + inner * op->a_inner;
        const float *right = b + outer * op->b_outer + inner * op->b_inner;
        for (int row = 0; row < op->m; row++)
            for (int column = 0; column < op->n; column++) {
                double size;
                const double expected =
                    sum_of(op, left, right, trans_b, row, column, &size) + bias[column];
                const double allowed = (size + 2.0) * 0x1p-22 + fabs(expected) * steps[op->math];
                const float given =
                    dst[((size_t)i * (size_t)op->m + (size_t)row) * (size_t)op->n + (size_t)column];
                if (!(fabs(given - expected) <= allowed))
                    ck_abort_msg("%s: matrix %d, row %d, column %d: %.9g, expected %.9g", what, i,
                                 row, column, given, expected);
            }
    }
}

/* One product, by one kernel or (tile −1) the chosen one; transposed: how weights to pack lie. */
static void try_product(struct cop_cuda_matrix_product op, int tile, int splits, bool transposed)
{
    struct cop_cuda_product_choice choice;
    ck_assert(cop_cuda_matrix_product_choose(&op, &h100, &choice));
    const size_t dst_count = (size_t)op.m * (size_t)op.n * (size_t)(op.outer * op.inner);
    const size_t row_bytes = (size_t)((op.n + 7) / 8 * 8) * sizeof(float);
    if (tile >= 0) {
        choice.workspace_bytes -= choice.partial_bytes;
        choice.tile = tile;
        choice.splits = splits;
        choice.partial_bytes =
            splits == 1 ? 0
                        : (size_t)splits * (size_t)op.m * row_bytes * (size_t)(op.outer * op.inner);
        choice.workspace_bytes += choice.partial_bytes;
    }
    const size_t b_count = count_side(&op, op.b_outer, op.b_inner, op.n);
    void *a, *b, *packed = make_memory(cop_cuda_matrix_product_weights_bytes(&op));
    float *a_values = make_side(op.math, count_side(&op, op.a_outer, op.a_inner, op.m), 1, &a);
    float *b_values = make_side(op.math, b_count, 2, &b);
    float *bias = make_memory((size_t)op.n * sizeof(float));
    void *dst = make_memory(dst_count * (size_t)cop_cuda_math_bytes(op.math));
    void *workspace = make_memory(choice.workspace_bytes);
    fill_random(bias, (size_t)op.n, 3);
    if (op.packed_b)
        ck_assert_int_eq(cop_cuda_matrix_product_pack(&op, b_values, transposed, packed, NULL),
                         cudaSuccess);
    ck_assert_int_eq(cop_cuda_matrix_product_prepare(&op, &choice), cudaSuccess);
    ck_assert_int_eq(cop_cuda_matrix_product(&op, &choice, a, op.packed_b ? packed : b, bias, NULL,
                                             dst, workspace, NULL),
                     cudaSuccess);
    float *given = malloc(dst_count * sizeof(float));
    load_numbers(type_of(op.math), dst, given, dst_count);
    char what[120];
    snprintf(what, sizeof what, "mathematics %d, tile %d, %d splits, m %d, n %d, k %d", op.math,
             choice.tile, choice.splits, op.m, op.n, op.k);
    check_dst(&op, a_values, b_values, op.packed_b ? transposed : op.trans_b, bias, given, what);
    void *all[] = {a, b, packed, a_values, b_values, bias, dst, workspace, given};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static struct cop_cuda_matrix_product plain(int math, int m, int n, int k)
{
    return (struct cop_cuda_matrix_product){
        .math = (enum cop_cuda_math)math, .m = m, .n = n, .k = k, .outer = 1, .inner = 1};
}

START_TEST(a_product_with_packed_weights_is_right_for_every_kernel)
{
    static const int sizes[][3] = {{1, 40, 96}, {37, 65, 33}, {130, 9, 64}};
    for (int math = 0; math < COP_CUDA_MATH_COUNT; math++)
        for (int i = 0; i < 3; i++)
            for (int tile = 0; tile < COP_CUDA_TILE_COUNT; tile++) {
                struct cop_cuda_matrix_product op =
                    plain(math, sizes[i][0], sizes[i][1], sizes[i][2]);
                op.packed_b = true;
                try_product(op, tile, 1 + i, tile % 2 == 0);
            }
}
END_TEST

START_TEST(both_sides_may_lie_transposed_and_end_within_a_chunk)
{
    for (int math = 0; math < COP_CUDA_MATH_COUNT; math++)
        for (int which = 0; which < 8; which++) {
            struct cop_cuda_matrix_product op = plain(math, 19, 21, which < 4 ? 24 : 27);
            op.trans_a = (which & 1) != 0;
            op.trans_b = (which & 2) != 0;
            try_product(op, -1, 0, false);
        }
}
END_TEST

START_TEST(many_products_repeat_a_side_that_has_no_stride)
{
    for (int math = 0; math < COP_CUDA_MATH_COUNT; math++)
        for (int which = 0; which < 8; which++) {
            struct cop_cuda_matrix_product op = plain(math, 5, 9, (which & 1) != 0 ? 16 : 13);
            op.outer = 2;
            op.inner = 3;
            op.a_inner = (which & 2) != 0 ? op.m * op.k : 0;
            op.a_outer = (which & 4) != 0 ? (op.a_inner != 0 ? 3 : 1) * op.m * op.k : 0;
            op.b_inner = (which & 4) != 0 ? op.n * op.k : 0;
            op.b_outer = (which & 2) != 0 ? (op.b_inner != 0 ? 3 : 1) * op.n * op.k : 0;
            op.trans_b = which == 5;
            try_product(op, -1, 0, false);
            try_product(op, 2, 2, false);
        }
}
END_TEST

START_TEST(rows_may_be_more_than_a_line_of_pixels)
{
    for (int math = 0; math < COP_CUDA_MATH_COUNT; math += 2) {
        struct cop_cuda_matrix_product op = plain(math, 8192 + 60, 3, 5);
        op.packed_b = true;
        try_product(op, 0, 1, false);
    }
}
END_TEST

START_TEST(a_product_over_nothing_is_the_bias)
{
    for (int math = 0; math < COP_CUDA_MATH_COUNT; math++) {
        struct cop_cuda_matrix_product op = plain(math, 3, 5, 0);
        op.packed_b = true;
        try_product(op, -1, 0, false);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("matrix product", a_product_with_packed_weights_is_right_for_every_kernel,
                     both_sides_may_lie_transposed_and_end_within_a_chunk,
                     many_products_repeat_a_side_that_has_no_stride,
                     rows_may_be_more_than_a_line_of_pixels, a_product_over_nothing_is_the_bias);
}
