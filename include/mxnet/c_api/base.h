// SPDX-License-Identifier: Apache-2.0
/** Types of MXNet's C API, and how functions report failures. */
#ifndef MXNET_C_API_BASE_H_
#define MXNET_C_API_BASE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef MXNET_DLL
#ifdef __cplusplus
#define MXNET_DLL extern "C" __attribute__((visibility("default")))
#else
#define MXNET_DLL __attribute__((visibility("default")))
#endif
#endif

#ifndef MXNET_EXTERN_C
#ifdef __cplusplus
#define MXNET_EXTERN_C extern "C"
#else
#define MXNET_EXTERN_C
#endif
#endif

/** A default argument where the language has them. */
#ifndef DEFAULT
#ifdef __cplusplus
#define DEFAULT(value) = value
#else
#define DEFAULT(value)
#endif
#endif

typedef uint32_t mx_uint;
typedef int mx_int;
typedef int64_t mx_int64;
typedef float mx_float;
typedef int64_t dim_t;

typedef void *NDArrayHandle;        /**< an array */
typedef const void *FunctionHandle; /**< not used */
typedef void *AtomicSymbolCreator;  /**< an operator, valid for ever */
typedef void *SymbolHandle;         /**< a symbol */
typedef void *AtomicSymbolHandle;   /**< a symbol of one node without inputs */
typedef void *CachedOpHandle;       /**< a cached operator */
typedef void *ExecutorHandle;       /**< a symbol bound to arrays */
typedef void *DataIterCreator;      /**< not used: there are no iterators */
typedef void *DataIterHandle;       /**< not used */
typedef void *KVStoreHandle;        /**< not used */

/**
 * The text of the calling thread's last failure; "" before the first. Never NULL, not cleared by
 * success, valid until the thread's next failure.
 */
MXNET_DLL const char *MXGetLastError(void);

#endif
