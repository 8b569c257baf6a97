// SPDX-License-Identifier: Apache-2.0
/** Cached operators. */
#ifndef MXNET_C_API_CACHED_OP_H_
#define MXNET_C_API_CACHED_OP_H_

#include <mxnet/c_api/base.h>

/** Called for each result of each node; `arr` belongs to the callee. */
typedef void (*CachedOpMonitorCallback)(const char *node_output_name, const char *op_name,
                                        NDArrayHandle arr);

MXNET_DLL int MXCreateCachedOp(SymbolHandle handle, CachedOpHandle *out);

MXNET_DLL int MXCreateCachedOpEx(SymbolHandle handle, int num_flags, const char **keys,
                                 const char **vals, CachedOpHandle *out);

MXNET_DLL int MXCreateCachedOpEX(SymbolHandle handle, int num_flags, const char **keys,
                                 const char **vals, CachedOpHandle *out,
                                 bool thread_safe DEFAULT(false));

MXNET_DLL int MXFreeCachedOp(CachedOpHandle handle);

MXNET_DLL int MXInvokeCachedOp(CachedOpHandle handle, int num_inputs, NDArrayHandle *inputs,
                               int *num_outputs, NDArrayHandle **outputs);

MXNET_DLL int MXInvokeCachedOpEx(CachedOpHandle handle, int num_inputs, NDArrayHandle *inputs,
                                 int *num_outputs, NDArrayHandle **outputs, const int **out_stypes);

MXNET_DLL int MXCachedOpRegisterOpHook(NDArrayHandle handle, CachedOpMonitorCallback callback,
                                       bool monitor_all);

#endif
