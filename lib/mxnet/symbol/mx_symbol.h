// SPDX-License-Identifier: Apache-2.0
/*
 * Symbols: outputs of nodes that other symbols may share. Composing changes a node in place, so
 * that whoever shares it sees the change; a copy shares nothing.
 *
 * Graphs may have a million nodes in a row: every walk here is a loop with a stack of its own.
 *
 * Thread-safety: any number of threads may read a symbol; composing and setting attributes is for
 * one thread at a time, with nobody reading.
 */
#ifndef MXNET_SYMBOL_MX_SYMBOL_H
#define MXNET_SYMBOL_MX_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/refcount.h"
#include "base/text.h"
#include "ir/shape.h"
#include "model/mxnet/symbol_json.h"
#include "mxnet/base/mx_handles.h"
#include "mxnet/operators/mx_operator.h"

struct mx_node;

struct mx_entry {
    struct mx_node *node; /* a reference is held */
    int index;
    unsigned version; /* of a variable: how many operators before this one change it */
};

struct mx_node {
    struct refcount refs;         /* of entries, in nodes and symbols */
    const struct mx_operator *op; /* NULL: a variable */
    char *name;                   /* never NULL */
    struct mx_attribute_list {
        int count;
        char **keys, **values; /* sorted by key; hidden ones as __x__ */
    } attributes;
    int input_count;
    struct mx_entry *inputs;
    _Atomic unsigned version; /* of a variable: operators that change it, for those to come */
    struct mx_node *next;     /* while it is freed */
};

struct mx_symbol {
    struct mx_object object;
    int output_count;
    struct mx_entry *outputs;
};

/* Nodes in depth-first post order from the outputs: every one once, after its inputs. */
struct mx_order {
    struct mx_node **nodes; /* borrowed from the symbol */
    size_t count, capacity;
    struct mx_place {
        const struct mx_node *node; /* NULL: free */
        int index;                  /* in `nodes`; −1: its inputs are still being visited */
    } * places;                     /* a hash table, a power of two in size */
    size_t place_count;
};
cop_status cop_mx_symbol_order(const struct mx_symbol *symbol, struct mx_order *order,
                               cop_error *error);
void cop_mx_order_free(struct mx_order *order);

/* Where a node stands in an order: a hash table by address. */
int cop_mx_order_find(const struct mx_order *order, const struct mx_node *node);

enum mx_inputs { MX_INPUTS_ALL, MX_INPUTS_ARGUMENTS, MX_INPUTS_AUXILIARY };

/* The variables of an order, in MXNet's order: positions in `order->nodes`. To be freed with
 * cop_free. */
cop_status cop_mx_order_inputs(const struct mx_order *order, enum mx_inputs which, int **inputs,
                               size_t *count, cop_error *error);

void cop_mx_symbol_destroy(struct mx_symbol *symbol); /* accepts NULL */

cop_status cop_mx_symbol_create_variable(const char *name, struct mx_symbol **symbol,
                                         cop_error *error);
cop_status cop_mx_symbol_create_atomic(const struct mx_operator *op,
                                       const struct mx_attributes *attributes,
                                       struct mx_symbol **symbol, cop_error *error);
cop_status cop_mx_symbol_create_group(struct mx_symbol *const *symbols, size_t count,
                                      struct mx_symbol **group, cop_error *error);
/* `keys` NULL: by position. */
cop_status cop_mx_symbol_compose(struct mx_symbol *symbol, const char *name, size_t count,
                                 const char *const *keys, struct mx_symbol *const *args,
                                 cop_error *error);
cop_status cop_mx_symbol_copy(const struct mx_symbol *symbol, struct mx_symbol **copy,
                              cop_error *error);
cop_status cop_mx_symbol_share(const struct mx_symbol *symbol, struct mx_symbol **shared,
                               cop_error *error); /* new handle, same nodes */
cop_status cop_mx_symbol_output(const struct mx_symbol *symbol, size_t index,
                                struct mx_symbol **output, cop_error *error);
cop_status cop_mx_symbol_internals(const struct mx_symbol *symbol, struct mx_symbol **internals,
                                   cop_error *error);

/* The name of output `index`, such as "fc_output"; to be freed with cop_free. NULL: out of memory.
 */
char *cop_mx_entry_name(const struct mx_node *node, int index);

const char *cop_mx_node_attribute(const struct mx_node *node, const char *key); /* NULL: none */
/* The attributes as the table of operators takes them; valid while the node does not change. */
struct mx_attributes cop_mx_node_attributes(const struct mx_node *node);

/* Reads and writes MXNet's JSON. `name` stands for the text in messages. */
cop_status cop_mx_symbol_read(const void *json, size_t size, const char *name,
                              struct mx_symbol **symbol, cop_error *error);
cop_status cop_mx_symbol_write(const struct mx_symbol *symbol, struct text *json, cop_error *error);

/*
 * The symbol as the importer takes it (model/mxnet/symbol_json.h), a copy of its own: node i is
 * `order->nodes[i]`, heads are the outputs. To be released with cop_symbol_release.
 */
cop_status cop_mx_symbol_flatten(const struct mx_symbol *symbol, const struct mx_order *order,
                                 struct mxnet_symbol *flat, cop_error *error);

/*
 * Element types of every entry: `types[i][k]` is output k of node i of the order, −1 where open.
 * Known ones are set by the caller before. INVALID_ARGUMENT "Error in operator <node>: …" where two
 * contradict each other. Variables' `__dtype__` is used where the caller knows nothing.
 */
struct mx_types {
    int **types;
    int *counts;
    struct arena arena;
};
cop_status cop_mx_types_open(const struct mx_order *order, struct mx_types *types,
                             cop_error *error);
cop_status cop_mx_types_infer(const struct mx_order *order, struct mx_types *types,
                              cop_error *error);
void cop_mx_types_close(struct mx_types *types);

/* Shapes likewise: unknown rank and dimensions are COP_UNKNOWN; `__shape__` of variables is used.
 */
struct mx_shapes {
    struct shape **shapes;
    int *counts;
    struct arena arena;
};
cop_status cop_mx_shapes_open(const struct mx_order *order, struct mx_shapes *shapes,
                              cop_error *error);
/* `types` may be NULL: float32 where nothing says otherwise. */
cop_status cop_mx_shapes_infer(const struct mx_symbol *symbol, const struct mx_order *order,
                               const struct mx_types *types, struct mx_shapes *shapes,
                               cop_error *error);
void cop_mx_shapes_close(struct mx_shapes *shapes);

#endif
