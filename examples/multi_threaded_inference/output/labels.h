// SPDX-License-Identifier: Apache-2.0
/** Names of classes, one a line: `n01440764 tench, Tinca tinca`, or just the name. */
#ifndef EXAMPLE_LABELS_H
#define EXAMPLE_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "failure.h"

#define LABEL_BYTES 256

struct labels {
    char *text; /* the file, lines NUL-terminated */
    char **names;
    size_t count;
};

/** Takes over the names in `size` bytes of text; copies them. */
bool labels_parse(const char *text, size_t size, struct labels *labels, struct failure *failure);

/** Reads a file of at most 16 MB. */
bool labels_read(const char *path, struct labels *labels, struct failure *failure);

/** The name of a class, or "class N" written to `buffer` where there is none. */
const char *labels_name(const struct labels *labels, size_t index, char buffer[LABEL_BYTES]);

void labels_release(struct labels *labels);

#endif
