// SPDX-License-Identifier: Apache-2.0
#include "callers.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    const struct bench_arguments arguments = bench_parse(
        argc, argv, "How many invocations a second, and how late, by number of callers?");
    struct bench_subject subject;
    bench_load(&arguments, &subject);
    bench_check_outputs(&arguments, &subject);
    printf("callers  invocations/s  of one   min ms  median     p99     max\n");
    double medians[BENCH_MAX_CALLERS];
    for (int i = 0; i < arguments.caller_count; i++) {
        struct callers *callers = callers_start(&subject, arguments.callers[i]);
        struct bench_samples rates = {0}, latencies = {0};
        callers_run(callers, arguments.seconds / 4, NULL); /* warm-up */
        for (int k = 0; k < arguments.rounds; k++)
            bench_add(&rates, callers_run(callers, arguments.seconds, &latencies));
        callers_stop(callers);
        medians[i] = bench_quantile(&rates, 0.5);
        printf("%7d  %13.1f  %5.2f x %7.3f %7.3f %7.3f %7.3f\n", arguments.callers[i], medians[i],
               medians[i] / medians[0], bench_quantile(&latencies, 0) * 1e3,
               bench_quantile(&latencies, 0.5) * 1e3, bench_quantile(&latencies, 0.99) * 1e3,
               bench_quantile(&latencies, 1) * 1e3);
        free(rates.values), free(latencies.values);
    }
    bench_begin_json(stdout, "throughput", &arguments);
    printf(",\"per_second\":{");
    for (int i = 0; i < arguments.caller_count; i++)
        printf("%s\"%d\":%.3f", i == 0 ? "" : ",", arguments.callers[i], medians[i]);
    printf("}}\n");
    bench_release(&subject);
    return 0;
}
