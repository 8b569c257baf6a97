// SPDX-License-Identifier: Apache-2.0
/*
 * Runs of some of the outputs. The arrays of a run are kept by output: the caller's, and where an
 * output is unwanted but its memory is used on the way to another, one of the operator's own, lent
 * for the run.
 */
#ifndef RUNTIME_CHOSEN_OUTPUTS_H
#define RUNTIME_CHOSEN_OUTPUTS_H

#include <stdint.h>

#include "runtime/arguments.h"

#define COP_FEW_OUTPUTS 16

struct chosen_outputs {
    const struct arguments *arguments;
    cop_ndarray **dst;                 /* one an output; NULL: no step of the run touches it */
    cop_ndarray *few[COP_FEW_OUTPUTS]; /* where they are, unless there are more */
};

/* Fills the places in `dst`, one an output, that the run needs and that are NULL. OUT_OF_MEMORY:
 * some may be filled. */
cop_status cop_lend_outputs(struct cop_cached_op *op, uint64_t unwanted, cop_ndarray **dst,
                            cop_error *error);

/* For a run in the calling thread. After `begin`, also a failed one, `end` gives back what was
 * lent. */
cop_status cop_chosen_outputs_begin(struct chosen_outputs *chosen,
                                    const struct arguments *arguments, cop_error *error);
void cop_chosen_outputs_end(struct chosen_outputs *chosen);

#endif
