// SPDX-License-Identifier: Apache-2.0
/**
 * Element types and tensor descriptions.
 *
 * Thread-safety: immutable.
 */
#ifndef CACHEDOP_DTYPE_H
#define CACHEDOP_DTYPE_H

#include <stddef.h>
#include <stdint.h>

#include <cachedop/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** X(value, number, name, bytes per element). Numbers are ABI. */
#define COP_DTYPE_LIST(X)                                                                          \
    X(FLOAT32, 1, "float32", 4)                                                                    \
    X(FLOAT64, 2, "float64", 8)                                                                    \
    X(FLOAT16, 3, "float16", 2)                                                                    \
    X(BFLOAT16, 4, "bfloat16", 2)                                                                  \
    X(INT8, 5, "int8", 1)                                                                          \
    X(UINT8, 6, "uint8", 1)                                                                        \
    X(INT16, 7, "int16", 2)                                                                        \
    X(UINT16, 8, "uint16", 2)                                                                      \
    X(INT32, 9, "int32", 4)                                                                        \
    X(UINT32, 10, "uint32", 4)                                                                     \
    X(INT64, 11, "int64", 8)                                                                       \
    X(UINT64, 12, "uint64", 8)                                                                     \
    X(BOOL, 13, "bool", 1) /* one byte, 0 or 1 */

typedef enum cop_dtype {
    COP_DTYPE_UNKNOWN = 0,
#define COP_DTYPE_ENUM(value, number, name, bytes) COP_DTYPE_##value = number,
    COP_DTYPE_LIST(COP_DTYPE_ENUM)
#undef COP_DTYPE_ENUM
} cop_dtype;

#define COP_MAX_RANK 8

/** The name and shape of one input or output. */
typedef struct cop_tensor_desc {
    const char *name; /**< owned by the object that was asked, valid while it lives */
    cop_dtype dtype;
    int rank;                    /**< 0 is a scalar; -1: the model does not say */
    int64_t shape[COP_MAX_RANK]; /**< outermost first; -1: bound when an operator is created */
} cop_tensor_desc;

/** The name of an element type, such as "float32"; "unknown" for another number. Static storage. */
COP_API const char *cop_dtype_name(cop_dtype dtype);

/** Bytes per element; 0 for COP_DTYPE_UNKNOWN or another number. */
COP_API size_t cop_dtype_bytes(cop_dtype dtype);

#ifdef __cplusplus
}
#endif
#endif
