// SPDX-License-Identifier: Apache-2.0
#include "mxnet/base/mx_epochs.h"

#include <time.h>

#include "base/fork.h"

static _Atomic uint32_t thread_count; /* threads that ever entered; relaxed: only spreads them */

uint32_t cop_mx_own_stripe(void)
{
    static _Thread_local uint32_t own; /* 0: not numbered yet */
    if (own == 0)
        own =
            atomic_fetch_add_explicit(&thread_count, 1, memory_order_relaxed) % COP_MX_STRIPES + 1;
    return own - 1;
}

void cop_mx_epochs_init(struct mx_epochs *epochs)
{
    *epochs = (struct mx_epochs){.fork_epoch = cop_fork_count()};
}

void cop_mx_epochs_retire(struct mx_epochs *epochs, struct mx_retired *retired)
{
    retired->seen_empty[0] = retired->seen_empty[1] = 0;
    retired->next = epochs->retired;
    epochs->retired = retired;
    epochs->retired_count++;
}

/* The stripes that are at zero on one side, a bit each. */
static uint32_t find_empty(const struct mx_epochs *epochs, int side)
{
    uint32_t empty = 0;
    for (int i = 0; i < COP_MX_STRIPES; i++)
        if (atomic_load(&epochs->stripes[i].inside[side]) == 0)
            empty |= 1U << i;
    return empty;
}

static void reclaim_once(struct mx_epochs *epochs)
{
    const uint32_t all = (1U << COP_MX_STRIPES) - 1;
    const uint32_t empty[2] = {find_empty(epochs, 0), find_empty(epochs, 1)};
    struct mx_retired **at = &epochs->retired;
    while (*at != NULL) {
        struct mx_retired *retired = *at;
        retired->seen_empty[0] |= empty[0];
        retired->seen_empty[1] |= empty[1];
        if ((retired->seen_empty[0] & retired->seen_empty[1]) == all) {
            *at = retired->next;
            epochs->retired_count--;
            retired->destroy(retired);
        } else {
            at = &retired->next;
        }
    }
    /* The side that new readers left runs empty until we come again. */
    const uint32_t side = atomic_load_explicit(&epochs->side, memory_order_relaxed);
    atomic_store(&epochs->side, 1 - side);
}

void cop_mx_epochs_reclaim(struct mx_epochs *epochs, uint32_t most)
{
    reclaim_once(epochs);
    /* Readers that fork left behind never leave: what they may have seen is kept then. */
    while (epochs->retired_count > most && epochs->fork_epoch == cop_fork_count()) {
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000}, NULL);
        reclaim_once(epochs);
    }
}

void cop_mx_epochs_close(struct mx_epochs *epochs)
{
    while (epochs->retired != NULL) {
        struct mx_retired *retired = epochs->retired;
        epochs->retired = retired->next;
        retired->destroy(retired);
    }
    epochs->retired_count = 0;
}
