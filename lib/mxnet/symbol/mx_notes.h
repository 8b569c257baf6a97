// SPDX-License-Identifier: Apache-2.0
/*
 * Notes of users on nodes: attributes whose keys MXNet knows and that no operator reads. They are
 * kept as `__key__` and may be asked for without the underscores.
 */
#ifndef MXNET_SYMBOL_MX_NOTES_H
#define MXNET_SYMBOL_MX_NOTES_H

#include "mxnet/symbol/mx_symbol.h"

enum mx_note_match {
    MX_NOTE_PREFIX, /* keys that begin with a note's */
    MX_NOTE_WHOLE,  /* only the note's key itself */
};

/*
 * The key under which an attribute is kept; to be freed with cop_free. INVALID_ARGUMENT for one
 * that ends in a note's key, such as weight_lr_mult, which belongs on the variable.
 */
cop_status cop_mx_note_key(const char *key, const char *value, enum mx_note_match match,
                           char **kept, cop_error *error);

/* Whether it is exactly a note's key. */
bool cop_mx_note_is_key(const char *key);

/* The length of what stands before a note's key at the end, such as 7 of weight_lr_mult; −1: there
 * is none. */
int cop_mx_note_suffix(const char *key);

bool cop_mx_note_is_prefix(const char *key);

/* Notes on the variables among some inputs of a node what training begins with, unless they say so
 * themselves. False: out of memory, there are none. */
bool cop_mx_note_initializers(const struct mx_node *node, const struct mx_entry *inputs, int count);

#endif
