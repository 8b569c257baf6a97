// SPDX-License-Identifier: Apache-2.0
/* Threads that invoke one operator as fast as they can, measured together. */
#ifndef BENCH_CALLERS_H
#define BENCH_CALLERS_H

#include "bench.h"

struct callers; /* Thread-safety: one thread at a time. */

/* Starts `count` threads with outputs of their own; they sleep until a round begins. */
struct callers *callers_start(const struct bench_subject *subject, int count);
void callers_stop(struct callers *callers);

/*
 * Lets all invoke for `seconds`. Returns invocations a second of all together; the latency of each,
 * in seconds, goes into `latencies` when that is not NULL.
 */
double callers_run(struct callers *callers, double seconds, struct bench_samples *latencies);

#endif
