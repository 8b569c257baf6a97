// SPDX-License-Identifier: Apache-2.0
/* Functions that are for training or for reading data sets: they are there so that programs link.
 */
#include <mxnet/c_api/unsupported.h>

#include "mxnet/base/mx_error.h"

/* They take what MXNet's take, and look at nothing of it. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static int store_number(int *place, const char *name, int number)
{
    cop_error error;
    if (place == NULL)
        return cop_mx_end(cop_mx_fail_null(name, &error), &error);
    *place = number;
    return 0;
}

/* Switches that are always off may be switched off. */
static int switch_off(const char *function, int wanted, int *previous)
{
    if (wanted != 0)
        return cop_mx_not_supported(function, "recording or training");
    if (previous != NULL)
        *previous = 0;
    return 0;
}

static int report_off(bool *current)
{
    cop_error error;
    if (current == NULL)
        return cop_mx_end(cop_mx_fail_null("curr", &error), &error);
    *current = false;
    return 0;
}

/* There never was anything to free. */
static int free_nothing(const void *handle, const char *function, const char *what)
{
    return handle == NULL ? 0 : cop_mx_not_supported(function, what);
}

int MXAutogradSetIsRecording(int is_recording, int *prev)
{
    return switch_off("MXAutogradSetIsRecording", is_recording, prev);
}

int MXAutogradSetIsTraining(int is_training, int *prev)
{
    return switch_off("MXAutogradSetIsTraining", is_training, prev);
}

int MXAutogradIsRecording(bool *curr)
{
    return report_off(curr);
}

int MXAutogradIsTraining(bool *curr)
{
    return report_off(curr);
}

int MXAutogradMarkVariables(uint32_t num_var, NDArrayHandle *var_handles, uint32_t *reqs_array,
                            NDArrayHandle *grad_handles)
{
    return cop_mx_not_supported("MXAutogradMarkVariables", "computing gradients");
}

int MXAutogradComputeGradient(uint32_t num_output, NDArrayHandle *output_handles)
{
    return cop_mx_not_supported("MXAutogradComputeGradient", "computing gradients");
}

int MXAutogradBackward(uint32_t num_output, NDArrayHandle *output_handles,
                       NDArrayHandle *ograd_handles, int retain_graph)
{
    return cop_mx_not_supported("MXAutogradBackward", "computing gradients");
}

int MXAutogradBackwardEx(uint32_t num_output, NDArrayHandle *output_handles,
                         NDArrayHandle *ograd_handles, uint32_t num_variables,
                         NDArrayHandle *var_handles, int retain_graph, int create_graph,
                         int is_train, NDArrayHandle **grad_handles, int **grad_stypes)
{
    return cop_mx_not_supported("MXAutogradBackwardEx", "computing gradients");
}

int MXListDataIters(uint32_t *out_size, DataIterCreator **out_array)
{
    cop_error error;
    if (out_size == NULL || out_array == NULL)
        return cop_mx_end(cop_mx_fail_null(out_size == NULL ? "out_size" : "out_array", &error),
                          &error);
    *out_size = 0;
    *out_array = NULL;
    return 0;
}

int MXDataIterGetIterInfo(DataIterCreator creator, const char **name, const char **description,
                          uint32_t *num_args, const char ***arg_names, const char ***arg_type_infos,
                          const char ***arg_descriptions)
{
    return cop_mx_not_supported("MXDataIterGetIterInfo", "a data iterator");
}

int MXDataIterCreateIter(DataIterCreator handle, uint32_t num_param, const char **keys,
                         const char **vals, DataIterHandle *out)
{
    return cop_mx_not_supported("MXDataIterCreateIter", "a data iterator");
}

int MXDataIterFree(DataIterHandle handle)
{
    return free_nothing(handle, "MXDataIterFree", "a data iterator");
}

int MXDataIterNext(DataIterHandle handle, int *out)
{
    return cop_mx_not_supported("MXDataIterNext", "a data iterator");
}

int MXDataIterBeforeFirst(DataIterHandle handle)
{
    return cop_mx_not_supported("MXDataIterBeforeFirst", "a data iterator");
}

int MXDataIterGetData(DataIterHandle handle, NDArrayHandle *out)
{
    return cop_mx_not_supported("MXDataIterGetData", "a data iterator");
}

int MXDataIterGetLabel(DataIterHandle handle, NDArrayHandle *out)
{
    return cop_mx_not_supported("MXDataIterGetLabel", "a data iterator");
}

