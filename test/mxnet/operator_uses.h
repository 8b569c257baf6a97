// SPDX-License-Identifier: Apache-2.0
/* Operators and their attributes as tests write them. */
#ifndef TEST_MXNET_OPERATOR_USES_H
#define TEST_MXNET_OPERATOR_USES_H

#include <stdio.h>
#include <string.h>

#include "mxnet/operators/mx_operator.h"
#include "support/unit.h"

#define MOST_USE_ATTRIBUTES 8

/* "key=value;key=value" taken apart. */
struct parsed_use {
    char text[512];
    const char *keys[MOST_USE_ATTRIBUTES], *values[MOST_USE_ATTRIBUTES];
    struct mx_attributes attributes;
};

static inline const struct mx_attributes *parse_use(const char *text, struct parsed_use *parsed)
{
    snprintf(parsed->text, sizeof parsed->text, "%s", text);
    int count = 0;
    char *rest = parsed->text, *pair;
    while ((pair = strsep(&rest, ";")) != NULL && pair[0] != '\0') {
        ck_assert_int_lt(count, MOST_USE_ATTRIBUTES);
        parsed->keys[count] = strsep(&pair, "=");
        parsed->values[count++] = pair;
    }
    parsed->attributes = (struct mx_attributes){count, parsed->keys, parsed->values};
    return &parsed->attributes;
}

static inline const struct mx_operator *find_operator(const char *name)
{
    const struct mx_operator *op = cop_mx_operator_find(name);
    ck_assert_msg(op != NULL, "%s", name);
    return op;
}

#endif
