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

/** 10901: this is MXNet 1.9.1's interface. */
MXNET_DLL int MXGetVersion(int *out);

/**
 * MXNet's features by their names, and which of them this library has. `MKLDNN` is oneDNN, `CUDA`
 * that there is a GPU module; what is not for inference is never there.
 *
 * @param libFeature  receives `*size` features; static storage
 */
MXNET_DLL int MXLibInfoFeatures(const struct LibFeature **libFeature, size_t *size);

/** How many GPUs there are; 0 without a driver. Looks for them at the first call. */
MXNET_DLL int MXGetGPUCount(int *out);

/** Not supported: -1. */
MXNET_DLL int MXGetGPUMemoryInformation(int dev, int *free_mem, int *total_mem);
MXNET_DLL int MXGetGPUMemoryInformation64(int dev, uint64_t *free_mem, uint64_t *total_mem);

/** Waits for all pending work. May be called any number of times, and everything may be called
 * after it. Nothing has to be shut down. */
MXNET_DLL int MXNotifyShutdown(void);

/** Checks that `thread_num` is at least 1 and changes nothing: a run uses one thread, and as many
 * runs go on at once as there are threads that call. */
MXNET_DLL int MXSetNumOMPThreads(int thread_num);

/** Keeps a number for the thread, at least 0 and 0 at first, and tells the one before; it has no
 * effect. */
MXNET_DLL int MXEngineSetBulkSize(int bulk_size, int *prev_bulk_size);

/**
 * Seeds random operators. What they make from now on follows from the seed and the order in which
 * they are called, in any threads; the numbers are not MXNet's.
 */
MXNET_DLL int MXRandomSeed(int seed);

/** The same: one seed serves all devices. -1: no such device type. */
MXNET_DLL int MXRandomSeedContext(int seed, int dev_type, int dev_id);

/**
 * Whether shapes are numpy's: a rank of 0 and dimensions of 0 are values then and never mean that
 * something is not known.
 *
 * @param is_np_shape  0 off, also for all threads; 1 on for the calling thread; 2 on for all
 * @param prev         receives whether they were on for the calling thread
 */
MXNET_DLL int MXSetIsNumpyShape(int is_np_shape, int *prev);

/** 0 off, 1 on for the calling thread, 2 on for all. */
MXNET_DLL int MXIsNumpyShape(int *curr);

/** Nothing to do: memory of arrays goes back when the last handle and all work on it are gone. -1:
 * no such device type. */
MXNET_DLL int MXStorageEmptyCache(int dev_type, int dev_id);

#endif
