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

/* True for the caller that gave the last reference back and must destroy the object. */
static inline bool cop_refcount_release(struct refcount *refs)
{
    return atomic_fetch_sub_explicit(&refs->count, 1, memory_order_acq_rel) == 1;
}

#endif
