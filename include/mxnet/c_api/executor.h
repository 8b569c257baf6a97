// SPDX-License-Identifier: Apache-2.0
/**
 * Executors: symbols bound to arrays.
 *
 * An executor keeps the arrays that it was bound to: Forward reads what they hold then, and writes
 * the executor's outputs, whose memory stays the same. There is no backward: gradients may be
 * given and asked for, and are not looked at.
 *
 * Thread-safety: any number of threads may run one executor; runs that write the same outputs
 * follow one another. Free it when no call with it runs.
 */
#ifndef MXNET_C_API_EXECUTOR_H_
#define MXNET_C_API_EXECUTOR_H_

#include <mxnet/c_api/base.h>

/**
 * Called for a value on the way, in the thread that runs Forward.
 *
 * @param node_output_name  such as "fc_output"; gone when the callback returns
 * @param arr               belongs to the callee, who frees it
 * @param user              what was given with the callback
 */
typedef void (*ExecutorMonitorCallback)(const char *node_output_name, NDArrayHandle arr,
                                        void *user);

/**
 * Binds a symbol to arrays, all on the executor's device.
 *
 * @param in_args         `len` arrays in the order of MXSymbolListArguments; the handles remain the
 *                        caller's and may be freed at once, the memory lives on
 * @param arg_grad_store  not looked at, as is grad_req_type
 * @param aux_states      `aux_states_len` arrays in the order of MXSymbolListAuxiliaryStates
 * @param out             receives the executor; untouched on failure
 * @return -1: numbers, devices, shapes or types that do not fit the symbol, a none array (each with
 *         the argument's name), an operator that is not supported
 */
MXNET_DLL int MXExecutorBind(SymbolHandle symbol_handle, int dev_type, int dev_id, uint32_t len,
                             NDArrayHandle *in_args, NDArrayHandle *arg_grad_store,
                             uint32_t *grad_req_type, uint32_t aux_states_len,
                             NDArrayHandle *aux_states, ExecutorHandle *out);

/** The same with devices for groups of nodes; -1 when one is not the executor's. */
MXNET_DLL int MXExecutorBindX(SymbolHandle symbol_handle, int dev_type, int dev_id,
                              uint32_t num_map_keys, const char **map_keys,
                              const int *map_dev_types, const int *map_dev_ids, uint32_t len,
                              NDArrayHandle *in_args, NDArrayHandle *arg_grad_store,
                              uint32_t *grad_req_type, uint32_t aux_states_len,
                              NDArrayHandle *aux_states, ExecutorHandle *out);

/** The same with an executor, or NULL, whose memory might be used: it is not. */
MXNET_DLL int MXExecutorBindEX(SymbolHandle symbol_handle, int dev_type, int dev_id,
                               uint32_t num_map_keys, const char **map_keys,
                               const int *map_dev_types, const int *map_dev_ids, uint32_t len,
                               NDArrayHandle *in_args, NDArrayHandle *arg_grad_store,
                               uint32_t *grad_req_type, uint32_t aux_states_len,
                               NDArrayHandle *aux_states, ExecutorHandle shared_exec,
                               ExecutorHandle *out);

/**
 * Binds a symbol to arrays of zeros that it makes, for shapes of some arguments.
 *
 * @param provided_arg_shape_names  arguments; those that the symbol does not have are passed over
 * @param provided_arg_shape_data   their dimensions one after another; 0 (unless shapes are
 *                                  numpy's) and negative ones are unknown
 * @param provided_arg_shape_idx    where each begins, one more than there are names
 * @param provided_arg_dtypes       types of arguments; what does not follow from them is float32
 * @param provided_arg_stypes       storage: 0 or less
 * @param shared_arg_name_list      arguments that executors may share through the buffer
 * @param shared_buffer_len         -1: there is no buffer; or how many arrays it has, on return how
 *                                  many are in the updated lists
 * @param shared_buffer_handle_list arrays by name: one of these names, of the right shape, type and
 *                                  device is bound in place of a new one
 * @param updated_shared_buffer_handle_list receives new handles of the buffer's arrays and of those
 *                                  that joined it; the caller frees them
 * @param in_args                   receives new handles of all arguments; the caller frees them
 * @param arg_grads                 receives as many NULL
 * @param aux_states                receives new handles of auxiliary states; the caller frees them
 * @return -1: shapes that do not suffice, with the arguments that are open; and as MXExecutorBind
 *
 * The lists are the thread's until it asks for others of their kind.
 */
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

/**
 * An executor of the same symbol for other shapes. Arrays whose shapes stay are shared with
 * `shared_exec`, which stays usable; the others are new, of zeros. What has been prepared of shared
 * parameters serves both.
 *
 * @param partial_shaping  not 0: arguments without a given shape may change theirs
 * @param allow_up_sizing  not 0: arrays may become larger
 * @return -1: a change that is not allowed, with the argument; another device than the executor's
 *
 * The rest as MXExecutorSimpleBindEx.
 */
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

/**
 * Runs; the outputs are complete when they are read or waited for.
 *
 * @param is_train  not 0: -1 where the symbol has operators that do something else in training
 */
MXNET_DLL int MXExecutorForward(ExecutorHandle handle, int is_train);

/**
 * New handles of the outputs, there from the time of binding; the caller frees them. The next
 * Forward writes the same memory. The list is the thread's until it asks for other handles.
 */
MXNET_DLL int MXExecutorOutputs(ExecutorHandle handle, uint32_t *out_size, NDArrayHandle **out);

/** Gives an executor back; accepts NULL. Outputs that the caller holds live on. */
MXNET_DLL int MXExecutorFree(ExecutorHandle handle);

/** A description to read: device, inputs, operators and outputs; the thread's text. */
MXNET_DLL int MXExecutorPrint(ExecutorHandle handle, const char **out_str);

/**
 * Has every output of every operator shown, in the order of the nodes, from the next Forward on,
 * which then waits for its results and is slower. NULL ends it, also from within the callback: the
 * run that goes on ends with it. Means and variances that BatchNorm computes aside are not shown.
 */
MXNET_DLL int MXExecutorSetMonitorCallback(ExecutorHandle handle, ExecutorMonitorCallback callback,
                                           void *callback_handle);

/** The same; `monitor_all` shows inputs of operators as well, as "fc_weight" for input weight of
 *  fc, a variable under its own name before. */
MXNET_DLL int MXExecutorSetMonitorCallbackEX(ExecutorHandle handle,
                                             ExecutorMonitorCallback callback,
                                             void *callback_handle, bool monitor_all);

#endif
