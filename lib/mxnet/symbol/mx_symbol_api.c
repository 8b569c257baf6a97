// SPDX-License-Identifier: Apache-2.0
/* Making symbols and taking them apart. */
#include <mxnet/c_api/symbol.h>
#include <nnvm/c_api.h>

#include <string.h>

#include "mxnet/base/mx_error.h"
#include "mxnet/symbol/mx_symbol_attributes.h"

/* Hands a symbol to the client. */
static int give(cop_status status, struct mx_symbol *made, SymbolHandle *out,
                const cop_error *error)
{
    if (status == COP_STATUS_OK)
        *out = made;
    return cop_mx_end(status, error);
}

/* Both handles of functions that make a symbol of another. */
static cop_status check_pair(SymbolHandle symbol, const SymbolHandle *out, cop_error *error)
{
    COP_TRY(cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", error));
    COP_MX_REQUIRE(out);
    return COP_STATUS_OK;
}

static cop_status check_list(size_t count, void *const *symbols, const char *what, cop_error *error)
{
    if (count > 0 && symbols == NULL)
        return cop_mx_fail_null(what, error);
    for (size_t i = 0; i < count; i++)
        COP_TRY(cop_mx_check_handle(symbols[i], MX_KIND_SYMBOL, what, error));
    return COP_STATUS_OK;
}

int MXSymbolCreateVariable(const char *name, SymbolHandle *out)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    cop_status status = COP_STATUS_OK;
    if (name == NULL || out == NULL)
        status = cop_mx_fail_null(name == NULL ? "name" : "out", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_create_variable(name, &made, &error);
    return give(status, made, out, &error);
}

static cop_status check_parameters(uint32_t count, const char **keys, const char **vals,
                                   cop_error *error)
{
    if (count > 0 && (keys == NULL || vals == NULL))
        return cop_mx_fail_null(keys == NULL ? "keys" : "vals", error);
    for (uint32_t i = 0; i < count; i++)
        if (keys[i] == NULL || vals[i] == NULL)
            return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "parameter %u: %s is NULL", i,
                            keys[i] == NULL ? "its key" : "its value");
    return COP_STATUS_OK;
}

int MXSymbolCreateAtomicSymbol(AtomicSymbolCreator creator, uint32_t num_param, const char **keys,
                               const char **vals, SymbolHandle *out)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    const struct mx_attributes attributes = {(int)num_param, (const char *const *)keys,
                                             (const char *const *)vals};
    cop_status status = check_parameters(num_param, keys, vals, &error);
    if (status == COP_STATUS_OK && !cop_mx_operator_is_one(creator))
        status = cop_fail(&error, COP_STATUS_INVALID_ARGUMENT, "Check failed: creator is %s",
                          creator == NULL ? "NULL" : "no operator");
    if (status == COP_STATUS_OK && out == NULL)
        status = cop_mx_fail_null("out", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_create_atomic(creator, &attributes, &made, &error);
    return give(status, made, out, &error);
}

int MXSymbolCreateGroup(uint32_t num_symbols, SymbolHandle *symbols, SymbolHandle *out)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    cop_status status = check_list(num_symbols, symbols, "symbols", &error);
    if (status == COP_STATUS_OK && out == NULL)
        status = cop_mx_fail_null("out", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_create_group((struct mx_symbol *const *)symbols, num_symbols, &made,
                                            &error);
    return give(status, made, out, &error);
}

