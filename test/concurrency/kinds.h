// SPDX-License-Identifier: Apache-2.0
/*
 * Many models, operators, shapes, devices and chosen outputs, and what one thread computed with
 * them: what other threads make, use and release at the same time.
 */
#ifndef TEST_CONCURRENCY_KINDS_H
#define TEST_CONCURRENCY_KINDS_H

#include <pthread.h>

#include <cachedop/cachedop.h>

#include "support/dice.h"

#define THREADS      8
#define MOST_THREADS 20 /* as many as MXNet's tests of this have */
#define MODELS       5
#define KINDS        10
#define DRAWS        3 /* different inputs of one kind */
#define MOST_OUTPUTS 3
#define MILLISECOND  INT64_C(1000000)

/* What can be made of a model. */
struct kind {
    int model;
    cop_device_kind device;
    int64_t batch;
    bool has_extras;
    size_t dst_count;
    cop_ndarray *src[DRAWS], *expected[DRAWS][MOST_OUTPUTS];
};

extern struct kind kinds[KINDS];
extern cop_model *models[MODELS];
extern cop_cached_op *shared[KINDS]; /* one of each */

/* The fixture: all of these, and what the inputs give. */
void make_kinds(void);
void free_kinds(void);

cop_model *load_model(int index);

/* Made in one go, or for the declared shape and then reshaped. NULL: it failed. */
cop_cached_op *make_op(const struct kind *kind, cop_model *model, bool by_reshape);

bool is_equal(const cop_ndarray *a, const cop_ndarray *b);

/* Waits in one of the ways there are, in the end without a limit. */
void wait_for(struct worker *worker, cop_cached_op *op, cop_ndarray *array);

/* Each in a worker of its own, whose number is 0, 1, …; nothing may go wrong in any. */
void start_threads(int count, void *(*function)(void *));
void join_threads(int count);
void run_threads(int count, void *(*function)(void *));

#endif
