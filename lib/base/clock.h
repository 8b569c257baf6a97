// SPDX-License-Identifier: Apache-2.0
/* Monotonic time and deadlines, in nanoseconds. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t cop_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The moment `timeout_ns` from now; INT64_MAX, never, for a time span too long to count. */
static inline int64_t cop_deadline_ns(int64_t timeout_ns)
{
    int64_t deadline;
    if (timeout_ns == INT64_MAX || __builtin_add_overflow(cop_now_ns(), timeout_ns, &deadline))
        return INT64_MAX;
    return deadline;
}

#endif
