// SPDX-License-Identifier: Apache-2.0
/*
 * Elements that stand in for those of a model's constants: what updates have changed so far. The
 * model's graph itself never changes.
 *
 * Thread-safety: immutable; reference-counted.
 */
#ifndef GRAPH_OVERLAY_H
#define GRAPH_OVERLAY_H

#include "base/refcount.h"
#include "graph/graph.h"

struct overlay_entry {
    int parameter;         /* the value of the model's graph */
    struct source *source; /* one reference; all of it is the elements */
    struct hash identity;
};

struct overlay {
    struct refcount refs;
    int count;
    struct overlay_entry *entries; /* ascending by parameter */
};

/* Names the content that version `version` of the model's weights gives a constant. */
struct hash cop_overlay_identity(const struct graph_constant *constant, uint64_t version);

/* What `base` (NULL: nothing) says, but for `entries`, which ascend by parameter. */
cop_status cop_overlay_create(const struct overlay *base, const struct overlay_entry *entries,
                              int count, struct overlay **overlay, cop_error *error);
struct overlay *cop_overlay_retain(struct overlay *overlay); /* accepts NULL */
void cop_overlay_release(struct overlay **overlay);          /* accepts a pointer to NULL */

/* Puts the elements into a copy of the model's graph, or of recipes. NULL changes nothing. Names of
 * weights follow with cop_graph_find_weights. */
void cop_overlay_apply(const struct overlay *overlay, struct graph *graph);

#endif
