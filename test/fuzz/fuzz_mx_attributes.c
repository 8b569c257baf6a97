// SPDX-License-Identifier: Apache-2.0
/*
 * Texts of attributes: an input is lines, the first an operator's name, then keys and values in
 * turn. The symbol is made, composed and described, and the operator run on a few arrays.
 */
#include "fuzz/fuzz_mx_client.h"

struct fuzz_counts fuzz_counts;

#define MOST_LINES 24

/* Splits at line ends, in place; a byte that is no text ends it. */
static int split(char *text, char **lines)
{
    int count = 0;
    for (char *at = text; count < MOST_LINES && at != NULL;) {
        char *end = strchr(at, '\n');
        if (end != NULL)
            *end++ = '\0';
        lines[count++] = at;
        at = end;
    }
    return count;
}

static void make_symbol(OpHandle op, uint32_t count, const char **keys, const char **values)
{
    SymbolHandle symbol;
    uint32_t output_count;
    const char **texts, *text;
    if (!mx_went_well(MXSymbolCreateAtomicSymbol(op, count, keys, values, &symbol)))
        return;
    fuzz_counts.accepted++;
    mx_must(MXSymbolGetNumOutputs(symbol, &output_count));
    if (mx_went_well(MXSymbolCompose(symbol, "node", 0, NULL, NULL))) {
        mx_must(MXSymbolListArguments(symbol, &output_count, &texts));
        mx_must(MXSymbolListOutputs(symbol, &output_count, &texts));
        mx_must(MXSymbolSaveToJSON(symbol, &text));
    }
    mx_must(MXSymbolFree(symbol));
}

/* On one, two, … arrays of one shape. */
static void run_operator(OpHandle op, int count, const char **keys, const char **values)
{
    static const uint32_t shapes[][4] = {{1, 2, 4, 4}, {2, 3, 0, 0}};
    for (int way = 0; way < 2; way++) {
        NDArrayHandle inputs[5];
        for (int i = 0; i < 5; i++)
            inputs[i] = mx_make_ones(way == 0 ? 4 : 2, shapes[way]);
        for (int used = 0; used <= 5; used++) {
            NDArrayHandle *outputs = NULL;
            int output_count = 0;
            fuzz_counts.compiled++;
            if (!mx_went_well(MXImperativeInvoke(op, used, inputs, &output_count, &outputs, count,
                                                 keys, values)))
                continue;
            fuzz_counts.invoked++;
            mx_drop(output_count, outputs);
        }
        for (int i = 0; i < 5; i++)
            mx_must(MXNDArrayFree(inputs[i]));
    }
}

void fuzz_one(const uint8_t *bytes, size_t size)
{
    mx_limit_memory();
    char *text = malloc(size + 1), *lines[MOST_LINES];
    const char *keys[MOST_LINES], *values[MOST_LINES];
    OpHandle op;
    if (text == NULL)
        abort();
    memcpy(text, bytes, size);
    text[size] = '\0';
    const int count = split(text, lines);
    const int pairs = (count - 1) / 2;
    for (int i = 0; i < pairs; i++) {
        keys[i] = lines[1 + 2 * i];
        values[i] = lines[2 + 2 * i];
    }
    if (mx_went_well(NNGetOpHandle(lines[0], &op))) {
        make_symbol(op, (uint32_t)pairs, keys, values);
        run_operator(op, pairs, keys, values);
    }
    free(text);
}

/* What a parameter's description says of its type, or something that is often right. */
static const char *example(const char *type)
{
    static char value[64];
    if (type[0] == '{' && type[1] == '\'') { /* the first of those that are listed */
        snprintf(value, sizeof value, "%.*s", (int)strcspn(type + 2, "'"), type + 2);
        return value;
    }
    return strstr(type, "Shape") != NULL     ? "(1,1)"
           : strstr(type, "tuple") != NULL   ? "(1,1)"
           : strstr(type, "boolean") != NULL ? "True"
           : strstr(type, "float") != NULL   ? "0.5"
                                             : "1";
}

/* Every operator with each of its parameters given. */
unsigned char *fuzz_seed(int index, size_t *size)
{
    mx_limit_memory();
    nn_uint op_count, argument_count;
    const char **names, **arguments, **types, **descriptions, *real, *description, *result;
    OpHandle op;
    char *text;
    mx_must(NNListAllOpNames(&op_count, &names));
    *size = 0;
    if ((nn_uint)index >= op_count)
        return NULL;
    FILE *file = open_memstream(&text, size);
    if (file == NULL)
        abort();
    fputs(names[index], file);
    mx_must(NNGetOpHandle(names[index], &op));
    mx_must(NNGetOpInfo(op, &real, &description, &argument_count, &arguments, &types, &descriptions,
                        &result));
    for (nn_uint i = 0; i < argument_count; i++)
        if (strstr(types[i], "NDArray") == NULL && strstr(types[i], "Symbol") == NULL)
            fprintf(file, "\n%s\n%s", arguments[i], example(types[i]));
    fclose(file);
    return (unsigned char *)text;
}
