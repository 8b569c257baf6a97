// SPDX-License-Identifier: Apache-2.0
/**
 * Symbols: graphs of operators by name.
 *
 * A handle stands for outputs of nodes, and other handles may stand for the same nodes: composing
 * and setting attributes changes a node for all who share it. A copy shares nothing.
 *
 * Names and order: the inputs of a symbol are its variables in the order in which a walk from the
 * outputs meets them, each behind what stands before it. Variables that an operator changes while
 * training (moving averages) are auxiliary states, all others arguments. An output is called by its
 * node, "_", and the operator's word for it: fc_output; a variable by its name.
 *
 * Every function returns 0, or -1 with a text in MXGetLastError; then outputs are untouched and
 * symbols are as they were. NULL where a pointer is needed, and a handle of something else, are -1.
 * Texts and lists belong to the calling thread until it asks for another text or list of symbols;
 * new symbols are the caller's, to be freed with MXSymbolFree.
 *
 * Cost: walks take time and memory in proportion to the nodes, never a stack that grows with them.
 *
 * Thread-safety: any number of threads may read one symbol. Composing, setting attributes and
 * freeing is for one thread, while no other uses that symbol or one that shares its nodes.
 */
#ifndef MXNET_C_API_SYMBOL_H_
#define MXNET_C_API_SYMBOL_H_

#include <mxnet/c_api/base.h>

/** Makes a variable. The name may be "". */
MXNET_DLL int MXSymbolCreateVariable(const char *name, SymbolHandle *out);

/**
 * Makes a node without inputs, to be composed.
 *
 * Attributes are read at once: -1 for a key that the operator does not have, a value that is none,
 * and one that is missing. Keys that begin with ctx_group, lr_mult, wd_mult, force_mirroring or
 * mirror_stage are notes and kept as `__key__`; -1 for one that ends so, such as weight_lr_mult.
 *
 * @param creator  of MXSymbolListAtomicSymbolCreators or NNGetOpHandle
 * @param keys     num_param names and as many values; what comes first counts
 */
MXNET_DLL int MXSymbolCreateAtomicSymbol(AtomicSymbolCreator creator, uint32_t num_param,
                                         const char **keys, const char **vals, SymbolHandle *out);

/** Makes a symbol of all outputs of others, whose nodes it shares. */
MXNET_DLL int MXSymbolCreateGroup(uint32_t num_symbols, SymbolHandle *symbols, SymbolHandle *out);

/**
 * Gives a node its inputs, in place, and a name where `name` is not NULL or "".
 *
 * Inputs that are not given become new variables `<name>_<input>`, with the node's attributes. An
 * operator of any number of inputs takes them by position, or as arg0, arg1, …. A symbol that has
 * inputs takes arguments by name: they replace its variables of these names, wherever those stand,
 * also among the outputs of a group. A variable alone takes none.
 *
 * @param keys  the inputs' names, NULL: by position
 * @param args  num_args symbols of one output each, whose nodes are shared from here on
 * @return -1: too many arguments, a name that there is not, an argument of several outputs, an
 *         auxiliary state that is no variable, a node that would depend on itself
 */
MXNET_DLL int MXSymbolCompose(SymbolHandle sym, const char *name, uint32_t num_args,
                              const char **keys, SymbolHandle *args);

/**
 * Reads a symbol that any version of MXNet wrote; of 0.8 to 1.8 it is brought to today's form.
 * Nothing in the file is trusted.
 */
MXNET_DLL int MXSymbolCreateFromFile(const char *fname, SymbolHandle *out);

/** The same from a text. */
MXNET_DLL int MXSymbolCreateFromJSON(const char *json, SymbolHandle *out);

/** Writes a symbol as MXNet 1.9.1 does, to the byte, and replaces the file in one step: a failure
 * leaves the old one. Where shapes are numpy's (MXSetIsNumpyShape) the file says so. */
MXNET_DLL int MXSymbolSaveToFile(SymbolHandle symbol, const char *fname);

