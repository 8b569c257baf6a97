// SPDX-License-Identifier: Apache-2.0
/* Symbols as tests make them and look at them. */
#ifndef TEST_MXNET_MX_SYMBOLS_H
#define TEST_MXNET_MX_SYMBOLS_H

#include <nnvm/c_api.h>

#include <stdio.h>

#include "mxnet/mx_client.h"

/* What a symbol is in one text; to be freed. */
static inline char *mx_json(SymbolHandle symbol)
{
    const char *json;
    MX(MXSymbolSaveToJSON(symbol, &json));
    return strdup(json);
}

static inline SymbolHandle mx_variable(const char *name)
{
    SymbolHandle symbol;
    MX(MXSymbolCreateVariable(name, &symbol));
    return symbol;
}

/* An operator that waits for its inputs; attributes as "key=value;key=value". */
static inline SymbolHandle mx_atomic(const char *op, const char *attributes)
{
    char text[256];
    const char *keys[8], *values[8];
    uint32_t count = 0;
    OpHandle creator;
    SymbolHandle symbol;
    snprintf(text, sizeof text, "%s", attributes);
    char *rest = text, *pair;
    while ((pair = strsep(&rest, ";")) != NULL && pair[0] != '\0') {
        keys[count] = strsep(&pair, "=");
        values[count++] = pair;
    }
    MX(NNGetOpHandle(op, &creator));
    MX(MXSymbolCreateAtomicSymbol(creator, count, keys, values, &symbol));
    return symbol;
}

/* … with its first input, which goes. */
static inline SymbolHandle mx_node(const char *op, const char *attributes, const char *name,
                                   SymbolHandle input)
{
    SymbolHandle symbol = mx_atomic(op, attributes);
    MX(MXSymbolCompose(symbol, name, 1, NULL, &input));
    MX(MXSymbolFree(input));
    return symbol;
}

static inline SymbolHandle mx_dense(const char *name, SymbolHandle input)
{
    return mx_node("FullyConnected", "num_hidden=2", name, input);
}

typedef int mx_lister(SymbolHandle symbol, uint32_t *count, const char ***names);

/* The names that a function lists, separated by spaces. */
static inline const char *mx_names(mx_lister *list, SymbolHandle symbol, char names[512])
{
    uint32_t count;
    const char **listed;
    size_t length = 0;
    MX(list(symbol, &count, &listed));
    names[0] = '\0';
    for (uint32_t i = 0; i < count; i++)
        length +=
            (size_t)snprintf(names + length, 512 - length, "%s%s", i == 0 ? "" : " ", listed[i]);
    return names;
}

#define MX_LISTS(list, symbol, expected)                                                           \
    do {                                                                                           \
        char names_[512];                                                                          \
        ck_assert_str_eq(mx_names(list, symbol, names_), expected);                                \
    } while (0)

/* The call fails, and the symbol is what it was. */
#define MX_LEAVES(symbol, call, part)                                                              \
    do {                                                                                           \
        char *before_ = mx_json(symbol);                                                           \
        MX_FAILS(call, part);                                                                      \
        char *after_ = mx_json(symbol);                                                            \
        ck_assert_str_eq(before_, after_);                                                         \
        free(before_);                                                                             \
        free(after_);                                                                              \
    } while (0)

#endif
