// SPDX-License-Identifier: Apache-2.0
/*
 * Programs: symbols that can be run on arrays. What CachedOp, Executor, Predictor and imperative
 * operators have in common.
 *
 * A program holds no arrays of its own. Each run brings all inputs in MXNet's order. Variables that
 * are weights by their place (weight, bias, gamma, beta, moving averages) are packed once for each
 * set of arrays and versions; everything else is a run-time input. A run with parameters and shapes
 * that are known takes no lock.
 *
 * Thread-safety: every function may run beside every other, also cop_mx_program_release by whoever
 * gives back a reference of its own.
 */
#ifndef MXNET_RUN_MX_PROGRAM_H
#define MXNET_RUN_MX_PROGRAM_H

#include "mxnet/array/mx_array.h"
#include "mxnet/symbol/mx_symbol.h"

struct mx_program;

struct mx_program_options {
    bool packs_nothing; /* every input is new at every run */
    int most_operators; /* that are kept for one set of parameters; 0: the usual number */
};

/* Copies the symbol. Shapes, types and devices come with the arrays. UNSUPPORTED: what no array
 * would change. */
cop_status cop_mx_program_create(const struct mx_symbol *symbol,
                                 const struct mx_program_options *options,
                                 struct mx_program **program, cop_error *error);
struct mx_program *cop_mx_program_retain(struct mx_program *program);
void cop_mx_program_release(struct mx_program **program);

size_t cop_mx_program_input_count(const struct mx_program *program);
size_t cop_mx_program_output_count(const struct mx_program *program);
const char *cop_mx_program_input_name(const struct mx_program *program, size_t index);
/* Whether an input is a weight by its place. */
bool cop_mx_program_input_is_parameter(const struct mx_program *program, size_t index);
const char *cop_mx_program_output_name(const struct mx_program *program, size_t index);
/* The input that an output is; −1: it is computed. */
int cop_mx_program_output_input(const struct mx_program *program, size_t index);
bool cop_mx_program_trains_differently(const struct mx_program *program);

/*
 * Runs. `src` are all inputs, in MXNet's order. `dst[i]` NULL receives a new array; a none array is
 * filled; any other is written, its shape, element type and context must be the output's. An output
 * that is a variable shares its memory (or is copied into what was given).
 * INVALID_ARGUMENT: arrays on different contexts ("CachedOp requires all inputs to live on the same
 * context. But …"), shapes or types that do not fit ("Error in operator <node>: …"), an output
 * given as input. After a failure new arrays are NULL again and none arrays are none.
 */
cop_status cop_mx_program_run(struct mx_program *program, struct mx_array *const *src,
                              struct mx_array **dst, cop_error *error);

/* What a run with these inputs would make, without running. `shapes` and `types` have room for all
 * outputs. */
cop_status cop_mx_program_infer(struct mx_program *program, struct mx_array *const *src,
                                struct shape *shapes, int *types, cop_error *error);

/* For tests: how often parameters were packed and operators compiled, and what exists now. */
struct mx_program_stats {
    size_t bindings_made, operators_made, bindings, operators, retired;
    bool takes_parameters_at_run_time;
};
struct mx_program_stats cop_mx_program_get_stats(struct mx_program *program);

#endif