int MXSymbolCompose(SymbolHandle sym, const char *name, uint32_t num_args, const char **keys,
                    SymbolHandle *args)
{
    cop_error error;
    cop_status status = cop_mx_check_handle(sym, MX_KIND_SYMBOL, "sym", &error);
    if (status == COP_STATUS_OK)
        status = check_list(num_args, args, "args", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_compose(sym, name, num_args, (const char *const *)keys,
                                       (struct mx_symbol *const *)args, &error);
    return cop_mx_end(status, &error);
}

int MXSymbolFree(SymbolHandle symbol)
{
    cop_error error;
    if (symbol == NULL)
        return 0;
    const cop_status status = cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", &error);
    if (status == COP_STATUS_OK)
        cop_mx_symbol_destroy(symbol);
    return cop_mx_end(status, &error);
}

int MXSymbolCopy(SymbolHandle symbol, SymbolHandle *out)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    cop_status status = check_pair(symbol, out, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_copy(symbol, &made, &error);
    return give(status, made, out, &error);
}

int MXShallowCopySymbol(SymbolHandle src, SymbolHandle *out)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    cop_status status = check_pair(src, out, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_share(src, &made, &error);
    return give(status, made, out, &error);
}

int MXSymbolGetOutput(SymbolHandle symbol, uint32_t index, SymbolHandle *out)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    cop_status status = check_pair(symbol, out, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_output(symbol, index, &made, &error);
    return give(status, made, out, &error);
}

int MXSymbolGetInternals(SymbolHandle symbol, SymbolHandle *out)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    cop_status status = check_pair(symbol, out, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_internals(symbol, &made, &error);
    return give(status, made, out, &error);
}

int MXSymbolGetChildren(SymbolHandle symbol, SymbolHandle *out)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    cop_status status = check_pair(symbol, out, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_children(symbol, &made, &error);
    return give(status, made, out, &error);
}

int MXGenBackendSubgraph(SymbolHandle sym_handle, const char *backend, SymbolHandle *ret_sym_handle)
{
    cop_error error;
    cop_status status = check_pair(sym_handle, ret_sym_handle, &error);
    if (status == COP_STATUS_OK && backend == NULL)
        status = cop_mx_fail_null("backend", &error);
    if (status == COP_STATUS_OK) /* there are none; what they are for is done anyway */
        status = cop_fail(&error, COP_STATUS_NOT_FOUND,
                          "Check failed: it != backend_map_.end(): SubgraphProperty %.100s is not "
                          "found in SubgraphBackendRegistry",
                          backend);
    return cop_mx_end(status, &error);
}

int MXSymbolRemoveAmpCast(SymbolHandle sym_handle, SymbolHandle *ret_sym_handle)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    cop_status status = check_pair(sym_handle, ret_sym_handle, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_without_casts(sym_handle, &made, &error);
    return give(status, made, ret_sym_handle, &error);
}

int NNSymbolCreateAtomicSymbol(OpHandle op, nn_uint num_param, const char **keys, const char **vals,
                               SymbolHandle *out)
{
    return MXSymbolCreateAtomicSymbol(op, num_param, keys, vals, out);
}

int NNSymbolCreateVariable(const char *name, SymbolHandle *out)
{
    return MXSymbolCreateVariable(name, out);
}

int NNSymbolCreateGroup(nn_uint num_symbols, SymbolHandle *symbols, SymbolHandle *out)
{
    return MXSymbolCreateGroup(num_symbols, symbols, out);
}

int NNSymbolFree(SymbolHandle symbol)
{
    return MXSymbolFree(symbol);
}

int NNSymbolCopy(SymbolHandle symbol, SymbolHandle *out)
{
    return MXSymbolCopy(symbol, out);
}

int NNSymbolGetInternals(SymbolHandle symbol, SymbolHandle *out)
{
    return MXSymbolGetInternals(symbol, out);
}

int NNSymbolGetChildren(SymbolHandle symbol, SymbolHandle *out)
{
    return MXSymbolGetChildren(symbol, out);
}

int NNSymbolGetOutput(SymbolHandle symbol, nn_uint index, SymbolHandle *out)
{
    return MXSymbolGetOutput(symbol, index, out);
}

int NNSymbolCompose(SymbolHandle sym, const char *name, nn_uint num_args, const char **keys,
                    SymbolHandle *args)
{
    return MXSymbolCompose(sym, name, num_args, keys, args);
}
