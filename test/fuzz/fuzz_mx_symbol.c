// SPDX-License-Identifier: Apache-2.0
/*
 * Symbols through MXNet's C API: read, listed, inferred, written and read back, which must give the
 * same text again, and a small one run as a CachedOp.
 */
#include "fuzz/fuzz_mx_client.h"
#include "fuzz/seeds_mxnet.h"

struct fuzz_counts fuzz_counts;

static void list_all(SymbolHandle symbol)
{
    uint32_t count;
    const char **texts, *text;
    SymbolHandle internals, children = NULL;
    int success;
    mx_must(MXSymbolListArguments(symbol, &count, &texts));
    mx_must(MXSymbolListAuxiliaryStates(symbol, &count, &texts));
    mx_must(MXSymbolListOutputs(symbol, &count, &texts));
    mx_must(NNSymbolListInputNames(symbol, 0, &count, &texts));
    mx_must(MXSymbolListAttr(symbol, &count, &texts));
    mx_must(MXSymbolGetName(symbol, &text, &success));
    mx_must(MXSymbolPrint(symbol, &text));
    mx_must(MXSymbolGetInternals(symbol, &internals));
    mx_must(MXSymbolListOutputs(internals, &count, &texts));
    mx_must(MXSymbolFree(internals));
    mx_must(MXSymbolGetChildren(symbol, &children));
    mx_must(MXSymbolFree(children));
}

/* What is written is read, and written the same. */
static void write_and_read(SymbolHandle symbol)
{
    const char *text;
    SymbolHandle again;
    mx_must(MXSymbolSaveToJSON(symbol, &text));
    char *first = strdup(text);
    if (first == NULL)
        abort();
    mx_must(MXSymbolCreateFromJSON(first, &again));
    mx_must(MXSymbolSaveToJSON(again, &text));
    if (strcmp(first, text) != 0) {
        fprintf(stderr, "%s\nis written back as\n%s\n", first, text);
        abort();
    }
    mx_must(MXSymbolFree(again));
    free(first);
}

/* Arrays of ones for arguments and auxiliary states in the order of all inputs. */
static void run(SymbolHandle symbol, const uint32_t *arg_ranks, const uint32_t **arg_shapes,
                const uint32_t *aux_ranks, const uint32_t **aux_shapes)
{
    uint32_t count, aux_count = 0, arg_next = 0, aux_next = 0;
    const char **listed;
    char *auxiliary[MX_MOST_INPUTS] = {NULL};
    NDArrayHandle inputs[MX_MOST_INPUTS] = {NULL}, *outputs = NULL;
    CachedOpHandle op;
    bool is_good = true;
    int output_count = 0;
    mx_must(MXSymbolListAuxiliaryStates(symbol, &aux_count, &listed));
    for (uint32_t i = 0; i < aux_count && i < MX_MOST_INPUTS; i++)
        auxiliary[i] = strdup(listed[i]);
    mx_must(NNSymbolListInputNames(symbol, 0, &count, &listed));
    for (uint32_t i = 0; i < count && i < MX_MOST_INPUTS && is_good; i++) {
        const bool is_auxiliary =
            aux_next < aux_count && strcmp(auxiliary[aux_next], listed[i]) == 0;
        const uint32_t at = is_auxiliary ? aux_next++ : arg_next++;
        inputs[i] = is_auxiliary ? mx_make_ones(aux_ranks[at], aux_shapes[at])
                                 : mx_make_ones(arg_ranks[at], arg_shapes[at]);
        is_good = inputs[i] != NULL;
    }
    if (is_good && mx_went_well(MXCreateCachedOp(symbol, &op))) {
        fuzz_counts.compiled++;
        if (mx_went_well(MXInvokeCachedOp(op, (int)count, inputs, &output_count, &outputs))) {
            fuzz_counts.invoked++;
            mx_drop(output_count, outputs);
        }
        mx_must(MXFreeCachedOp(op));
    }
    for (uint32_t i = 0; i < MX_MOST_INPUTS; i++) {
        mx_must(MXNDArrayFree(inputs[i]));
        free(auxiliary[i]);
    }
}

static bool are_small(uint32_t count, const uint32_t *ranks, const uint32_t **shapes)
{
    uint64_t elements = 1;
    for (uint32_t i = 0; i < count; i++) {
        elements = 1;
        for (uint32_t k = 0; k < ranks[i] && elements <= MX_MOST_ELEMENTS; k++)
            elements *= shapes[i][k];
        if (elements > MX_MOST_ELEMENTS)
            return false;
    }
    return true;
}

static void infer_and_run(SymbolHandle symbol)
{
    static const uint32_t offsets[] = {0, 4}, dims[] = {1, 3, 8, 8};
    uint32_t sizes[3], arguments;
    const uint32_t *ranks[3], **shapes[3];
    const int *types[3];
    const char **names, *key;
    int complete;
    mx_must(MXSymbolListArguments(symbol, &arguments, &names));
    if (arguments == 0)
        return;
    key = names[0];
    char *first = strdup(key);
    const char *keys[] = {first};
    (void)mx_went_well(MXSymbolInferTypePartial(symbol, 1, keys, (const int[]){0}, &sizes[0],
                                                &types[0], &sizes[1], &types[1], &sizes[2],
                                                &types[2], &complete));
    (void)mx_went_well(MXSymbolInferShapePartial(
        symbol, 1, keys, offsets, dims, &sizes[0], &ranks[0], &shapes[0], &sizes[1], &ranks[1],
        &shapes[1], &sizes[2], &ranks[2], &shapes[2], &complete));
    for (int way = 0; way < 2; way++)
        if (mx_went_well(MXSymbolInferShape(
                symbol, way == 0 ? 0 : 1, keys, offsets, dims, &sizes[0], &ranks[0], &shapes[0],
                &sizes[1], &ranks[1], &shapes[1], &sizes[2], &ranks[2], &shapes[2], &complete)) &&
            complete && sizes[0] + sizes[2] <= MX_MOST_INPUTS && sizes[1] <= MX_MOST_INPUTS &&
            are_small(sizes[1], ranks[1], shapes[1])) {
            run(symbol, ranks[0], shapes[0], ranks[2], shapes[2]);
            break;
        }
    free(first);
}

void fuzz_one(const uint8_t *bytes, size_t size)
{
    mx_limit_memory();
    SymbolHandle symbol;
    char *json = malloc(size + 1);
    if (json == NULL)
        abort();
    memcpy(json, bytes, size);
    json[size] = '\0';
    if (mx_went_well(MXSymbolCreateFromJSON(json, &symbol))) {
        fuzz_counts.accepted++;
        list_all(symbol);
        write_and_read(symbol);
        infer_and_run(symbol);
        mx_must(MXSymbolFree(symbol));
    }
    free(json);
}

unsigned char *fuzz_seed(int index, size_t *size)
{
    char *json = mxnet_seed(index);
    *size = json == NULL ? 0 : strlen(json);
    return (unsigned char *)json;
}
