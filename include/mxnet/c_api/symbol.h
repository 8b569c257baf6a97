// SPDX-License-Identifier: Apache-2.0
/** Symbols: graphs of operators by name. */
#ifndef MXNET_C_API_SYMBOL_H_
#define MXNET_C_API_SYMBOL_H_

#include <mxnet/c_api/base.h>

MXNET_DLL int MXSymbolCreateVariable(const char *name, SymbolHandle *out);

MXNET_DLL int MXSymbolCreateAtomicSymbol(AtomicSymbolCreator creator, uint32_t num_param,
                                         const char **keys, const char **vals, SymbolHandle *out);

MXNET_DLL int MXSymbolCreateGroup(uint32_t num_symbols, SymbolHandle *symbols, SymbolHandle *out);

MXNET_DLL int MXSymbolCompose(SymbolHandle sym, const char *name, uint32_t num_args,
                              const char **keys, SymbolHandle *args);

MXNET_DLL int MXSymbolCreateFromFile(const char *fname, SymbolHandle *out);

MXNET_DLL int MXSymbolCreateFromJSON(const char *json, SymbolHandle *out);

MXNET_DLL int MXSymbolSaveToFile(SymbolHandle symbol, const char *fname);

MXNET_DLL int MXSymbolSaveToJSON(SymbolHandle symbol, const char **out_json);

MXNET_DLL int MXSymbolFree(SymbolHandle symbol);

MXNET_DLL int MXSymbolCopy(SymbolHandle symbol, SymbolHandle *out);

MXNET_DLL int MXShallowCopySymbol(SymbolHandle src, SymbolHandle *out);

MXNET_DLL int MXSymbolGetOutput(SymbolHandle symbol, uint32_t index, SymbolHandle *out);

MXNET_DLL int MXSymbolGetInternals(SymbolHandle symbol, SymbolHandle *out);

MXNET_DLL int MXSymbolGetChildren(SymbolHandle symbol, SymbolHandle *out);

MXNET_DLL int MXSymbolGetInputSymbols(SymbolHandle sym, SymbolHandle **inputs, int *input_size);

MXNET_DLL int MXSymbolListArguments(SymbolHandle symbol, uint32_t *out_size,
                                    const char ***out_str_array);

MXNET_DLL int MXSymbolListAuxiliaryStates(SymbolHandle symbol, uint32_t *out_size,
                                          const char ***out_str_array);

MXNET_DLL int MXSymbolListOutputs(SymbolHandle symbol, uint32_t *out_size,
                                  const char ***out_str_array);

MXNET_DLL int MXSymbolGetNumOutputs(SymbolHandle symbol, uint32_t *output_count);

MXNET_DLL int MXSymbolGetName(SymbolHandle symbol, const char **out, int *success);

MXNET_DLL int MXSymbolGetAttr(SymbolHandle symbol, const char *key, const char **out, int *success);

MXNET_DLL int MXSymbolSetAttr(SymbolHandle symbol, const char *key, const char *value);

MXNET_DLL int MXSymbolListAttr(SymbolHandle symbol, uint32_t *out_size, const char ***out);

MXNET_DLL int MXSymbolListAttrShallow(SymbolHandle symbol, uint32_t *out_size, const char ***out);

MXNET_DLL int MXSymbolPrint(SymbolHandle symbol, const char **out_str);

MXNET_DLL int MXGenBackendSubgraph(SymbolHandle sym_handle, const char *backend,
                                   SymbolHandle *ret_sym_handle);

MXNET_DLL int MXSymbolRemoveAmpCast(SymbolHandle sym_handle, SymbolHandle *ret_sym_handle);

#endif
