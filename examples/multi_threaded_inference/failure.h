// SPDX-License-Identifier: Apache-2.0
/** Why something did not work, in words for the user. */
#ifndef EXAMPLE_FAILURE_H
#define EXAMPLE_FAILURE_H

#include <stdbool.h>

#define FAILURE_TEXT_BYTES 2300

struct failure {
    char text[FAILURE_TEXT_BYTES];
};

/** Writes the text, cut at the end if too long, and returns false; `failure` may be NULL. */
bool failure_set(struct failure *failure, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Puts `prefix` and ": " before the text, and returns false. */
bool failure_prefix(struct failure *failure, const char *prefix);

#endif
