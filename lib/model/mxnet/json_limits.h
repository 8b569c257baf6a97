// SPDX-License-Identifier: Apache-2.0
/* A look at a JSON text before a parser builds trees from it. */
#ifndef MODEL_MXNET_JSON_LIMITS_H
#define MODEL_MXNET_JSON_LIMITS_H

#include <stddef.h>

#include <cachedop/status.h>

/*
 * Counts nesting, string lengths and values, without allocating, and refuses a text whose tree
 * would take more than its size justifies: a text of `[{},{},…]` would otherwise grow ninetyfold.
 * Whether it is JSON at all is the parser's to say.
 * @param longest_token  receives the bytes of the longest string (quotes included), number or word
 * @return OK or MALFORMED_MODEL, with the byte; the message does not name the file
 */
cop_status cop_json_check_limits(const char *text, size_t size, int max_depth,
                                 size_t max_string_bytes, size_t *longest_token, cop_error *error);

#endif
