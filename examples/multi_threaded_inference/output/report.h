// SPDX-License-Identifier: Apache-2.0
/** What the user sees: text or JSON on standard output, errors on standard error. */
#ifndef EXAMPLE_REPORT_H
#define EXAMPLE_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <cachedop/cachedop.h>

#include "running/classify.h"
#include "options.h"
#include "running/session.h"
#include "output/statistics.h"

struct report {
    const struct options *options;
    const struct session *session;
    size_t threads;
};

/** What the summary says. */
struct summary {
    size_t classified, failed, cancelled; /**< each image is one of them */
    const struct statistics *statistics;  /**< of the invocations, load included if there was one */
    double seconds;
    bool loaded;        /**< --repeat or --duration */
    uint64_t different; /**< of the load: results that were not the same, to the bit */
};

/** A failure that concerns no single image. */
void report_failure(const struct options *options, const char *text);

void report_begin(const struct report *report);
void report_job(const struct report *report, const struct job *job);
void report_profile(const struct report *report, const cop_profile *profile);
void report_summary(const struct report *report, const struct summary *summary);

#endif
