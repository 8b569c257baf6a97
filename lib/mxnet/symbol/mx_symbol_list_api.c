// SPDX-License-Identifier: Apache-2.0
/* Names and attributes of symbols, in both interfaces. */
#include <mxnet/c_api/symbol.h>
#include <nnvm/c_api.h>

#include "base/alloc.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_symbol_attributes.h"

static cop_status check_list(SymbolHandle symbol, const uint32_t *size, const char **const *list,
                             cop_error *error)
{
    COP_TRY(cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", error));
    if (size == NULL)
        return cop_mx_fail_null("out_size", error);
    return list == NULL ? cop_mx_fail_null("out_str_array", error) : COP_STATUS_OK;
}

static int list_inputs(SymbolHandle symbol, enum mx_inputs which, enum mx_slot slot, uint32_t *size,
                       const char ***names)
{
    cop_error error;
    cop_status status = check_list(symbol, size, names, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_return_inputs(symbol, which, slot, size, names, &error);
    return cop_mx_end(status, &error);
}

static int list_outputs(SymbolHandle symbol, enum mx_slot slot, uint32_t *size, const char ***names)
{
    cop_error error;
    cop_status status = check_list(symbol, size, names, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_return_outputs(symbol, slot, size, names, &error);
    return cop_mx_end(status, &error);
}

static int list_attributes(SymbolHandle symbol, unsigned flags, enum mx_slot slot, uint32_t *size,
                           const char ***pairs)
{
    cop_error error;
    cop_status status = check_list(symbol, size, pairs, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_return_attributes(symbol, flags, slot, size, pairs, &error);
    return cop_mx_end(status, &error);
}

int MXSymbolListArguments(SymbolHandle symbol, uint32_t *out_size, const char ***out_str_array)
{
    return list_inputs(symbol, MX_INPUTS_ARGUMENTS, MX_SLOT_TEXTS, out_size, out_str_array);
}

int MXSymbolListAuxiliaryStates(SymbolHandle symbol, uint32_t *out_size,
                                const char ***out_str_array)
{
    return list_inputs(symbol, MX_INPUTS_AUXILIARY, MX_SLOT_TEXTS, out_size, out_str_array);
}

int MXSymbolListOutputs(SymbolHandle symbol, uint32_t *out_size, const char ***out_str_array)
{
    return list_outputs(symbol, MX_SLOT_TEXTS, out_size, out_str_array);
}

int MXSymbolListAttr(SymbolHandle symbol, uint32_t *out_size, const char ***out)
{
    return list_attributes(symbol, MX_LIST_RECURSIVE | MX_LIST_BARE, MX_SLOT_TEXTS, out_size, out);
}

int MXSymbolListAttrShallow(SymbolHandle symbol, uint32_t *out_size, const char ***out)
{
    return list_attributes(symbol, MX_LIST_BARE, MX_SLOT_TEXTS, out_size, out);
}

int MXSymbolGetNumOutputs(SymbolHandle symbol, uint32_t *output_count)
{
    cop_error error;
    cop_status status = cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", &error);
    if (status == COP_STATUS_OK && output_count == NULL)
        status = cop_mx_fail_null("output_count", &error);
    if (status == COP_STATUS_OK)
        *output_count = (uint32_t)((const struct mx_symbol *)symbol)->output_count;
    return cop_mx_end(status, &error);
}

static int get_attribute(SymbolHandle symbol, const char *key, enum mx_slot slot, const char **out,
                         int *success)
{
    cop_error error;
    const char *value = NULL;
    cop_status status = cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", &error);
    if (status == COP_STATUS_OK && (key == NULL || out == NULL || success == NULL))
        status = cop_mx_fail_null(key == NULL ? "key" : out == NULL ? "out" : "success", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_get_attribute(symbol, key, &value, &error);
    if (status == COP_STATUS_OK && value != NULL)
        status = cop_mx_return_text(slot, value, &value, &error);
    if (status == COP_STATUS_OK) {
        *out = value;
        *success = value != NULL;
    }
    return cop_mx_end(status, &error);
}

int MXSymbolGetAttr(SymbolHandle symbol, const char *key, const char **out, int *success)
{
    return get_attribute(symbol, key, MX_SLOT_TEXT, out, success);
}

int MXSymbolGetName(SymbolHandle symbol, const char **out, int *success)
{
    return get_attribute(symbol, "name", MX_SLOT_TEXT, out, success);
}

int MXSymbolSetAttr(SymbolHandle symbol, const char *key, const char *value)
{
    cop_error error;
    cop_status status = cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", &error);
    if (status == COP_STATUS_OK && (key == NULL || value == NULL))
        status = cop_mx_fail_null(key == NULL ? "key" : "value", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_set_attribute(symbol, key, value, &error);
    return cop_mx_end(status, &error);
}

static int print(SymbolHandle symbol, enum mx_slot slot, const char **out_str)
{
    cop_error error;
    cop_status status = cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", &error);
    if (status == COP_STATUS_OK && out_str == NULL)
        status = cop_mx_fail_null("out_str", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_return_description(symbol, slot, out_str, &error);
    return cop_mx_end(status, &error);
}

int MXSymbolPrint(SymbolHandle symbol, const char **out_str)
{
    return print(symbol, MX_SLOT_TEXT, out_str);
}

/* A symbol for each entry, in a slot. */
static cop_status return_symbols(struct mx_entry *entries, size_t count, enum mx_slot slot,
                                 SymbolHandle **handles, cop_error *error)
{
    void *memory;
    size_t made = 0;
    cop_status status = cop_mx_slot_take(slot, count * sizeof(SymbolHandle), &memory, error);
    struct mx_symbol **list = memory;
    while (made < count && status == COP_STATUS_OK) {
        const struct mx_symbol variable = {.output_count = 1, .outputs = &entries[made]};
        status = cop_mx_symbol_share(&variable, &list[made], error);
        made += status == COP_STATUS_OK;
    }
    while (status != COP_STATUS_OK && made > 0)
        cop_mx_symbol_destroy(list[--made]);
    if (status == COP_STATUS_OK)
        *handles = memory;
    return status;
}

/* The variables that a symbol needs. */
static cop_status collect_variables(const struct mx_order *order, enum mx_inputs which,
                                    struct mx_entry **entries, size_t *count, cop_error *error)
{
    int *inputs;
    COP_TRY(cop_mx_order_inputs(order, which, &inputs, count, error));
    *entries = cop_alloc(*count, sizeof **entries);
    for (size_t i = 0; *entries != NULL && i < *count; i++)
        (*entries)[i].node = order->nodes[inputs[i]];
    cop_free(inputs);
    return *entries != NULL ? COP_STATUS_OK : cop_fail_memory(error, "the symbol's inputs", *count);
}

/* … once for each input of a node that is one. */
static cop_status collect_uses(const struct mx_order *order, struct mx_entry **entries,
                               size_t *count, cop_error *error)
{
    size_t most = 0;
    for (size_t i = 0; i < order->count; i++)
        most += (size_t)order->nodes[i]->input_count;
    *count = 0;
    *entries = cop_alloc(most, sizeof **entries);
    if (*entries == NULL)
        return cop_fail_memory(error, "the symbol's inputs", most);
    for (size_t i = 0; i < order->count; i++)
        for (int k = 0; k < order->nodes[i]->input_count; k++)
            if (cop_mx_node_is_variable(order->nodes[i]->inputs[k].node))
                (*entries)[(*count)++] = order->nodes[i]->inputs[k];
    return COP_STATUS_OK;
}

static cop_status return_variables(SymbolHandle symbol, enum mx_inputs which, size_t *count,
                                   SymbolHandle **handles, cop_error *error)
{
    struct mx_order order;
    struct mx_entry *entries = NULL;
    COP_TRY(cop_mx_symbol_order(symbol, &order, error));
    cop_status status = collect_variables(&order, which, &entries, count, error);
    if (status == COP_STATUS_OK)
        status = return_symbols(entries, *count, MX_SLOT_NN_HANDLES, handles, error);
    cop_free(entries);
    cop_mx_order_free(&order);
    return status;
}

static cop_status return_uses(SymbolHandle symbol, size_t *count, SymbolHandle **handles,
                              cop_error *error)
{
    struct mx_order order;
    struct mx_entry *entries = NULL;
    COP_TRY(cop_mx_symbol_order(symbol, &order, error));
    cop_status status = collect_uses(&order, &entries, count, error);
    if (status == COP_STATUS_OK)
        status = return_symbols(entries, *count, MX_SLOT_HANDLES, handles, error);
    cop_free(entries);
    cop_mx_order_free(&order);
    return status;
}

int MXSymbolGetInputSymbols(SymbolHandle sym, SymbolHandle **inputs, int *input_size)
{
    cop_error error;
    size_t count = 0;
    cop_status status = cop_mx_check_handle(sym, MX_KIND_SYMBOL, "sym", &error);
    if (status == COP_STATUS_OK && (inputs == NULL || input_size == NULL))
        status = cop_mx_fail_null(inputs == NULL ? "inputs" : "input_size", &error);
    if (status == COP_STATUS_OK)
        status = return_uses(sym, &count, inputs, &error);
    if (status == COP_STATUS_OK)
        *input_size = (int)count;
    return cop_mx_end(status, &error);
}

static cop_status read_option(int option, enum mx_inputs *which, cop_error *error)
{
    *which = option == 1 ? MX_INPUTS_ARGUMENTS : option == 2 ? MX_INPUTS_AUXILIARY : MX_INPUTS_ALL;
    return option >= 0 && option <= 2
               ? COP_STATUS_OK
               : cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                          "option %d: 0 (all), 1 (arguments) or 2 (auxiliary states) is expected",
                          option);
}

int NNSymbolListInputNames(SymbolHandle symbol, int option, nn_uint *out_size,
                           const char ***out_str_array)
{
    cop_error error;
    enum mx_inputs which;
    const cop_status status = read_option(option, &which, &error);
    if (status != COP_STATUS_OK)
        return cop_mx_end(status, &error);
    return list_inputs(symbol, which, MX_SLOT_NN_TEXTS, out_size, out_str_array);
}

int NNSymbolListInputVariables(SymbolHandle symbol, int option, nn_uint *out_size,
                               SymbolHandle **out_sym_array)
{
    cop_error error;
    enum mx_inputs which;
    size_t count = 0;
    cop_status status = read_option(option, &which, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", &error);
    if (status == COP_STATUS_OK && (out_size == NULL || out_sym_array == NULL))
        status = cop_mx_fail_null(out_size == NULL ? "out_size" : "out_sym_array", &error);
    if (status == COP_STATUS_OK)
        status = return_variables(symbol, which, &count, out_sym_array, &error);
    if (status == COP_STATUS_OK)
        *out_size = (nn_uint)count;
    return cop_mx_end(status, &error);
}

int NNSymbolListOutputNames(SymbolHandle symbol, nn_uint *out_size, const char ***out_str_array)
{
    return list_outputs(symbol, MX_SLOT_NN_TEXTS, out_size, out_str_array);
}

int NNSymbolGetNumOutputs(SymbolHandle symbol, nn_uint *output_count)
{
    return MXSymbolGetNumOutputs(symbol, output_count);
}

int NNSymbolGetAttr(SymbolHandle symbol, const char *key, const char **out, int *success)
{
    return get_attribute(symbol, key, MX_SLOT_NN_TEXT, out, success);
}

int NNSymbolSetAttrs(SymbolHandle symbol, nn_uint num_param, const char **keys, const char **values)
{
    cop_error error;
    if (num_param > 0 && (keys == NULL || values == NULL))
        return cop_mx_end(cop_mx_fail_null(keys == NULL ? "keys" : "values", &error), &error);
    for (nn_uint i = 0; i < num_param; i++)
        if (MXSymbolSetAttr(symbol, keys[i], values[i]) != 0)
            return -1;
    return cop_mx_end(cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", &error), &error);
}

int NNSymbolListAttrs(SymbolHandle symbol, int recursive_option, nn_uint *out_size,
                      const char ***out)
{
    return list_attributes(symbol, recursive_option == 0 ? MX_LIST_RECURSIVE : 0, MX_SLOT_NN_TEXTS,
                           out_size, out);
}

int NNSymbolPrint(SymbolHandle symbol, const char **out_str)
{
    return print(symbol, MX_SLOT_NN_TEXT, out_str);
}
