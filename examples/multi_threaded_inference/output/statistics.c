// SPDX-License-Identifier: Apache-2.0
#include "output/statistics.h"

#include <math.h>

/* Values below 2^7 have buckets of their own; above, the 7 bits behind the highest one choose. */
static unsigned bucket_of(uint64_t value)
{
    unsigned shift = 0;
    while (value >> shift >= 2u << STATISTICS_BUCKET_BITS)
        shift++;
    if (value >> shift < 1u << STATISTICS_BUCKET_BITS)
        return (unsigned)value;
    return (shift << STATISTICS_BUCKET_BITS) + (unsigned)(value >> shift);
}

static double middle_of(unsigned bucket)
{
    if (bucket < 2u << STATISTICS_BUCKET_BITS)
        return bucket;
    unsigned shift = (bucket >> STATISTICS_BUCKET_BITS) - 1;
    double lowest = (double)(bucket - (shift << STATISTICS_BUCKET_BITS));
    return ldexp(lowest + 0.5, (int)shift);
}

void statistics_add(struct statistics *statistics, int64_t ns)
{
    if (ns < 0)
        ns = 0;
    statistics->count++;
    statistics->buckets[bucket_of((uint64_t)ns)]++;
    if (ns > statistics->largest_ns)
        statistics->largest_ns = ns;
}

void statistics_merge(struct statistics *statistics, const struct statistics *other)
{
    statistics->count += other->count;
    if (other->largest_ns > statistics->largest_ns)
        statistics->largest_ns = other->largest_ns;
    for (int i = 0; i < STATISTICS_BUCKETS; i++)
        statistics->buckets[i] += other->buckets[i];
}

double statistics_quantile_ms(const struct statistics *statistics, double fraction)
{
    uint64_t wanted = (uint64_t)ceil(fraction * (double)statistics->count);
    uint64_t seen = 0;
    for (unsigned i = 0; i < STATISTICS_BUCKETS; i++) {
        seen += statistics->buckets[i];
        if (seen > 0 && seen >= wanted)
            return fmin(middle_of(i), (double)statistics->largest_ns) / 1e6;
    }
    return 0;
}

double statistics_largest_ms(const struct statistics *statistics)
{
    return (double)statistics->largest_ns / 1e6;
}