int MXDataIterGetIndex(DataIterHandle handle, uint64_t **out_index, uint64_t *out_size)
{
    return cop_mx_not_supported("MXDataIterGetIndex", "a data iterator");
}

int MXDataIterGetPadNum(DataIterHandle handle, int *pad)
{
    return cop_mx_not_supported("MXDataIterGetPadNum", "a data iterator");
}

int MXInitPSEnv(uint32_t num_vars, const char **keys, const char **vals)
{
    return cop_mx_not_supported("MXInitPSEnv", "a parameter server");
}

int MXKVStoreCreate(const char *type, KVStoreHandle *out)
{
    return cop_mx_not_supported("MXKVStoreCreate", "a key-value store");
}

int MXKVStoreFree(KVStoreHandle handle)
{
    return free_nothing(handle, "MXKVStoreFree", "a key-value store");
}

int MXKVStoreInit(KVStoreHandle handle, uint32_t num, const int *keys, NDArrayHandle *vals)
{
    return cop_mx_not_supported("MXKVStoreInit", "a key-value store");
}

int MXKVStoreInitEx(KVStoreHandle handle, uint32_t num, const char **keys, NDArrayHandle *vals)
{
    return cop_mx_not_supported("MXKVStoreInitEx", "a key-value store");
}

int MXKVStorePush(KVStoreHandle handle, uint32_t num, const int *keys, NDArrayHandle *vals,
                  int priority)
{
    return cop_mx_not_supported("MXKVStorePush", "a key-value store");
}

int MXKVStorePushEx(KVStoreHandle handle, uint32_t num, const char **keys, NDArrayHandle *vals,
                    int priority)
{
    return cop_mx_not_supported("MXKVStorePushEx", "a key-value store");
}

int MXKVStorePull(KVStoreHandle handle, uint32_t num, const int *keys, NDArrayHandle *vals,
                  int priority)
{
    return cop_mx_not_supported("MXKVStorePull", "a key-value store");
}

int MXKVStorePullEx(KVStoreHandle handle, uint32_t num, const char **keys, NDArrayHandle *vals,
                    int priority)
{
    return cop_mx_not_supported("MXKVStorePullEx", "a key-value store");
}

int MXKVStoreSetUpdater(KVStoreHandle handle, MXKVStoreUpdater updater, void *updater_handle)
{
    return cop_mx_not_supported("MXKVStoreSetUpdater", "a key-value store");
}

int MXKVStoreSetUpdaterEx(KVStoreHandle handle, MXKVStoreUpdater updater,
                          MXKVStoreStrUpdater str_updater, void *updater_handle)
{
    return cop_mx_not_supported("MXKVStoreSetUpdaterEx", "a key-value store");
}

int MXKVStoreGetType(KVStoreHandle handle, const char **type)
{
    return cop_mx_not_supported("MXKVStoreGetType", "a key-value store");
}

int MXKVStoreGetRank(KVStoreHandle handle, int *ret)
{
    return cop_mx_not_supported("MXKVStoreGetRank", "a key-value store");
}

int MXKVStoreGetGroupSize(KVStoreHandle handle, int *ret)
{
    return cop_mx_not_supported("MXKVStoreGetGroupSize", "a key-value store");
}

int MXKVStoreBarrier(KVStoreHandle handle)
{
    return cop_mx_not_supported("MXKVStoreBarrier", "a key-value store");
}

int MXKVStoreIsWorkerNode(int *ret)
{
    return store_number(ret, "ret", 1); /* as where no role is set */
}

int MXKVStoreIsServerNode(int *ret)
{
    return store_number(ret, "ret", 0);
}

int MXKVStoreIsSchedulerNode(int *ret)
{
    return store_number(ret, "ret", 0);
}

int MXKVStoreRunServer(KVStoreHandle handle, MXKVStoreServerController controller,
                       void *controller_handle)
{
    return cop_mx_not_supported("MXKVStoreRunServer", "a key-value store");
}

int MXKVStoreSendCommmandToServers(KVStoreHandle handle, int cmd_id, const char *cmd_body)
{
    return cop_mx_not_supported("MXKVStoreSendCommmandToServers", "a key-value store");
}

int MXKVStoreGetNumDeadNode(KVStoreHandle handle, const int node_id, int *number,
                            const int timeout_sec DEFAULT(60))
{
    return cop_mx_not_supported("MXKVStoreGetNumDeadNode", "a key-value store");
}

int MXKVStoreSetBarrierBeforeExit(KVStoreHandle handle, const int barrier_before_exit)
{
    return cop_mx_not_supported("MXKVStoreSetBarrierBeforeExit", "a key-value store");
}
