// SPDX-License-Identifier: Apache-2.0
/* Jansson, made to tell when it has no memory. */
#ifndef MODEL_MXNET_JSON_PARSE_H
#define MODEL_MXNET_JSON_PARSE_H

#include <jansson.h>

#include <cachedop/status.h>

/*
 * Parses a text that cop_json_check_limits has passed; `longest_token` is what it found. The tree
 * is to be given back with json_decref; NULL on failure.
 * @return OK; MALFORMED_MODEL, with the place; OUT_OF_MEMORY. The message does not name the file.
 */
cop_status cop_json_parse(const char *text, size_t size, size_t longest_token, json_t **root,
                          cop_error *error);

#endif
