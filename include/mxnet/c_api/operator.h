// SPDX-License-Identifier: Apache-2.0
/**
 * Operators: which there are, what they take, and running one on arrays.
 *
 * An operator's handle is valid for ever, the same for every alias, in every thread and for nnvm's
 * interface (NNGetOpHandle finds one by name). Handles are never freed.
 *
 * Every function returns 0, or -1 with a text in MXGetLastError; then what it gives out is
 * untouched unless it says otherwise. NULL where a pointer is needed, and a handle that is none of
 * an operator, are -1.
 *
 * Thread-safety: everything here, from any number of threads.
 */
#ifndef MXNET_C_API_OPERATOR_H_
#define MXNET_C_API_OPERATOR_H_

#include <mxnet/c_api/base.h>

/** All operators, each once whatever its aliases; the list is the library's and stays for ever. */
MXNET_DLL int MXSymbolListAtomicSymbolCreators(uint32_t *out_size, AtomicSymbolCreator **out_array);

/** All names, aliases included. The list is the thread's until it asks for another list of texts,
 * the names stay for ever. */
MXNET_DLL int MXListAllOpNames(uint32_t *out_size, const char ***out_array);

/** The operator's own name, which is none of its aliases; valid for ever. */
MXNET_DLL int MXSymbolGetAtomicSymbolName(AtomicSymbolCreator creator, const char **name);

/**
 * What an operator takes: tensors first, then parameters with their types and defaults, such as
 * "int, optional, default='1'", from which frontends make functions. Places that are NULL are left
 * out. On failure `*num_args` is 0.
 *
 * @param arg_names         receives the arguments' names; this list and the next two are the
 *                          thread's until it asks for another operator, their texts stay for ever
 * @param arg_type_infos    receives their types
 * @param arg_descriptions  receives what they are for
 * @param key_var_num_args  receives the parameter that counts the inputs of an operator of any
 *                          number of them, such as num_args; "" for all others
 * @param return_type       receives NULL: nothing more is known
 */
MXNET_DLL int MXSymbolGetAtomicSymbolInfo(AtomicSymbolCreator creator, const char **name,
                                          const char **description, uint32_t *num_args,
                                          const char ***arg_names, const char ***arg_type_infos,
                                          const char ***arg_descriptions,
                                          const char **key_var_num_args,
                                          const char **return_type DEFAULT(NULL));

/**
 * Runs an operator. What it compiles is kept for the next call with the same parameters.
 *
 * @param inputs       num_inputs arrays, on one device
 * @param num_outputs  how many arrays `*outputs` has, where that is not NULL; receives how many
 *                     there are
 * @param outputs      NULL: receives new arrays, which are the caller's, in a list that is the
 *                     thread's until its next call. Otherwise arrays that are written, in place of
 *                     none arrays new memory is made; they must be as many as the operator shows
 * @param param_keys   num_params names, and as many values in param_vals. A parameter that counts
 *                     the inputs may be left out
 * @return -1: a parameter that the operator does not have or cannot be so ("Cannot find argument
 *         …"), another number of inputs or outputs, shapes or types that do not fit ("Error in
 *         operator …"), an operator that this library does not have; outputs keep their elements.
 *         What fails later, on a GPU or behind earlier work, is told by the outputs when they are
 *         waited for
 */
MXNET_DLL int MXImperativeInvoke(AtomicSymbolCreator creator, int num_inputs, NDArrayHandle *inputs,
                                 int *num_outputs, NDArrayHandle **outputs, int num_params,
                                 const char **param_keys, const char **param_vals);

/** The same; `*out_stypes` receives the storage of each output, which is dense (0), in a list that
 * is the thread's until its next call. May be NULL. */
MXNET_DLL int MXImperativeInvokeEx(AtomicSymbolCreator creator, int num_inputs,
                                   NDArrayHandle *inputs, int *num_outputs, NDArrayHandle **outputs,
                                   int num_params, const char **param_keys, const char **param_vals,
                                   const int **out_stypes);

#endif
