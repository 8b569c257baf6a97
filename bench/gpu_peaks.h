// SPDX-License-Identifier: Apache-2.0
/* What GPUs can do at the most. */
#ifndef BENCH_GPU_PEAKS_H
#define BENCH_GPU_PEAKS_H

#include "bench.h"

/* As the makers' data sheets say, without sparsity; 0: not known, or the GPU lacks it. */
struct gpu_peaks {
    const char *name; /* as the driver says it, or the start of that */
    double flops[4];  /* a second, by enum cop_precision */
    double bytes;     /* a second, of the GPU's memory */
};

/* NULL: this table does not know the GPU. */
const struct gpu_peaks *gpu_peaks_of(const char *device_name);

/*
 * Bytes a second, read and written, of one pass over an array that is larger than any cache: what a
 * kernel that only moves data reaches.
 */
double gpu_measure_bytes(const struct bench_arguments *arguments, double seconds);

#endif
