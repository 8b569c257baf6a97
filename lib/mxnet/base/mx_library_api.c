// SPDX-License-Identifier: Apache-2.0
/* Exported functions: the library itself. */
#include <mxnet/c_api/library.h>

#include <pthread.h>
#include <string.h>

#include <cachedop/invoke.h>
#include <cachedop/library.h>

#include "base/error.h"
#include "mxnet/base/mx_context.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_random.h"

#define VERSION 10901 /* the MXNet whose interface this is: 1.9.1 */

static cop_status get_version(int *out, cop_error *error)
{
    COP_MX_REQUIRE(out);
    *out = VERSION;
    return COP_STATUS_OK;
}

int MXGetVersion(int *out)
{
    cop_error error;
    return cop_mx_end(get_version(out, &error), &error);
}

#ifdef __SSE__
#define HAS_SSE true
#else
#define HAS_SSE false
#endif
#ifdef __SSE2__
#define HAS_SSE2 true
#else
#define HAS_SSE2 false
#endif
#ifdef __SSE3__
#define HAS_SSE3 true
#else
#define HAS_SSE3 false
#endif
#ifdef __SSE4_1__
#define HAS_SSE4_1 true
#else
#define HAS_SSE4_1 false
#endif
#ifdef __SSE4_2__
#define HAS_SSE4_2 true
#else
#define HAS_SSE4_2 false
#endif
#ifdef __AVX__
#define HAS_AVX true
#else
#define HAS_AVX false
#endif
#ifdef __AVX2__
#define HAS_AVX2 true
#else
#define HAS_AVX2 false
#endif
#ifdef __F16C__
#define HAS_F16C true
#else
#define HAS_F16C false
#endif

/* In MXNet's order. What the processor has is meant of the library's own code, as in MXNet: the one
 * that multiplies looks for itself. */
static struct LibFeature features[] = {
    {"CUDA", false},
    {"CUDNN", false},
    {"NCCL", false},
    {"CUDA_RTC", false},
    {"TENSORRT", false},
    {"CPU_SSE", HAS_SSE},
    {"CPU_SSE2", HAS_SSE2},
    {"CPU_SSE3", HAS_SSE3},
    {"CPU_SSE4_1", HAS_SSE4_1},
    {"CPU_SSE4_2", HAS_SSE4_2},
    {"CPU_SSE4A", false},
    {"CPU_AVX", HAS_AVX},
    {"CPU_AVX2", HAS_AVX2},
    {"OPENMP", false},
    {"SSE", false},
    {"F16C", HAS_F16C},
    {"JEMALLOC", false},
    {"BLAS_OPEN", false},
    {"BLAS_ATLAS", false},
    {"BLAS_MKL", false},
    {"BLAS_APPLE", false},
    {"LAPACK", false},
    {"MKLDNN", false},
    {"OPENCV", false},
    {"CAFFE", false},
    {"PROFILER", false},
    {"DIST_KVSTORE", false},
    {"CXX14", false},
    {"INT64_TENSOR_SIZE", false},
    {"SIGNAL_HANDLER", false},
    {"DEBUG", false},
    {"TVM_OP", false},
};
#define FEATURE_COUNT (sizeof features / sizeof features[0])

static void enable(const char *name)
{
    for (size_t i = 0; i < FEATURE_COUNT; i++)
        if (strcmp(features[i].name, name) == 0)
            features[i].enabled = true;
}

static void find_features(void)
{
    size_t count;
    const cop_feature *ours = cop_features(&count);
    for (size_t i = 0; i < count; i++) {
        if (ours[i].enabled && strcmp(ours[i].name, "cuda") == 0)
            enable("CUDA");
        if (ours[i].enabled && strcmp(ours[i].name, "onednn") == 0) {
            enable("MKLDNN");
            enable("OPENMP"); /* which it runs on */
        }
    }
}

static cop_status get_features(const struct LibFeature **libFeature, size_t *size, cop_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    COP_MX_REQUIRE(libFeature);
    COP_MX_REQUIRE(size);
    pthread_once(&once, find_features);
    *libFeature = features;
    *size = FEATURE_COUNT;
    return COP_STATUS_OK;
}

