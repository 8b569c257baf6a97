// SPDX-License-Identifier: Apache-2.0
/** The library: version, features, devices, settings. */
#ifndef MXNET_C_API_LIBRARY_H_
#define MXNET_C_API_LIBRARY_H_

#include <mxnet/c_api/base.h>

/** One part of the library. */
struct LibFeature {
    const char *name;
    bool enabled;
};

MXNET_DLL int MXGetVersion(int *out);

MXNET_DLL int MXLibInfoFeatures(const struct LibFeature **libFeature, size_t *size);

MXNET_DLL int MXGetGPUCount(int *out);

MXNET_DLL int MXGetGPUMemoryInformation(int dev, int *free_mem, int *total_mem);

MXNET_DLL int MXGetGPUMemoryInformation64(int dev, uint64_t *free_mem, uint64_t *total_mem);

MXNET_DLL int MXNotifyShutdown(void);

MXNET_DLL int MXSetNumOMPThreads(int thread_num);

MXNET_DLL int MXEngineSetBulkSize(int bulk_size, int *prev_bulk_size);

MXNET_DLL int MXRandomSeed(int seed);

MXNET_DLL int MXRandomSeedContext(int seed, int dev_type, int dev_id);

MXNET_DLL int MXSetIsNumpyShape(int is_np_shape, int *prev);

MXNET_DLL int MXIsNumpyShape(int *curr);

MXNET_DLL int MXStorageEmptyCache(int dev_type, int dev_id);

#endif
