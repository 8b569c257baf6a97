// SPDX-License-Identifier: Apache-2.0
/*
 * Reading an operator's attributes, which are texts in the style of Python's repr.
 *
 * The first failure is remembered and later reads give the default, so that one check at the end is
 * enough. Messages name the node, the operator, the attribute and its value. A key is looked up
 * however often; cop_attributes_end reports the keys that nobody asked for.
 */
#ifndef MODEL_MXNET_SYMBOL_ATTRIBUTES_H
#define MODEL_MXNET_SYMBOL_ATTRIBUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/shared.h"
#include "model/mxnet/symbol_json.h"

struct attribute_reader {
    const struct mxnet_node *node;
    cop_error *error;
    cop_status status; /* of the first failure */
};

#define COP_MAX_TUPLE 64 /* dimensions and axes take 8, pad widths 16, reshape targets 16 */

/* One element of a tuple may be None where the operator says so. */
#define COP_TUPLE_NONE INT64_MIN

struct attribute_tuple {
    bool is_given; /* false: absent, or None as a whole */
    int count;
    int64_t values[COP_MAX_TUPLE];
};

COP_SHARED bool cop_attribute_is_given(struct attribute_reader *reader, const char *key);
COP_SHARED bool cop_attribute_bool(struct attribute_reader *reader, const char *key,
                                   bool otherwise);

/* A whole number from `least` to `most`. */
COP_SHARED int64_t cop_attribute_int(struct attribute_reader *reader, const char *key,
                                     int64_t otherwise, int64_t least, int64_t most);
/* … that must be there. */
COP_SHARED int64_t cop_attribute_required_int(struct attribute_reader *reader, const char *key,
                                              int64_t least, int64_t most);
/* … that may be None: false then, and when it is absent. */
COP_SHARED bool cop_attribute_optional_int(struct attribute_reader *reader, const char *key,
                                           int64_t least, int64_t most, int64_t *value);

COP_SHARED double cop_attribute_double(struct attribute_reader *reader, const char *key,
                                       double otherwise);
/* A double that a float can hold. */
COP_SHARED float cop_attribute_float(struct attribute_reader *reader, const char *key,
                                     float otherwise);
/* … that may be None. */
COP_SHARED bool cop_attribute_optional_double(struct attribute_reader *reader, const char *key,
                                              double *value);

/* Elements from `least` to `most`; with `allow_none` None ones, as COP_TUPLE_NONE. */
COP_SHARED struct attribute_tuple cop_attribute_tuple(struct attribute_reader *reader,
                                                      const char *key, int64_t least, int64_t most,
                                                      bool allow_none);

/*
 * One of the `names` (NULL-terminated): its position, `otherwise` when the key is absent, and −1
 * when the operator has no such value, which is UNSUPPORTED.
 */
COP_SHARED int cop_attribute_enum(struct attribute_reader *reader, const char *key, int otherwise,
                                  const char *const *names);

/* The attribute as it stands, NULL when it is absent. */
COP_SHARED const char *cop_attribute_text(struct attribute_reader *reader, const char *key);

/* Accepts keys that mean nothing to inference, separated by spaces. */
COP_SHARED void cop_attributes_ignore(struct attribute_reader *reader, const char *keys);

/* Notes a failure that concerns an attribute's value. */
COP_SHARED void cop_attribute_fail(struct attribute_reader *reader, cop_status status,
                                   const char *key, const char *expected);

/* The first failure; otherwise UNSUPPORTED if a key was left that is not of the form __x__. */
COP_SHARED cop_status cop_attributes_end(struct attribute_reader *reader);

/* The grammars alone. False: the text is none. */
COP_SHARED bool cop_parse_bool(const char *text, bool *value);
COP_SHARED bool cop_parse_int(const char *text, int64_t *value);
COP_SHARED bool cop_parse_double(const char *text, double *value);
COP_SHARED bool cop_parse_tuple(const char *text, bool allow_none, struct attribute_tuple *tuple);

#endif
