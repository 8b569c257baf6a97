// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "gpu_peaks.h"

#define COPY_BYTES (64L << 20)

/* Bytes a second between memory of a kind and the device's, as cop_ndarray_copy moves them. */
static double measure_copy(const struct bench_arguments *arguments, cop_memory from, cop_memory to)
{
    static const int64_t shape[] = {COPY_BYTES / sizeof(float)};
    cop_ndarray *src = NULL, *dst = NULL;
    cop_error error;
    double best = 0;
    bench_check(
        cop_ndarray_create_in(arguments->device, from, COP_DTYPE_FLOAT32, 1, shape, &src, &error),
        &error, "array");
    bench_check(
        cop_ndarray_create_in(arguments->device, to, COP_DTYPE_FLOAT32, 1, shape, &dst, &error),
        &error, "array");
    const double end = bench_now() + arguments->seconds / 4;
    for (int k = 0; k < 3 || bench_now() < end; k++) {
        const double begin = bench_now();
        bench_check(cop_ndarray_copy(src, dst, &error), &error, "copy");
        const double rate = (double)COPY_BYTES / (bench_now() - begin);
        best = rate > best ? rate : best;
    }
    cop_ndarray_release(&src), cop_ndarray_release(&dst);
    return best;
}

/* The model only says where to look for the module and what is on the command line anyway. */
int main(int argc, char **argv)
{
    const struct bench_arguments arguments =
        bench_parse(argc, argv, "What can this device do at the most?");
    static const struct {
        const char *name;
        cop_memory from, to;
    } copies[] = {{"host_to_device", COP_MEMORY_HOST, COP_MEMORY_DEVICE},
                  {"pinned_to_device", COP_MEMORY_PINNED, COP_MEMORY_DEVICE},
                  {"device_to_host", COP_MEMORY_DEVICE, COP_MEMORY_HOST},
                  {"device_to_pinned", COP_MEMORY_DEVICE, COP_MEMORY_PINNED}};
    struct bench_subject subject;
    double rates[4];
    bench_load(&arguments, &subject);
    const char *name = bench_device_name(arguments.device);
    const struct gpu_peaks *peaks = gpu_peaks_of(name);
    const double pass = gpu_measure_bytes(&arguments, arguments.seconds);
    printf("%s\n", name);
    for (int i = 0; i < 4; i++) {
        const cop_precision precision = (cop_precision)i;
        printf("  %-17s %8.1f TFLOP/s, data sheet\n", bench_precision_name(precision),
               peaks == NULL ? 0 : peaks->flops[i] / 1e12);
    }
    printf("  %-17s %8.1f GB/s, data sheet\n", "memory", peaks == NULL ? 0 : peaks->bytes / 1e9);
    printf("  %-17s %8.1f GB/s, measured: read and written by one pass\n", "memory", pass / 1e9);
    for (int i = 0; i < 4; i++) {
        rates[i] = measure_copy(&arguments, copies[i].from, copies[i].to);
        printf("  %-17s %8.1f GB/s, measured\n", copies[i].name, rates[i] / 1e9);
    }
    bench_begin_json(stdout, "gpu_peaks", &arguments);
    printf(",\"known\":%s,\"memory_bytes_per_s\":%.4g", peaks == NULL ? "false" : "true", pass);
    for (int i = 0; i < 4; i++)
        printf(",\"%s\":%.4g", copies[i].name, rates[i]);
    printf("}\n");
    bench_release(&subject);
    return 0;
}
