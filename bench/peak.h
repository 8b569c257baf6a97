// SPDX-License-Identifier: Apache-2.0
/* What one core of this machine can do at the most. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

/* Multiply-adds of float32 in registers, counted as two operations each; operations a second. */
double peak_flops(void);

/* Bytes a second read from an array of `bytes`. */
double peak_read(unsigned long bytes);

#endif
