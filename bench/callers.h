// SPDX-License-Identifier: Apache-2.0
/* Threads that invoke one operator as fast as they can, measured together. */
#ifndef BENCH_CALLERS_H
#define BENCH_CALLERS_H

#include "bench.h"

struct callers; /* Thread-safety: one thread at a time. */

/*
 * Starts `count` threads with arrays of their own (of outputs only where the subject's inputs are
 * shared); they sleep until a round begins.
 */
struct callers *callers_start(const struct bench_subject *subject, int count);
void callers_stop(struct callers *callers);

/*
 * Lets all invoke for `seconds`. Returns invocations a second of all together; the latency of each,
 * in seconds, goes into `latencies` when that is not NULL.
 */
double callers_run(struct callers *callers, double seconds, struct bench_samples *latencies);

/* Lets all invoke for `seconds` and returns how many results are not `expected` to the bit; adds
 * how many there were to `compared`. */
size_t callers_compare(struct callers *callers, double seconds, cop_ndarray *const *expected,
                       size_t *compared);

#endif
