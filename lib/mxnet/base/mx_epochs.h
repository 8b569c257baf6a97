// SPDX-License-Identifier: Apache-2.0
/*
 * Reading what others replace, without a lock: readers announce themselves while they use what they
 * found, and whoever took something out of the reach of new readers frees it when all that were
 * inside have left. (Sleepable read-copy-update: McKenney, "Sleepable RCU", 2006.)
 *
 * A reader counts itself in at one of two counters; the writer turns new readers to the other one,
 * so that the first comes to zero however busy it is. An object may go when each counter was seen
 * at zero after the object was out of reach. Counters are striped: threads do not meet on a cache
 * line.
 *
 * Thread-safety: enter and leave synchronized; the rest under the caller's lock.
 */
#ifndef MXNET_BASE_MX_EPOCHS_H
#define MXNET_BASE_MX_EPOCHS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define COP_MX_STRIPES 16

/* The first member of what can be retired. */
struct mx_retired {
    struct mx_retired *next;
    void (*destroy)(struct mx_retired *retired);
    uint32_t seen_empty[2]; /* a bit for each stripe that was at zero since */
};

struct mx_stripe {
    /* Readers inside. Counted by them (sequentially consistent on entry, release on leaving), read
     * by the writer (sequentially consistent). */
    _Alignas(64) _Atomic uint32_t inside[2];
};

struct mx_epochs {
    struct mx_stripe stripes[COP_MX_STRIPES];
    _Atomic uint32_t
        side; /* where new readers count; written by the writer, read by readers, relaxed */
    uint32_t fork_epoch; /* in a child, readers that did not come along never leave */
    struct mx_retired *retired;
    uint32_t retired_count;
};

/* Where a reader counted itself. */
struct mx_reader {
    _Atomic uint32_t *inside;
};

uint32_t cop_mx_own_stripe(void);

static inline struct mx_reader cop_mx_epochs_enter(struct mx_epochs *epochs)
{
    const uint32_t side = atomic_load_explicit(&epochs->side, memory_order_relaxed);
    struct mx_reader reader = {&epochs->stripes[cop_mx_own_stripe()].inside[side]};
    /* Before what the reader looks up next, as the writer's check comes after its unlinking. */
    atomic_fetch_add(reader.inside, 1);
    return reader;
}

static inline void cop_mx_epochs_leave(struct mx_reader reader)
{
    atomic_fetch_sub_explicit(reader.inside, 1, memory_order_release);
}

void cop_mx_epochs_init(struct mx_epochs *epochs);

/* `retired` is out of reach of new readers: destroys it when no reader can have it any more. */
void cop_mx_epochs_retire(struct mx_epochs *epochs, struct mx_retired *retired);

/* Destroys what can be; with `most` or more left, waits for readers to leave. */
void cop_mx_epochs_reclaim(struct mx_epochs *epochs, uint32_t most);

/* Nobody reads any more: destroys all. */
void cop_mx_epochs_close(struct mx_epochs *epochs);

#endif
