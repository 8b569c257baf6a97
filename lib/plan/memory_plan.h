// SPDX-License-Identifier: Apache-2.0
/*
 * Where each tensor of a plan lies in the arena of a context: a pure function of who lives when.
 * Scratch memory is an interval of one step.
 */
#ifndef PLAN_MEMORY_PLAN_H
#define PLAN_MEMORY_PLAN_H

#include <stddef.h>

#include <cachedop/status.h>

#define COP_NO_ALIAS (-1)

struct memory_interval {
    int first, last; /* steps, both included; first > last: never alive, takes no memory */
    size_t bytes;
    int alias_of;        /* it lies inside this other interval, or COP_NO_ALIAS */
    size_t alias_offset; /* where in there; alias_offset + bytes must fit */
    size_t offset;       /* the result: from the start of the arena */
};

/*
 * Fills in the offsets, multiples of COP_ALIGNMENT except as aliases ask otherwise, and the bytes
 * of the arena. An interval is kept as long as its longest-living alias. Each goes into the
 * smallest gap that fits, largest first (Pisarchyk and Lee, "Efficient Memory Management for Deep
 * Neural Net Inference", 2020, greedy by size), and again earliest first, which is better on chains
 * that widen and narrow; the smaller arena is taken.
 *
 * OUT_OF_MEMORY: for its own tables, or the total is not representable. INTERNAL: aliases in a
 * circle or out of bounds.
 */
cop_status cop_memory_plan_solve(struct memory_interval *intervals, int count, size_t *total_bytes,
                                 cop_error *error);

#endif
