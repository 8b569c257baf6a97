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
#include "graph/graph.h"

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

/* Where the weights of a set come from. Everything is borrowed for the call. */
struct weight_origin {
    const struct graph *graph; /* inferred; it owns the recipes */
    const int *values;  /* the graph's value of each key; COP_NO_VALUE: the weight exists already */
    struct device *ref; /* whose kernels run recipes */
};

/*
 * Gathers the weights that `keys` name, and makes those that do not exist yet; the raw bytes of the
 * constants they were made from are dropped. Two threads never make the same weight twice.
 * `added_bytes` receives the bytes of those made now. IO: raw bytes could not be read again.
 */
cop_status cop_weight_set_create(struct weight_store *store, const struct weight_origin *origin,
                                 const struct weight_key *keys, int count, struct weight_set **set,
                                 size_t *added_bytes, cop_error *error);

/* A layout of this device, not the plain one, in which the weight exists; NULL: there is none. The
 * caller releases it. */
const struct layout *cop_weight_store_find_layout(struct weight_store *store, struct hash identity,
                                                  struct device *device);

struct weight_set *cop_weight_set_retain(struct weight_set *set);
void cop_weight_set_release(struct weight_set **set);

#endif
