// SPDX-License-Identifier: Apache-2.0
/*
 * How many bytes an operator's contexts and kept outputs may take together.
 *
 * Thread-safety: synchronized, without locks.
 */
#ifndef RUNTIME_MEMORY_BUDGET_H
#define RUNTIME_MEMORY_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/refcount.h"

struct memory_budget {
    struct refcount refs;
    size_t cap; /* SIZE_MAX: none, and nothing is counted */
    /* Whoever takes or frees memory adds and subtracts; it never exceeds the cap. */
    _Atomic size_t used;
};

static inline bool cop_budget_take(struct memory_budget *budget, size_t bytes)
{
    if (budget->cap == SIZE_MAX)
        return true;
    size_t used = atomic_load_explicit(&budget->used, memory_order_relaxed);
    do {
        if (bytes > budget->cap - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&budget->used, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static inline void cop_budget_give(struct memory_budget *budget, size_t bytes)
{
    if (budget->cap != SIZE_MAX)
        atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
}

/* `cap` of 0: none. NULL: out of memory. */
struct memory_budget *cop_budget_create(size_t cap);
struct memory_budget *cop_budget_retain(struct memory_budget *budget);
void cop_budget_release(struct memory_budget **budget); /* accepts a pointer to NULL */

#endif
