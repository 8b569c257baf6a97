// SPDX-License-Identifier: Apache-2.0
/*
 * Names with a number each, to be found by the name: models have as many names as nodes, and files
 * may have as many as they like, so that nothing compares each with each.
 *
 * Thread-safety: finding, of what nobody changes.
 */
#ifndef MXNET_BASE_MX_NAMES_H
#define MXNET_BASE_MX_NAMES_H

#include <stddef.h>

#include "base/error.h"

struct mx_name {
    const char *text; /* borrowed */
    int index;
};

struct mx_names {
    struct mx_name *sorted;
    size_t count;
};

/* Room for `most` names; to be closed, also after a failure. */
cop_status cop_mx_names_open(struct mx_names *names, size_t most, cop_error *error);
void cop_mx_names_close(struct mx_names *names);

/* Adds one; when all are there, they are sorted, and then found. */
void cop_mx_names_add(struct mx_names *names, const char *text, int index);
void cop_mx_names_sort(struct mx_names *names);

/* All three of a list, whose numbers are 0, 1, 2, … */
cop_status cop_mx_names_of(struct mx_names *names, const char *const *texts, size_t count,
                           cop_error *error);

/* The entries of a name, by increasing number, and how many there are; NULL: none. */
const struct mx_name *cop_mx_names_find(const struct mx_names *names, const char *text,
                                        size_t *count);
/* The lowest and the highest number of a name; −1: none. */
int cop_mx_names_first(const struct mx_names *names, const char *text);
int cop_mx_names_last(const struct mx_names *names, const char *text);

#endif
