// SPDX-License-Identifier: Apache-2.0
/** JSON (RFC 8259), written piece by piece to a file. */
#ifndef EXAMPLE_JSON_H
#define EXAMPLE_JSON_H

#include <stdio.h>

/**
 * Writes a quoted string. Bytes that are no UTF-8 (file names may be anything) become U+FFFD, so
 * that what is written can always be read.
 */
void json_string(FILE *file, const char *text);

/** Writes a number so that it reads back the same; what JSON has no number for becomes null. */
void json_number(FILE *file, double value);

#endif
