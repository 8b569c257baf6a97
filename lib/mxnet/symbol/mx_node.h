// SPDX-License-Identifier: Apache-2.0
/* Nodes of symbols: their life, and what is noted on them. */
#ifndef MXNET_SYMBOL_MX_NODE_H
#define MXNET_SYMBOL_MX_NODE_H

#include "mxnet/symbol/mx_symbol.h"

/* One reference; no inputs and attributes. NULL: out of memory. */
struct mx_node *cop_mx_node_create(const struct mx_operator *op, const char *name);

/* Gives one reference back. Loops where a chain of nodes dies. */
void cop_mx_node_release(struct mx_node *node);

/* False: out of memory, the name is as it was. */
bool cop_mx_node_rename(struct mx_node *node, const char *name);

/* Sets an attribute, in place of one of the same key. False: out of memory, nothing has changed. */
bool cop_mx_attributes_set(struct mx_attribute_list *list, const char *key, const char *value);
void cop_mx_attributes_remove(struct mx_attribute_list *list, const char *key);
const char *cop_mx_attributes_get(const struct mx_attribute_list *list, const char *key);
/* `copy` is empty before, and after a failure. */
bool cop_mx_attributes_copy(const struct mx_attribute_list *list, struct mx_attribute_list *copy);
void cop_mx_attributes_free(struct mx_attribute_list *list);

/* An entry with a reference of its own. */
static inline struct mx_entry cop_mx_entry_retain(struct mx_entry entry)
{
    cop_refcount_retain(&entry.node->refs);
    return entry;
}

static inline bool cop_mx_node_is_variable(const struct mx_node *node)
{
    return node->op == NULL;
}

/* How many outputs a node has in all, and how many a symbol shows. */
int cop_mx_node_output_count(const struct mx_node *node);
int cop_mx_node_visible_count(const struct mx_node *node);

/*
 * Tells the inputs that are variables, and that this node changes, that it does: entries get the
 * versions that they see. To be called when inputs have been set.
 */
void cop_mx_node_count_versions(struct mx_node *node);

/* Whether input `index` is a variable that the node changes. */
bool cop_mx_node_changes(const struct mx_node *node, int index);

#endif
