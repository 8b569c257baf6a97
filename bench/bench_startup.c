// SPDX-License-Identifier: Apache-2.0
#include "bench.h"

/*
 * One process, one start: run it several times and take the median (compare.py does). The time of
 * the process itself, loader included, is what the caller measures around it.
 */
int main(int argc, char **argv)
{
    const struct bench_arguments arguments = bench_parse(
        argc, argv, "How long from nothing to the first result, and at what peak of memory?");
    struct bench_subject subject;
    cop_ndarray *dst[BENCH_MAX_ARRAYS] = {NULL};
    cop_error error;
    bench_load(&arguments, &subject);
    const double begin = bench_now();
    bench_check(cop_invoke(subject.op, subject.src_count, subject.src, subject.dst_count, dst, NULL,
                           &error),
                &error, "invoke");
    const double first = bench_now() - begin;
    const size_t peak = bench_peak_bytes();
    const double total = subject.load_seconds + subject.compile_seconds + first;
    printf("load %.1f ms, compile %.1f ms, first result %.1f ms: %.1f ms; peak %.1f MB\n",
           subject.load_seconds * 1e3, subject.compile_seconds * 1e3, first * 1e3, total * 1e3,
           (double)peak / 1e6);
    bench_begin_json(stdout, "startup", &arguments);
    printf(",\"load_s\":%.6f,\"compile_s\":%.6f,\"first_s\":%.6f,\"total_s\":%.6f,\"peak_bytes\":%"
           "zu}\n",
           subject.load_seconds, subject.compile_seconds, first, total, peak);
    bench_check_outputs(&arguments, &subject); /* last: it must not be measured */
    for (size_t i = 0; i < subject.dst_count; i++)
        cop_ndarray_release(&dst[i]);
    bench_release(&subject);
    return 0;
}
