// SPDX-License-Identifier: Apache-2.0
/* An MXNet symbol as its JSON states it: operators by name, attributes as texts. */
#ifndef MODEL_MXNET_SYMBOL_JSON_H
#define MODEL_MXNET_SYMBOL_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/shared.h"
#include "base/source.h"

/* What a file may hold; more is MALFORMED_MODEL. */
#define COP_SYMBOL_MAX_DEPTH        64
#define COP_SYMBOL_MAX_STRING_BYTES ((size_t)1 << 20)
#define COP_SYMBOL_MAX_HEADS        65536

/* A version is major · 10000 + minor · 100 + patch. */
#define COP_SYMBOL_CURRENT_VERSION 10901
#define COP_SYMBOL_OLDEST_VERSION  800 /* of files that state none */

struct mxnet_attribute {
    const char *key, *value;
    bool is_read; /* set by the readers of symbol_attributes.h: what stays unread is not known */
};

/* Output `index` of node `node`. */
struct mxnet_entry {
    int node, index;
    int version; /* of a variable that operators change: how often before this; inference has no use
                    for it */
};

struct mxnet_node {
    const char *op; /* "null": a variable */
    const char *name;
    struct mxnet_attribute *attributes;
    struct mxnet_entry *inputs;
    int attribute_count, input_count;
    bool has_subgraphs;
};

/* Zero-initialise, parse, release. One thread at a time. */
struct mxnet_symbol {
    struct arena arena; /* owns everything below but `nodes` */
    struct mxnet_node *nodes;
    struct mxnet_entry *heads;
    int node_count, node_capacity, head_count;
    int version;
};

/*
 * Parses a symbol: every index is in range afterwards, and `arg_nodes` are variables. What
 * operators and attributes mean is not looked at. Messages begin with the source's name.
 * @return OK, MALFORMED_MODEL or OUT_OF_MEMORY; `symbol` is to be released in any case
 */
COP_SHARED cop_status cop_symbol_parse(struct source *source, struct mxnet_symbol *symbol,
                                       cop_error *error);

/* Adds a variable and sets `*index`; pointers to nodes are not valid afterwards. */
COP_SHARED cop_status cop_symbol_add_variable(struct mxnet_symbol *symbol, const char *name,
                                              int *index, cop_error *error);

/* Brings a symbol that an older MXNet wrote to the form of the current one. */
COP_SHARED cop_status cop_symbol_upgrade(struct mxnet_symbol *symbol, cop_error *error);

COP_SHARED void cop_symbol_release(struct mxnet_symbol *symbol);

static inline bool cop_symbol_is_variable(const struct mxnet_node *node)
{
    return node->op[0] == 'n' && node->op[1] == 'u' && node->op[2] == 'l' && node->op[3] == 'l' &&
           node->op[4] == '\0';
}

#endif
