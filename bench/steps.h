// SPDX-License-Identifier: Apache-2.0
/* The steps of an operator's plan: what each costs by its shapes, and what it took. */
#ifndef BENCH_STEPS_H
#define BENCH_STEPS_H

#include "bench.h"

struct bench_step {
    const char *name, *op, *kernel, *backend, *fused; /* of the plan's text, which `steps` keep */
    double flops, bytes;                              /* of one run; products only are counted */
    struct bench_samples seconds;
};

struct bench_steps {
    struct bench_step *list;
    size_t count;
    void *plan; /* the plan as JSON */
};

/* Reads the plan of the subject's operator. */
struct bench_steps bench_read_steps(const struct bench_subject *subject);
void bench_release_steps(struct bench_steps *steps);

/* Invokes for so many seconds, at least ten times, and collects the times of all steps. */
void bench_run_steps(const struct bench_subject *subject, double seconds,
                     struct bench_steps *steps);

#endif
