// SPDX-License-Identifier: Apache-2.0
/** Operators: which there are, what they take, and running one. */
#ifndef MXNET_C_API_OPERATOR_H_
#define MXNET_C_API_OPERATOR_H_

#include <mxnet/c_api/base.h>

MXNET_DLL int MXSymbolListAtomicSymbolCreators(uint32_t *out_size, AtomicSymbolCreator **out_array);

MXNET_DLL int MXListAllOpNames(uint32_t *out_size, const char ***out_array);

MXNET_DLL int MXSymbolGetAtomicSymbolName(AtomicSymbolCreator creator, const char **name);

MXNET_DLL int MXSymbolGetAtomicSymbolInfo(AtomicSymbolCreator creator, const char **name,
                                          const char **description, uint32_t *num_args,
                                          const char ***arg_names, const char ***arg_type_infos,
                                          const char ***arg_descriptions,
                                          const char **key_var_num_args,
                                          const char **return_type DEFAULT(NULL));

MXNET_DLL int MXImperativeInvoke(AtomicSymbolCreator creator, int num_inputs, NDArrayHandle *inputs,
                                 int *num_outputs, NDArrayHandle **outputs, int num_params,
                                 const char **param_keys, const char **param_vals);

MXNET_DLL int MXImperativeInvokeEx(AtomicSymbolCreator creator, int num_inputs,
                                   NDArrayHandle *inputs, int *num_outputs, NDArrayHandle **outputs,
                                   int num_params, const char **param_keys, const char **param_vals,
                                   const int **out_stypes);

#endif
