// SPDX-License-Identifier: Apache-2.0
#include "callers.h"

#include <stdlib.h>

struct row {
    int threads;
    double images_per_second, least, median, p99; /* seconds */
    size_t compared;
};

/* Every thread gives what one gives, to the bit; nothing is timed before that. */
static size_t check_threads(const struct bench_arguments *arguments, struct callers *callers,
                            cop_ndarray *const *expected)
{
    size_t compared = 0;
    if (arguments->skips_check)
        return 0;
    const size_t different = callers_compare(callers, arguments->seconds / 2, expected, &compared);
    if (different > 0) {
        fprintf(stderr, "%zu of %zu results of several threads differ from that of one\n",
                different, compared);
        exit(1);
    }
    return compared;
}

static struct row measure(const struct bench_arguments *arguments,
                          const struct bench_subject *subject, int threads,
                          cop_ndarray *const *expected)
{
    cop_error error;
    struct bench_samples rates = {0}, latencies = {0};
    const double images = arguments->batch > 0 ? (double)arguments->batch : 1;
    bench_check(cop_cached_op_warm_up(subject->op, (size_t)threads, &error), &error, "warm-up");
    struct callers *callers = callers_start(subject, threads);
    struct row row = {.threads = threads};
    row.compared = check_threads(arguments, callers, expected);
    callers_run(callers, arguments->seconds / 4, NULL);
    for (int k = 0; k < arguments->rounds; k++)
        bench_add(&rates, callers_run(callers, arguments->seconds, &latencies));
    callers_stop(callers);
    row.images_per_second = bench_quantile(&rates, 0.5) * images;
    row.least = bench_quantile(&latencies, 0);
    row.median = bench_quantile(&latencies, 0.5);
    row.p99 = bench_quantile(&latencies, 0.99);
    free(rates.values), free(latencies.values);
    return row;
}

static void print_json(const struct bench_arguments *arguments, const struct bench_subject *subject,
                       double apart, const struct row *rows)
{
    cop_cached_op_stats stats = {.struct_size = sizeof stats};
    cop_error error;
    bench_check(cop_cached_op_get_stats(subject->op, &stats, &error), &error, "statistics");
    bench_begin_json(stdout, "gpu", arguments);
    printf(",\"apart\":%.3g,\"load_s\":%.4f,\"create_s\":%.4f,\"packed_weight_bytes\":%zu,"
           "\"arena_bytes\":%zu,\"context_bytes\":%zu,\"contexts\":%zu,\"rows\":[",
           apart, subject->load_seconds, subject->compile_seconds, stats.packed_weight_bytes,
           stats.arena_bytes, stats.context_bytes, stats.contexts);
    for (int i = 0; i < arguments->caller_count; i++)
        printf("%s{\"threads\":%d,\"images_per_s\":%.2f,\"min_ms\":%.5f,\"median_ms\":%.5f,"
               "\"p99_ms\":%.5f,\"compared\":%zu}",
               i == 0 ? "" : ",", rows[i].threads, rows[i].images_per_second, rows[i].least * 1e3,
               rows[i].median * 1e3, rows[i].p99 * 1e3, rows[i].compared);
    printf("]}\n");
}

int main(int argc, char **argv)
{
    const struct bench_arguments arguments = bench_parse(
        argc, argv,
        "How many images a second, and how late, by number of threads, each with arrays of its "
        "own?");
    struct bench_subject subject;
    struct row rows[BENCH_MAX_CALLERS];
    cop_ndarray *expected[BENCH_MAX_ARRAYS] = {NULL};
    bench_load(&arguments, &subject);
    subject.has_shared_inputs = 0;
    const double apart = bench_check_outputs(&arguments, &subject);
    bench_invoke(&subject, expected);
    printf("%s: %.2g of the largest value from ref's output\n", arguments.model, apart);
    printf("threads   images/s  of one   min ms   median      p99  equal to one\n");
    for (int i = 0; i < arguments.caller_count; i++) {
        rows[i] = measure(&arguments, &subject, arguments.callers[i], expected);
        printf("%7d %10.1f %5.2f x %8.4f %8.4f %8.4f  %zu\n", rows[i].threads,
               rows[i].images_per_second, rows[i].images_per_second / rows[0].images_per_second,
               rows[i].least * 1e3, rows[i].median * 1e3, rows[i].p99 * 1e3, rows[i].compared);
        fflush(stdout);
    }
    print_json(&arguments, &subject, apart, rows);
    for (size_t i = 0; i < subject.dst_count; i++)
        cop_ndarray_release(&expected[i]);
    bench_release(&subject);
    return 0;
}
