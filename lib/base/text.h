// SPDX-License-Identifier: Apache-2.0
/* A text that grows. An allocation that fails is remembered, so one check at the end is enough. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <cachedop/status.h>

#include "base/shared.h"

struct text {
    char *bytes; /* NUL-terminated once something was added; owned */
    size_t length, capacity;
    bool failed; /* out of memory on the way: the content is not whole */
};

COP_SHARED void cop_text_add(struct text *text, const char *format, ...) COP_PRINTF(2, 3);

/* Adds a string as the inside of a JSON string literal: escaped, invalid UTF-8 replaced. */
COP_SHARED void cop_text_add_json(struct text *text, const char *string);

/* Hands the content over (to be freed with cop_free); NULL if anything failed. Empties `text`. */
COP_SHARED char *cop_text_take(struct text *text);

COP_SHARED void cop_text_free(struct text *text);

#endif
