// SPDX-License-Identifier: Apache-2.0
#include "peak.h"
#include "steps.h"

static void print(const struct bench_arguments *arguments, const struct bench_steps *plan)
{
    struct bench_step *const steps = plan->list;
    const size_t count = plan->count;
    const double peak = peak_flops() * arguments->intra_op;
    double total = 0, flops = 0, product_seconds = 0;
    for (size_t i = 0; i < count; i++)
        total += bench_quantile(&steps[i].seconds, 0.5);
    printf("%8s %6s %9s %6s %7s  %-18s %-26s %s\n", "ms", "share", "GFLOP/s", "peak", "GB/s",
           "operator", "kernel", "name (+ fused)");
    for (size_t i = 0; i < count; i++) {
        const double seconds = bench_quantile(&steps[i].seconds, 0.5);
        const double rate = steps[i].flops / seconds;
        flops += steps[i].flops;
        product_seconds += steps[i].flops > 0 ? seconds : 0;
        printf("%8.4f %5.1f%% ", seconds * 1e3, 100 * seconds / total);
        if (steps[i].flops > 0)
            printf("%9.1f %5.1f%%", rate / 1e9, 100 * rate / peak);
        else
            printf("%9s %6s", "", "");
        printf(" %7.1f  %-18s %-26s %s%s%s\n", steps[i].bytes / seconds / 1e9, steps[i].op,
               steps[i].kernel, steps[i].name, steps[i].fused[0] != '\0' ? " + " : "",
               steps[i].fused);
    }
    printf("%8.4f ms in all; products: %.2f GFLOP, %.1f%% of the time, %.1f%% of the peak of %.1f "
           "GFLOP/s; "
           "everything: %.1f%%; reading 1 MB %.0f, 64 MB %.0f GB/s\n",
           total * 1e3, flops / 1e9, 100 * product_seconds / total,
           100 * flops / product_seconds / peak, peak / 1e9, 100 * flops / total / peak,
           peak_read(1 << 20) / 1e9, peak_read(64 << 20) / 1e9);
    bench_begin_json(stdout, "operators", arguments);
    printf(",\"total_s\":%.6f,\"flops\":%.0f,\"peak_flops\":%.0f}\n", total, flops, peak);
}

int main(int argc, char **argv)
{
    const struct bench_arguments arguments = bench_parse(
        argc, argv, "Where does the time go, and how near is it to what the machine can do?");
    struct bench_subject subject;
    bench_load(&arguments, &subject);
    bench_check_outputs(&arguments, &subject);
    struct bench_steps steps = bench_read_steps(&subject);
    bench_run_steps(&subject, arguments.seconds * arguments.rounds, &steps);
    print(&arguments, &steps);
    bench_release_steps(&steps);
    bench_release(&subject);
    return 0;
}
