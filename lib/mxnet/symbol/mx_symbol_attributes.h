// SPDX-License-Identifier: Apache-2.0
/* Attributes and lists of symbols, for the two interfaces that offer them. */
#ifndef MXNET_SYMBOL_MX_SYMBOL_ATTRIBUTES_H
#define MXNET_SYMBOL_MX_SYMBOL_ATTRIBUTES_H

#include "mxnet/base/mx_returns.h"
#include "mxnet/symbol/mx_symbol.h"

/* The node that all outputs belong to; NULL: there are several, or none. */
struct mx_node *cop_mx_symbol_node(const struct mx_symbol *symbol);

/* An attribute of that node, `name`, `op_name`, or a hidden one by its bare key. `*value` NULL:
 * there is none; otherwise it is the symbol's and valid until it changes. */
cop_status cop_mx_symbol_get_attribute(const struct mx_symbol *symbol, const char *key,
                                       const char **value, cop_error *error);

/* Hidden keys are kept as __key__; the operator's parameters are checked anew, and stay as they
 * were if that fails. INVALID_ARGUMENT: a symbol of several nodes. */
cop_status cop_mx_symbol_set_attribute(struct mx_symbol *symbol, const char *key, const char *value,
                                       cop_error *error);

enum mx_attribute_list_flags {
    MX_LIST_RECURSIVE = 1, /* of all nodes, with "node$key"; otherwise of the first output's */
    MX_LIST_BARE = 2,      /* notes a second time, by their bare key */
};

/* Pairs of keys and values in a slot, `*count` of them. */
cop_status cop_mx_symbol_return_attributes(const struct mx_symbol *symbol, unsigned flags,
                                           enum mx_slot slot, uint32_t *count, const char ***pairs,
                                           cop_error *error);

/* Names in a slot. */
cop_status cop_mx_symbol_return_inputs(const struct mx_symbol *symbol, enum mx_inputs which,
                                       enum mx_slot slot, uint32_t *count, const char ***names,
                                       cop_error *error);
cop_status cop_mx_symbol_return_outputs(const struct mx_symbol *symbol, enum mx_slot slot,
                                        uint32_t *count, const char ***names, cop_error *error);

/* A description to read, in a slot. */
cop_status cop_mx_symbol_return_description(const struct mx_symbol *symbol, enum mx_slot slot,
                                            const char **description, cop_error *error);

/* The inputs of the output nodes; an empty symbol where there are none. */
cop_status cop_mx_symbol_children(const struct mx_symbol *symbol, struct mx_symbol **children,
                                  cop_error *error);

/* A copy in which the casts of automatic mixed precision are left out. (mx_symbol_casts.c) */
cop_status cop_mx_symbol_without_casts(const struct mx_symbol *symbol, struct mx_symbol **plain,
                                       cop_error *error);

#endif
