// SPDX-License-Identifier: Apache-2.0
/*
 * Packed weights of one model: each exists once per content, layout and device, however many
 * operators, shapes and contexts use it.
 *
 * A weight's content is named by the hash of its recipe (graph/graph.h). The store holds no
 * reference of its own: a packed weight lives as long as a weight set uses it. One that is needed
 * in another layout is reordered from a packed one where the layout allows that, otherwise made
 * anew from the file's bytes.
 */
#ifndef PLAN_WEIGHT_STORE_H
#define PLAN_WEIGHT_STORE_H

#include <stddef.h>

#include "backends/backend.h"
#include "base/hash.h"

struct weight_store;  /* Thread-safety: synchronized; reference-counted. */
struct packed_weight; /* Thread-safety: immutable; reference-counted. */

cop_status cop_weight_store_create(struct weight_store **store, cop_error *error);
struct weight_store *cop_weight_store_retain(struct weight_store *store);
void cop_weight_store_release(struct weight_store **store);

struct weight_key {
    struct hash identity;
    cop_dtype dtype;
    struct shape shape;
    const struct layout *layout; /* NULL: plain; a reference is held by the key's owner */
    struct device *device;       /* whose memory and layouts it is in */
};

/*
 * The weights of one plan, of one generation.
 * Thread-safety: immutable; reference-counted.
 */
struct weight_set {
    struct refcount refs;
    int count;
    const void **addresses; /* COP_ALIGNMENT aligned, in the plan's OPERAND_WEIGHT order */
    struct packed_weight **weights;
    size_t bytes; /* of all, each counted once */
};

struct weight_set *cop_weight_set_retain(struct weight_set *set);
void cop_weight_set_release(struct weight_set **set);

#endif
