// SPDX-License-Identifier: Apache-2.0
/* What the files of symbols share. */
#ifndef MXNET_SYMBOL_MX_SYMBOL_PARTS_H
#define MXNET_SYMBOL_MX_SYMBOL_PARTS_H

#include "mxnet/symbol/mx_symbol.h"

/* A symbol with room for so many outputs, none there yet. */
cop_status cop_mx_symbol_make(size_t output_count, struct mx_symbol **symbol, cop_error *error);

/* Adds an output, with a reference of its own; there is room. */
void cop_mx_symbol_add(struct mx_symbol *symbol, struct mx_entry entry);

/* Notes on the variables among a node's inputs what they are to begin with, unless they say so
 * themselves. False: out of memory, nothing is noted. (mx_notes.c) */
bool cop_mx_note_initializers(const struct mx_node *node, const struct mx_entry *inputs, int count);

/* Brings nodes as an older MXNet wrote them to the form of the current one. (mx_symbol_upgrade.c)
 */
cop_status cop_mx_nodes_upgrade(struct mx_node **nodes, size_t count, int version,
                                cop_error *error);

#endif
