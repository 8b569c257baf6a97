// SPDX-License-Identifier: Apache-2.0
/* The matrix unit: what a warp computes together, from the fragments its lanes hold. */
#include "platform.cuh"

namespace cop
{

namespace
{

struct load {
    const uint16_t *row;
    uint32_t *dst;
};

/* Row i of matrix m comes from lane 8 m + i; lane l gets the two elements 2 (l % 4) of row l / 4.
 */
template <bool transposed> void act_load(void *const *arguments)
{
    for (int lane = 0; lane < 32; lane++) {
        load *one = static_cast<load *>(arguments[lane]);
        for (int matrix = 0; matrix < 4; matrix++) {
            uint32_t word = 0;
            for (int i = 0; i < 2; i++) {
                const int major = lane / 4, minor = lane % 4 * 2 + i;
                const int row = transposed ? minor : major, column = transposed ? major : minor;
                const load *source = static_cast<const load *>(arguments[8 * matrix + row]);
                uint16_t element;
                memcpy(&element, source->row + column, sizeof element);
                word |= uint32_t{element} << 16 * i;
            }
            one->dst[matrix] = word;
        }
    }
}

struct product {
    float *sum;
    const uint32_t *a, *b;
};

/* Element i (0 or 1) of a fragment's word. */
float take_f16(uint32_t word, int i)
{
    return to_float(half{static_cast<uint16_t>(word >> 16 * i)});
}
float take_bf16(uint32_t word, int i)
{
    return to_float(bfloat16{static_cast<uint16_t>(word >> 16 * i)});
}
/* The unit does not look at the lower 13 bits. */
float take_tf32(uint32_t word, int)
{
    return __uint_as_float(word & ~uint32_t{0x1fff});
}

/* Word w of row r of a (w 0 to 7) is register (r / 8) + 2 (w / 4) of lane 4 (r % 8) + w % 4, word w
 * of column c of b register w / 4 of lane 4 c + w % 4. */
template <float (*take)(uint32_t, int), int per_word> void act_multiply(void *const *arguments)
{
    float a[16][8 * per_word], b[8][8 * per_word];
    for (int word = 0; word < 8; word++)
        for (int i = 0; i < per_word; i++) {
            for (int row = 0; row < 16; row++) {
                const void *lane = arguments[4 * (row % 8) + word % 4];
                const uint32_t bits = static_cast<const product *>(lane)->a[row / 8 + word / 4 * 2];
                a[row][word * per_word + i] = take(bits, i);
            }
            for (int column = 0; column < 8; column++) {
                const void *lane = arguments[4 * column + word % 4];
                b[column][word * per_word + i] =
                    take(static_cast<const product *>(lane)->b[word / 4], i);
            }
        }
    for (int lane = 0; lane < 32; lane++)
        for (int i = 0; i < 4; i++) {
            const float *left = a[lane / 4 + i / 2 * 8], *right = b[lane % 4 * 2 + i % 2];
            float *sum = &static_cast<product *>(arguments[lane])->sum[i];
            double total = *sum;
            for (int k = 0; k < 8 * per_word; k++)
                total += static_cast<double>(left[k]) * static_cast<double>(right[k]);
            *sum = static_cast<float>(total);
        }
}

} // namespace

void load_matrix(uint32_t (&dst)[4], const void *row)
{
    load own = {static_cast<const uint16_t *>(row), dst};
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0)
        emulation::fail({__FILE__, __LINE__}, "the row of a matrix is misaligned");
    emulation::wait_warp(~0u, "load_matrix", act_load<false>, &own, {__FILE__, __LINE__});
}

void load_matrix_transposed(uint32_t (&dst)[4], const void *row)
{
    load own = {static_cast<const uint16_t *>(row), dst};
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0)
        emulation::fail({__FILE__, __LINE__}, "the row of a matrix is misaligned");
    emulation::wait_warp(~0u, "load_matrix_transposed", act_load<true>, &own, {__FILE__, __LINE__});
}

void multiply_f16(float (&sum)[4], const uint32_t (&a)[4], const uint32_t *b)
{
    product own = {sum, a, b};
    emulation::wait_warp(~0u, "multiply_f16", act_multiply<take_f16, 2>, &own,
                         {__FILE__, __LINE__});
}

void multiply_bf16(float (&sum)[4], const uint32_t (&a)[4], const uint32_t *b)
{
    product own = {sum, a, b};
    emulation::wait_warp(~0u, "multiply_bf16", act_multiply<take_bf16, 2>, &own,
                         {__FILE__, __LINE__});
}

void multiply_tf32(float (&sum)[4], const uint32_t (&a)[4], const uint32_t *b)
{
    product own = {sum, a, b};
    emulation::wait_warp(~0u, "multiply_tf32", act_multiply<take_tf32, 1>, &own,
                         {__FILE__, __LINE__});
}

} // namespace cop