/** The same as a text. */
MXNET_DLL int MXSymbolSaveToJSON(SymbolHandle symbol, const char **out_json);

/** Gives a handle back; accepts NULL. Nodes live as long as anybody shares them. */
MXNET_DLL int MXSymbolFree(SymbolHandle symbol);

/** A symbol of nodes of its own. */
MXNET_DLL int MXSymbolCopy(SymbolHandle symbol, SymbolHandle *out);

/** Another handle for the same nodes. */
MXNET_DLL int MXShallowCopySymbol(SymbolHandle src, SymbolHandle *out);

/** One of the outputs as a symbol. -1: there are not so many. */
MXNET_DLL int MXSymbolGetOutput(SymbolHandle symbol, uint32_t index, SymbolHandle *out);

/** All outputs of all nodes, variables included, in the order of the walk. */
MXNET_DLL int MXSymbolGetInternals(SymbolHandle symbol, SymbolHandle *out);

/** The inputs of the nodes that make the outputs; of a variable a symbol without outputs. */
MXNET_DLL int MXSymbolGetChildren(SymbolHandle symbol, SymbolHandle *out);

/** The variables as symbols, one for each input of a node that is one: a variable that is used
 * twice comes twice. The list is the thread's, the symbols are the caller's. */
MXNET_DLL int MXSymbolGetInputSymbols(SymbolHandle sym, SymbolHandle **inputs, int *input_size);

/** The names of the arguments. */
MXNET_DLL int MXSymbolListArguments(SymbolHandle symbol, uint32_t *out_size,
                                    const char ***out_str_array);

/** The names of the auxiliary states. */
MXNET_DLL int MXSymbolListAuxiliaryStates(SymbolHandle symbol, uint32_t *out_size,
                                          const char ***out_str_array);

/** The names of the outputs. */
MXNET_DLL int MXSymbolListOutputs(SymbolHandle symbol, uint32_t *out_size,
                                  const char ***out_str_array);

/** How many outputs the symbol has. */
MXNET_DLL int MXSymbolGetNumOutputs(SymbolHandle symbol, uint32_t *output_count);

/** The node's name; `*success` is 0 where outputs are of several nodes. */
MXNET_DLL int MXSymbolGetName(SymbolHandle symbol, const char **out, int *success);

/**
 * An attribute of the node; "name" and "op_name" ("null" for a variable) are ones, too, and notes
 * are found with and without underscores. `*success` is 0, and `*out` NULL, where there is none and
 * where outputs are of several nodes.
 */
MXNET_DLL int MXSymbolGetAttr(SymbolHandle symbol, const char *key, const char **out, int *success);

/** Sets one, which the operator must have; "name" renames the node, and notes are as in
 * MXSymbolCreateAtomicSymbol. -1, and nothing has changed, for one that does not fit and where
 * outputs are of several nodes. */
MXNET_DLL int MXSymbolSetAttr(SymbolHandle symbol, const char *key, const char *value);

/** All attributes of all nodes: `*out_size` pairs of `<node>$<key>` and value. Notes come twice,
 * with underscores and without. */
MXNET_DLL int MXSymbolListAttr(SymbolHandle symbol, uint32_t *out_size, const char ***out);

/** Those of the first output's node, with plain keys. */
MXNET_DLL int MXSymbolListAttrShallow(SymbolHandle symbol, uint32_t *out_size, const char ***out);

/** A description to read. */
MXNET_DLL int MXSymbolPrint(SymbolHandle symbol, const char **out_str);

/** -1: there are no such backends. What they are for is done anyway. */
MXNET_DLL int MXGenBackendSubgraph(SymbolHandle sym_handle, const char *backend,
                                   SymbolHandle *ret_sym_handle);

/** A copy without amp_cast and amp_multicast, but for those that make outputs: what goes into a
 * file. */
MXNET_DLL int MXSymbolRemoveAmpCast(SymbolHandle sym_handle, SymbolHandle *ret_sym_handle);

#endif