int MXLibInfoFeatures(const struct LibFeature **libFeature, size_t *size)
{
    cop_error error;
    return cop_mx_end(get_features(libFeature, size, &error), &error);
}

/* GPUs are described behind all others: the first one suffices, so that not all are opened. */
static cop_status count_gpus(int *out, cop_error *error)
{
    COP_MX_REQUIRE(out);
    const size_t count = cop_device_count();
    cop_device_desc desc = {.device = {COP_DEVICE_CPU, 0}};
    size_t first = 0;
    for (; first < count; first++) {
        const cop_status status = cop_device_describe(first, &desc, error);
        if (status == COP_STATUS_OUT_OF_MEMORY)
            return status;
        if (status != COP_STATUS_OK || desc.device.kind == COP_DEVICE_GPU)
            break; /* a GPU that does not open is one all the same */
    }
    *out = (int)(count - first);
    return COP_STATUS_OK;
}

int MXGetGPUCount(int *out)
{
    cop_error error;
    return cop_mx_end(count_gpus(out, &error), &error);
}

static int refuse_memory(const char *function)
{
    return cop_mx_not_supported(function, "asking how much memory a GPU has");
}

int MXGetGPUMemoryInformation(int dev, int *free_mem, int *total_mem)
{
    (void)dev, (void)free_mem, (void)total_mem;
    return refuse_memory("MXGetGPUMemoryInformation");
}

int MXGetGPUMemoryInformation64(int dev, uint64_t *free_mem, uint64_t *total_mem)
{
    (void)dev, (void)free_mem, (void)total_mem;
    return refuse_memory("MXGetGPUMemoryInformation64");
}

int MXNotifyShutdown(void)
{
    /* Failures stay with their arrays: there is nobody here to be told. */
    cop_error error;
    const cop_status status = cop_wait_all(NULL, COP_NO_TIMEOUT, NULL, &error);
    (void)status;
    return 0;
}

/* A run uses one thread by design; as many runs as there are threads go on at once. */
static cop_status check_threads(int count, cop_error *error)
{
    if (count >= 1)
        return COP_STATUS_OK;
    return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "Check failed: thread_num >= 1 (%d vs. 1)",
                    count);
}

int MXSetNumOMPThreads(int thread_num)
{
    cop_error error;
    return cop_mx_end(check_threads(thread_num, &error), &error);
}

static cop_status set_bulk_size(int size, int *prev, cop_error *error)
{
    static _Thread_local int bulk_size; /* kept for whoever asks: nothing is bundled */
    COP_MX_REQUIRE(prev);
    if (size < 0)
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT,
                        "Check failed: bulk_size >= 0 (%d vs. 0)", size);
    *prev = bulk_size;
    bulk_size = size;
    return COP_STATUS_OK;
}

int MXEngineSetBulkSize(int bulk_size, int *prev_bulk_size)
{
    cop_error error;
    return cop_mx_end(set_bulk_size(bulk_size, prev_bulk_size, &error), &error);
}

int MXRandomSeed(int seed)
{
    cop_mx_random_seed((uint32_t)seed);
    return 0;
}

static cop_status seed_context(int seed, int dev_type, int dev_id, cop_error *error)
{
    struct mx_context context;
    COP_TRY(cop_mx_context_make(dev_type, dev_id, &context, error));
    cop_mx_random_seed((uint32_t)seed);
    return COP_STATUS_OK;
}

int MXRandomSeedContext(int seed, int dev_type, int dev_id)
{
    cop_error error;
    return cop_mx_end(seed_context(seed, dev_type, dev_id, &error), &error);
}

/* Memory of arrays is given back when the last handle goes: there is nothing to empty. */
int MXStorageEmptyCache(int dev_type, int dev_id)
{
    cop_error error;
    struct mx_context context;
    return cop_mx_end(cop_mx_context_make(dev_type, dev_id, &context, &error), &error);
}
