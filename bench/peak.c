// SPDX-License-Identifier: Apache-2.0
#include "peak.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#if defined(__x86_64__)
#define CLONES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define CLONES
#endif

typedef float vector __attribute__((vector_size(64)));

/* Enough independent chains to hide the latency of a multiply-add on two units, few enough for the
 * registers. */
CLONES static float multiply_add(long rounds)
{
    const vector factor = {0.999f}, term = {0.001f};
    vector a = {1}, b = {2}, c = {3}, d = {4}, e = {5}, f = {6}, g = {7}, h = {8}, i = {9},
           j = {10};
    for (long k = 0; k < rounds; k++) {
        a = a * factor + term, b = b * factor + term, c = c * factor + term;
        d = d * factor + term, e = e * factor + term, f = f * factor + term;
        g = g * factor + term, h = h * factor + term, i = i * factor + term;
        j = j * factor + term;
    }
    const vector sum = a + b + c + d + e + f + g + h + i + j;
    return sum[0];
}

double peak_flops(void)
{
    const long rounds = 2000000;
    static volatile float sink;
    double best = 0;
    for (int k = 0; k < 20; k++) {
        const double begin = bench_now();
        sink = multiply_add(rounds);
        const double rate = (double)rounds * 10 * 16 * 2 / (bench_now() - begin);
        best = rate > best ? rate : best;
    }
    (void)sink;
    return best;
}

typedef uint64_t words8 __attribute__((vector_size(64)));

CLONES static uint64_t add_up(const words8 *words, size_t count)
{
    words8 a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t i = 0; i + 4 <= count; i += 4)
        a += words[i], b += words[i + 1], c += words[i + 2], d += words[i + 3];
    const words8 sum = a + b + c + d;
    return sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
}

double peak_read(unsigned long bytes)
{
    static volatile uint64_t sink;
    words8 *words = aligned_alloc(64, bytes);
    double best = 0;
    if (words == NULL)
        return 0;
    memset(words, 1, bytes);
    const int repeats = (int)(((size_t)256 << 20) / bytes) + 1;
    for (int k = 0; k < 8; k++) {
        const double begin = bench_now();
        for (int i = 0; i < repeats; i++)
            sink = add_up(words, bytes / sizeof *words);
        const double rate = (double)bytes * repeats / (bench_now() - begin);
        best = rate > best ? rate : best;
    }
    (void)sink;
    free(words);
    return best;
}
