// SPDX-License-Identifier: Apache-2.0
/**
 * The library itself: version, what was built in, devices, and counters of the whole process.
 *
 * Thread-safety: every function here may be called from any thread at any time.
 */
#ifndef CACHEDOP_LIBRARY_H
#define CACHEDOP_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/cached_op.h>
#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the headers; compare with cop_version() of the library that is loaded. */
#define COP_VERSION_MAJOR 0
#define COP_VERSION_MINOR 1
#define COP_VERSION_PATCH 0

/** "major.minor.patch" of the library. Static storage. */
COP_API const char *cop_version(void);

/** One optional part of the library. */
typedef struct cop_feature {
    const char *name;    /**< such as "onednn" */
    bool enabled;        /**< in this build, on this machine */
    const char *version; /**< of what is used, such as "2.6.3"; "" when there is nothing to say */
} cop_feature;

/** The features of this build; `*count` (may be NULL) receives how many. Static storage. */
COP_API const cop_feature *cop_features(size_t *count);

/** One device that an operator can be created on. */
typedef struct cop_device_desc {
    cop_device device;
    char name[128]; /**< such as the processor's or the GPU's model name */
} cop_device_desc;

/**
 * Takes a backend from a module, a shared object, instead of the one that is looked for beside the
 * library when a GPU is first asked for. It stays loaded until the process ends. A module is code:
 * load only files you trust.
 *
 * @param path  absolute
 * @return OK, also where this very module is loaded already; INVALID_ARGUMENT: NULL or a relative
 * path; NOT_FOUND: the file cannot be opened, as the text says; UNSUPPORTED: it is no module, or
 * one for another version of the library; BUSY: another module serves its kind of device
 */
COP_API COP_MUST_USE cop_status cop_load_module(const char *path, cop_error *error);

/** How many devices cop_device_describe knows. Looks for GPUs when it is first called. */
COP_API size_t cop_device_count(void);

/**
 * Describes device `index`; opens it when nothing did before, for which others that open one wait.
 * @return OK; INVALID_ARGUMENT: no such index, or desc is NULL; OUT_OF_MEMORY; what opening the
 * device returns
 */
COP_API COP_MUST_USE cop_status cop_device_describe(size_t index, cop_device_desc *desc,
                                                    cop_error *error);

/** Counters of the process, each of one moment while other threads go on. */
typedef struct cop_library_stats {
    size_t struct_size;         /**< set by the caller */
    uint64_t allocations;       /**< made by this library so far; not those of libraries below it */
    size_t live_bytes;          /**< allocated by this library and not yet freed */
    size_t worker_threads;      /**< running now */
    size_t pending_invocations; /**< asynchronous, not yet done */
    uint64_t unobserved_errors; /**< failed invocations whose arrays were all released unwaited */
} cop_library_stats;

/** @return OK; INVALID_ARGUMENT: stats is NULL, or its struct_size is not set */
COP_API COP_MUST_USE cop_status cop_library_get_stats(cop_library_stats *stats, cop_error *error);

#ifdef __cplusplus
}
#endif
#endif
