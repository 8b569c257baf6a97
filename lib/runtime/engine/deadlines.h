// SPDX-License-Identifier: Apache-2.0
/*
 * Moments in order: a pairing heap whose nodes lie in what they are about, so that adding one never
 * fails. Source: Fredman, Sedgewick, Sleator, Tarjan, "The pairing heap", Algorithmica 1 (1986).
 *
 * Thread-safety: one thread at a time.
 */
#ifndef RUNTIME_DEADLINES_H
#define RUNTIME_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
    int64_t at_ns; /* monotonic; INT64_MAX: never, and then it is in no heap */
    bool is_listed;
    struct deadline *child, *next;
    struct deadline *previous; /* the sibling before it, or the parent of a first child */
};

/* `*first` is the root, the earliest; NULL: none. */
void cop_deadlines_add(struct deadline **first, struct deadline *added);
void cop_deadlines_remove(struct deadline **first, struct deadline *removed);

#endif
