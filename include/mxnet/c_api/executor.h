// SPDX-License-Identifier: Apache-2.0
/** Executors: symbols bound to arrays. */
#ifndef MXNET_C_API_EXECUTOR_H_
#define MXNET_C_API_EXECUTOR_H_

#include <mxnet/c_api/base.h>

/** Called for each result of each node; `arr` belongs to the callee. */
typedef void (*ExecutorMonitorCallback)(const char *node_output_name, NDArrayHandle arr,
                                        void *user);

MXNET_DLL int MXExecutorBind(SymbolHandle symbol_handle, int dev_type, int dev_id, uint32_t len,
                             NDArrayHandle *in_args, NDArrayHandle *arg_grad_store,
                             uint32_t *grad_req_type, uint32_t aux_states_len,
                             NDArrayHandle *aux_states, ExecutorHandle *out);

MXNET_DLL int MXExecutorBindX(SymbolHandle symbol_handle, int dev_type, int dev_id,
                              uint32_t num_map_keys, const char **map_keys,
                              const int *map_dev_types, const int *map_dev_ids, uint32_t len,
                              NDArrayHandle *in_args, NDArrayHandle *arg_grad_store,
                              uint32_t *grad_req_type, uint32_t aux_states_len,
                              NDArrayHandle *aux_states, ExecutorHandle *out);

MXNET_DLL int MXExecutorBindEX(SymbolHandle symbol_handle, int dev_type, int dev_id,
                               uint32_t num_map_keys, const char **map_keys,
                               const int *map_dev_types, const int *map_dev_ids, uint32_t len,
                               NDArrayHandle *in_args, NDArrayHandle *arg_grad_store,
                               uint32_t *grad_req_type, uint32_t aux_states_len,
                               NDArrayHandle *aux_states, ExecutorHandle shared_exec,
                               ExecutorHandle *out);

MXNET_DLL int MXExecutorSimpleBindEx(
    SymbolHandle symbol_handle, int dev_type, int dev_id, const uint32_t num_g2c_keys,
    const char **g2c_keys, const int *g2c_dev_types, const int *g2c_dev_ids,
    const uint32_t provided_grad_req_list_len, const char **provided_grad_req_names,
    const char **provided_grad_req_types, const uint32_t num_provided_arg_shapes,
    const char **provided_arg_shape_names, const int *provided_arg_shape_data,
    const uint32_t *provided_arg_shape_idx, const uint32_t num_provided_arg_dtypes,
    const char **provided_arg_dtype_names, const int *provided_arg_dtypes,
    const uint32_t num_provided_arg_stypes, const char **provided_arg_stype_names,
    const int *provided_arg_stypes, const uint32_t num_shared_arg_names,
    const char **shared_arg_name_list, int *shared_buffer_len, const char **shared_buffer_name_list,
    NDArrayHandle *shared_buffer_handle_list, const char ***updated_shared_buffer_name_list,
    NDArrayHandle **updated_shared_buffer_handle_list, uint32_t *num_in_args,
    NDArrayHandle **in_args, NDArrayHandle **arg_grads, uint32_t *num_aux_states,
    NDArrayHandle **aux_states, ExecutorHandle shared_exec_handle, ExecutorHandle *out);

MXNET_DLL int MXExecutorReshapeEx(int partial_shaping, int allow_up_sizing, int dev_type,
                                  int dev_id, uint32_t num_map_keys, const char **map_keys,
                                  const int *map_dev_types, const int *map_dev_ids,
                                  const uint32_t num_provided_arg_shapes,
                                  const char **provided_arg_shape_names,
                                  const int *provided_arg_shape_data,
                                  const uint32_t *provided_arg_shape_idx, uint32_t *num_in_args,
                                  NDArrayHandle **in_args, NDArrayHandle **arg_grads,
                                  uint32_t *num_aux_states, NDArrayHandle **aux_states,
                                  ExecutorHandle shared_exec, ExecutorHandle *out);

MXNET_DLL int MXExecutorForward(ExecutorHandle handle, int is_train);

MXNET_DLL int MXExecutorOutputs(ExecutorHandle handle, uint32_t *out_size, NDArrayHandle **out);

MXNET_DLL int MXExecutorFree(ExecutorHandle handle);

MXNET_DLL int MXExecutorPrint(ExecutorHandle handle, const char **out_str);

MXNET_DLL int MXExecutorSetMonitorCallback(ExecutorHandle handle, ExecutorMonitorCallback callback,
                                           void *callback_handle);

MXNET_DLL int MXExecutorSetMonitorCallbackEX(ExecutorHandle handle,
                                             ExecutorMonitorCallback callback,
                                             void *callback_handle, bool monitor_all);

#endif
