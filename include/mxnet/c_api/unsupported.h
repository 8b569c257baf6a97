// SPDX-License-Identifier: Apache-2.0
/**
 * What is for training and for reading data sets: there so that programs link.
 *
 * Every function here returns -1 with "<function>: … is not supported: this library is for
 * inference", and writes nothing, unless said otherwise. Thread-safety: all may be called by any
 * thread at any time.
 */
#ifndef MXNET_C_API_UNSUPPORTED_H_
#define MXNET_C_API_UNSUPPORTED_H_

#include <mxnet/c_api/base.h>

/* Types of callbacks, none of which is ever called. */
typedef void(MXKVStoreUpdater)(int key, NDArrayHandle recv, NDArrayHandle local, void *handle);
typedef void(MXKVStoreStrUpdater)(const char *key, NDArrayHandle recv, NDArrayHandle local,
                                  void *handle);
typedef void(MXKVStoreServerController)(int head, const char *body, void *controller_handle);

/* Gradients. */
MXNET_DLL int MXExecutorBackward(ExecutorHandle handle, uint32_t len, NDArrayHandle *head_grads);

MXNET_DLL int MXExecutorBackwardEx(ExecutorHandle handle, uint32_t len, NDArrayHandle *head_grads,
                                   int is_train);

/** Succeeds with 0, which is what is; `prev` (may be NULL) receives 0. -1 for anything else. */
MXNET_DLL int MXAutogradSetIsRecording(int is_recording, int *prev);

/** As MXAutogradSetIsRecording. */
MXNET_DLL int MXAutogradSetIsTraining(int is_training, int *prev);

/** Succeeds: false. */
MXNET_DLL int MXAutogradIsRecording(bool *curr);

/** Succeeds: false. */
MXNET_DLL int MXAutogradIsTraining(bool *curr);

MXNET_DLL int MXAutogradMarkVariables(uint32_t num_var, NDArrayHandle *var_handles,
                                      uint32_t *reqs_array, NDArrayHandle *grad_handles);

MXNET_DLL int MXAutogradComputeGradient(uint32_t num_output, NDArrayHandle *output_handles);

MXNET_DLL int MXAutogradBackward(uint32_t num_output, NDArrayHandle *output_handles,
                                 NDArrayHandle *ograd_handles, int retain_graph);

MXNET_DLL int MXAutogradBackwardEx(uint32_t num_output, NDArrayHandle *output_handles,
                                   NDArrayHandle *ograd_handles, uint32_t num_variables,
                                   NDArrayHandle *var_handles, int retain_graph, int create_graph,
                                   int is_train, NDArrayHandle **grad_handles, int **grad_stypes);

/* Iterators over data sets. */

/** Succeeds: there are none. */
MXNET_DLL int MXListDataIters(uint32_t *out_size, DataIterCreator **out_array);

MXNET_DLL int MXDataIterGetIterInfo(DataIterCreator creator, const char **name,
                                    const char **description, uint32_t *num_args,
                                    const char ***arg_names, const char ***arg_type_infos,
                                    const char ***arg_descriptions);

MXNET_DLL int MXDataIterCreateIter(DataIterCreator handle, uint32_t num_param, const char **keys,
                                   const char **vals, DataIterHandle *out);

/** Succeeds for NULL. */
MXNET_DLL int MXDataIterFree(DataIterHandle handle);

MXNET_DLL int MXDataIterNext(DataIterHandle handle, int *out);

MXNET_DLL int MXDataIterBeforeFirst(DataIterHandle handle);

MXNET_DLL int MXDataIterGetData(DataIterHandle handle, NDArrayHandle *out);

MXNET_DLL int MXDataIterGetLabel(DataIterHandle handle, NDArrayHandle *out);

MXNET_DLL int MXDataIterGetIndex(DataIterHandle handle, uint64_t **out_index, uint64_t *out_size);

MXNET_DLL int MXDataIterGetPadNum(DataIterHandle handle, int *pad);

/* Stores of parameters that processes share. */
MXNET_DLL int MXInitPSEnv(uint32_t num_vars, const char **keys, const char **vals);

MXNET_DLL int MXKVStoreCreate(const char *type, KVStoreHandle *out);

/** Succeeds for NULL. */
MXNET_DLL int MXKVStoreFree(KVStoreHandle handle);

MXNET_DLL int MXKVStoreInit(KVStoreHandle handle, uint32_t num, const int *keys,
                            NDArrayHandle *vals);

MXNET_DLL int MXKVStoreInitEx(KVStoreHandle handle, uint32_t num, const char **keys,
                              NDArrayHandle *vals);

MXNET_DLL int MXKVStorePush(KVStoreHandle handle, uint32_t num, const int *keys,
                            NDArrayHandle *vals, int priority);

MXNET_DLL int MXKVStorePushEx(KVStoreHandle handle, uint32_t num, const char **keys,
                              NDArrayHandle *vals, int priority);

MXNET_DLL int MXKVStorePull(KVStoreHandle handle, uint32_t num, const int *keys,
                            NDArrayHandle *vals, int priority);

MXNET_DLL int MXKVStorePullEx(KVStoreHandle handle, uint32_t num, const char **keys,
                              NDArrayHandle *vals, int priority);

MXNET_DLL int MXKVStoreSetUpdater(KVStoreHandle handle, MXKVStoreUpdater updater,
                                  void *updater_handle);

MXNET_DLL int MXKVStoreSetUpdaterEx(KVStoreHandle handle, MXKVStoreUpdater updater,
                                    MXKVStoreStrUpdater str_updater, void *updater_handle);

MXNET_DLL int MXKVStoreGetType(KVStoreHandle handle, const char **type);

MXNET_DLL int MXKVStoreGetRank(KVStoreHandle handle, int *ret);

MXNET_DLL int MXKVStoreGetGroupSize(KVStoreHandle handle, int *ret);

MXNET_DLL int MXKVStoreBarrier(KVStoreHandle handle);

/** Succeeds: 1, as where a process has no role. */
MXNET_DLL int MXKVStoreIsWorkerNode(int *ret);

/** Succeeds: 0. */
MXNET_DLL int MXKVStoreIsServerNode(int *ret);

/** Succeeds: 0. */
MXNET_DLL int MXKVStoreIsSchedulerNode(int *ret);

MXNET_DLL int MXKVStoreRunServer(KVStoreHandle handle, MXKVStoreServerController controller,
                                 void *controller_handle);

MXNET_DLL int MXKVStoreSendCommmandToServers(KVStoreHandle handle, int cmd_id,
                                             const char *cmd_body);

MXNET_DLL int MXKVStoreGetNumDeadNode(KVStoreHandle handle, const int node_id, int *number,
                                      const int timeout_sec DEFAULT(60));

MXNET_DLL int MXKVStoreSetBarrierBeforeExit(KVStoreHandle handle, const int barrier_before_exit);

#endif
