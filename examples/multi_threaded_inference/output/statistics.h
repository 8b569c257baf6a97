// SPDX-License-Identifier: Apache-2.0
/** Times of many invocations, in constant memory. */
#ifndef EXAMPLE_STATISTICS_H
#define EXAMPLE_STATISTICS_H

#include <stdint.h>

/* 128 buckets for each power of two: a quantile is off by less than 0.8 %. */
#define STATISTICS_BUCKET_BITS 7
#define STATISTICS_BUCKETS     ((64 - STATISTICS_BUCKET_BITS + 1) << STATISTICS_BUCKET_BITS)

struct statistics {
    uint64_t count;
    int64_t largest_ns;
    uint64_t buckets[STATISTICS_BUCKETS];
};

/** Adds one time; a negative one counts as 0. */
void statistics_add(struct statistics *statistics, int64_t ns);

void statistics_merge(struct statistics *statistics, const struct statistics *other);

/** The time that `fraction` of all do not exceed, in milliseconds; 0 when there is none. */
double statistics_quantile_ms(const struct statistics *statistics, double fraction);

double statistics_largest_ms(const struct statistics *statistics);

#endif
