// SPDX-License-Identifier: Apache-2.0
#include "callers.h"

static cop_cached_op_stats get_stats(const struct bench_subject *subject)
{
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    cop_error error;
    bench_check(cop_cached_op_get_stats(subject->op, &stats, &error), &error, "statistics");
    return stats;
}

int main(int argc, char **argv)
{
    const struct bench_arguments arguments =
        bench_parse(argc, argv, "How much memory does one more caller take?");
    struct bench_subject subject;
    cop_error error;
    bench_load(&arguments, &subject);
    bench_check(cop_cached_op_warm_up(subject.op, 1, &error), &error, "warm-up");
    const cop_cached_op_stats one = get_stats(&subject);
    const size_t base = bench_resident_bytes();
    printf("packed weights %.2f MB, plan %.2f MB, arena %.2f MB; one more context is said to take "
           "%.3f MB\n",
           (double)one.packed_weight_bytes / 1e6, (double)one.plan_bytes / 1e6,
           (double)one.arena_bytes / 1e6, (double)one.context_bytes / 1e6);
    printf("callers  contexts  resident MB  more than 1 context  as said  ratio\n");
    double ratio = 0;
    size_t peak = 0;
    for (int count = 1; count <= 16; count *= 2) {
        struct callers *callers = callers_start(&subject, count);
        callers_run(callers, arguments.seconds, NULL);
        bench_check(cop_cached_op_warm_up(subject.op, (size_t)count, &error), &error, "warm-up");
        const size_t contexts = get_stats(&subject).contexts;
        const double more = (double)bench_resident_bytes() - (double)base;
        const double said = (double)((contexts - 1) * one.context_bytes);
        ratio = said > 0 ? more / said : 1;
        peak = bench_peak_bytes();
        printf("%7d  %8zu  %11.1f  %16.2f MB  %7.2f  %5.3f\n", count, contexts,
               (double)bench_resident_bytes() / 1e6, more / 1e6, said / 1e6, ratio);
        callers_stop(callers);
    }
    bench_begin_json(stdout, "memory", &arguments);
    printf(",\"packed_weight_bytes\":%zu,\"context_bytes\":%zu,\"measured_to_said\":%.4f,"
           "\"peak_bytes\":%zu}\n",
           one.packed_weight_bytes, one.context_bytes, ratio, peak);
    bench_check_outputs(&arguments, &subject); /* last: it must not be measured */
    bench_release(&subject);
    return 0;
}
