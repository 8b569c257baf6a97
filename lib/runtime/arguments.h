// SPDX-License-Identifier: Apache-2.0
/* The arrays of one invocation: are they right, and what do they touch. */
#ifndef RUNTIME_ARGUMENTS_H
#define RUNTIME_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/cached_op.h"
#include "runtime/engine/engine.h"

/* Inputs and outputs as a caller gave them. */
struct arguments {
    struct cop_cached_op *op;
    size_t src_count, dst_count;
    cop_ndarray *const *src;
    cop_ndarray **dst;
    const size_t *outputs; /* which output of the operator dst[i] is; NULL: all of them, in order */
    size_t output_count;   /* of `outputs` */
    uint64_t unwanted;     /* the others, as a set of bits (plan/plan.h); known once checked */
};

/* The output of the operator that dst[i] is for. */
static inline size_t cop_arguments_output(const struct arguments *arguments, size_t i)
{
    return arguments->outputs == NULL ? i : arguments->outputs[i];
}

/* Counts, the choice of outputs, dtypes, shapes, and that nothing overlaps an output.
 * INVALID_ARGUMENT names what is wrong. */
cop_status cop_arguments_check(struct arguments *arguments, cop_error *error);

/* Makes the outputs that the caller left to us; cop_arguments_give_up or _hand_out must follow. */
cop_status cop_arguments_make_outputs(const struct arguments *arguments, cop_error *error);
void cop_arguments_give_up(const struct arguments *arguments);  /* releases them again */
void cop_arguments_hand_out(const struct arguments *arguments); /* they are the caller's */

/* Registers every storage for a synchronous run without waiting; false: something is in the way. */
bool cop_arguments_try_enter(const struct arguments *arguments);
void cop_arguments_leave(const struct arguments *arguments);

/* Records a failure on every output that the caller gave. Between try_enter and leave. */
void cop_arguments_poison(const struct arguments *arguments, struct failure *failure);

/*
 * The accesses of a task with these arguments: each storage once. `accesses` has room for all
 * arguments. Fresh outputs count only if `includes_fresh`. Returns how many there are.
 */
int cop_arguments_accesses(const struct arguments *arguments, bool includes_fresh,
                           struct access *accesses);

#endif
