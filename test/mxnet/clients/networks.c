// SPDX-License-Identifier: Apache-2.0
#include "mxnet/clients/networks.h"

#include <stdio.h>
#include <string.h>

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The operator on one symbol, which it takes over. */
static SymbolHandle append(SymbolHandle input, const char *operator_name, const char *name,
                           const char *const *options)
{
    SymbolHandle symbol = apply(operator_name, name, options, 1, NULL, &input);
    SUCCEEDS(MXSymbolFree(input));
    return symbol;
}

static SymbolHandle convolve(SymbolHandle input, const char *name, int filters, int kernel,
                             int stride, bool has_relu)
{
    char full_name[64], kernel_text[32], pad_text[32], stride_text[32], filters_text[16];
    snprintf(kernel_text, sizeof kernel_text, "(%d, %d)", kernel, kernel);
    snprintf(pad_text, sizeof pad_text, "(%d, %d)", kernel / 2, kernel / 2);
    snprintf(stride_text, sizeof stride_text, "(%d, %d)", stride, stride);
    snprintf(filters_text, sizeof filters_text, "%d", filters);
    input = append(input, "Convolution", name,
                   OPTIONS("kernel", kernel_text, "pad", pad_text, "stride", stride_text,
                           "num_filter", filters_text, "no_bias", "True"));
    snprintf(full_name, sizeof full_name, "%s_bn", name);
    input = append(input, "BatchNorm", full_name, OPTIONS("fix_gamma", "False", "eps", "2e-5"));
    snprintf(full_name, sizeof full_name, "%s_relu", name);
    return has_relu ? append(input, "Activation", full_name, OPTIONS("act_type", "relu")) : input;
}

struct block {
    const char *name;
    int width, out_width, stride;
    bool is_bottleneck, keeps_shape;
};

static SymbolHandle add_block(SymbolHandle input, const struct block *block)
{
    char name[64];
    SymbolHandle sides[2];
    SUCCEEDS(MXShallowCopySymbol(input, &sides[0]));
    snprintf(name, sizeof name, "%s_shortcut", block->name);
    sides[1] = block->keeps_shape
                   ? input
                   : convolve(input, name, block->out_width, 1, block->stride, false);
    snprintf(name, sizeof name, "%s_a", block->name);
    sides[0] = convolve(sides[0], name, block->width, block->is_bottleneck ? 1 : 3,
                        block->is_bottleneck ? 1 : block->stride, true);
    snprintf(name, sizeof name, "%s_b", block->name);
    sides[0] = convolve(sides[0], name, block->width, 3, block->is_bottleneck ? block->stride : 1,
                        block->is_bottleneck);
    snprintf(name, sizeof name, "%s_c", block->name);
    if (block->is_bottleneck)
        sides[0] = convolve(sides[0], name, block->out_width, 1, 1, false);
    snprintf(name, sizeof name, "%s_sum", block->name);
    SymbolHandle sum = apply("elemwise_add", name, NULL, 2, NULL, sides);
    SUCCEEDS(MXSymbolFree(sides[0]));
    SUCCEEDS(MXSymbolFree(sides[1]));
    snprintf(name, sizeof name, "%s_out", block->name);
    return append(sum, "Activation", name, OPTIONS("act_type", "relu"));
}

/* --- Arrays for the symbol's inputs --- */

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Numbers that keep activations in a sensible range over many layers. */
static NDArrayHandle make_param(const char *name, const uint32_t *shape, uint32_t rank,
                                uint64_t seed)
{
    if (ends_with(name, "_gamma"))
        return make_random_array(shape, rank, ends_with(name, "_bn_gamma") ? 0.6f : 1, 0.2f, seed);
    if (ends_with(name, "_var"))
        return make_random_array(shape, rank, 1, 0.5f, seed);
    if (ends_with(name, "_weight"))
        return make_random_array(
            shape, rank, 0, sqrtf(6.0f / (float)(count_elements(shape, rank) / shape[0])), seed);
    return make_random_array(shape, rank, 0, 0.1f, seed); /* bias, beta, mean */
}

static void fill(struct network *network, const char *const *names, const char **listed,
                 uint32_t count, const int *ranks, const int **shapes)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < network->inputs; k++)
            if (strcmp(names[k], listed[i]) == 0 && (int)k != network->data_at &&
                (int)k != network->label_at)
                network->params[k] = make_param(names[k], (const uint32_t *)shapes[i],
                                                (uint32_t)ranks[i], k + network->inputs);
}

/* Finds data and label among the inputs, and what they are called, for the caller to free. */
static char **list_inputs(struct network *network)
{
    const char **listed;
    SUCCEEDS(NNSymbolListInputNames(network->symbol, 0, &network->inputs, &listed));
    char **names = calloc(network->inputs, sizeof *names);
    network->params = calloc(network->inputs, sizeof *network->params);
    network->data_at = network->label_at = -1;
    for (uint32_t i = 0; i < network->inputs; i++) {
        names[i] = strdup(listed[i]);
        if (strcmp(names[i], "data") == 0)
            network->data_at = (int)i;
        else if (ends_with(names[i], "_label"))
            network->label_at = (int)i;
    }
    ck_assert_int_ge(network->data_at, 0);
    return names;
}

