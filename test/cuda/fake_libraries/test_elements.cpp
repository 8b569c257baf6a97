// SPDX-License-Identifier: Apache-2.0
/* Half and bfloat16 of the emulated libraries, against the processor's and by definition. */
#include "elements.h"

#include <cstdio>
#include <cstdlib>

using namespace cop::fake_library;

static void expect(bool is_true, const char *what, uint32_t bits)
{
    if (is_true)
        return;
    fprintf(stderr, "%s: 0x%x\n", what, bits);
    exit(EXIT_FAILURE);
}

/* Every half is itself again, and between two neighbours the nearest is taken, even at a tie. */
int main()
{
    for (uint32_t bits = 0; bits < 0x7c00; bits++) {
        const uint16_t half = static_cast<uint16_t>(bits);
        const float value = from_f16(half), next = bits == 0x7bff ? 65536.0F : from_f16(half + 1);
        const float middle = (value + next) / 2;
        const uint16_t even = half + (half & 1);
        expect(value < next, "halves are in order", bits);
        expect(to_f16(value) == half && to_f16(-value) == (half | 0x8000), "a half", bits);
        expect(to_f16(middle) == even, "a tie", bits);
        expect(to_f16(std::nextafter(middle, 0.0F)) == half, "below a tie", bits);
        expect(to_f16(std::nextafter(middle, 1e9F)) == half + 1, "above a tie", bits);
    }
    for (uint32_t bits = 0; bits < 0x7f80; bits++) {
        const float value = of_bits(bits << 16), middle = of_bits(bits << 16 | 0x8000);
        expect(to_bf16(value) == bits, "a bfloat16", bits);
        expect(to_bf16(middle) == bits + (bits & 1), "a tie of bfloat16", bits);
        expect(to_bf16(of_bits(bits << 16 | 0x8001)) == bits + 1, "above a tie", bits);
    }
    expect(std::isnan(from_f16(to_f16(NAN))) && std::isinf(from_f16(to_f16(INFINITY))), "special",
           0);
    expect(from_f16(0x3555) == 0.333251953125F, "a third", 0x3555);
    expect(round_to_tf32(1 + 0x1p-11F) == 1 && round_to_tf32(1 + 0x1p-10F) == 1 + 0x1p-10F, "tf32",
           0);
    return EXIT_SUCCESS;
}
