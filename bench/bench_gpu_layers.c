// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "gpu_peaks.h"
#include "steps.h"

/* The least time that a step could take on this device; 0: not known. */
static double least_seconds(const struct bench_step *step, double peak_flops, double peak_bytes)
{
    const double compute = peak_flops > 0 ? step->flops / peak_flops : 0;
    const double move = peak_bytes > 0 ? step->bytes / peak_bytes : 0;
    return compute > move ? compute : move;
}

static void print_step(struct bench_step *step, double total, double least)
{
    const double seconds = bench_quantile(&step->seconds, 0.5);
    printf("%9.2f %5.1f%% ", seconds * 1e6, 100 * seconds / total);
    if (step->flops > 0)
        printf("%9.1f ", step->flops / seconds / 1e9);
    else
        printf("%9s ", "");
    printf("%7.1f ", step->bytes / seconds / 1e9);
    if (least > 0)
        printf("%5.1f%% ", 100 * least / seconds);
    printf("%-5s %-16s %-28s %s%s%s\n", step->backend, step->op, step->kernel, step->name,
           step->fused[0] != '\0' ? " + " : "", step->fused);
}

static void print_json_steps(struct bench_steps *steps)
{
    printf(",\"steps\":[");
    for (size_t i = 0; i < steps->count; i++)
        printf("%s{\"name\":\"%s\",\"op\":\"%s\",\"backend\":\"%s\",\"kernel\":\"%s\",\"us\":%.3f,"
               "\"gflop\":%.6f,\"mb\":%.4f}",
               i == 0 ? "" : ",", steps->list[i].name, steps->list[i].op, steps->list[i].backend,
               steps->list[i].kernel, bench_quantile(&steps->list[i].seconds, 0.5) * 1e6,
               steps->list[i].flops / 1e9, steps->list[i].bytes / 1e6);
    printf("]");
}

int main(int argc, char **argv)
{
    const struct bench_arguments arguments = bench_parse(
        argc, argv, "What does each step take on a device, and how near is it to the peaks?");
    struct bench_subject subject;
    bench_load(&arguments, &subject);
    bench_check_outputs(&arguments, &subject);
    struct bench_steps steps = bench_read_steps(&subject);
    bench_run_steps(&subject, arguments.seconds * arguments.rounds, &steps);
    const struct gpu_peaks *peaks = gpu_peaks_of(bench_device_name(arguments.device));
    const double peak_flops = peaks != NULL ? peaks->flops[arguments.precision] : 0;
    const double peak_bytes = gpu_measure_bytes(&arguments, arguments.seconds);
    double total = 0, flops = 0, least = 0;
    for (size_t i = 0; i < steps.count; i++) {
        total += bench_quantile(&steps.list[i].seconds, 0.5);
        flops += steps.list[i].flops;
        least += least_seconds(&steps.list[i], peak_flops, peak_bytes);
    }
    printf("%9s %6s %9s %7s %6s %-5s %-16s %-28s %s\n", "us", "share", "GFLOP/s", "GB/s", "roof",
           "by", "operator", "kernel", "name (+ fused)");
    for (size_t i = 0; i < steps.count; i++)
        print_step(&steps.list[i], total, least_seconds(&steps.list[i], peak_flops, peak_bytes));
    printf("%9.2f us in all, %.2f GFLOP: %.1f GFLOP/s, %.1f%% of the roof of %.1f TFLOP/s (data "
           "sheet; 0: not known) and %.0f GB/s (measured). A step alone waits for the device, so "
           "the sum is more than an invocation takes.\n",
           total * 1e6, flops / 1e9, flops / total / 1e9, 100 * least / total, peak_flops / 1e12,
           peak_bytes / 1e9);
    bench_begin_json(stdout, "gpu_layers", &arguments);
    printf(",\"total_us\":%.3f,\"flops\":%.0f,\"peak_flops\":%.4g,\"peak_bytes\":%.4g", total * 1e6,
           flops, peak_flops, peak_bytes);
    print_json_steps(&steps);
    printf("}\n");
    bench_release_steps(&steps);
    bench_release(&subject);
    return 0;
}
