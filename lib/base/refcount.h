// SPDX-License-Identifier: Apache-2.0
/* Reference counts of shared objects. */
#ifndef BASE_REFCOUNT_H
#define BASE_REFCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Written by every holder; the thread that takes it to zero reads what all others wrote before. */
struct refcount {
    _Atomic size_t count;
};

static inline void cop_refcount_init(struct refcount *refs)
{
    atomic_init(&refs->count, 1);
}

static inline void cop_refcount_retain(struct refcount *refs)
{
    atomic_fetch_add_explicit(&refs->count, 1, memory_order_relaxed);
}

/* False: nobody has a reference any more, the object is being destroyed. */
static inline bool cop_refcount_try_retain(struct refcount *refs)
{
    size_t count = atomic_load_explicit(&refs->count, memory_order_relaxed);
    do {
        if (count == 0)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&refs->count, &count, count + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* True for the caller that gave the last reference back and must destroy the object. */
static inline bool cop_refcount_release(struct refcount *refs)
{
    return atomic_fetch_sub_explicit(&refs->count, 1, memory_order_acq_rel) == 1;
}

#endif
