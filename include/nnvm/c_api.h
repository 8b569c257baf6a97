// SPDX-License-Identifier: Apache-2.0
/**
 * The part of nnvm's C API that MXNet's clients use: operators by name, and symbols, which are the
 * same objects as mxnet/c_api.h's: a handle of one interface may be used in the other.
 *
 * Functions NNSymbol… do what MXSymbol… of the same name do (mxnet/c_api/symbol.h), unless it says
 * otherwise here; NN texts and lists, too, are the calling thread's, but others than those of MX
 * functions: neither makes the other's invalid. 0 or -1; the text of a failure is the same for
 * MXGetLastError and NNGetLastError.
 *
 * Thread-safety: as in mxnet/c_api/symbol.h; operators may be asked for by any thread.
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

/** Makes a text the calling thread's last error; NULL: "". */
NNVM_DLL void NNAPISetLastError(const char *msg);

/** The text of the calling thread's last failure, as MXGetLastError. */
NNVM_DLL const char *NNGetLastError(void);

/** The names of all operators, aliases included, sorted. */
NNVM_DLL int NNListAllOpNames(nn_uint *out_size, const char ***out_array);

/** An operator by name or alias. -1: "Operator … is not registered". */
NNVM_DLL int NNGetOpHandle(const char *op_name, OpHandle *op_out);

/** All operators, each once. */
NNVM_DLL int NNListUniqueOps(nn_uint *out_size, OpHandle **out_array);

/** What MXSymbolGetAtomicSymbolInfo says, without the parameter that counts inputs. */
NNVM_DLL int NNGetOpInfo(OpHandle op, const char **real_name, const char **description,
                         nn_uint *num_doc_args, const char ***arg_names,
                         const char ***arg_type_infos, const char ***arg_descriptions,
                         const char **return_type);

/** Makes a node without inputs. */
NNVM_DLL int NNSymbolCreateAtomicSymbol(OpHandle op, nn_uint num_param, const char **keys,
                                        const char **vals, SymbolHandle *out);

NNVM_DLL int NNSymbolCreateVariable(const char *name, SymbolHandle *out);

NNVM_DLL int NNSymbolCreateGroup(nn_uint num_symbols, SymbolHandle *symbols, SymbolHandle *out);

NNVM_DLL int NNSymbolFree(SymbolHandle symbol);

NNVM_DLL int NNSymbolCopy(SymbolHandle symbol, SymbolHandle *out);

NNVM_DLL int NNSymbolPrint(SymbolHandle symbol, const char **out_str);

NNVM_DLL int NNSymbolGetAttr(SymbolHandle symbol, const char *key, const char **out, int *success);

/** Sets attributes one after the other. -1 at the first that the operator does not have: those
 * before it are set. */
NNVM_DLL int NNSymbolSetAttrs(SymbolHandle symbol, nn_uint num_param, const char **keys,
                              const char **values);

/** `*out_size` pairs of key and value: of the first output's node (1), or of all nodes with
 * `<node>$<key>` (0). Notes come once, as they are kept. */
NNVM_DLL int NNSymbolListAttrs(SymbolHandle symbol, int recursive_option, nn_uint *out_size,
                               const char ***out);

/**
 * The variables as symbols, which are the caller's; the list is the thread's.
 *
 * @param option  0 all, 1 arguments, 2 auxiliary states; anything else is -1
 */
NNVM_DLL int NNSymbolListInputVariables(SymbolHandle symbol, int option, nn_uint *out_size,
                                        SymbolHandle **out_sym_array);

/** Their names. */
NNVM_DLL int NNSymbolListInputNames(SymbolHandle symbol, int option, nn_uint *out_size,
                                    const char ***out_str_array);

/** As MXSymbolListOutputs. */
NNVM_DLL int NNSymbolListOutputNames(SymbolHandle symbol, nn_uint *out_size,
                                     const char ***out_str_array);

NNVM_DLL int NNSymbolGetNumOutputs(SymbolHandle symbol, nn_uint *output_count);

NNVM_DLL int NNSymbolGetInternals(SymbolHandle symbol, SymbolHandle *out);

NNVM_DLL int NNSymbolGetChildren(SymbolHandle symbol, SymbolHandle *out);

NNVM_DLL int NNSymbolGetOutput(SymbolHandle symbol, nn_uint index, SymbolHandle *out);

NNVM_DLL int NNSymbolCompose(SymbolHandle sym, const char *name, nn_uint num_args,
                             const char **keys, SymbolHandle *args);

#endif
