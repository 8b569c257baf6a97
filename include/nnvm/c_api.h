// SPDX-License-Identifier: Apache-2.0
/**
 * The part of nnvm's C API that MXNet's clients use: operators by name, and symbols, which are the
 * same objects as mxnet/c_api.h's. What a function returns stays valid as there, but in slots of
 * its own.
 */
#ifndef NNVM_C_API_H_
#define NNVM_C_API_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef NNVM_DLL
#ifdef __cplusplus
#define NNVM_DLL extern "C" __attribute__((visibility("default")))
#else
#define NNVM_DLL __attribute__((visibility("default")))
#endif
#endif

typedef unsigned int nn_uint;
typedef void *OpHandle;     /**< an operator, valid for ever: an AtomicSymbolCreator */
typedef void *SymbolHandle; /**< a symbol */

NNVM_DLL void NNAPISetLastError(const char *msg);

NNVM_DLL const char *NNGetLastError(void);

NNVM_DLL int NNListAllOpNames(nn_uint *out_size, const char ***out_array);

NNVM_DLL int NNGetOpHandle(const char *op_name, OpHandle *op_out);

NNVM_DLL int NNListUniqueOps(nn_uint *out_size, OpHandle **out_array);

NNVM_DLL int NNGetOpInfo(OpHandle op, const char **real_name, const char **description,
                         nn_uint *num_doc_args, const char ***arg_names,
                         const char ***arg_type_infos, const char ***arg_descriptions,
                         const char **return_type);

NNVM_DLL int NNSymbolCreateAtomicSymbol(OpHandle op, nn_uint num_param, const char **keys,
                                        const char **vals, SymbolHandle *out);

NNVM_DLL int NNSymbolCreateVariable(const char *name, SymbolHandle *out);

NNVM_DLL int NNSymbolCreateGroup(nn_uint num_symbols, SymbolHandle *symbols, SymbolHandle *out);

NNVM_DLL int NNSymbolFree(SymbolHandle symbol);

NNVM_DLL int NNSymbolCopy(SymbolHandle symbol, SymbolHandle *out);

NNVM_DLL int NNSymbolPrint(SymbolHandle symbol, const char **out_str);

NNVM_DLL int NNSymbolGetAttr(SymbolHandle symbol, const char *key, const char **out, int *success);

NNVM_DLL int NNSymbolSetAttrs(SymbolHandle symbol, nn_uint num_param, const char **keys,
                              const char **values);

NNVM_DLL int NNSymbolListAttrs(SymbolHandle symbol, int recursive_option, nn_uint *out_size,
                               const char ***out);

NNVM_DLL int NNSymbolListInputVariables(SymbolHandle symbol, int option, nn_uint *out_size,
                                        SymbolHandle **out_sym_array);

NNVM_DLL int NNSymbolListInputNames(SymbolHandle symbol, int option, nn_uint *out_size,
                                    const char ***out_str_array);

NNVM_DLL int NNSymbolListOutputNames(SymbolHandle symbol, nn_uint *out_size,
                                     const char ***out_str_array);

NNVM_DLL int NNSymbolGetNumOutputs(SymbolHandle symbol, nn_uint *output_count);

NNVM_DLL int NNSymbolGetInternals(SymbolHandle symbol, SymbolHandle *out);

NNVM_DLL int NNSymbolGetChildren(SymbolHandle symbol, SymbolHandle *out);

NNVM_DLL int NNSymbolGetOutput(SymbolHandle symbol, nn_uint index, SymbolHandle *out);

NNVM_DLL int NNSymbolCompose(SymbolHandle sym, const char *name, nn_uint num_args,
                             const char **keys, SymbolHandle *args);

#endif