static void free_names(char **names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static struct network with_random_params(SymbolHandle symbol, uint32_t rank,
                                         const uint32_t *data_shape)
{
    struct network network = {.symbol = symbol, .rank = rank};
    memcpy(network.data_shape, data_shape, rank * sizeof *data_shape);
    char **names = list_inputs(&network);
    const char *key = "data", **arguments, **states;
    const uint32_t begins[] = {0, rank};
    uint32_t in, out, aux, argument_count, state_count;
    const int *in_ranks, *out_ranks, *aux_ranks, **in_shapes, **out_shapes, **aux_shapes;
    int is_complete;
    SUCCEEDS(MXSymbolInferShapeEx(symbol, 1, &key, begins, (const int *)data_shape, &in, &in_ranks,
                                  &in_shapes, &out, &out_ranks, &out_shapes, &aux, &aux_ranks,
                                  &aux_shapes, &is_complete));
    ck_assert_int_eq(is_complete, 1);
    SUCCEEDS(MXSymbolListArguments(symbol, &argument_count, &arguments));
    ck_assert_uint_eq(argument_count, in);
    fill(&network, (const char *const *)names, arguments, in, in_ranks, in_shapes);
    SUCCEEDS(MXSymbolListAuxiliaryStates(symbol, &state_count, &states));
    ck_assert_uint_eq(state_count, aux);
    fill(&network, (const char *const *)names, states, aux, aux_ranks, aux_shapes);
    free_names(names, network.inputs);
    return network;
}

/* --- The networks --- */

static SymbolHandle classify(SymbolHandle input)
{
    input = append(input, "FullyConnected", "fc", OPTIONS("num_hidden", "10"));
    return append(input, "SoftmaxOutput", "softmax", NULL);
}

struct network make_residual_network(int layers, int width, int side)
{
    const int blocks_of[3][4] = {{2, 2, 2, 2}, {3, 4, 6, 3}, {3, 8, 36, 3}};
    const int *blocks = blocks_of[layers == 18 ? 0 : layers == 50 ? 1 : 2];
    const bool is_bottleneck = layers > 18;
    const int out_width = is_bottleneck ? 2 * width : width;
    SymbolHandle symbol;
    SUCCEEDS(MXSymbolCreateVariable("data", &symbol));
    symbol = convolve(symbol, "first", out_width, 3, 1, true);
    for (int stage = 0; stage < 4; stage++) {
        for (int i = 0; i < blocks[stage]; i++) {
            char name[32];
            snprintf(name, sizeof name, "stage%d_block%d", stage, i);
            const bool shrinks = stage > 0 && i == 0;
            symbol = add_block(symbol, &(struct block){name, width, out_width, shrinks ? 2 : 1,
                                                       is_bottleneck, !shrinks});
        }
    }
    symbol = append(symbol, "Pooling", "pool",
                    OPTIONS("global_pool", "True", "kernel", "(1, 1)", "pool_type", "avg"));
    symbol = classify(append(symbol, "Flatten", "flat", NULL));
    return with_random_params(symbol, 4, (const uint32_t[]){1, 3, (uint32_t)side, (uint32_t)side});
}

struct network make_lenet(uint32_t batch)
{
    SymbolHandle symbol;
    SUCCEEDS(MXSymbolCreateVariable("data", &symbol));
    const char *const filters[] = {"8", "16"};
    for (int i = 0; i < 2; i++) {
        char name[3][16];
        snprintf(name[0], sizeof name[0], "conv%d", i);
        snprintf(name[1], sizeof name[1], "tanh%d", i);
        snprintf(name[2], sizeof name[2], "pool%d", i);
        symbol = append(symbol, "Convolution", name[0],
                        OPTIONS("kernel", "(5, 5)", "num_filter", filters[i]));
        symbol = append(symbol, "Activation", name[1], OPTIONS("act_type", "tanh"));
        symbol = append(symbol, "Pooling", name[2],
                        OPTIONS("kernel", "(2, 2)", "stride", "(2, 2)", "pool_type", "max"));
    }
    symbol = append(symbol, "Flatten", "flat", NULL);
    symbol = append(symbol, "FullyConnected", "fc0", OPTIONS("num_hidden", "32"));
    symbol = classify(append(symbol, "Activation", "tanh2", OPTIONS("act_type", "tanh")));
    return with_random_params(symbol, 4, (const uint32_t[]){batch, 1, 28, 28});
}

struct network load_network(const char *symbol_file, const char *params_file, uint32_t rank,
                            const uint32_t *data_shape)
{
    struct network network = {.rank = rank};
    memcpy(network.data_shape, data_shape, rank * sizeof *data_shape);
    SUCCEEDS(MXSymbolCreateFromFile(symbol_file, &network.symbol));
    char **names = list_inputs(&network);
    uint32_t count, name_count;
    NDArrayHandle *loaded, *arrays;
    const char **keys;
    SUCCEEDS(MXNDArrayLoad(params_file, &count, &loaded, &name_count, &keys));
    ck_assert_uint_eq(count, name_count);
    arrays = malloc((count + 1) * sizeof(NDArrayHandle));
    memcpy(arrays, loaded, count * sizeof(NDArrayHandle));
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < network.inputs && arrays[i] != NULL; k++) {
            if (network.params[k] == NULL && strcmp(names[k], keys[i] + strlen("arg:")) == 0) {
                network.params[k] = arrays[i];
                arrays[i] = NULL;
            }
        }
    }
    for (uint32_t k = 0; k < network.inputs; k++)
        ck_assert_msg(network.params[k] != NULL || (int)k == network.data_at ||
                          (int)k == network.label_at,
                      "%s is missing in %s", names[k], params_file);
    for (uint32_t i = 0; i < count; i++)
        if (arrays[i] != NULL)
            SUCCEEDS(MXNDArrayFree(arrays[i]));
    free(arrays);
    free_names(names, network.inputs);
    return network;
}

void free_network(struct network *network)
{
    for (uint32_t i = 0; i < network->inputs; i++)
        if (network->params[i] != NULL)
            SUCCEEDS(MXNDArrayFree(network->params[i]));
    free(network->params);
    SUCCEEDS(MXSymbolFree(network->symbol));
}
