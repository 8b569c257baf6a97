// SPDX-License-Identifier: Apache-2.0
/*
 * Making a weight: running the nodes between the model's constants and a weight value, one after
 * the other, holding as little memory as possible.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef PLAN_WEIGHT_RECIPE_H
#define PLAN_WEIGHT_RECIPE_H

#include "backends/backend.h"
#include "graph/graph.h"

struct recipe_value {
    int uses;             /* in the recipe that runs, not yet done */
    const void *elements; /* NULL: not made or not loaded */
    void *memory;         /* owned; NULL: the elements lie elsewhere */
    size_t memory_bytes;  /* at least what the value needs */
    bool is_pinned;       /* the elements lie in the constant's source */
    int waiting_recipes;  /* of a constant: recipes announced and not retired */
    bool is_retired;      /* of a result: its recipe needs its constants no more */
};

struct recipe_runner {
    const struct graph *graph;
    struct device *device; /* whose kernels compute */
    struct recipe_value *values;
    int *order;    /* nodes of the recipe, sources first */
    int *next_src; /* per node: how far the search went; −1: not reached */
    int *stack;
    int order_count;
    /* The largest block so far that is free again: touching new memory costs more than the work. */
    void *spare;
    size_t spare_bytes;
    /* What making weights may still take, so that a small file cannot ask for much (see .c). */
    double work_left;
    size_t bytes_left;
};

/* What a recipe gave: elements that are valid until cop_recipe_retire, or memory to be taken over.
 */
struct recipe_result {
    const void *elements;
    void *memory; /* NULL, or the elements' own: taken over, or left for retire */
    size_t memory_bytes;
    struct source *source; /* NULL, or (borrowed) what the elements lie in unchanged */
};

cop_status cop_recipe_runner_init(struct recipe_runner *runner, const struct graph *graph,
                                  struct device *device, cop_error *error);
void cop_recipe_runner_finish(struct recipe_runner *runner);

/* Notes that this value's recipe will be run, so that its constants are not dropped before. */
void cop_recipe_announce(struct recipe_runner *runner, int value);

/* Runs the recipe of an announced weight value. Constants are dropped as soon as the result does
 * not lie in them. */
cop_status cop_recipe_run(struct recipe_runner *runner, int value, struct recipe_result *result,
                          cop_error *error);

/* Counts bytes of weights that are made. UNSUPPORTED: more than files of this size may ask for. */
cop_status cop_recipe_charge(struct recipe_runner *runner, size_t bytes, cop_error *error);

/* Leaves the memory of a result to the caller, to be freed with cop_free. */
void *cop_recipe_take_memory(struct recipe_runner *runner, int value);

/* Ends an announced recipe, run or not: constants that no other one needs are dropped. */
void cop_recipe_retire(struct recipe_runner *runner, int value);

#endif
